//! A whole lab of our own images on an engine of the test's own: from nothing to tasks, through deaths and restarts, and
//! back to nothing.

use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};

use super::{compose, private::PrivateEngine};
use crate::{conformance, support::eventually};

const LITE: [&str; 5] = ["up", "--provider", "docker", "--flavor", "lite"];

fn up(engine: &PrivateEngine, more: &[&str]) -> serde_json::Value {
    engine.json(&[&LITE[..], more].concat())
}

fn running(engine: &PrivateEngine) -> usize {
    let tasks = engine.json(&["tasks"]);
    let of_ours =
        |task: &&serde_json::Value| task["state"] == "TASK_RUNNING" && task["framework"] == "mesoslab";
    tasks.as_array().expect("a list").iter().filter(of_ours).count()
}

fn state(engine: &PrivateEngine) -> String {
    engine.json(&["status"])["state"].as_str().unwrap_or_default().to_owned()
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a thread reads a log that goes on")]
fn a_lite_lab_lives_and_leaves_nothing() {
    let Some(mut engine) = PrivateEngine::start(&[]) else { return };
    let before = engine.inventory();

    let report = up(&engine, &["--agents", "2", "--tasks", "5"]);
    assert_eq!((&report["provider"], &report["tasks"]["running"]), (&"docker".into(), &5.into()), "{report}");
    assert_eq!(report["endpoints"]["master"], "http://127.0.0.1:5050");
    let framework = engine.docker(&["ps", "--filter", "label=mesoslab.task", "--format", "{{.Image}}"]);
    assert_eq!(
        framework.trim(),
        "127.0.0.1:5000/mesoslab/framework:0.1.0",
        "the scheduler comes from the registry"
    );
    let again = up(&engine, &["--agents", "2"]);
    assert_eq!(again["changes"], serde_json::json!([]), "nothing is made anew");
    conformance::holds(|args| engine.run(args), &conformance::SKIPPED);

    let names = engine.docker(&[
        "ps",
        "--filter",
        "label=com.docker.compose.project=mesoslab-default",
        "--format",
        "{{.Names}}",
    ]);
    assert!(names.contains("mesoslab-default-agent-2-1"), "{names}");
    let bound = engine.docker(&["ps", "--format", "{{.Ports}}"]);
    assert!(!bound.contains("0.0.0.0:") && bound.contains("127.0.0.1:5050->5050/tcp"), "{bound}");
    compose::shows(&engine, "mesoslab-default", "master");

    engine.ok(&["config", "set", "executor=docker", "image=127.0.0.1:5000/mesoslab/task:0.1.0"]);
    eventually("five tasks run from the pushed image", || {
        let images = engine.docker(&["ps", "--filter", "label=mesoslab.task", "--format", "{{.Image}}"]);
        images.lines().filter(|image| image.ends_with("/mesoslab/task:0.1.0")).count() == 5
            && running(&engine) == 5
    });
    let tasks = engine.json(&["tasks"]);
    let of_ours = tasks.as_array().expect("a list").iter().find(|task| task["framework"] == "mesoslab");
    let task = of_ours.expect("a task")["id"].as_str().expect("an id").to_owned();
    eventually("the task's output is in its sandbox", || {
        engine.ok(&["logs", &task]).stdout().contains("runs in")
    });
    engine.ok(&["config", "set", "executor=command"]);
    eventually("commands run in the agents' containers", || {
        engine.docker(&["ps", "-q", "--filter", "label=mesoslab.task"]).lines().count() == 1
            && running(&engine) == 5
    });
    engine.ok(&["scale", "7"]);
    assert_eq!(running(&engine), 7);

    let logs = engine.ok(&["logs", "master"]).stdout();
    assert!(logs.contains("agent admitted"), "{logs}");
    let all = engine.ok(&["logs", "-t", "1"]).stdout();
    assert!(all.lines().any(|line| line.starts_with("zookeeper")), "{all}");
    let status = engine.json(&["status"]);
    let agent = &status["components"].as_array().expect("components")[3];
    assert_eq!(
        (&agent["name"], &agent["container"]["state"]),
        (&"agent-1".into(), &"running".into()),
        "{status}"
    );
    assert!(agent["container"]["memory"].as_u64().is_some_and(|bytes| bytes > 1_000_000), "{agent}");

    // An agent's container is killed: the engine leaves it dead, `up` heals the lab, its tasks move.
    engine.docker(&["kill", "mesoslab-default-agent-1-1"]);
    let healed = up(&engine, &["--agents", "2"]);
    assert_eq!(healed["changes"], serde_json::json!(["agent-1 started again"]));
    eventually("seven tasks run again", || running(&engine) == 7);

    // A master that is paused is missed; resumed, it goes on with all.
    engine.docker(&["pause", "mesoslab-default-master-1"]);
    eventually("the master is missed", || state(&engine) != "running");
    let healed = up(&engine, &["--agents", "2"]);
    assert_eq!(healed["changes"], serde_json::json!(["master resumed"]));
    eventually("all is well", || state(&engine) == "running" && running(&engine) == 7);

    engine.ok(&["chaos", "leader"]);
    engine.ok(&["chaos", "zookeeper"]);
    engine.ok(&["chaos", "scheduler"]);

    let begun =
        |lines: &[String]| lines.iter().filter(|line| line.contains("contending for leadership")).count();
    let history: Vec<_> = engine.ok(&["logs", "master"]).stdout().lines().map(str::to_owned).collect();
    let mut logs = engine.command(&["logs", "-f", "master"]);
    let mut logs = logs.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("logs");
    let (sender, lines) = std::sync::mpsc::channel();
    let output = logs.stdout.take().expect("a pipe");
    std::thread::spawn(move || {
        for line in std::io::BufRead::lines(std::io::BufReader::new(output)).map_while(Result::ok) {
            let _reader_is_gone = sender.send(line);
        }
    });
    engine.docker(&["restart", "-t", "0", "mesoslab-default-master-1"]);
    let mut seen = Vec::new();
    eventually("a log goes on after its container was started anew", || {
        seen.extend(lines.try_iter());
        begun(&seen) > begun(&history)
    });
    kill_process(Pid::from_child(&logs), Signal::KILL).expect("it runs");
    logs.wait().expect("it ends");
    // Those with a time of their own; every start says some words anew.
    seen.retain(|line| line.starts_with("20"));
    let distinct: std::collections::BTreeSet<&String> = seen.iter().collect();
    assert_eq!(seen.len(), distinct.len(), "no line comes twice");

    engine.restart();
    eventually("the lab survives its engine by itself", || {
        state(&engine) == "running" && running(&engine) == 7
    });
    let healed = up(&engine, &["--agents", "2"]);
    assert_eq!(healed["changes"], serde_json::json!([]), "there was nothing to heal");

    let smaller = up(&engine, &["--agents", "1"]);
    assert_eq!(smaller["changes"], serde_json::json!(["agent-2 removed"]));
    let volumes = engine.docker(&["volume", "ls", "--format", "{{.Name}}"]);
    assert!(!volumes.contains("agent-2"), "{volumes}");

    engine.ok(&["scheduler", "stop", "--teardown"]);
    engine.ok(&["scheduler", "start"]);
    engine.ok(&["down"]);
    assert_eq!(engine.docker(&["ps", "-aq"]), "");
    let kept = up(&engine, &["--agents", "1", "--no-marathon"]);
    assert_eq!(kept["tasks"]["wanted"], 7, "what was asked for is kept: {kept}");
    eventually("seven tasks run", || running(&engine) == 7);
    engine.ok(&["scheduler", "stop"]);
    up(&engine, &["--agents", "1", "--no-marathon"]);
    eventually("the scheduler that was stopped is back", || state(&engine) == "running");
    engine.ok(&["down", "--purge"]);
    assert_eq!(engine.inventory(), before);
}

#[test]
fn an_interrupted_start_leaves_nothing() {
    let Some(engine) = PrivateEngine::start(&[]) else { return };
    let interrupted = |args: &[&str], begun: &dyn Fn() -> bool| {
        let mut up = engine.command(args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("up");
        eventually("it is in the middle", begun);
        kill_process(Pid::from_child(&up), Signal::INT).expect("it runs");
        assert_eq!(up.wait().expect("it ends").code(), Some(1));
    };
    let nothing = engine.inventory();
    interrupted(&LITE, &|| !engine.docker(&["ps", "-aq"]).is_empty());
    eventually("images are gone too, and the engine has ended what it was building", || {
        engine.inventory() == nothing
    });
    assert_eq!(engine.run(&["status"]).code(), 4, "there is no such lab");

    // Of images that were there before nothing is taken away.
    engine.ok(&["build", "--flavor", "lite"]);
    let built = engine.inventory();
    interrupted(&LITE, &|| !engine.docker(&["ps", "-aq"]).is_empty());
    assert_eq!(engine.inventory(), built);

    // What was being replaced has its successor or comes back; what runs goes on.
    up(&engine, &["--agents", "1", "--no-marathon", "--tasks", "2"]);
    let names = || engine.docker(&["ps", "-a", "--format", "{{.Names}} {{.ID}}"]);
    let (before, all) = (names(), engine.inventory());
    let file = engine.path().join("mesoslab.toml");
    std::fs::write(&file, "[ports]\nzookeeper = 12181\nexhibitor = 18181\n").expect("write");
    interrupted(&[&LITE[..], &["--agents", "3", "--no-marathon"]].concat(), &|| names() != before);
    std::fs::remove_file(&file).expect("remove");
    let healed = up(&engine, &["--agents", "1", "--no-marathon"]);
    assert_eq!(healed["tasks"]["running"], 2, "{healed}");
    assert_eq!(engine.inventory(), all);
    engine.ok(&["down", "--purge"]);
    assert_eq!(engine.inventory(), nothing);
}

#[test]
fn a_lab_of_the_same_name_of_somebody_else_is_left_alone() {
    let Some(engine) = PrivateEngine::start(&[]) else { return };
    up(&engine, &["--agents", "1", "--no-marathon"]);
    let before = engine.inventory();
    let other = tempfile::tempdir().expect("a directory");
    let theirs = |args: &[&str]| {
        let ran = engine.command(args).env("XDG_STATE_HOME", other.path()).output().expect("it runs");
        (ran.status.code(), String::from_utf8_lossy(&ran.stderr).into_owned())
    };
    let (code, words) = theirs(&LITE);
    assert_eq!(code, Some(1), "{words}");
    assert!(words.contains("lab `default` of this engine belongs to") && words.contains("--name"), "{words}");
    assert_eq!(theirs(&["down", "--purge"]).0, Some(4));
    assert_eq!(engine.inventory(), before);
    assert_eq!(state(&engine), "running");
    engine.ok(&["down", "--purge"]);

    // A network or a volume that happens to have the name.
    engine.docker(&["network", "create", "mesoslab-default_default"]);
    let refused = engine.run(&LITE);
    assert_eq!(refused.code(), 1);
    assert!(
        refused.stderr().contains("network mesoslab-default_default belongs to somebody else"),
        "{}",
        refused.stderr()
    );
    engine.docker(&["network", "rm", "mesoslab-default_default"]);
    engine.docker(&["volume", "create", "mesoslab-default_zookeeper"]);
    let refused = engine.run(&LITE);
    assert!(
        refused.stderr().contains("volume mesoslab-default_zookeeper belongs to somebody else"),
        "{}",
        refused.stderr()
    );
    assert_eq!(engine.docker(&["volume", "ls", "-q"]).trim(), "mesoslab-default_zookeeper");
}

#[test]
fn each_failure_says_what_helps_and_leaves_nothing() {
    let Some(engine) = PrivateEngine::start(&["--default-address-pool", "base=10.99.0.0/24,size=24"]) else {
        return;
    };
    engine.ok(&["build", "--flavor", "lite"]);
    let before = engine.inventory();
    let fails = |args: &[&str], words: &[&str]| {
        let ran = engine.run(args);
        assert_eq!(ran.code(), 1, "{}", ran.stderr());
        for word in words {
            assert!(ran.stderr().contains(word), "no `{word}` in: {}", ran.stderr());
        }
    };

    fails(
        &["up", "--provider", "docker", "--flavor", "apache"],
        &["zookeeper:3.9", "--flavor lite", "[images]"],
    );
    let auto = engine.ok(&["up", "--agents", "1"]).stderr();
    assert!(auto.contains("provider embedded (auto: ") && auto.contains("cannot be pulled"), "{auto}");
    engine.ok(&["down", "--purge"]);

    // A container of somebody else has the name.
    engine.docker(&[
        "create",
        "--name",
        "mesoslab-default-zookeeper-1",
        "--network",
        "none",
        "mesoslab/zookeeper:0.1.0",
    ]);
    fails(&LITE, &["mesoslab-default-zookeeper-1", "--name"]);
    engine.docker(&["rm", "mesoslab-default-zookeeper-1"]);

    // Somebody else has all addresses.
    engine.docker(&["network", "create", "other"]);
    fails(&LITE, &["docker network prune"]);
    engine.docker(&["network", "rm", "other"]);

    // A component that ends is a failure at once, with its last words.
    let wrong = "[lab]\nprovider = \"docker\"\nflavor = \"lite\"\n[[agents]]\n[images]\nmaster = \"mesoslab/zookeeper:0.1.0\"\n";
    std::fs::write(engine.path().join("mesoslab.toml"), wrong).expect("write");
    fails(&["up"], &["master has ended with exit code 2", "unexpected argument"]);
    std::fs::remove_file(engine.path().join("mesoslab.toml")).expect("remove");

    assert_eq!(engine.inventory(), before);
    let gone = engine
        .command(&LITE)
        .env("DOCKER_HOST", "unix:///nonexistent/engine.sock")
        .output()
        .expect("it runs");
    let words = String::from_utf8_lossy(&gone.stderr).into_owned();
    assert!(words.contains("no Docker Engine answers at unix:///nonexistent/engine.sock"), "{words}");
    assert!(words.contains("--provider embedded"), "{words}");
}

#[test]
fn a_full_disk_is_said_to_be_full() {
    let Some(engine) = PrivateEngine::with_room(&[], Some(24)) else { return };
    let before = engine.inventory();
    let ran = engine.run(&LITE);
    assert_eq!(ran.code(), 1, "{}", ran.stderr());
    assert!(
        ran.stderr().contains("no space left") && ran.stderr().contains("docker system df"),
        "{}",
        ran.stderr()
    );
    assert_eq!(engine.inventory(), before);
    assert_eq!(engine.run(&["status"]).code(), 4, "there is no such lab");
}
