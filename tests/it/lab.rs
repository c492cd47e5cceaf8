//! The lab through its binary, from `up` to `down`.

use std::{
    io::Read,
    process::{Child, Stdio},
};

use mesoslab::{
    client::zookeeper::{self, ZooKeeperUrl},
    provider::state::StateDir,
    runtime::{self, Tasks},
};

use crate::support::{Lab, eventually};

#[test]
fn up_scale_kill_and_down() {
    let lab = Lab::new().up(&["--tasks", "3", "--agents", "2"]);
    assert_eq!(lab.running().len(), 3);
    lab.ok(&["scale", "5"]);
    assert_eq!(lab.running().len(), 5);
    lab.ok(&["scale", "1"]);
    let [survivor] = &lab.running()[..] else { panic!("one task") };
    lab.ok(&["kill", survivor]);
    eventually("the killed task is replaced", || matches!(&lab.running()[..], [new] if new != survivor));
    lab.ok(&["down"]);
    assert_eq!(lab.run(&["status"]).code(), 4);
    assert!(lab.task_processes().is_empty() && lab.lab_processes().is_empty());
}

#[test]
fn up_without_a_number_runs_no_task_and_twice_changes_nothing() {
    let lab = Lab::new().up(&[]);
    assert_eq!(lab.running().len(), 0);
    let pid = lab.pid();
    let again = lab.ok(&["up"]);
    assert!(again.stderr().contains("nothing to change"), "{}", again.stderr());
    assert_eq!(lab.pid(), pid);
    assert_eq!(lab.json(&["up"])["changes"], serde_json::json!([]));
}

#[test]
fn up_applies_what_the_lab_file_changed() {
    let one = "[[agents]]\ncount = 1\nresources = \"cpus:2;mem:512\"\n[scheduler]\ncpus = 0.5\n";
    let lab = Lab::with_file(one).up(&["--tasks", "2"]);
    lab.write_file(&one.replace("count = 1", "count = 2").replace("cpus = 0.5", "cpus = 0.25"));
    let changed = lab.json(&["up"]);
    assert_eq!(changed["changes"].as_array().expect("changes").len(), 2, "{changed}");
    assert_eq!(lab.json(&["agents"]).as_array().expect("agents").len(), 2);
    assert_eq!(lab.json(&["config", "get", "cpus"]), 0.25);
    let grown = one.replace("cpus = 0.5", "cpus = 0.25").replace("cpus:2;mem:512", "cpus:8;mem:512");
    lab.write_file(&grown);
    let words = lab.json(&["up"])["changes"].to_string();
    assert!(
        words.contains("agent-2 removed") && words.contains("agent-1 resized, its tasks go on"),
        "{words}"
    );
    assert_eq!(lab.running().len(), 2);
    assert_eq!(lab.json(&["agents"])[0]["total"]["cpus"], 8.0);
    let before = lab.running();
    lab.write_file(&grown.replace("mem:512", "mem:512\"\nattributes = \"rack:b"));
    let words = lab.json(&["up"])["changes"].to_string();
    assert!(words.contains("agent-1 replaced, its tasks are placed anew: attributes changed"), "{words}");
    assert!(lab.running().len() == 2 && lab.running().iter().all(|task| !before.contains(task)));
}

#[test]
fn a_killed_lab_says_so_leaves_nothing_and_heals() {
    let lab = Lab::new().up(&["--tasks", "2"]);
    lab.ok(&["config", "set", "command=setsid sleep 100000 & sleep 100001"]);
    eventually("the new command runs", || lab.task_processes().len() >= 4);
    kill(lab.pid());
    eventually("no task outlives the lab", || lab.task_processes().is_empty());
    let status = lab.run(&["status"]);
    assert_eq!(status.code(), 4);
    assert!(
        status.stderr().contains("died") && status.stderr().contains("mesoslab up"),
        "{}",
        status.stderr()
    );
    lab.ok(&["up"]);
    assert_eq!(lab.running().len(), 2);
    assert_eq!(lab.json(&["config", "get", "command"]), "setsid sleep 100000 & sleep 100001");
}

#[test]
fn a_record_that_is_garbage_stops_neither_up_nor_down() {
    let lab = Lab::new().up(&["--agents", "1"]);
    let garble = || std::fs::write(lab.state_dir().join("lab.json"), "{\"spec\":").expect("garbage");
    garble();
    let refused = lab.run(&["status"]);
    assert!(refused.stderr().contains("lab.json` does not parse"), "{}", refused.stderr());
    lab.ok(&["down"]);
    garble();
    lab.ok(&["up", "--tasks", "1"]);
    assert_eq!(lab.running().len(), 1);
    kill(lab.pid());
    garble();
    lab.ok(&["down", "--purge"]);
    assert!(!lab.state_dir().exists());
}

#[test]
fn a_killed_task_is_replaced() {
    let lab = Lab::with_file("[scheduler]\ncommand = \"exec sleep 100000\"\n").up(&["--tasks", "1"]);
    let [process] = lab.task_processes()[..] else { panic!("one process") };
    kill(process);
    eventually("another process runs", || matches!(lab.task_processes()[..], [new] if new != process));
    eventually("the task that died is listed", || {
        lab.json(&["tasks", "--all"]).to_string().contains("Command terminated with signal Killed")
    });
}

#[test]
fn two_labs_live_side_by_side() {
    let lab = Lab::new().up(&["--tasks", "1"]);
    let two = lab.sibling("two");
    let two: Vec<&str> = two.iter().map(String::as_str).collect();
    lab.ok(&[&["up", "--tasks", "2"], &two[..]].concat());
    assert_eq!(lab.running().len(), 1);
    assert_eq!(lab.json(&[&["tasks"], &two[..]].concat()).as_array().map(Vec::len), Some(2));
    lab.ok(&[&["down", "--purge"], &two[..]].concat());
    assert_eq!(lab.run(&[&["status"], &two[..]].concat()).code(), 4);
    assert_eq!(lab.running().len(), 1, "the first lab goes on");
}

#[test]
fn a_taken_port_is_replaced_and_said() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port();
    let lab = Lab::with_file(&format!(
        "[ports]\nzookeeper = 0\nexhibitor = 0\nmaster = {port}\nagents = 0\nmarathon = 0\nregistry = 0\nscheduler = 0\n"
    ));
    let up = lab.ok(&["up"]);
    assert!(up.stderr().contains(&format!("port {port} is in use")), "{}", up.stderr());
}

#[test]
fn logs_of_a_task_a_component_and_the_lab() {
    let lab = Lab::with_file("[scheduler]\ncommand = \"echo out; echo err >&2; sleep 100000\"\n")
        .up(&["--tasks", "1"]);
    let [task] = &lab.running()[..] else { panic!("one task") };
    eventually("stdout has its line", || lab.ok(&["logs", task]).stdout().ends_with("out\n"));
    assert!(lab.ok(&["logs", task, "--stderr"]).stdout().ends_with("err\n"));
    assert_eq!(lab.ok(&["logs", task, "--tail", "1"]).stdout(), "out\n");
    assert!(!lab.ok(&["logs"]).stdout().is_empty());
    assert!(
        lab.ok(&["logs", "master"])
            .stdout()
            .lines()
            .all(|line| { line.contains("::master") || line.contains("client::election") })
    );
    let missing = lab.run(&["logs", "no-such-task"]);
    assert_eq!(missing.code(), 1);
    assert!(missing.stderr().contains("mesoslab tasks --all"), "{}", missing.stderr());
}

#[test]
fn followed_logs_end_with_the_task() {
    let lab = Lab::with_file(
        "[scheduler]\ncommand = \"for i in 1 2 3; do echo line $i; sleep 0.1; done; sleep 100000\"\n",
    )
    .up(&["--tasks", "1"]);
    let [task] = &lab.running()[..] else { panic!("one task") };
    let mut follow = lab.command(&["logs", task, "-f"]).stdout(Stdio::piped()).spawn().expect("spawn");
    lab.ok(&["scale", "0"]);
    let mut text = String::new();
    follow.stdout.take().expect("stdout").read_to_string(&mut text).expect("text");
    assert!(follow.wait().expect("exit").success());
    assert!(text.contains("line 1"), "{text}");
}

#[test]
fn too_much_is_accepted_and_explained() {
    let file = "[[agents]]\ncount = 2\nresources = \"cpus:1;mem:512\"\n[scheduler]\ncpus = 0.5\n";
    let lab = Lab::with_file(file).up(&[]);
    let scaled = lab.ok(&["scale", "1000000"]);
    assert!(scaled.stderr().contains("cpus: wants 0.5"), "{}", scaled.stderr());
    assert_eq!(lab.running().len(), 4);
    lab.ok(&["scale", "0"]);
    lab.ok(&["config", "set", "cpus=8"]);
    lab.ok(&["scale", "1"]);
    let explain = lab.ok(&["explain"]).stdout();
    assert!(explain.contains("cpus: wants 8, largest offer has 1"), "{explain}");
}

#[test]
fn the_scheduler_stops_and_starts_without_touching_its_tasks() {
    let lab = Lab::new().up(&["--tasks", "2"]);
    let before = lab.running();
    lab.ok(&["scheduler", "stop"]);
    assert_eq!(lab.running(), before);
    assert_eq!(lab.run(&["scale", "3"]).code(), 1);
    lab.ok(&["scheduler", "start"]);
    eventually("it is subscribed again", || lab.json(&["status"])["state"] == "running");
    assert_eq!(lab.running(), before);
    lab.ok(&["scheduler", "stop", "--teardown"]);
    eventually("its tasks ended", || lab.task_processes().is_empty());
}

/// A second scheduler with the lab's own framework: it lives on a copy of what the lab's has saved.
struct Rival(Child);

/// What the lab's scheduler keeps in ZooKeeper.
fn saved_state(lab: &Lab) -> Vec<u8> {
    let read = async {
        let record = StateDir::at(lab.state_dir()).record().expect("a record").expect("a lab");
        let masters: ZooKeeperUrl =
            record.endpoints.zookeeper.expect("a ZooKeeper").parse().expect("its URL");
        let (tasks, config) = (Tasks::new(), zookeeper::Config::from(&masters));
        let client = zookeeper::ZooKeeper::connect(&tasks, config);
        let (state, _) = client.get("/mesoslab/schedulers/lab").await.expect("the saved state");
        client.close().await;
        state.to_vec()
    };
    runtime::block_on(read).expect("a runtime")
}

impl Rival {
    fn of(lab: &Lab) -> Self {
        let dir = lab.path().join("rival");
        std::fs::create_dir(&dir).expect("a directory");
        std::fs::write(dir.join("scheduler.json"), saved_state(lab)).expect("write");
        let dir = dir.display().to_string();
        let args = ["serve", "scheduler", "--listen", "127.0.0.1:0", "--work-dir", &dir];
        Self(lab.command(&args).stderr(Stdio::piped()).spawn().expect("spawn"))
    }

    /// Its code and its last words, once it has ended by itself.
    fn ended(mut self) -> (Option<i32>, String) {
        let mut words = String::new();
        self.0.stderr.take().expect("stderr").read_to_string(&mut words).expect("text");
        (self.0.wait().expect("exit").code(), words)
    }
}

impl Drop for Rival {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_scheduler_whose_framework_is_taken_over_says_so_and_is_started_anew() {
    let lab = Lab::new().up(&["--tasks", "2"]);
    let before = lab.running();
    let rival = Rival::of(&lab);
    let scheduler = || {
        let status = lab.json(&["status"]);
        let components = status["components"].as_array().expect("components").clone();
        let scheduler = components.into_iter().find(|component| component["name"] == "scheduler");
        scheduler.expect("a scheduler")["state"].as_str().expect("a state").to_owned()
    };
    eventually("the lab's scheduler gives up", || scheduler().starts_with("stopped, "));
    assert!(scheduler().ends_with("given up: Framework failed over"), "{}", scheduler());
    assert!(lab.ok(&["explain"]).stdout().contains("given up: Framework failed over"));
    let scale = lab.run(&["scale", "3"]);
    assert_eq!(scale.code(), 1);
    assert!(scale.stderr().contains("hint: mesoslab scheduler start"), "{}", scale.stderr());

    let started = lab.ok(&["scheduler", "start"]);
    assert!(!started.stderr().contains("already"), "{}", started.stderr());
    let (code, words) = rival.ended();
    assert_eq!(code, Some(1));
    assert!(words.contains("the scheduler has stopped: Framework failed over"), "{words}");
    eventually("it is subscribed again", || lab.json(&["status"])["state"] == "running");
    assert_eq!(lab.running(), before);
    assert!(lab.ok(&["scheduler", "start"]).stderr().contains("already"));
    lab.ok(&["scale", "3"]);
}

#[test]
fn a_foreground_lab_ends_with_an_interrupt() {
    let lab = Lab::new();
    let mut up =
        lab.command(&["up", "--foreground", "--tasks", "1"]).stderr(Stdio::piped()).spawn().expect("spawn");
    eventually("the task runs", || !lab.task_processes().is_empty());
    rustix::process::kill_process(
        rustix::process::Pid::from_raw(up.id() as i32).expect("a pid"),
        rustix::process::Signal::INT,
    )
    .expect("interrupt");
    assert!(up.wait().expect("exit").success());
    assert!(lab.task_processes().is_empty());
    assert_eq!(lab.run(&["status"]).code(), 4);
}

/// `kill -9`.
fn kill(pid: u32) {
    let pid = rustix::process::Pid::from_raw(pid as i32).expect("a pid");
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("kill");
}

#[test]
fn without_its_lab_file_a_lab_stays_as_it_was_applied() {
    let lab = Lab::with_file("[[agents]]\ncount = 2\nattributes = \"rack:x\"\n").up(&[]);
    std::fs::remove_file(lab.file()).expect("remove");
    assert_eq!(lab.json(&["up"])["changes"], serde_json::json!([]));
    kill(lab.pid());
    lab.ok(&["up"]);
    let agents = lab.json(&["agents"]);
    assert_eq!(agents.as_array().map(Vec::len), Some(2));
    assert_eq!(agents[1]["attributes"], "rack:x");
    lab.ok(&["up", "--agents", "3"]);
    assert_eq!(lab.json(&["up"])["changes"], serde_json::json!([]));
    assert_eq!(lab.json(&["agents"]).as_array().map(Vec::len), Some(3));
}

#[test]
fn two_ups_at_once_make_one_lab() {
    let lab = Lab::new();
    let mut first = lab.command(&["up", "-q"]).spawn().expect("spawn");
    let mut second = lab.command(&["up", "-q"]).spawn().expect("spawn");
    assert!(first.wait().expect("exit").success() && second.wait().expect("exit").success());
    assert_eq!(lab.json(&["status"])["state"], "running");
}

#[test]
fn tasks_counted_after_a_heal_are_tasks_that_run() {
    let lab = Lab::new().up(&["--tasks", "2"]);
    kill(lab.pid());
    let healed = lab.json(&["up"]);
    assert_eq!(healed["tasks"]["running"], 2);
    assert_eq!(lab.running().len(), 2);
}
