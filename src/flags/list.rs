//! The whole list of flags, for people and programs: what `serve master --flags` prints.

use serde::Serialize;

use super::{Component, Flag, Support};

/// A flag as it is listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    pub flag: &'static str,
    /// Its former name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alias: Option<&'static str>,
    pub value: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<&'static str>,
    /// `implemented`, `ours`, `accepted` or `refused`.
    pub support: &'static str,
    /// Why it has no effect, why it takes some values only, or why it is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
    pub help: &'static str,
}

/// Every flag of a component, by name.
pub fn entries(component: Component) -> Vec<Entry> {
    component.flags().into_iter().map(entry).collect()
}

fn entry(flag: &'static Flag) -> Entry {
    let (support, because) = support(flag.support);
    Entry {
        flag: flag.name,
        alias: flag.alias,
        value: flag.kind.word(),
        default: flag.default,
        support,
        because,
        help: flag.help,
    }
}

fn support(support: Support) -> (&'static str, Option<String>) {
    match support {
        Support::Implemented => ("implemented", None),
        Support::Ours => ("ours", None),
        Support::Ignored(why) => ("accepted", Some(format!("without effect: {why}"))),
        Support::Only(values, why) => ("accepted", Some(format!("as {} only: {why}", values.join(",")))),
        Support::Refused { why, instead } => ("refused", Some(format!("{why}; {instead}"))),
    }
}
