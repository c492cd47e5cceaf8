//! The lab with all its parts: ZooKeeper, Exhibitor, several masters, Marathon, and the scheduler as its app.

use serde_json::Value;

use crate::support::{Lab, eventually};

/// The state that `status` shows of each part.
fn parts(lab: &Lab) -> Vec<(String, String)> {
    let status = lab.json(&["status"]);
    let parts = status["components"].as_array().expect("components").iter();
    let text = |part: &Value, key: &str| part[key].as_str().expect("text").to_owned();
    parts.map(|part| (text(part, "name"), text(part, "state"))).collect()
}

fn state_of(lab: &Lab, name: &str) -> String {
    parts(lab).into_iter().find(|(part, _)| part == name).expect("the part").1
}

/// Our framework's tasks that run.
fn ours(lab: &Lab) -> Vec<String> {
    let mut ids = lab.running();
    ids.retain(|id| id.starts_with("mesoslab."));
    ids.sort();
    ids
}

/// The tasks in which Marathon runs the scheduler.
fn schedulers(lab: &Lab) -> Vec<String> {
    let mut ids = lab.running();
    ids.retain(|id| id.starts_with("mesoslab_scheduler."));
    ids
}

#[test]
fn everything_is_there_and_says_so() {
    let lab = Lab::new().with_marathon().up(&["--masters", "3", "--tasks", "2"]);
    let names: Vec<String> = parts(&lab).into_iter().map(|(name, _)| name).collect();
    let wanted = ["zookeeper", "exhibitor", "master-1", "master-2", "master-3"];
    assert_eq!(names[..5], wanted, "{names:?}");
    assert_eq!(names[8..], ["marathon", "registry", "scheduler"], "{names:?}");
    let masters: Vec<String> = (1..=3).map(|at| state_of(&lab, &format!("master-{at}"))).collect();
    assert_eq!(masters.iter().filter(|state| *state == "elected").count(), 1, "{masters:?}");
    assert_eq!(state_of(&lab, "marathon"), "leading, 1 app");
    let variables = lab.ok(&["env", "-q"]).stdout();
    for variable in [
        "MESOS_ZK='zk://127.0.0.1:",
        "MARATHON_URL='http://",
        "EXHIBITOR_URL='http://",
        "MESOSLAB_REGISTRY='127.0.0.1:",
    ] {
        assert!(variables.contains(variable), "{variables}");
    }
    for component in ["zookeeper", "exhibitor", "master-2", "marathon", "scheduler"] {
        assert!(!lab.ok(&["logs", component]).stdout().is_empty(), "{component}");
    }
}

#[test]
fn every_command_follows_the_leader_wherever_it_is() {
    let lab = Lab::new().up(&["--masters", "3", "--tasks", "1"]);
    let before = ours(&lab);
    let url = lab.json(&["status"])["components"][2]["url"].as_str().expect("a URL").to_owned();
    lab.ok(&["chaos", "leader"]);
    assert_eq!(ours(&lab), before, "through the list of masters");
    let zookeeper = lab.ok(&["env", "-q"]).stdout();
    let zookeeper =
        zookeeper.lines().find_map(|line| line.strip_prefix("export MESOS_ZK=")).expect("MESOS_ZK");
    for master in [zookeeper.trim_matches('\''), &url] {
        let tasks = lab.json(&["tasks", "--master", master]);
        assert_eq!(tasks[0]["id"], before[0].as_str(), "{master}");
    }
}

#[test]
fn what_ends_while_no_master_leads_is_told_to_the_next_leader() {
    let file = "[lab]\nmasters = 3\n[scheduler]\ncommand = \"mkfifo gate; read go < gate\"\n";
    let lab = Lab::with_file(file).up(&["--tasks", "3"]);
    let before = ours(&lab);
    eventually("every task waits", || lab.gates() == 3);
    let mut chaos = lab.command(&["chaos", "leader"]).spawn().expect("spawn");
    eventually("nobody leads", || lab.run(&["tasks"]).code() != 0);
    lab.open_gates();
    assert!(chaos.wait().expect("exit").success());
    eventually("each end has arrived", || {
        let tasks = lab.json(&["tasks", "--all"]);
        let tasks = tasks.as_array().expect("a list");
        before
            .iter()
            .all(|id| tasks.iter().any(|it| it["id"] == id.as_str() && it["state"] == "TASK_FINISHED"))
    });
    eventually("and each place is filled again", || {
        let now = ours(&lab);
        now.len() == 3 && now.iter().all(|id| !before.contains(id))
    });
}

#[test]
fn the_scheduler_starts_and_stops_through_marathon() {
    let lab = Lab::new().with_marathon().up(&["--tasks", "3"]);
    let (tasks, first) = (ours(&lab), schedulers(&lab));
    assert_eq!((tasks.len(), first.len()), (3, 1));

    lab.ok(&["scheduler", "stop"]);
    assert_eq!(state_of(&lab, "scheduler"), "stopped");
    eventually("Marathon has no app", || state_of(&lab, "marathon") == "leading, 0 apps");
    assert_eq!(lab.running().len(), 3, "its tasks go on, and nothing else");

    lab.ok(&["scheduler", "start"]);
    assert!(state_of(&lab, "scheduler").starts_with("subscribed"), "a start waits for that");
    assert_eq!(ours(&lab), tasks, "it takes its tasks over");
    assert_ne!(schedulers(&lab), first);
    lab.ok(&["scale", "4"]);

    lab.ok(&["scheduler", "stop", "--teardown"]);
    eventually("its tasks end with it", || lab.running().is_empty());
    lab.ok(&["up"]);
    eventually("a new framework is there", || ours(&lab).len() == 4);
    lab.ok(&["scheduler", "stop"]);
    lab.ok(&["scheduler", "start"]);
    lab.ok(&["scheduler", "stop", "--teardown"]);
    eventually("one that has just begun ends its tasks, too", || lab.running().is_empty());
}

#[test]
fn marathon_comes_and_goes_and_the_tasks_stay() {
    let lab = Lab::new().up(&["--tasks", "2"]);
    let tasks = ours(&lab);
    lab.write_file("[lab]\nmarathon = true\nmasters = 2\n");
    let with = lab.command(&["up"]).env_remove("MESOSLAB_NO_MARATHON").output().expect("up");
    let text = String::from_utf8_lossy(&with.stderr);
    assert!(text.contains("marathon added") && text.contains("one more master"), "{text}");
    assert_eq!((ours(&lab), schedulers(&lab).len()), (tasks.clone(), 1));
    lab.write_file("[lab]\nmarathon = false\n");
    lab.ok(&["up"]);
    eventually("the lab runs the scheduler itself", || schedulers(&lab).is_empty());
    assert_eq!(ours(&lab), tasks);
}

#[test]
fn a_lab_that_died_has_its_apps_and_tasks_again() {
    let lab = Lab::new().with_marathon().up(&["--tasks", "2", "--masters", "2"]);
    let pid = i32::try_from(lab.pid()).expect("a pid");
    let pid = rustix::process::Pid::from_raw(pid).expect("a pid");
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("kill");
    eventually("nothing is left", || lab.task_processes().is_empty());
    lab.ok(&["up"]);
    assert_eq!((ours(&lab).len(), schedulers(&lab).len()), (2, 1));
    lab.ok(&["down"]);
    lab.ok(&["up"]);
    assert_eq!((ours(&lab).len(), schedulers(&lab).len()), (2, 1));
}
