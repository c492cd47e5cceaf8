//! The fuzz targets without a fuzzer: every seed from the recordings goes through its target, whole, cut off, and with bits
//! turned; the same ones each time.

#[path = "../fuzz/targets/mod.rs"]
mod targets;

use std::{
    panic::{self, AssertUnwindSafe},
    path::Path,
};

/// How many cut and how many damaged copies of a seed are tried, for targets that are quick and for those that are not.
const QUICK: usize = 40;
const SLOW: usize = 6;

fn run(target: &targets::Target, input: &[u8]) {
    let (name, run) = target;
    let done = panic::catch_unwind(AssertUnwindSafe(|| run(input)));
    assert!(done.is_ok(), "{name} panics at {:?}", String::from_utf8_lossy(input));
}

/// Numbers that only look random.
fn next(state: &mut u64) -> usize {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    usize::try_from(*state >> 33).expect("31 bits")
}

fn try_target(target: &targets::Target, copies: usize) {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let seeds = targets::seeds::of(target.0, &golden).expect("the recordings");
    assert!(seeds.len() > 3 || target.0 == "lab_file", "{} has {} seeds", target.0, seeds.len());
    let mut state = 7;
    for seed in seeds {
        run(target, &seed);
        for _ in 0..copies {
            run(target, &seed[..next(&mut state) % seed.len()]);
            let mut damaged = seed.clone();
            for _ in 0..=next(&mut state) % 3 {
                let at = next(&mut state) % damaged.len();
                damaged[at] ^= 1 << (next(&mut state) % 8);
            }
            run(target, &damaged);
        }
    }
}

fn target(name: &str) -> targets::Target {
    *targets::ALL.iter().find(|(known, _)| *known == name).expect("a target")
}

#[test]
fn what_is_read_is_read_whole_or_refused() {
    for name in
        ["recordio", "json", "protobuf", "resources", "attributes", "zookeeper", "registry_names", "lab_file"]
    {
        try_target(&target(name), QUICK);
    }
}

#[test]
fn masters_and_agents_take_any_call() {
    for name in ["scheduler_calls", "operator_calls", "agent_calls"] {
        try_target(&target(name), SLOW);
    }
}

#[test]
fn masters_and_agents_take_any_message() {
    try_target(&target("libprocess"), SLOW);
}

#[test]
fn the_books_balance_over_whole_histories() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let seeds = targets::seeds::of("histories", &golden).expect("made by lot");
    let reached: Vec<targets::Reached> = seeds.iter().map(|seed| targets::play(seed)).collect();
    let sum = |of: fn(&targets::Reached) -> usize| reached.iter().map(of).sum::<usize>();
    assert!(sum(|it| it.ran) > 50 && sum(|it| it.ended) > 50 && sum(|it| it.operated) > 20, "{reached:?}");
}

#[test]
fn every_target_is_a_program_for_the_fuzzer() {
    let manifest = include_str!("../fuzz/Cargo.toml");
    for (name, _) in targets::ALL {
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name} is no target of cargo-fuzz");
    }
    assert_eq!(manifest.matches("[[bin]]").count(), targets::ALL.len());
}
