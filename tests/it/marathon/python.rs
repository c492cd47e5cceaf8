//! The package `marathon` of PyPI against ours.

use std::{collections::BTreeSet, path::Path, time::Duration};

use serde_json::{Value, json};
use tokio::{process::Command, time::timeout};

use super::lab::Lab;
use crate::python::python;

fn said<'a>(lines: &'a [Value], what: &str) -> &'a Value {
    lines
        .iter()
        .find(|line| line["what"] == what)
        .unwrap_or_else(|| panic!("nothing said of {what}: {lines:?}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_the_package_offers_works() {
    let Some(python) = python("marathon").await else { return };
    let lab = Lab::up().await;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/marathon_client.py");
    let run = Command::new(python).arg(script).arg(lab.url()).kill_on_drop(true).output();
    let output = timeout(Duration::from_secs(120), run).await.expect("the client ends").unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(said(&lines, "ping")["answer"], "pong");
    assert_eq!(said(&lines, "conflict")["message"], "An app with id [/py/sleep] already exists.");
    assert_eq!(said(&lines, "scaled")["kept"], true);
    assert_eq!(said(&lines, "updated")["env"], json!({"COLOUR": "blue"}));
    assert_eq!(said(&lines, "rolled back")["env"], json!({}));
    assert_eq!(said(&lines, "killed and scaled")["instances"], 1);
    assert_eq!(said(&lines, "queued")["app"], "/py/big");
    assert_eq!(said(&lines, "locked")["message"], "App is locked by one or more deployments");
    assert_eq!(said(&lines, "deployment")["id"], true);
    assert_eq!(said(&lines, "canceled")["apps"], json!(["/py/sleep"]));
    assert_eq!(said(&lines, "group")["apps"], json!(["/team/db", "/team/web"]));
    assert_eq!(said(&lines, "healthy")["alive"], true);
    let events = said(&lines, "events");
    assert_eq!(events["first"], "event_stream_attached");
    let kinds: BTreeSet<&str> =
        events["kinds"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    for kind in [
        "api_post_event",
        "status_update_event",
        "deployment_info",
        "deployment_failed",
        "app_terminated_event",
    ] {
        assert!(kinds.contains(kind), "{kinds:?}");
    }
    lab.down().await;
}
