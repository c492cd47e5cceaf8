//! Apps from their creation to their end.

use std::time::Duration;

use serde_json::{Value, json};

use super::sim::Sim;
use crate::{mesos::v1::TaskState, services::marathon::Input};

#[test]
fn an_app_is_created_and_runs() {
    let mut sim = Sim::new();
    let answer =
        sim.answer("POST", "/v2/apps", json!({"id": "x", "cmd": "sleep 1", "cpus": 0.1, "instances": 2}));
    let header = |name: &str| answer.headers.iter().find(|(n, _)| *n == name).map(|(_, value)| value.clone());
    let body: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!((answer.status, header("Location").as_deref()), (201, Some("/x")));
    assert_eq!(header("Marathon-Deployment-Id").as_deref(), body["deployments"][0]["id"].as_str());
    assert_eq!(header("X-Marathon-Leader").as_deref(), Some("http://127.0.0.1:8080"));
    let shown = sim.get("/v2/apps//x");
    assert_eq!((&shown["app"]["tasksRunning"], &shown["app"]["deployments"]), (&json!(2), &json!([])));
    assert_eq!(shown["app"]["tasks"].as_array().unwrap().len(), 2);
    assert_eq!(shown["app"]["portDefinitions"][0]["port"], 10000);
    assert_eq!(sim.get("/v2/deployments"), json!([]));
    let kinds = sim.kinds();
    let order = [
        "group_change_success",
        "api_post_event",
        "deployment_info",
        "status_update_event",
        "deployment_success",
    ];
    let places: Vec<_> = order.iter().map(|kind| kinds.iter().position(|k| k == kind).unwrap()).collect();
    assert!(places.is_sorted(), "{kinds:?}");
}

#[test]
fn a_failed_task_is_replaced_after_a_wait() {
    let mut sim = Sim::new();
    sim.create("/x", json!({}));
    let first = sim.running();
    sim.becomes(&first[0], TaskState::TaskFailed);
    assert!(sim.running().is_empty());
    assert_eq!(sim.get("/v2/queue")["queue"][0]["count"], 1);
    assert_eq!(sim.get("/v2/apps//x")["app"]["lastTaskFailure"]["state"], "TASK_FAILED");
    sim.now = sim.now + Duration::from_secs(5);
    sim.input(Input::Tick);
    let second = sim.running();
    assert_eq!(second.len(), 1);
    assert_eq!(second[0].rsplit_once('.').unwrap().1, "2", "the instance has a second task");
}

#[test]
fn an_update_replaces_tasks_and_a_scaling_does_not() {
    let mut sim = Sim::new();
    sim.create("/x", json!({"instances": 2}));
    let first = sim.running();
    let (status, scaled) = sim.ask("PUT", "/v2/apps//x", json!({"instances": 3}));
    assert_eq!(status, 200);
    let more = sim.running();
    assert!(more.len() == 3 && first.iter().all(|id| more.contains(id)), "{more:?}");
    let (status, updated) = sim.ask("PUT", "/v2/apps//x", json!({"env": {"A": "1"}}));
    assert_eq!(status, 200);
    let other = sim.running();
    assert!(other.len() == 3 && more.iter().all(|id| !other.contains(id)), "{other:?}");
    let app = &sim.get("/v2/apps//x")["app"];
    assert_eq!(
        (&app["version"], &app["versionInfo"]["lastConfigChangeAt"]),
        (&updated["version"], &updated["version"])
    );
    let versions = sim.get("/v2/apps//x/versions")["versions"].clone();
    assert_eq!((&versions[0], &versions[1]), (&updated["version"], &scaled["version"]));
    assert_eq!(sim.ask("POST", "/v2/apps//x/restart", Value::Null).0, 200);
    assert!(sim.running().iter().all(|id| !other.contains(id)));
    let (status, _) = sim.ask("PUT", "/v2/apps//x", json!({"version": scaled["version"]}));
    assert_eq!(status, 200);
    let app = &sim.get("/v2/apps//x")["app"];
    assert_eq!((app["instances"].clone(), app["env"].clone()), (json!(3), Value::Null));
}

#[test]
fn a_restarted_marathon_keeps_its_tasks() {
    let mut sim = Sim::new();
    sim.create("/x", json!({"instances": 3}));
    sim.create("/y", json!({}));
    let before = sim.running();
    let mut sim = sim.restarted();
    sim.input(Input::Tick);
    assert_eq!((sim.running(), sim.launched, sim.killed), (before, 0, 0));
    assert_eq!(sim.ask("DELETE", "/v2/apps//x", Value::Null).0, 200);
    assert_eq!(sim.running().len(), 1);
}

#[test]
fn a_deployment_goes_on_after_a_restart() {
    let mut sim = Sim::new();
    sim.runs = false;
    sim.create("/x", json!({"instances": 2}));
    assert_eq!(sim.get("/v2/deployments")[0]["currentActions"][0]["action"], "ScaleApplication");
    let mut sim = sim.restarted();
    let staged: Vec<String> = sim.tasks.keys().cloned().collect();
    assert_eq!((staged.len(), sim.launched), (2, 0));
    staged.iter().for_each(|id| sim.becomes(id, TaskState::TaskRunning));
    assert_eq!(sim.get("/v2/deployments"), json!([]));
}

#[test]
fn tasks_are_killed_with_and_without_scaling() {
    let mut sim = Sim::new();
    sim.create("/x", json!({"instances": 3}));
    let ids = sim.running();
    let (status, killed) = sim.ask("DELETE", &format!("/v2/apps//x/tasks/{}", ids[0]), Value::Null);
    assert_eq!((status, killed["task"]["id"].as_str()), (200, Some(&ids[0][..])));
    let (status, _) = sim.ask("POST", "/v2/tasks/delete?scale=true", json!({"ids": [ids[1]]}));
    assert_eq!(status, 200);
    sim.now = sim.now + Duration::from_secs(5);
    sim.input(Input::Tick);
    let left = sim.running();
    assert_eq!((left.len(), &sim.get("/v2/apps//x")["app"]["instances"]), (2, &json!(2)));
    assert!(left.contains(&ids[2]) && !left.contains(&ids[0]) && !left.contains(&ids[1]), "{left:?}");
    let (_, killed) = sim.ask("DELETE", "/v2/apps//x/tasks?host=elsewhere", Value::Null);
    assert_eq!(killed, json!({"tasks": []}));
    assert_eq!(sim.ask("DELETE", "/v2/apps//x/tasks?scale=true", Value::Null).0, 200);
    assert_eq!((sim.running().len(), &sim.get("/v2/apps//x")["app"]["instances"]), (0, &json!(0)));
}
