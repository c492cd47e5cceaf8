//! `mesoslab run` against the embedded lab: what it prints on which stream, how it ends, and that nothing is left of it;
//! and our framework's tasks changing from one executor to another there.

use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use crate::support::{Lab, Ran, eventually, processes};

fn lab() -> Lab {
    Lab::new().up(&["--agents", "1"])
}

/// The frameworks that the master has, but for ours.
fn strangers(lab: &Lab) -> usize {
    let frameworks = lab.json(&["frameworks"]);
    let frameworks = frameworks.as_array().expect("a list").iter();
    frameworks.filter(|framework| framework["name"] != "mesoslab" && framework["state"] == "active").count()
}

fn ends(lab: &Lab, args: &[&str], code: i32) -> Ran {
    let ran = lab.run(&[&["run", "--resources", "cpus:0.1;mem:32"], args].concat());
    assert_eq!(ran.code(), code, "{args:?}: {}", ran.stderr());
    ran
}

#[test]
fn hands_through_output_and_exit_code() {
    let lab = lab();
    let ran = ends(&lab, &["echo out $A; echo err >&2", "--env", "A=b c"], 0);
    assert_eq!(ran.stdout(), "out b c\n", "nothing else on stdout");
    assert!(ran.stderr().contains("err\n") && ran.stderr().contains("finished"), "{}", ran.stderr());

    let quiet = ends(&lab, &["-q", "printf abc; printf def >&2; exit 3"], 3);
    assert_eq!((quiet.stdout().as_str(), quiet.stderr().as_str()), ("abc", "def"));

    ends(&lab, &["kill -KILL $$"], 137);
    ends(&lab, &["kill -TERM $$"], 143);
    let argv = ends(&lab, &["--", "printf", "%s", "$HOME"], 0);
    assert_eq!(argv.stdout(), "$HOME");
    ends(&lab, &["sleep 1000", "--kill-after", "100ms"], 143);
    let broken = ends(&lab, &["--argv", "/nonexistent/program"], 1);
    assert_eq!(broken.stdout(), "");
    assert_eq!(strangers(&lab), 0);
}

#[test]
fn several_tasks_are_told_apart() {
    let lab = lab();
    let ran = ends(&lab, &["echo $MESOS_TASK_ID", "--instances", "3", "--task-name", "many"], 0);
    let mut lines: Vec<_> = ran.stdout().lines().map(str::to_owned).collect();
    lines.sort();
    assert_eq!(lines, ["[many.0] many.0", "[many.1] many.1", "[many.2] many.2"]);
    let one_fails = "case $MESOS_TASK_ID in *.1) exit 7;; esac";
    ends(&lab, &[one_fails, "--instances", "3"], 7);
}

#[test]
fn a_pod_shares_its_fate() {
    let lab = lab();
    let resource =
        |name: &str, value: f64| json!({"name": name, "type": "SCALAR", "scalar": {"value": value}});
    let task = |name: &str, line: &str| {
        json!({
            "name": name,
            "task_id": {"value": name},
            "agent_id": {"value": ""},
            "resources": [resource("cpus", 0.1), resource("mem", 32.0)],
            "command": {"value": line},
        })
    };
    let group =
        json!({"tasks": [task("good", "echo hello; exec sleep 1000"), task("bad", "sleep 0.3; exit 9")]});
    std::fs::write(lab.path().join("group.json"), group.to_string()).expect("write the group");
    let ran = lab.run(&["run", "--task-group", "group.json"]);
    assert!(ran.stdout().contains("[good] hello\n"), "{}", ran.stdout());
    assert!(matches!(ran.code(), 9 | 143), "the first that did not succeed: {}", ran.stderr());
    assert!(ran.stderr().contains("bad: failed: Command exited with status 9"), "{}", ran.stderr());
    assert_eq!(strangers(&lab), 0);
}

#[test]
fn what_finds_no_place_says_so_and_gives_up_in_time() {
    let lab = lab();
    let ran = lab.run(&["run", "true", "--resources", "cpus:100;mem:32", "--timeout", "4s"]);
    assert_eq!(ran.code(), 3);
    let told = ran.stderr();
    assert!(
        told.contains("waiting for offers, 0 of 1 tasks launched: cpus: wants 100, largest offer has 4"),
        "{told}"
    );
    assert!(told.contains("error: 1 of 1 tasks found no place in time: cpus: wants 100"), "{told}");
    assert_eq!(strangers(&lab), 0);
    let nothing = lab.run(&["run"]);
    assert_eq!(nothing.code(), 2);
    assert_eq!(lab.run(&["run", "true", "--name", "other"]).code(), 4);
}

#[test]
fn an_interrupt_leaves_nothing() {
    let lab = lab();
    let mut command = lab.command(&["run", "trap '' TERM; echo up; while :; do sleep 1; done"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the binary runs");
    eventually("the task runs", || !lab.task_processes().is_empty() && strangers(&lab) == 1);
    kill_process(Pid::from_child(&child), Signal::INT).expect("a signal");
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(130));
    assert_eq!(strangers(&lab), 0);
    eventually("no process is left", || lab.task_processes().is_empty());

    let mut command = lab.command(&["run", "sleep 1000"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the binary runs");
    eventually("the task runs", || !lab.task_processes().is_empty());
    child.kill().expect("a signal");
    child.wait().expect("it ends");
    eventually("the master kills what a dead framework has left", || lab.task_processes().is_empty());
}

#[test]
fn a_closed_pipe_ends_it() {
    let lab = lab();
    let (code, text) = lab.shell("mesoslab run --name test -q 'while :; do echo y; done' | head -n 2");
    assert_eq!((code, text.as_str()), (0, "y\ny\n"));
    eventually("no process is left", || lab.task_processes().is_empty());
    assert_eq!(strangers(&lab), 0);
}

/// The processes of our custom executor that the lab runs.
fn executors(lab: &Lab) -> usize {
    let home = lab.path().display().to_string();
    processes(|environ, cmdline| cmdline.contains("serve\nexecutor") && environ.contains(&home)).len()
}

#[test]
fn tasks_change_their_executor_one_by_one() {
    let lab = Lab::new().up(&["--agents", "1", "--tasks", "3"]);
    let old = lab.running();
    lab.ok(&["config", "set", "executor=default"]);
    lab.ok(&["scale", "3"]);
    let pods = lab.running();
    assert!(pods.len() == 3 && pods.iter().all(|id| !old.contains(id)), "{old:?} {pods:?}");
    let log = lab.ok(&["logs", &pods[0]]).stdout();
    assert!(log.contains(&format!("task {} runs in", pods[0])) && log.contains("/containers/"), "{log}");

    // A kind that cannot run costs one task, says why, and is left again.
    lab.ok(&["config", "set", "executor=custom", "executor_command=exit 5"]);
    eventually("it says why", || lab.ok(&["explain"]).stdout().contains("failed 2 times"));
    assert_eq!(lab.running().len(), 2);
    // Without a program of one's own it is that of the lab, which runs the same command.
    lab.ok(&[
        "config",
        "set",
        "executor=custom",
        "executor_command=null",
        "command=echo I am $MESOS_TASK_ID; exec sleep 1000",
    ]);
    lab.ok(&["scale", "3"]);
    let custom = lab.running();
    eventually("three executors of ours run", || executors(&lab) == 3);
    assert_eq!(lab.ok(&["logs", &custom[0]]).stdout(), format!("I am {}\n", custom[0]));
    let talk = lab.ok(&["logs", "--stderr", &custom[0]]).stdout();
    assert!(talk.contains("TASK_RUNNING of task") && talk.contains("runs as process"), "{talk}");
    lab.ok(&["config", "set", "executor=command"]);
    lab.ok(&["scale", "3"]);
    assert_eq!(lab.running().len(), 3);
    eventually("no executor of ours is left", || executors(&lab) == 0);
    assert!(lab.ok(&["explain"]).stdout().starts_with("3/3 tasks running\n"));
}
