//! Whether one more instance may run at a site, by one constraint of its app.

use std::collections::BTreeMap;

use regex::Regex;

use super::site::{Site, decimal};
use crate::services::marathon::model::{Constraint, Operator};

/// The number of a `GROUP_BY` or a `MAX_PER`; `inf` is a number too.
fn count(value: &str) -> Option<usize> {
    match value {
        "inf" => Some(usize::MAX),
        value => value.parse().ok(),
    }
}

/// Whether `constraint` lets one more instance of an app run at `site`, beside those at `placed`. `wanted` is the number
/// of instances that the app is to have.
pub fn meets(constraint: &Constraint, site: &Site<'_>, placed: &[Site<'_>], wanted: usize) -> bool {
    let field = constraint.field.as_str();
    let Some(here) = site.value(field) else { return constraint.operator == Operator::Unlike };
    let value = constraint.value.as_deref().unwrap_or_default();
    match constraint.operator {
        Operator::Unique => placed.iter().all(|other| other.value(field) != Some(here)),
        Operator::Cluster if value.is_empty() => {
            placed.first().is_none_or(|first| first.value(field) == Some(here))
        }
        Operator::Cluster => here == value,
        Operator::Like => pattern(value).is_some_and(|pattern| pattern.is_match(here)),
        Operator::Unlike => pattern(value).is_some_and(|pattern| !pattern.is_match(here)),
        Operator::MaxPer => {
            let max = count(value).unwrap_or_default();
            placed.iter().filter(|other| other.value(field) == Some(here)).count() < max
        }
        Operator::GroupBy => groups_allow(field, here, placed, wanted, count(value)),
        Operator::Is => here == scalar_or_text(value),
    }
}

/// The whole value has to match.
fn pattern(value: &str) -> Option<Regex> {
    if value.is_empty() { None } else { Regex::new(&format!("^(?:{value})$")).ok() }
}

/// A number in the form in which scalars are compared.
fn scalar_or_text(value: &str) -> String {
    let is_number = value.chars().all(|c| c.is_ascii_digit() || c == '.');
    match value.parse::<f64>() {
        Ok(number) if is_number => decimal(number),
        _ => value.to_owned(),
    }
}

fn groups_allow(field: &str, here: &str, placed: &[Site<'_>], wanted: usize, groups: Option<usize>) -> bool {
    let mut counts = BTreeMap::<Option<&str>, usize>::new();
    for other in placed {
        *counts.entry(other.value(field)).or_default() += 1;
    }
    let count_here = counts.get(&Some(here)).copied();
    match groups.filter(|groups| *groups > 0) {
        Some(groups) => fills_evenly(&counts, count_here, wanted, groups),
        None => count_here.is_none_or(|here| counts.values().min().is_none_or(|least| here == *least)),
    }
}

/// Each of `groups` groups gets its even part of the instances, and what does not divide goes to some of them.
fn fills_evenly(
    counts: &BTreeMap<Option<&str>, usize>,
    count_here: Option<usize>,
    wanted: usize,
    groups: usize,
) -> bool {
    let (even, rest) = (wanted / groups, wanted % groups);
    let used: usize = counts.values().map(|count| count.saturating_sub(even)).sum();
    match count_here {
        Some(here) => here < even || here == even && rest > used,
        None => counts.len() < groups,
    }
}

#[cfg(test)]
mod tests;
