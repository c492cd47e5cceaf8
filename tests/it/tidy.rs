//! Holds the source against the invariants that the compiler does not check: ranks of modules, purity, sizes, words.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// The module map: a module may use modules of a lower rank only.
const RANKS: [(&str, u8); 23] = [
    ("mesos", 0),
    ("spec", 0),
    ("zookeeper", 0),
    ("runtime", 0),
    ("engine", 1),
    ("scheduler", 1),
    ("services", 1),
    ("client", 1),
    ("host", 2),
    ("flags", 2),
    ("session", 2),
    ("cluster", 2),
    ("conformance", 2),
    ("provider", 3),
    ("cli", 3),
    ("settings", 4),
    ("printer", 4),
    ("error", 4),
    ("tui", 4),
    ("commands", 5),
    ("exit_codes", 0),
    ("lib", 6),
    ("main", 7),
];

/// Uses within one rank, each for a reason; they may not form a cycle.
const SAME_RANK: [(&str, &str, &str); 6] = [
    ("client", "scheduler", "the bodies of the scheduler's own API"),
    ("runtime", "mesos", "the clock speaks the engine's `Time`"),
    ("spec", "mesos", "resources and attributes of a lab file are in Mesos' own syntax"),
    ("printer", "error", "a failure is shown by the printer"),
    ("settings", "printer", "how to print is a setting"),
    ("settings", "error", "what is wrong with the settings is told to the user"),
];

/// Modules that only compute: `handle(now, input) -> effects`.
const PURE: [&str; 5] = ["mesos", "engine", "scheduler", "services", "zookeeper"];

/// What a pure module may not touch.
const IMPURE: [&str; 8] = [
    "tokio::",
    "net::Tcp",
    "std::fs",
    "std::process",
    "std::env::",
    "time::Instant",
    "time::SystemTime",
    "rand::rng(",
];

/// Calls that belong to one file: the needle, and the files that may hold it.
const OWNED: [(&str, &[&str]); 8] = [
    ("println!(", &["printer.rs"]),
    ("print!(", &["printer.rs"]),
    ("tokio::spawn(", &["runtime.rs"]),
    ("thread::spawn(", &["runtime.rs"]),
    ("spawn_blocking(", &["runtime.rs"]),
    ("Instant::now(", &["runtime.rs"]),
    ("SystemTime::now(", &["runtime.rs"]),
    ("#[allow(", &[]),
];

/// Words that promise what is not there, and names of the machine this was written on; in halves, so that this file passes.
const WORDS: [(&str, &str); 8] = [
    ("TO", "DO"),
    ("to", "do!"),
    ("FIX", "ME"),
    ("XX", "X:"),
    ("unimple", "mented!"),
    ("db", "g!("),
    ("/wo", "rk/"),
    ("/tm", "p/w/"),
];

const LONGEST_FILE: usize = 800;

struct Source {
    /// Relative to `src/` or `tests/`.
    path: PathBuf,
    text: String,
}

impl Source {
    fn module(&self) -> String {
        let first = self.path.iter().next().map(Path::new).unwrap();
        first.file_stem().unwrap().to_string_lossy().into_owned()
    }

    /// A module of unit tests.
    fn is_test(&self) -> bool {
        self.path.iter().any(|part| part == "tests" || part == "tests.rs")
    }

    fn name(&self) -> String {
        self.path.display().to_string()
    }
}

/// The source without its unit tests.
fn product() -> Vec<Source> {
    sources("src").into_iter().filter(|s| !s.is_test()).collect()
}

fn sources(below: &str) -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(below);
    let mut found = Vec::new();
    collect(&root, &root, &mut found);
    assert!(!found.is_empty(), "no source below {below}");
    found
}

fn collect(root: &Path, dir: &Path, found: &mut Vec<Source>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            // What the fuzz targets are built into.
            if !path.ends_with("fuzz/target") {
                collect(root, &path, found);
            }
        } else if path.extension().is_some_and(|e| e == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            found.push(Source { path: path.strip_prefix(root).unwrap().to_owned(), text });
        }
    }
}

/// The code without comments and without the inline tests at its end.
fn code(text: &str) -> String {
    let end = text.find("#[cfg(test)]\nmod ").unwrap_or(text.len());
    text[..end].lines().filter(|l| !l.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

fn rank(module: &str) -> Option<u8> {
    RANKS.iter().find(|(name, _)| *name == module).map(|(_, rank)| *rank)
}

/// The modules named after `crate::`, also in the braces of a `use`.
fn used_modules(code: &str) -> BTreeSet<String> {
    let mut used = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        let heads = if rest.starts_with('{') { heads_in_braces(rest) } else { vec![ident(rest)] };
        used.extend(heads.into_iter().filter(|h| rank(h).is_some()));
    }
    used
}

fn ident(text: &str) -> String {
    text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

fn heads_in_braces(text: &str) -> Vec<String> {
    let mut depth = 0;
    let mut heads = Vec::new();
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 1 && (c == '{' || c == ',') {
            heads.push(ident(&text[at + 1..]));
        }
        if depth == 0 {
            break;
        }
    }
    heads
}

fn edges() -> BTreeMap<String, BTreeSet<(String, String)>> {
    let mut edges: BTreeMap<String, BTreeSet<(String, String)>> = BTreeMap::new();
    for source in sources("src") {
        let from = source.module();
        for to in used_modules(&code(&source.text)) {
            if to != from {
                edges.entry(from.clone()).or_default().insert((to, source.name()));
            }
        }
    }
    edges
}

fn report(problems: Vec<String>) {
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

#[test]
fn every_module_has_a_rank() {
    let unknown = sources("src").into_iter().filter(|s| rank(&s.module()).is_none());
    report(unknown.map(|s| format!("{}: `{}` is not in the module map", s.name(), s.module())).collect());
}

#[test]
fn modules_use_lower_ranks_only() {
    let mut problems = Vec::new();
    for (from, uses) in edges() {
        for (to, file) in uses {
            let excused = SAME_RANK.iter().any(|(a, b, _)| *a == from && *b == to);
            if !excused && rank(&to) >= rank(&from) {
                problems.push(format!("src/{file}: `{from}` may not use `{to}`"));
            }
        }
    }
    report(problems);
}

#[test]
fn modules_form_no_cycle() {
    let edges = edges();
    for start in edges.keys() {
        let mut seen = BTreeSet::new();
        let mut open = vec![start];
        while let Some(module) = open.pop() {
            for (to, file) in edges.get(module).into_iter().flatten() {
                assert_ne!(to, start, "src/{file} closes a cycle through `{start}`");
                if seen.insert(to) {
                    open.push(to);
                }
            }
        }
    }
}

#[test]
fn the_engine_is_pure() {
    let mut problems = Vec::new();
    for source in product().into_iter().filter(|s| PURE.contains(&s.module().as_str())) {
        let code = code(&source.text);
        let touched = IMPURE.iter().filter(|needle| code.contains(**needle) && !framing(&source, needle));
        problems.extend(touched.map(|needle| format!("src/{}: touches `{needle}`", source.name())));
    }
    report(problems);
}

/// The RecordIO codec implements the traits of `tokio_util`, which do no IO.
fn framing(source: &Source, needle: &str) -> bool {
    needle == "tokio::" && source.module() == "mesos"
}

#[test]
fn files_open_with_what_they_own_and_stay_short() {
    let mut problems = Vec::new();
    for source in sources("src").into_iter().chain(sources("tests")) {
        if !source.text.starts_with("//! ") {
            problems.push(format!("{}: does not open with `//!`", source.name()));
        }
        let lines = source.text.lines().count();
        if lines >= LONGEST_FILE {
            problems.push(format!("{}: {lines} lines", source.name()));
        }
    }
    report(problems);
}

#[test]
fn calls_stay_in_the_file_that_owns_them() {
    let mut problems = Vec::new();
    for source in product() {
        let code = code(&source.text);
        for (needle, owners) in OWNED {
            if code.contains(needle) && !owners.iter().any(|o| source.path == Path::new(o)) {
                problems.push(format!("src/{}: holds `{needle}`", source.name()));
            }
        }
    }
    report(problems);
}

#[test]
fn no_unwrap_outside_tests() {
    let mut problems = Vec::new();
    for source in product() {
        let code = code(&source.text);
        for needle in [".unwrap()", ".expect("] {
            problems
                .extend(code.contains(needle).then(|| format!("src/{}: holds `{needle}`", source.name())));
        }
    }
    report(problems);
}

#[test]
fn no_words_that_promise() {
    let mut problems = Vec::new();
    for source in sources("src").into_iter().chain(sources("tests")) {
        for (first, second) in WORDS {
            let word = [first, second].concat();
            problems
                .extend(source.text.contains(&word).then(|| format!("{}: holds `{word}`", source.name())));
        }
    }
    report(problems);
}
