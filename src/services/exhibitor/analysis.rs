//! Locks that wait for each other: who holds and who waits at some paths, and which of them may form a circle. And what a
//! tree holds, node by node.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Value, json};

/// One path that is looked at: a lock whose first `max` nodes hold it, and whose others wait.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct PathRequest {
    pub path: String,
    pub max: usize,
}

/// What was found at a path: the data of its nodes, which name processes, in the order of their numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lock {
    pub path: String,
    pub max: usize,
    pub ids: Vec<String>,
}

/// Which nodes are listed, `/explorer/usage-listing`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct UsageRequest {
    pub start_path: String,
    /// Nodes with more children than this are counted, and not looked into.
    pub max_children_for_traversal: usize,
}

impl Default for UsageRequest {
    fn default() -> Self {
        Self { start_path: "/".into(), max_children_for_traversal: usize::MAX }
    }
}

/// A node of a listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// In milliseconds since 1970.
    pub created: i64,
    pub children: usize,
}

/// The listing, a node a line, with the children and all that is below.
pub fn usage_text(nodes: &BTreeMap<String, Usage>) -> String {
    let deep = deep_counts(nodes);
    let line = |(path, usage): (&String, &Usage)| {
        let deep = deep.get(path.as_str()).copied().unwrap_or_default();
        format!("{path}\t{}\t{}\t{deep}\n", usage.created, usage.children)
    };
    let lines: String = nodes.iter().map(line).collect();
    format!("Path\tCreateDate\tChildQty\tDeepChildQty\n{lines}")
}

fn deep_counts(nodes: &BTreeMap<String, Usage>) -> BTreeMap<&str, usize> {
    let mut deep: BTreeMap<&str, usize> = BTreeMap::new();
    for (path, usage) in nodes {
        let mut above = Some(path.as_str());
        while let Some(at) = above {
            *deep.entry(at).or_default() += usage.children;
            above = parent(at);
        }
    }
    deep
}

/// The path above, none of the root.
pub fn parent(path: &str) -> Option<&str> {
    match path.rfind('/')? {
        0 if path.len() > 1 => Some("/"),
        0 => None,
        at => Some(&path[..at]),
    }
}

/// Sorts the nodes of a lock: by what stands behind the last `-`.
pub fn sort_waiters(names: &mut [String]) {
    names.sort_by(|a, b| number_of(a).cmp(number_of(b)));
}

fn number_of(name: &str) -> &str {
    name.rsplit('-').next().unwrap_or(name)
}

/// The answer of `/explorer/analyze`, or why there is none.
pub fn analysis(found: Result<&[Lock], String>) -> Value {
    match found {
        Err(error) => json!({ "error": error, "nodes": [], "possibleCycles": [] }),
        Ok(locks) => {
            let nodes: Vec<Value> = locks
                .iter()
                .map(|lock| json!({ "path": lock.path, "max": lock.max, "childIds": lock.ids }))
                .collect();
            let cycles: Vec<Value> = cycles(locks).into_iter().map(|ids| json!({ "ids": ids })).collect();
            json!({ "error": "", "nodes": nodes, "possibleCycles": cycles })
        }
    }
}

type Edges = BTreeMap<String, BTreeSet<String>>;

/// A path waits for those who hold it, a process for the paths that it waits at: whatever can be reached from itself is
/// part of a circle.
fn cycles(locks: &[Lock]) -> BTreeSet<BTreeSet<String>> {
    let edges = edges(locks);
    let on_circle = |lock: &Lock| circle(&edges, &node_of_path(&lock.path));
    locks.iter().filter_map(on_circle).collect()
}

fn node_of_path(path: &str) -> String {
    format!("PATH:{path}")
}

fn edges(locks: &[Lock]) -> Edges {
    let mut edges = Edges::new();
    for lock in locks {
        let path = node_of_path(&lock.path);
        for (place, id) in lock.ids.iter().enumerate() {
            let process = format!("PROCESS:{id}");
            let (from, to) = if place < lock.max { (path.clone(), process) } else { (process, path.clone()) };
            edges.entry(from).or_default().insert(to);
        }
    }
    edges
}

/// All that lies on ways from `start` back to it.
fn circle(edges: &Edges, start: &str) -> Option<BTreeSet<String>> {
    let ahead = reachable(edges, start);
    let around = |node: &String| node == start || reachable(edges, node).contains(start);
    ahead.contains(start).then(|| ahead.iter().filter(|node| around(node)).cloned().collect())
}

fn reachable(edges: &Edges, start: &str) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    let mut open = vec![start];
    while let Some(node) = open.pop() {
        for next in edges.get(node).into_iter().flatten() {
            if seen.insert(next.clone()) {
                open.push(next);
            }
        }
    }
    seen
}
