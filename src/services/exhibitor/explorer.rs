//! The forms of the tree: a node's children for a tree that opens bit by bit, its data as hexadecimal digits and as text,
//! its figures in one line.

use std::cmp::Ordering;

use serde_json::{Value, json};

use crate::zookeeper::Stat;

/// What `/explorer/node-data` says.
pub fn node_data(data: &[u8], stat: &Stat) -> Value {
    json!({ "bytes": hex(data), "str": String::from_utf8_lossy(data), "stat": stat_text(stat) })
}

pub fn not_found() -> Value {
    json!({ "bytes": "", "str": "", "stat": "* not found * " })
}

pub fn failed(reason: &str) -> Value {
    json!({ "bytes": "", "str": "Exception", "stat": reason })
}

/// What `/explorer/node` says of the children of `path`; numbered names in the order of their numbers.
pub fn children(path: &str, mut names: Vec<String>) -> Value {
    names.sort_by(|a, b| by_number(a, b));
    names.iter().map(|name| item(name, &below(path, name), true)).collect()
}

/// What `/explorer/node` says when it cannot say.
pub fn no_children() -> Value {
    json!([item("* Exception *", "*", false)])
}

fn item(title: &str, key: &str, lazy: bool) -> Value {
    json!({ "title": title, "key": key, "isLazy": lazy, "expand": false })
}

/// The path of a child.
pub fn below(path: &str, name: &str) -> String {
    if path == "/" { format!("/{name}") } else { format!("{path}/{name}") }
}

/// A path as it is asked for, in ZooKeeper's form: one slash before, none behind.
pub fn path_of(asked: &str) -> String {
    format!("/{}", asked.trim_matches('/'))
}

fn by_number(a: &str, b: &str) -> Ordering {
    let split = |name: &str| {
        let start = name
            .rfind(|c: char| !c.is_ascii_digit())
            .map_or(0, |at| at + name[at..].chars().next().map_or(0, char::len_utf8));
        (name[..start].to_owned(), name[start..].parse::<u64>().ok())
    };
    split(a).cmp(&split(b)).then_with(|| a.cmp(b))
}

/// `6f 6b `.
pub fn hex(data: &[u8]) -> String {
    data.iter().map(|byte| format!("{byte:02x} ")).collect()
}

/// No hexadecimal digits, or half a byte.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the body must be bytes as pairs of hexadecimal digits")]
pub struct NotHex;

/// The bytes that `hex` means; spaces do not count, and quotes around it neither.
///
/// # Errors
/// When it is something else.
pub fn bytes(hex: &str) -> Result<Vec<u8>, NotHex> {
    let digits: Vec<u32> = hex
        .trim()
        .trim_matches('"')
        .chars()
        .filter(|c| !c.is_whitespace())
        .map(|c| c.to_digit(16).ok_or(NotHex))
        .collect::<Result<_, _>>()?;
    let pair = |pair: &[u32]| match pair {
        [high, low] => u8::try_from(high * 16 + low).map_err(|_| NotHex),
        _ => Err(NotHex),
    };
    digits.chunks(2).map(pair).collect()
}

fn stat_text(stat: &Stat) -> String {
    format!(
        "czxid: {}, mzxid: {}, ctime: {}, mtime: {}, version: {}, cversion: {}, aversion: {}, ephemeralOwner: {}, \
         dataLength: {}, numChildren: {}, pzxid: {}",
        stat.czxid,
        stat.mzxid,
        stat.ctime,
        stat.mtime,
        stat.version,
        stat.cversion,
        stat.aversion,
        stat.ephemeral_owner,
        stat.data_length,
        stat.num_children,
        stat.pzxid
    )
}
