//! Custom executors on an agent that dies and comes back: ours, and one in Python that uses nothing of ours.

use std::{fs, path::Path};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Value, json};

use super::{cluster::Cluster, framework::Framework};
use crate::support::{eventually, processes, skipped};

/// A task whose executor is a program of its own.
fn task(id: &str, agent: &str, executor: &Value, data: &str) -> Value {
    let scalar =
        |name: &str, value: f64| json!({ "name": name, "type": "SCALAR", "scalar": { "value": value } });
    json!({
        "name": id, "task_id": { "value": id }, "agent_id": { "value": agent }, "executor": executor,
        "data": BASE64_STANDARD.encode(data), "resources": [scalar("cpus", 0.1), scalar("mem", 32.0)],
    })
}

fn executor(id: &str, program: &str, arguments: &[&str]) -> Value {
    let arguments = [&[program], arguments].concat();
    json!({
        "type": "CUSTOM", "executor_id": { "value": id },
        "command": { "shell": false, "value": program, "arguments": arguments },
    })
}

fn ours(id: &str) -> Value {
    executor(id, env!("CARGO_BIN_EXE_mesoslab"), &["serve", "executor"])
}

/// A task of our executor, whose data is its command.
fn run(framework: &mut Framework, agent: &str, executor: &Value, id: &str, command: &str) {
    let data = json!({ "value": command }).to_string();
    framework.launch_infos(agent, vec![task(id, agent, executor, &data)]);
    framework.until_state(id, "TASK_RUNNING");
}

/// What the newest run of an executor has written.
fn written(cluster: &Cluster, framework: &Framework, executor: &str, file: &str) -> String {
    let agent = cluster.id_of(0);
    let runs = cluster.site.dir(&super::cluster::name(0));
    let sandbox = format!("slaves/{agent}/frameworks/{}/executors/{executor}/runs/latest", framework.id());
    fs::read_to_string(runs.join(sandbox).join(file)).unwrap_or_default()
}

#[test]
fn ours_and_its_task_outlive_the_agent() {
    let mut cluster = Cluster::start(1, &[], &["--executor_reregistration_timeout=15secs"]);
    let agent = cluster.id_of(0);
    let mut framework = cluster.framework("own", true, &["TASK_KILLING_STATE"]);
    run(&mut framework, &agent, &ours("e"), "waits", "echo begins; mkfifo gate; read x < gate; exit 3");
    run(&mut framework, &agent, &ours("e"), "stays", "exec sleep 1000000");
    let before = cluster.site.settled(2);
    eventually("it writes where its executor does", || {
        written(&cluster, &framework, "e", "stdout") == "begins\n"
    });

    cluster.agents[0].kill();
    cluster.is_away(&agent);
    cluster.site.open_gate("waits");
    eventually("the task ends", || !cluster.site.tasks().contains_key("waits"));
    cluster.restart_agent(0);
    cluster.is_active(&agent);
    let failed = framework.until_state("waits", "TASK_FAILED");
    assert_eq!(failed["message"], "Command exited with status 3");
    assert_eq!(failed["source"], "SOURCE_EXECUTOR");
    let after = cluster.site.tasks();
    assert_eq!(after["stays"], before["stays"], "the same process");

    framework.kill("stays", &agent);
    framework.until_state("stays", "TASK_KILLED");
    assert_eq!(framework.states("stays"), ["TASK_STARTING", "TASK_RUNNING", "TASK_KILLING", "TASK_KILLED"]);
    eventually("the executor ends with its last task", || cluster.site.tasks().is_empty());
    eventually("and its end is told", || {
        framework.look();
        framework.heard.iter().any(|kind| kind == "FAILURE")
    });
    framework.teardown();
    cluster.end();
}

#[test]
fn ours_dies_and_its_task_with_it() {
    let mut cluster = Cluster::start(1, &[], &[]);
    let agent = cluster.id_of(0);
    let mut framework = cluster.framework("own", true, &[]);
    // No other test has an executor of this name.
    run(&mut framework, &agent, &ours("mortal"), "t", "exec sleep 1000000");
    let executor = processes(|environ, cmdline| {
        environ.contains("MESOS_EXECUTOR_ID=mortal\n") && cmdline.contains("serve\nexecutor")
    });
    assert_eq!(executor.len(), 1);
    let pid = i32::try_from(executor[0]).ok().and_then(rustix::process::Pid::from_raw).expect("a pid");
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("a signal");
    let failed = framework.until_state("t", "TASK_FAILED");
    assert_eq!(failed["reason"], "REASON_EXECUTOR_TERMINATED");
    eventually("the task dies with it", || cluster.site.tasks().is_empty());
    framework.teardown();
    cluster.end();
}

#[test]
fn ours_ends_with_an_agent_whose_framework_does_not_checkpoint() {
    let mut cluster = Cluster::start(1, &[], &[]);
    let agent = cluster.id_of(0);
    let mut framework = cluster.framework("mortal", false, &[]);
    run(&mut framework, &agent, &ours("e"), "t", "exec sleep 1000000");
    cluster.agents[0].kill();
    framework.until_state("t", "TASK_LOST");
    eventually("nothing is left", || cluster.site.tasks().is_empty());
    cluster.restart_agent(0);
    framework.teardown();
    cluster.end();
}

#[test]
fn without_an_agent_it_says_who_starts_it() {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_mesoslab"))
        .args(["serve", "executor"])
        .env_remove("MESOS_AGENT_ENDPOINT")
        .output()
        .expect("the binary runs");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(text.contains("MESOS_AGENT_ENDPOINT is not set") && text.contains("executor=custom"), "{text}");
}

#[test]
fn an_agent_that_is_never_reached_is_a_failure() {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_mesoslab"))
        .args(["serve", "executor"])
        .env("MESOS_AGENT_ENDPOINT", "127.0.0.1:1")
        .env("MESOS_FRAMEWORK_ID", "f")
        .env("MESOS_EXECUTOR_ID", "e")
        .env_remove("MESOS_CHECKPOINT")
        .output()
        .expect("the binary runs");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("reach the agent: "), "{text}");
}

#[test]
fn one_in_python_speaks_to_our_agent() {
    let python = std::env::var("MESOSLAB_TEST_PYTHON").unwrap_or_else(|_| "python3".into());
    let found =
        std::process::Command::new(&python).args(["-c", "import sys; print(sys.executable)"]).output();
    let Some(found) = found.ok().filter(|output| output.status.success()) else {
        return skipped(&format!("there is no {python}"));
    };
    let python = String::from_utf8_lossy(&found.stdout).trim().to_owned();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/custom_executor.py");
    let executor = executor("py", &python, &[&script.display().to_string()]);

    let mut cluster = Cluster::start(1, &[], &["--executor_reregistration_timeout=15secs"]);
    let agent = cluster.id_of(0);
    let mut framework = cluster.framework("python", true, &[]);
    let both = vec![task("r", &agent, &executor, "run"), task("f", &agent, &executor, "finish")];
    framework.launch_infos(&agent, both);
    framework.until_state("r", "TASK_RUNNING");
    framework.until_state("f", "TASK_FINISHED");
    assert_eq!(framework.states("f"), ["TASK_RUNNING", "TASK_FINISHED"]);

    framework.message(&agent, "py", b"hello");
    eventually("it answers in capitals", || {
        framework.look();
        framework.messages.iter().any(|message| message["data"] == BASE64_STANDARD.encode(b"HELLO"))
    });

    // It cuts the connection itself, and subscribes again with what was not acknowledged.
    framework.launch_infos(&agent, vec![task("c", &agent, &executor, "cut")]);
    framework.until_state("c", "TASK_RUNNING");
    let subscribed = |cluster: &Cluster, framework: &Framework| {
        written(cluster, framework, "py", "stdout").matches("\"type\": \"SUBSCRIBED\"").count()
    };
    eventually("it subscribes again", || subscribed(&cluster, &framework) == 2);

    cluster.agents[0].kill();
    cluster.is_away(&agent);
    cluster.restart_agent(0);
    cluster.is_active(&agent);
    eventually("it subscribes with the next agent", || subscribed(&cluster, &framework) == 3);
    for id in ["r", "c"] {
        framework.kill(id, &agent);
        framework.until_state(id, "TASK_KILLED");
        assert_eq!(framework.states(id), ["TASK_RUNNING", "TASK_KILLED"]);
    }
    framework.teardown();
    eventually("the executor goes with its framework", || cluster.site.tasks().is_empty());
    cluster.end();
}
