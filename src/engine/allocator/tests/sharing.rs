//! Dominant resource fairness between roles and between frameworks.

use std::{collections::BTreeMap, time::Duration};

use super::{Lab, framework, pair};
use crate::engine::allocator::{Allocation, Recovery};

/// Agents come one by one; each goes to whoever has the least.
fn takers(lab: &mut Lab, totals: &[&str]) -> Vec<String> {
    let mut takers = Vec::new();
    for (n, total) in totals.iter().enumerate() {
        lab.agent(&format!("agent-{n}"), total);
        takers.extend(lab.offers().into_iter().map(|it| it.framework_id.value));
    }
    takers
}

#[test]
fn the_lower_dominant_share_comes_first() {
    let mut lab = Lab::new();
    lab.framework("f1", &["one"], &[]);
    lab.framework("f2", &["two"], &[]);
    // When the third agent comes, `f1` holds a third of all cpus and `f2` a sixth.
    let first = takers(&mut lab, &["cpus:2;mem:1024", "cpus:1;mem:512", "cpus:3;mem:2048"]);
    assert_eq!(first, ["f1", "f2", "f2"]);
    lab.framework("f3", &["one"], &[]);
    assert_eq!(takers(&mut lab, &["cpus:4;mem:4096"]), ["f3"]);
}

#[test]
fn equal_shares_go_by_count_then_by_name() {
    let mut lab = Lab::new();
    lab.framework("b", &["*"], &[]);
    lab.framework("a", &["*"], &[]);
    lab.agent("a1", "cpus:1;mem:64");
    let offer = lab.offers().remove(0);
    assert_eq!(offer.framework_id.as_str(), "a");
    lab.recover(&offer, Recovery::Unused(None));
    let next = lab.offers_within(1.0).remove(0).1;
    assert_eq!(next.framework_id.as_str(), "b", "`a` was chosen before");
}

#[test]
fn a_weight_of_two_gets_twice_as_much() {
    let mut lab = Lab::new();
    lab.framework("f1", &["heavy"], &[]);
    lab.framework("f2", &["light"], &[]);
    lab.allocator.update_weight("heavy", 2.0);
    for n in 0..12 {
        lab.agent(&format!("agent-{n:02}"), "cpus:1;mem:64");
    }
    let mut counts = BTreeMap::new();
    for (framework, _) in lab.offered() {
        *counts.entry(framework).or_insert(0) += 1;
    }
    assert_eq!(counts, BTreeMap::from([("f1".into(), 8), ("f2".into(), 4)]));
    assert_eq!(lab.allocator.role_share("heavy"), lab.allocator.role_share("light"));
}

#[test]
fn sub_roles_share_what_their_parent_gets() {
    let mut lab = Lab::new();
    lab.framework("f1", &["eng/a"], &[]);
    lab.framework("f2", &["eng/b"], &[]);
    lab.framework("f3", &["ops"], &[]);
    let takers = takers(&mut lab, &["cpus:1;mem:64"; 8]);
    let count = |id: &str| takers.iter().filter(|it| *it == id).count();
    assert_eq!((count("f1"), count("f2"), count("f3")), (2, 2, 4));
}

#[test]
fn a_parent_role_competes_with_its_sub_roles_as_one_of_them() {
    let mut lab = Lab::new();
    lab.framework("f1", &["eng"], &[]);
    assert_eq!(takers(&mut lab, &["cpus:1;mem:64"]), ["f1"]);
    lab.framework("f2", &["eng/a"], &[]);
    lab.framework("f3", &["ops"], &[]);
    lab.agent("b1", "cpus:1;mem:64");
    assert_eq!(lab.offered(), [pair("f3", "b1")]);
    lab.agent("b2", "cpus:1;mem:64");
    assert_eq!(lab.offered(), [pair("f2", "b2")]);
    lab.allocator.remove_framework(lab.now, &framework("f2"));
    assert_eq!(lab.allocator.roles().collect::<Vec<_>>(), ["eng", "ops"]);
}

#[test]
fn excluded_resources_do_not_count() {
    let mut config = crate::engine::allocator::AllocatorConfig::default();
    config.fair_sharing_excluded_resource_names.insert("gpus".into());
    config.filter_gpu_resources = false;
    let mut lab = Lab::with(config);
    lab.framework("f1", &["*"], &[]);
    lab.agent("a1", "cpus:1;mem:64;gpus:8");
    lab.offers();
    lab.agent("a2", "cpus:3;mem:192");
    lab.framework("f2", &["*"], &[]);
    assert_eq!(lab.allocator.framework_share("*", &framework("f1")), Some(0.25));
}

#[test]
fn the_same_seed_gives_the_same_offers() {
    let history = || -> Vec<Allocation> {
        let mut lab = Lab::new();
        for id in ["f1", "f2", "f3"] {
            lab.framework(id, &["*"], &[]);
        }
        for n in 0..50 {
            lab.agent(&format!("agent-{n}"), "cpus:2;mem:128");
        }
        lab.offers()
    };
    assert_eq!(history(), history());
}

#[test]
fn ten_thousand_agents_are_looked_at_only_when_something_changed() {
    let mut lab = Lab::new();
    lab.framework("f1", &["*"], &[]);
    for n in 0..10_000 {
        lab.agent(&format!("agent-{n}"), "cpus:8;mem:16384;ports:[31000-32000]");
    }
    let offers = lab.offers();
    assert_eq!(offers.len(), 10_000);
    let one = &offers[77];
    lab.recover(one, Recovery::Unused(Some(Duration::from_secs(5))));
    let again = lab.offers_within(60.0);
    assert_eq!(
        again.iter().map(|(after, it)| (*after, &it.agent_id)).collect::<Vec<_>>(),
        [(6.0, &one.agent_id)]
    );
    assert_eq!(lab.allocator.next_deadline(), None);
}
