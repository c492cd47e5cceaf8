//! A lab that Compose starts from our file: Apache's ZooKeeper and the real registry among ours, as the lab file has it.

use std::{
    net::{SocketAddr, TcpListener},
    process::{Command, Output},
};

use mesoslab::client::{Http, marathon::MarathonApi};
use serde_json::json;

use super::{
    compose::{self, Program},
    stand_ins::StandIns,
};
use crate::{
    support::{Lab, eventually},
    zookeeper::real,
};

/// The first of so many ports in a row that are free, below those that the system hands out.
fn free_ports(count: u16) -> u16 {
    let is_free = |port: u16| TcpListener::bind(("127.0.0.1", port)).is_ok();
    let start = 20_000 + (std::process::id() % 500) as u16 * 20;
    let starts = (start..32_000).step_by(20);
    let found = starts.into_iter().find(|first| (*first..first + count).all(is_free));
    found.expect("free ports")
}

/// A lab of Compose's. Dropping it takes everything down that has its name.
struct ByCompose {
    program: Program,
    lab: Lab,
    name: String,
    /// ZooKeeper's; Exhibitor's, the registry's, Marathon's, the scheduler's, the master's and the agents' follow.
    first: u16,
}

impl ByCompose {
    fn new(program: Program, head: &str) -> Self {
        let first = free_ports(8);
        let at = |offset: u16| first + offset;
        let ports = format!(
            "[ports]\nzookeeper = {first}\nexhibitor = {}\nregistry = {}\nmarathon = {}\nscheduler = {}\nmaster = {}\nagents = {}\n",
            at(1),
            at(2),
            at(3),
            at(4),
            at(5),
            at(6)
        );
        let lab = Lab::with_file(&format!("{head}\n{ports}")).with_marathon();
        Self { program, lab, name: format!("compose-{}", std::process::id()), first }
    }

    fn write(&self, change: impl FnOnce(String) -> String) {
        let text = self.lab.ok(&["compose", "--name", &self.name]).stdout();
        std::fs::write(self.lab.path().join("compose.yaml"), change(text)).expect("write the file");
    }

    fn compose(&self, args: &[&str]) -> Output {
        let mut command = Command::new(&self.program[0]);
        command.args(&self.program[1..]).args(["-p", &format!("mesoslab-{}", self.name)]);
        command.args(["-f", "compose.yaml", "--profile", "scheduler"]).args(args);
        command.current_dir(self.lab.path()).output().expect("Compose runs")
    }

    fn up(&self) {
        let output = self.compose(&["up", "-d"]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    fn url(&self, offset: u16) -> String {
        format!("http://127.0.0.1:{}", self.first + offset)
    }

    /// `mesoslab ARGS` against the lab.
    fn ask(&self, args: &[&str]) -> Option<serde_json::Value> {
        let (master, scheduler) = (self.url(5), self.url(4));
        let known = ["--master", &master, "--scheduler", &scheduler];
        let ran = self.lab.run(&[&known, args, &["-o", "json"]].concat());
        serde_json::from_str(&ran.stdout()).ok()
    }

    /// How many entries of a list are like this; none as long as nobody answers.
    fn count(&self, what: &str, key: &str, value: impl Into<serde_json::Value>) -> usize {
        let (list, value) = (self.ask(&[what]).unwrap_or_default(), value.into());
        list.as_array().map_or(0, |list| list.iter().filter(|entry| entry[key] == value).count())
    }

    fn running(&self) -> usize {
        self.count("tasks", "state", "TASK_RUNNING")
    }

    /// Waits for the scheduler, and then for its tasks.
    fn scale(&self, count: u64) {
        let (master, scheduler) = (self.url(5), self.url(4));
        let args = ["--master", &master, "--scheduler", &scheduler, "scale", &count.to_string()];
        eventually("the scheduler takes its orders", || self.lab.run(&args).code() == 0);
    }

    fn logs(&self) -> String {
        let output = self.compose(&["logs", "--no-color", "--tail=20"]);
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

impl Drop for ByCompose {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprint_logs(&self.logs());
        }
        let output = self.compose(&["down", "--volumes", "--timeout", "0"]);
        if !std::thread::panicking() {
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            assert_eq!(of_lab(&self.name), [] as [String; 0], "what Compose made is gone");
        }
    }
}

#[expect(clippy::print_stderr, reason = "what the containers said, where the test fails")]
fn eprint_logs(logs: &str) {
    eprintln!("{logs}");
}

/// Names of containers, networks and volumes that carry the lab's label.
fn of_lab(name: &str) -> Vec<String> {
    let label = format!("label=mesoslab.lab={name}");
    let lists: [&[&str]; 3] = [
        &["ps", "--all", "--format={{.Names}}"],
        &["network", "ls", "--format={{.Name}}"],
        &["volume", "ls", "--format={{.Name}}"],
    ];
    let names = lists.into_iter().flat_map(|list| {
        let output =
            Command::new("docker").args(list).args(["--filter", &label]).output().expect("docker runs");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.lines().map(str::to_owned).collect::<Vec<_>>()
    });
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

const APACHE: &str = "[lab]\nflavor = \"apache\"\n[[agents]]\ncount = 2\n\
    [images]\nexhibitor = \"mesoslab-stand-in/exhibitor\"\nframework = \"mesoslab-stand-in/framework\"";

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::print_stdout, reason = "says what it does without")]
async fn an_apache_lab_runs_tasks() {
    let programs = compose::programs();
    let Some(images) = StandIns::make().filter(|_| !programs.is_empty()) else { return };
    let privileged = images.can_be_privileged();
    if !privileged {
        println!("agents without `privileged`, which this engine may not give");
    }
    for program in programs {
        runs_tasks(ByCompose::new(program, APACHE), privileged).await;
    }
}

async fn runs_tasks(lab: ByCompose, privileged: bool) {
    lab.write(|text| if privileged { text } else { text.replace("    privileged: true\n", "") });
    lab.up();

    let project = format!("mesoslab-{}", lab.name);
    let made = of_lab(&lab.name);
    let parts =
        ["zookeeper", "exhibitor", "registry", "master", "agent-1", "agent-2", "marathon", "scheduler"];
    for container in parts.map(|part| format!("{project}-{part}-1")) {
        assert!(made.contains(&container), "{container} is not among {made:?}");
    }
    assert!(made.contains(&format!("{project}_default")), "{made:?}");
    assert!(made.contains(&format!("{project}_agent-2")), "{made:?}");

    eventually("two agents", || lab.count("agents", "active", true) == 2);
    lab.scale(5);
    eventually("five tasks", || lab.running() == 5);

    let zookeeper = SocketAddr::from(([127, 0, 0, 1], lab.first));
    let srvr = real::ask(zookeeper, "srvr").await.expect("ZooKeeper answers");
    assert!(srvr.contains("Zookeeper version: 3.8"), "{srvr}");
    let registry = reqwest::get(format!("{}/v2/", lab.url(2))).await.expect("the registry answers");
    assert_eq!(registry.headers()["docker-distribution-api-version"], "registry/2.0");
    let status =
        reqwest::get(format!("{}/exhibitor/v1/cluster/status", lab.url(1))).await.expect("an answer");
    assert!(status.text().await.expect("text").contains("serving"));

    let marathon = MarathonApi::new(Http::new(), &lab.url(3)).expect("a URL");
    let app = json!({"cmd": "sleep 1000", "cpus": 0.1, "mem": 16, "instances": 2});
    marathon.put_app("/sleepers", &app).await.expect("Marathon takes it");
    eventually("the app's tasks too", || lab.running() == 7);
}
