//! The whole lab on three machines, by the real Vagrant, the Vagrantfile, provisioning and systemd. In place of a
//! hypervisor `tests/vagrant/nspawn.rb` boots Debian roots with systemd-nspawn, in network namespaces with the addresses
//! of the virtual machines. Not covered: boxes, VirtualBox, libvirt, SSH, forwarded ports, another kernel, Docker in machines.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::{has, root, skip};
use crate::support::{Lab, Ran, eventually};

/// Three machines, gone when the test ends.
struct Machines {
    lab: Lab,
    tar: PathBuf,
    /// What its network namespaces are called; those of another run have other names.
    net: String,
}

impl Machines {
    fn new(tar: PathBuf) -> Self {
        let lab = Lab::with_file("").with_marathon();
        fs::write(lab.file(), LAB_FILE).expect("write the lab file");
        fs::create_dir(lab.path().join("vagrant.d")).expect("a directory");
        let plugin = format!("load {:?}\n", format!("{}/tests/vagrant/nspawn.rb", root()));
        fs::write(lab.path().join("vagrant.d/Vagrantfile"), plugin).expect("write the plugin");
        let machines = Self { lab, tar, net: format!("mlv{}", std::process::id()) };
        machines.network("up");
        machines
    }

    fn network(&self, what: &str) {
        let script = format!("{}/tests/vagrant/network.sh", root());
        let status = Command::new(script).args([what, &self.net]).status().expect("bash runs");
        assert!(status.success() || std::thread::panicking(), "network {what}");
    }

    /// `mesoslab ARGS` where the machines can be reached.
    fn run(&self, args: &[&str]) -> Ran {
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
        Ran::of(&mut command)
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

#[test]
fn a_cluster_of_three_machines_forms_moves_tasks_and_heals() {
    let tools =
        [("vagrant", "--version"), ("systemd-nspawn", "--version"), ("nsenter", "--version"), ("ip", "-V")];
    if !tools.into_iter().all(|(tool, argument)| has(tool, argument)) {
        return;
    }
    if !rustix::process::geteuid().is_root() {
        return skip("network namespaces want root");
    }
    let Some(tar) = debian() else { return skip("no Debian root: .ci/run makes target/ci/debian-root.tar") };
    let machines = Machines::new(tar);

    let said = machines.ok(&["vagrant", "up", "--tasks", "5"]).stderr();
    assert!(said.contains("subscribed, 5/5 tasks running"), "{said}");
    assert_eq!(machines.places().len(), 5);
    assert!(machines.of_agent(1) > 0 && machines.of_agent(2) > 0, "{:?}", machines.places());
    let log = machines.ok(&["logs", "mesoslab.0", "--tail", "1"]).stdout();
    assert!(!log.is_empty(), "a sandbox is read");

    provisioning_again_changes_nothing(&machines);
    a_changed_lab_file_changes_what_it_must(&machines);

    machines.ok(&["vagrant", "halt", "agent-2"]);
    eventually("five tasks on agent-1", || machines.of_agent(1) == 5);
    let status = machines.run(&["status"]).stdout();
    assert!(status.contains("degraded"), "{status}");
    machines.ok(&["vagrant", "resume", "agent-2"]);
    eventually("agent-2 is back", || {
        machines.run(&["status"]).stdout().contains(": running, provider vagrant")
    });
    machines.ok(&["scale", "8"]);
    assert!(machines.of_agent(2) > 0, "it gets tasks again: {:?}", machines.places());
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
