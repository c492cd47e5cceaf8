//! The whole lab on three machines, by the real Vagrant, the Vagrantfile, provisioning and systemd. In place of a
//! hypervisor `tests/vagrant/nspawn.rb` boots Debian roots with systemd-nspawn, in network namespaces with the addresses
//! of the virtual machines. Not covered: boxes, VirtualBox, libvirt, SSH, forwarded ports, another kernel, Docker in machines.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
};

use portable_pty::CommandBuilder;

use super::{has, root};
use crate::{
    conformance,
    support::{Lab, Ran, eventually, skipped},
    tui::screen::Screen,
};

/// So that two tests have networks of their own.
static NEXT: AtomicU32 = AtomicU32::new(0);

/// Three machines, gone when the test ends.
struct Machines {
    lab: Lab,
    tar: PathBuf,
    /// What its network namespaces are called; those of another run have other names.
    net: String,
}

impl Machines {
    fn new(tar: PathBuf, file: &str) -> Self {
        let lab = Lab::with_file("").with_marathon();
        fs::write(lab.file(), file).expect("write the lab file");
        fs::create_dir_all(lab.path().join("more")).expect("a directory");
        fs::create_dir(lab.path().join("vagrant.d")).expect("a directory");
        let plugin = format!("load {:?}\n", format!("{}/tests/vagrant/nspawn.rb", root()));
        fs::write(lab.path().join("vagrant.d/Vagrantfile"), plugin).expect("write the plugin");
        let machines = Self {
            lab,
            tar,
            net: format!("mlv{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed)),
        };
        machines.network("up");
        machines
    }

    fn network(&self, what: &str) {
        let script = format!("{}/tests/vagrant/network.sh", root());
        let status = Command::new(script).args([what, &self.net]).status().expect("bash runs");
        assert!(status.success() || std::thread::panicking(), "network {what}");
    }

    fn run(&self, args: &[&str]) -> Ran {
        Ran::of(&mut self.command(args))
    }

    /// `mesoslab ARGS` where the machines can be reached.
    fn command(&self, args: &[&str]) -> Command {
        let inner = self.lab.command(args);
        let mut command = Command::new("nsenter");
        command.arg(format!("--net=/run/netns/{}", self.net)).arg(inner.get_program()).args(inner.get_args());
        command.current_dir(self.lab.path()).env_clear();
        for (name, value) in inner.get_envs() {
            if let Some(value) = value {
                command.env(name, value);
            }
        }
        command
            .env("VAGRANT_HOME", self.lab.path().join("vagrant.d"))
            .env("VAGRANT_DEFAULT_PROVIDER", "nspawn");
        command.env("MESOSLAB_TEST_ROOT", &self.tar).env("MESOSLAB_TEST_NET", &self.net);
        command.env("MESOSLAB_TEST_MACHINES", self.lab.path().join("machines"));
        command.env("MESOSLAB_TEST_MORE", self.lab.path().join("more"));
        command
    }

    /// The dashboard, as somebody has it open.
    fn dashboard(&self) -> Screen {
        let command = self.command(&["tui", "--tab", "agents"]);
        let argv = std::iter::once(command.get_program()).chain(command.get_args()).map(ToOwned::to_owned);
        let mut inner = CommandBuilder::from_argv(argv.collect());
        inner.env_clear();
        for (name, value) in command.get_envs() {
            inner.env(name, value.unwrap_or_default());
        }
        inner.env("TERM", "xterm-256color");
        inner.cwd(self.lab.path());
        Screen::run(inner, 140, 36)
    }

    fn ok(&self, args: &[&str]) -> Ran {
        let ran = self.run(args);
        assert_eq!(ran.code(), 0, "mesoslab {args:?}\n{}{}", ran.stdout(), ran.stderr());
        ran
    }

    /// The addresses of the agents of the tasks that run.
    fn places(&self) -> Vec<String> {
        let tasks = self.ok(&["tasks", "-o", "json"]).stdout();
        let tasks: serde_json::Value = serde_json::from_str(&tasks).expect("JSON");
        let running = tasks.as_array().expect("a list").iter().filter(|task| task["state"] == "TASK_RUNNING");
        running.map(|task| task["agent"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// How many tasks the master knows to run.
    fn tasks_of_all(&self) -> u64 {
        let frameworks = self.ok(&["frameworks", "-o", "json"]).stdout();
        let frameworks: serde_json::Value = serde_json::from_str(&frameworks).expect("JSON");
        frameworks.as_array().expect("a list").iter().filter_map(|one| one["tasks"].as_u64()).sum()
    }

    fn of_agent(&self, number: u8) -> usize {
        let address = format!("192.168.56.1{number}:505{number}");
        self.places().iter().filter(|place| **place == address).count()
    }

    /// When each unit of this machine has begun.
    fn units(&self, node: &str) -> String {
        let show = "systemctl show 'mesoslab-*' -p Id,ActiveState,ExecMainStartTimestampMonotonic,NRestarts";
        self.ok(&["vagrant", "ssh", node, "--", show]).stdout()
    }
}

impl Drop for Machines {
    fn drop(&mut self) {
        let destroyed = self.run(&["down", "--purge"]);
        self.network("down");
        assert!(destroyed.code() == 0 || std::thread::panicking(), "{}", destroyed.stderr());
    }
}

const LAB_FILE: &str = "[vagrant]\nmaster_memory = 512\nagent_memory = 1024\nagent_cpus = 1\n[scheduler]\ncpus = 0.1\nmem = 16\n";

/// A Debian root for machines, made once.
fn debian() -> Option<PathBuf> {
    if let Some(made) = env::var_os("MESOSLAB_TEST_ROOT") {
        return Some(PathBuf::from(made)).filter(|made| made.is_file());
    }
    let made = Path::new(root()).join("target/ci/debian-root.tar");
    made.is_file().then_some(made)
}

/// The root for machines, where all is there that they want.
fn root_for_machines() -> Option<PathBuf> {
    let tools =
        [("vagrant", "--version"), ("systemd-nspawn", "--version"), ("nsenter", "--version"), ("ip", "-V")];
    if !tools.into_iter().all(|(tool, argument)| has(tool, argument)) {
        return None;
    }
    if !rustix::process::geteuid().is_root() {
        skipped("network namespaces want root");
        return None;
    }
    let made = debian();
    if made.is_none() {
        skipped("no Debian root: .ci/run makes target/ci/debian-root.tar");
    }
    made
}

#[test]
fn a_cluster_of_three_machines_forms_moves_tasks_and_heals() {
    let Some(tar) = root_for_machines() else { return };
    let machines = Machines::new(tar, LAB_FILE);

    let said = machines.ok(&["vagrant", "up", "--tasks", "5"]).stderr();
    assert!(said.contains("subscribed, 5/5 tasks running"), "{said}");
    assert_eq!(machines.places().len(), 5);
    assert!(machines.of_agent(1) > 0 && machines.of_agent(2) > 0, "{:?}", machines.places());
    let log = machines.ok(&["logs", "mesoslab.0", "--tail", "1"]).stdout();
    assert!(!log.is_empty(), "a sandbox is read");

    for (node, other) in [("master", "agent-2"), ("agent-1", "master"), ("agent-2", "agent-2")] {
        let host = machines.ok(&["vagrant", "ssh", node, "--", "getent", "hosts", other]).stdout();
        assert!(host.starts_with("192.168.56.1") && host.trim_end().ends_with(other), "{host}");
    }

    provisioning_again_changes_nothing(&machines);
    a_changed_lab_file_changes_what_it_must(&machines);

    a_halted_machine_shows_and_a_resumed_one_heals(&machines);
    eventually("agent-2 is back", || {
        machines.run(&["status"]).stdout().contains(": running, provider vagrant")
    });
    machines.ok(&["chaos", "scheduler"]);
    machines.ok(&["scale", "8"]);
    assert!(machines.of_agent(2) > 0, "it gets tasks again: {:?}", machines.places());
    conformance::holds(|args| machines.run(args), &conformance::SKIPPED);
}

/// In the dashboard, which stays open, in `status` and in `vagrant status`.
fn a_halted_machine_shows_and_a_resumed_one_heals(machines: &Machines) {
    let active = |count| move |text: &str| text.matches("● active").count() == count;
    let ready = |text: &str| text.lines().any(|line| line.contains("agent-2") && line.contains("● ready"));
    let mut dashboard = machines.dashboard();
    dashboard.until_that("both agents", active(2));
    machines.ok(&["vagrant", "halt", "agent-2"]);
    dashboard.until_that("one agent", active(1));
    dashboard.key("6").until_that("agent-2 among the components, and not ready", |text| {
        text.contains("agent-2") && !ready(text)
    });
    eventually("five tasks on agent-1", || machines.of_agent(1) == 5);
    let status = machines.run(&["status"]).stdout();
    assert!(status.contains("degraded"), "{status}");
    assert!(status.contains("machine halted: mesoslab vagrant resume agent-2"), "{status}");
    let machines_now = machines.ok(&["vagrant", "status"]).stdout();
    assert_eq!((machines_now.matches("running").count(), machines_now.matches("poweroff").count()), (2, 1));
    machines.ok(&["vagrant", "resume", "agent-2"]);
    dashboard.until_that("agent-2 is ready", ready).key("4").until_that("both agents", active(2));
}

fn provisioning_again_changes_nothing(machines: &Machines) {
    let nodes = ["master", "agent-1", "agent-2"];
    let before = nodes.map(|node| machines.units(node));
    let said = machines.ok(&["vagrant", "provision"]).stderr();
    assert_eq!(said.matches("nothing to change").count(), 3, "{said}");
    assert_eq!(nodes.map(|node| machines.units(node)), before);
}

fn a_changed_lab_file_changes_what_it_must(machines: &Machines) {
    let (master, scheduler) = (machines.units("master"), machines.places().len());
    fs::write(machines.lab.file(), format!("[[agents]]\ncount = 2\nattributes = \"rack:z\"\n{LAB_FILE}"))
        .expect("write");
    let said = machines.ok(&["vagrant", "up"]).stderr();
    assert!(said.contains("agent: it is another one from now on"), "{said}");
    assert!(said.contains("  master     nothing to change"), "{said}");
    assert_eq!(machines.units("master"), master);
    assert_eq!(machines.places().len(), scheduler);
    let agents = machines.ok(&["agents"]).stdout();
    assert_eq!(agents.matches("rack:z").count(), 2, "{agents}");
}

/// The published images with an executable in Docker's place (`tests/vagrant/docker`): units, settings and pulls are real,
/// what the images hold is ours.
#[test]
fn the_apache_flavor_runs_its_images_under_the_same_units() {
    let Some(tar) = root_for_machines() else { return };
    let machines = Machines::new(tar, &format!("[lab]\nflavor = \"apache\"\n{LAB_FILE}"));
    let more = machines.lab.path().join("more");
    fs::create_dir_all(more.join("usr/bin")).expect("a directory");
    fs::copy(format!("{}/tests/vagrant/docker", root()), more.join("usr/bin/docker")).expect("copy");
    fs::create_dir_all(more.join("etc/systemd/system")).expect("a directory");
    let service = "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true\n";
    fs::write(more.join("etc/systemd/system/docker.service"), service).expect("write");

    let said = machines.ok(&["vagrant", "up", "--tasks", "2"]).stderr();
    assert!(said.contains("pulling mesosphere/mesos-slave:1.7.1"), "{said}");
    assert!(said.contains("mesosphere/mesos-slave:1.7.1 is mesosphere/mesos-slave@sha256:"), "{said}");
    assert_eq!(machines.places().len(), 2);
    let trusted =
        machines.ok(&["vagrant", "ssh", "agent-1", "--", "cat", "/etc/docker/daemon.json"]).stdout();
    assert!(trusted.contains("\"insecure-registries\": [\"192.168.56.10:5000\"]"), "{trusted}");
    provisioning_again_changes_nothing(&machines);

    let forget = "rm /var/lib/stand-ins/mesosphere_mesos-slave:1.7.1";
    machines.ok(&["vagrant", "ssh", "agent-1", "--", forget]);
    let said = machines.ok(&["vagrant", "provision", "agent-1"]).stderr();
    assert!(
        said.contains("pulling mesosphere/mesos-slave@sha256:"),
        "what it was, not what is there now: {said}"
    );

    machines.ok(&["chaos", "leader"]);
    machines.ok(&["scheduler", "stop", "--teardown"]);
    eventually("its tasks have ended", || machines.tasks_of_all() == 0);
    machines.ok(&["scheduler", "start"]);
}
