//! The checks, one file for each part of the APIs.

mod agent;
mod agent_pages;
mod calls;
mod executor;
mod failover;
mod master_pages;
mod nested;
mod offers;
mod operator;
mod protobuf;
mod protocol;
mod scheduler_http;
mod subscribe;
mod task_errors;
mod tasks;

use std::sync::Arc;

use serde_json::{Value, json};

use crate::conformance::{
    check::{Check, Outcome},
    expect::{self, Expect, short},
    http::post,
    site::{Peer, Site},
};

/// All checks, in the order in which they are told.
pub fn all() -> Vec<Check> {
    [
        scheduler_http::checks(),
        subscribe::checks(),
        calls::checks(),
        failover::checks(),
        offers::checks(),
        tasks::checks(),
        task_errors::checks(),
        operator::checks(),
        master_pages::checks(),
        protocol::checks(),
        protobuf::checks(),
        agent::checks(),
        agent_pages::checks(),
        executor::checks(),
        nested::checks(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The answer to a call of the operator API of this type, with what the pattern says.
fn told(kind: &str, mut pattern: Value) -> Expect {
    pattern["type"] = json!(kind);
    expect::json(pattern)
}

/// Makes a call of the operator API without a body of its own, and gives what the answer holds.
async fn operator_get(site: &Arc<Site>, kind: &str) -> Outcome<Value> {
    at_v1(site, Peer::Master, kind, Value::Null).await
}

/// Makes a call of a peer's v1 API, and gives what the answer holds: the field of the call's name.
async fn at_v1(site: &Arc<Site>, peer: Peer, kind: &str, body: Value) -> Outcome<Value> {
    let field = kind.to_lowercase();
    let mut call = json!({"type": kind});
    if !body.is_null() {
        call[&field] = body;
    }
    let answer = site.ask(peer, &post("/api/v1").json(&call)).await?;
    expect::json(json!({"type": kind})).hold(&answer)?;
    Ok(answer.json().map(|answer| answer[field].clone()).unwrap_or_default())
}

/// Of a list of frameworks the one with this id.
fn with_framework(list: &Value, id: &str) -> Value {
    let mut frameworks = list.as_array().into_iter().flatten().rev();
    let found = frameworks.find(|framework| framework["framework_info"]["id"]["value"] == id);
    found.cloned().unwrap_or_else(|| json!(format!("it is not there: {}", short(&list.to_string()))))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    #[test]
    fn every_check_has_a_name_of_its_own_and_a_source() {
        let mut names = BTreeSet::new();
        for check in super::all() {
            assert!(names.insert(check.name), "{} stands there twice", check.name);
            let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
            assert!(check.name.contains('.') && check.name.chars().all(is_plain), "{}", check.name);
            assert!(
                !check.about.is_empty() && !check.about.ends_with('.'),
                "{}: {}",
                check.name,
                check.about
            );
            let is_source = |part: &str| {
                ["golden ", "src/", "docs/", "include/", "3rdparty/"]
                    .iter()
                    .any(|begin| part.trim().starts_with(begin))
            };
            assert!(check.source.split(';').all(is_source), "{}: {}", check.name, check.source);
        }
    }
}
