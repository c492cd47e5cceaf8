//! A lab whose containers this machine does not reach by their own addresses, which is what masters and agents tell: all
//! goes through the ports that the lab publishes.

use std::collections::BTreeSet;

use serde_json::Value;

use super::private::PrivateEngine;
use crate::support::eventually;

/// The first task of our framework: its id, and what its agent tells as its address.
fn first_task(engine: &PrivateEngine) -> (String, String) {
    let tasks = engine.json(&["tasks"]);
    let of_ours = |task: &&Value| task["framework"] == "mesoslab" && task["state"] == "TASK_RUNNING";
    let task = tasks.as_array().expect("a list").iter().find(of_ours).expect("a task");
    let word = |name: &str| task[name].as_str().expect("a word").to_owned();
    (word("id"), word("agent"))
}

/// Nobody answers at what an agent tells as its address.
fn is_out_of_reach(engine: &PrivateEngine, agent: &str) {
    let agent = format!("http://{agent}");
    let ran = engine.run(&["conformance", "--only", "nested", "-o", "json", "--agent", &agent]);
    let report: Value = serde_json::from_str(&ran.stdout()).expect("JSON on stdout");
    let whys: BTreeSet<&str> = report["checks"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|check| check["why"].as_str().unwrap_or_default())
        .collect();
    assert!(whys.iter().all(|why| why.contains("cannot be reached")), "{agent} is no test: {whys:?}");
}

/// What commands get from agents.
fn agents_serve(engine: &PrivateEngine) {
    let (task, agent) = first_task(engine);
    assert!(!agent.starts_with("127."), "{agent}");
    is_out_of_reach(engine, &agent);
    assert!(engine.ok(&["logs", &task]).stdout().contains("runs in"));
    let exec = engine.run(&["exec", &task, "sh", "-c", "echo $MESOS_TASK_ID; exit 5"]);
    assert_eq!((exec.code(), exec.stdout().trim()), (5, task.as_str()), "{}", exec.stderr());
    let run = engine.ok(&["run", "-q", "echo hi from $MESOS_TASK_ID"]);
    assert_eq!(run.stdout(), "hi from mesoslab-run.0\n");
    eventually("the dashboard has found every part", || {
        let picture = engine.ok(&["tui", "--print", "--tab", "components", "--after", "1s"]).stdout();
        let line =
            |agent: &str| picture.lines().find(|line| line.contains(agent)).unwrap_or_default().to_owned();
        ["agent-1", "agent-2"].iter().all(|agent| line(agent).contains("registered"))
    });
}

/// Every check of these groups passes, and none is skipped, with an agent at its published port.
fn conform(engine: &PrivateEngine, groups: &[&str]) {
    let ran = engine.ok(&[&["conformance", "-o", "json", "--only"], groups].concat());
    let report: Value = serde_json::from_str(&ran.stdout()).expect("JSON on stdout");
    assert_eq!((&report["failed"], &report["skipped"]), (&0.into(), &0.into()), "{report:#}");
    let agent = report["agent"].as_str().unwrap_or_default();
    assert!(agent.starts_with("http://127.0.0.1:"), "{agent}");
}

#[test]
fn a_lab_is_reached_by_its_ports_alone() {
    let Some(mut engine) = PrivateEngine::start(&[]) else { return };
    let before = engine.inventory();
    if !engine.cut_off() {
        return;
    }
    let up = ["up", "--provider", "docker", "--flavor", "lite", "--no-marathon"];
    engine.ok(&[&up[..], &["--agents", "2", "--masters", "2", "--tasks", "2"]].concat());
    agents_serve(&engine);
    // Whichever leads now, one of the two is asked first and leads no more.
    engine.ok(&["chaos", "leader"]);
    agents_serve(&engine);
    conform(&engine, &["standby", "agent", "page"]);
    engine.ok(&["down", "--purge"]);
    assert_eq!(engine.inventory(), before);
}

#[test]
fn a_rootless_engine_serves() {
    let Some(engine) = PrivateEngine::rootless() else { return };
    let before = engine.inventory();
    let security = engine.docker(&["info", "--format", "{{.SecurityOptions}}"]);
    assert!(security.contains("name=rootless"), "{security}");
    engine.ok(&["up", "--provider", "docker", "--flavor", "lite", "--agents", "2", "--tasks", "2"]);
    agents_serve(&engine);
    conform(&engine, &["agent", "executor", "http", "nested", "page"]);
    engine.ok(&["down", "--purge"]);
    assert_eq!(engine.inventory(), before);
}
