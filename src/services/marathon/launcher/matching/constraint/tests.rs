//! Constraints by table, as Marathon's documentation and its own tests have them.

use std::collections::BTreeMap;

use super::meets;
use crate::{
    mesos::attributes,
    services::marathon::{
        launcher::matching::site::{Site, texts},
        model::{Constraint, Operator},
    },
};

struct Agent {
    host: &'static str,
    attributes: BTreeMap<String, String>,
    zone: Option<&'static str>,
}

fn agent(host: &'static str, list: &str) -> Agent {
    Agent { host, attributes: texts(&attributes::parse(list).unwrap()), zone: None }
}

fn site(agent: &Agent) -> Site<'_> {
    Site { host: agent.host, region: Some("here"), zone: agent.zone, attributes: &agent.attributes }
}

fn check(
    (field, operator, value): (&str, Operator, &str),
    offer: &Agent,
    placed: &[&Agent],
    wanted: usize,
) -> bool {
    let value = (!value.is_empty()).then(|| value.to_owned());
    let constraint = Constraint { field: field.to_owned(), operator, value };
    let placed: Vec<_> = placed.iter().map(|agent| site(agent)).collect();
    meets(&constraint, &site(offer), &placed, wanted)
}

#[test]
fn unique_wants_a_value_that_no_other_instance_has() {
    let (a, b, c) = (agent("a", ""), agent("b", ""), agent("c", ""));
    for field in ["hostname", "@hostname"] {
        assert!(check((field, Operator::Unique, ""), &a, &[], 3));
        assert!(check((field, Operator::Unique, ""), &c, &[&a, &b], 3));
        assert!(!check((field, Operator::Unique, ""), &b, &[&a, &b], 3));
    }
    let (one, two) =
        (Agent { zone: Some("z1"), ..agent("a", "") }, Agent { zone: Some("z2"), ..agent("b", "") });
    assert!(!check(("@zone", Operator::Unique, ""), &one, &[&one], 2));
    assert!(check(("@zone", Operator::Unique, ""), &two, &[&one], 2));
    assert!(!check(("@zone", Operator::Unique, ""), &a, &[], 2), "an agent without a zone");
    assert!(!check(("@region", Operator::Unique, ""), &two, &[&one], 2));
}

#[test]
fn cluster_wants_the_named_value_or_that_of_the_first() {
    let (r1, r2, bare) = (agent("a", "rack:r1"), agent("b", "rack:r2"), agent("c", ""));
    assert!(check(("rack", Operator::Cluster, ""), &r2, &[], 3));
    assert!(check(("rack", Operator::Cluster, ""), &r1, &[&r1, &r1], 3));
    assert!(!check(("rack", Operator::Cluster, ""), &r2, &[&r1], 3));
    assert!(!check(("rack", Operator::Cluster, ""), &bare, &[], 3));
    assert!(check(("rack", Operator::Cluster, "r2"), &r2, &[&r1], 3));
    assert!(!check(("hostname", Operator::Cluster, "right"), &r1, &[], 3));
}

#[test]
fn like_and_unlike_match_the_whole_value() {
    let (r1, r12, bare) = (agent("a", "rack:r1"), agent("b", "rack:r12"), agent("c", ""));
    assert!(check(("rack", Operator::Like, "r[1-3]"), &r1, &[], 1));
    assert!(!check(("rack", Operator::Like, "r[1-3]"), &r12, &[], 1));
    assert!(!check(("rack", Operator::Like, ".*"), &bare, &[], 1));
    assert!(!check(("rack", Operator::Like, ""), &r1, &[], 1));
    assert!(!check(("rack", Operator::Unlike, "r[1-3]"), &r1, &[], 1));
    assert!(check(("rack", Operator::Unlike, "r[1-3]"), &r12, &[], 1));
    assert!(check(("rack", Operator::Unlike, "r[1-3]"), &bare, &[], 1));
    assert!(!check(("rack", Operator::Like, "r["), &r1, &[], 1), "no regular expression");
}

#[test]
fn attributes_of_all_kinds_are_compared_as_texts() {
    let (seven, range) = (agent("a", "jdk:7"), agent("b", "jdk:[6-7]"));
    assert!(check(("jdk", Operator::Like, "7"), &seven, &[], 1));
    assert!(check(("jdk", Operator::Cluster, "7"), &seven, &[], 1));
    assert!(check(("jdk", Operator::Like, "\\[6-7\\]"), &range, &[], 1));
    assert!(check(("jdk", Operator::Cluster, "[6-7]"), &range, &[], 1));
    assert!(!check(("jdk", Operator::Unlike, "\\[6-7\\]"), &range, &[], 1));
}

#[test]
fn max_per_counts_the_instances_on_a_value() {
    let (a, b) = (agent("a", "rack:1"), agent("b", "rack:1.0"));
    assert!(check(("hostname", Operator::MaxPer, "2"), &a, &[&a, &b], 3));
    assert!(!check(("hostname", Operator::MaxPer, "2"), &a, &[&a, &a, &b], 3));
    assert!(!check(("rack", Operator::MaxPer, "2"), &a, &[&a, &b], 3), "1 and 1.0 are one rack");
}

#[test]
fn is_wants_this_value_and_numbers_by_their_value() {
    let (level, host) = (agent("right", "level:0.8"), agent("wrong", "level:1"));
    assert!(check(("hostname", Operator::Is, "right"), &level, &[], 1));
    assert!(!check(("hostname", Operator::Is, "right"), &host, &[], 1));
    for (value, met) in [("0.8", true), ("0.80", true), ("0.8001", true), ("0.801", false)] {
        assert_eq!(check(("level", Operator::Is, value), &level, &[], 1), met, "{value}");
    }
    for (value, met) in [("1.0005", true), ("1.00051", false), ("1.", true)] {
        assert_eq!(check(("level", Operator::Is, value), &host, &[], 1), met, "{value}");
    }
}

#[test]
fn group_by_fills_so_many_groups_evenly() {
    let (r1, r2, r3, bare) =
        (agent("a", "rack:1"), agent("b", "rack:2"), agent("c", "rack:3"), agent("d", ""));
    let group = |groups: &'static str, offer: &Agent, placed: &[&Agent], wanted| {
        check(("rack", Operator::GroupBy, groups), offer, placed, wanted)
    };
    assert!(group("3", &r1, &[], 5));
    assert!(group("3", &r2, &[&r1], 5));
    assert!(group("3", &r3, &[&r1, &r2], 5));
    assert!(group("3", &r1, &[&r1], 5), "no need to wait for the other racks");
    assert!(!group("3", &r1, &[&r1, &r1, &r2, &r2], 5), "the rest is spent");
    assert!(!group("4", &r2, &[&r1, &r1, &r2], 5), "one rack alone gets the fifth");
    assert!(group("2", &r2, &[&r1, &r1, &r1, &r2], 5));
    assert!(!group("2", &r3, &[&r1, &r2], 5), "two racks, not three");
    assert!(!group("2", &bare, &[], 5));
}

#[test]
fn group_by_without_a_number_takes_the_least_used_value_that_it_knows() {
    let (r1, r2, r3) = (agent("a", "rack:1"), agent("b", "rack:2"), agent("c", "rack:3"));
    let group = |offer: &Agent, placed: &[&Agent]| check(("rack", Operator::GroupBy, ""), offer, placed, 9);
    assert!(group(&r1, &[]));
    assert!(group(&r1, &[&r1]), "the only rack that is known");
    assert!(group(&r2, &[&r1, &r1]));
    assert!(!group(&r1, &[&r1, &r1, &r2]));
    assert!(group(&r3, &[&r1, &r1, &r2]));
}
