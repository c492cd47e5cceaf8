//! What differs between two normal forms, one line per difference.

use serde_json::Value;

use super::{exchange::Normal, normal::ORDERED};

const LABELS: [&str; 9] =
    ["id", "task_id", "name", "role", "executor_id", "container_id", "type", "state", "path"];

/// Differences of `ours` from `golden`; empty if they agree.
pub fn compare(golden: &Normal, ours: &Normal) -> Vec<String> {
    let mut lines = Vec::new();
    values(&golden.form, &ours.form, String::new(), &mut lines);
    lines.extend(golden.names.difference(&ours.names).map(|n| format!("name {n}: missing")));
    if lines.is_empty() {
        let lists = (&golden.references, &ours.references);
        lines.extend(without(lists.0, lists.1).map(|r| format!("references: should be {r}")));
        lines.extend(without(lists.1, lists.0).map(|r| format!("references: is {r}")));
    }
    lines
}

fn without<'a>(these: &'a [String], those: &[String]) -> impl Iterator<Item = &'a String> {
    let mut those = those.to_vec();
    these.iter().filter(move |this| match those.iter().position(|that| that == *this) {
        Some(at) => {
            those.swap_remove(at);
            false
        }
        None => true,
    })
}

fn values(should: &Value, is: &Value, path: String, lines: &mut Vec<String>) {
    match (should, is) {
        _ if should == is => {}
        (Value::Object(a), Value::Object(b)) => {
            for (key, x) in a {
                match b.get(key) {
                    Some(y) => values(x, y, join(&path, key), lines),
                    None => lines.push(format!("{}: missing, should be {}", join(&path, key), short(x))),
                }
            }
            for (key, y) in b.iter().filter(|(key, _)| !a.contains_key(*key)) {
                lines.push(format!("{}: should not be there, is {}", join(&path, key), short(y)));
            }
        }
        (Value::Array(a), Value::Array(b)) if in_order(&path) => in_turn(a, b, &path, lines),
        (Value::Array(a), Value::Array(b)) => matched(a, b, &path, lines),
        _ => lines.push(format!("{path}: should be {}, is {}", short(should), short(is))),
    }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

fn in_order(path: &str) -> bool {
    let last = path.rsplit('.').next().unwrap_or_default();
    ORDERED.contains(&last) || path.contains("events.UPDATE") || path.contains("events.TASK_UPDATED")
}

fn in_turn(a: &[Value], b: &[Value], path: &str, lines: &mut Vec<String>) {
    for (at, (x, y)) in a.iter().zip(b).enumerate() {
        values(x, y, format!("{path}[{at}]"), lines);
    }
    leftover(
        a.get(b.len()..).unwrap_or_default().iter(),
        b.get(a.len()..).unwrap_or_default().iter(),
        path,
        lines,
    );
}

/// Equal items are paired first, then items with the same label, then with some of it the same.
fn matched(a: &[Value], b: &[Value], path: &str, lines: &mut Vec<String>) {
    let mut a: Vec<&Value> = a.iter().collect();
    let mut b: Vec<&Value> = b.iter().collect();
    pair(&mut a, &mut b, |x, y| x == y, |_, _| {});
    for least in [LABELS.len(), 1] {
        let alike = |x: &Value, y: &Value| x.is_object() && y.is_object() && same_labels(x, y) >= least;
        pair(&mut a, &mut b, alike, |x, y| values(x, y, format!("{path}[]"), lines));
    }
    leftover(a.into_iter(), b.into_iter(), path, lines);
}

fn pair(
    a: &mut Vec<&Value>,
    b: &mut Vec<&Value>,
    alike: impl Fn(&Value, &Value) -> bool,
    mut each: impl FnMut(&Value, &Value),
) {
    a.retain(|x| match b.iter().position(|y| alike(x, y)) {
        Some(at) => {
            each(x, b.remove(at));
            false
        }
        None => true,
    });
}

/// How many of the labels agree; labels that neither has count only if all the others agree.
fn same_labels(x: &Value, y: &Value) -> usize {
    let equal = LABELS.iter().filter(|l| x.get(**l) == y.get(**l)).count();
    let present = LABELS.iter().filter(|l| x.get(**l).is_some() && x.get(**l) == y.get(**l)).count();
    if equal == LABELS.len() { equal } else { present }
}

fn leftover<'a>(
    missing: impl Iterator<Item = &'a Value>,
    extra: impl Iterator<Item = &'a Value>,
    path: &str,
    lines: &mut Vec<String>,
) {
    lines.extend(missing.map(|x| format!("{path}[]: missing: {}", short(x))));
    lines.extend(extra.map(|y| format!("{path}[]: should not be there: {}", short(y))));
}

fn short(value: &Value) -> String {
    value.to_string().chars().take(300).collect()
}
