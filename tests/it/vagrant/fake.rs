//! `mesoslab vagrant` with an executable in Vagrant's place that says what Vagrant was recorded to say.

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::root;
use crate::support::{Lab, Ran, skipped};

/// `status` always answers; what else is asked does what the files `said` and `code` say, and waits where `wait` is.
const VAGRANT: &str = r#"#!/bin/sh
here=$(dirname "$0")
echo "$@" >>"$here/asked"
printf %s "$MESOSLAB_VAGRANT_PLAN" >"$here/plan"
case $1 in
  --version) cat "$here/version"; exit 0 ;;
  status) cat "$here/status"; exit 0 ;;
esac
trap 'echo "1,,ui,warn,Waiting for cleanup before exiting..."; exit 130' INT
cat "$here/said"
if [ -e "$here/wait" ]; then while :; do sleep 0.05; done; fi
exit "$(cat "$here/code")"
"#;

struct Fake {
    lab: Lab,
    bin: PathBuf,
}

impl Fake {
    fn new(said: &str, code: i32) -> Self {
        let lab = Lab::with_file("[vagrant]\nmaster_memory = 512\nagent_memory = 512\n");
        let bin = lab.path().join("bin");
        fs::create_dir(&bin).expect("a directory");
        executable(&bin.join("vagrant"), VAGRANT);
        fs::write(bin.join("version"), "Vagrant 2.3.4\n").expect("write");
        fs::write(bin.join("said"), said).expect("write");
        fs::write(bin.join("code"), code.to_string()).expect("write");
        fs::write(bin.join("status"), recorded("status")).expect("write");
        Self { lab, bin }
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = self.lab.command(args);
        let path = format!("{}:{}", self.bin.display(), std::env::var("PATH").unwrap_or_default());
        // A provider that needs no hypervisor, as far as the checks know.
        command.env("PATH", path).env("VAGRANT_DEFAULT_PROVIDER", "nspawn");
        command
    }

    fn run(&self, args: &[&str]) -> Ran {
        Ran::of(&mut self.command(args))
    }

    /// A lab whose machines are there; nobody answers at their addresses.
    fn made(&self) {
        let ran = self.run(&["vagrant", "up", "--wait", "100ms"]);
        assert_eq!(ran.code(), 3, "{}", ran.stderr());
    }

    /// From now on Vagrant says of the machines that they are this.
    fn set(&self, states: [(&str, &str); 3]) {
        let lines = states.map(|(machine, state)| {
            format!("1,{machine},metadata,provider,nspawn\n1,{machine},provider-name,nspawn\n1,{machine},state,{state}\n")
        });
        fs::write(self.bin.join("status"), lines.concat()).expect("write");
    }

    fn asked(&self) -> String {
        fs::read_to_string(self.bin.join("asked")).unwrap_or_default()
    }
}

impl Drop for Fake {
    /// The lab knows of machines that only the one in Vagrant's place can remove.
    fn drop(&mut self) {
        let _ = fs::remove_file(self.bin.join("wait"));
        let _ = fs::write(self.bin.join("code"), "0");
        let removed = Ran::of(self.command(&["down", "--purge", "--all"]).env_remove("MESOSLAB_NAME"));
        assert!(removed.code() == 0 || std::thread::panicking(), "{}", removed.stderr());
    }
}

fn executable(path: &Path, text: &str) {
    fs::write(path, text).expect("write");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("executable");
}

fn recorded(name: &str) -> String {
    let path = format!("{}/tests/vagrant/recorded/{name}.log", root());
    fs::read_to_string(path).expect("a recording")
}

#[test]
fn a_success_is_told_machine_by_machine() {
    let fake = Fake::new(&recorded("up"), 0);
    fake.made();
    let ran = fake.run(&["vagrant", "resume"]);
    let said = ran.stderr();
    assert_eq!(ran.code(), 0, "{said}");
    for line in ["  agent-1    agent: started", "  master     zookeeper: started", "  ✓ agent-2    up"] {
        assert!(said.lines().any(|one| one == line), "{line} in {said}");
    }
    assert!(fake.asked().contains("up --machine-readable"), "{}", fake.asked());
    let plan = fake.lab.state_dir().join("vagrant.plan.json");
    assert!(plan.is_file() && fake.lab.state_dir().join("vagrant/Vagrantfile").is_file());
}

#[test]
fn a_machine_that_fails_shows_its_last_lines_and_leaves_no_lab() {
    let fake = Fake::new(&recorded("provisioning-fails"), 1);
    let ran = fake.run(&["up", "--provider", "vagrant"]);
    let said = ran.stderr();
    assert_eq!(ran.code(), 1, "{said}");
    assert!(
        said.contains("error: vagrant up failed: master: registry does not listen on port 5000"),
        "{said}"
    );
    assert!(said.contains("  | mesoslab-registry.service: Failed with result 'exit-code'."), "{said}");
    assert_eq!(fake.run(&["status"]).code(), 4, "no lab was made");
}

#[test]
fn no_provider_no_libvirt_and_no_memory_have_remedies() {
    let no_memory = "1,agent-1,action,up,start\n1,agent-1,ui,info,==> agent-1: Booting VM...\n\
        1,,error-exit,VagrantPlugins::ProviderVirtualBox::Errors::VBoxManageError,There was an error while executing \
        `VBoxManage`. The command and stderr is shown below.\\n\\nCommand: [\"startvm\"]\\n\\nStderr: VBoxManage: error: \
        The virtual machine has terminated: VERR_NO_MEMORY\n";
    let cases = [
        (recorded("no-provider"), "install VirtualBox"),
        (recorded("no-libvirt"), "systemctl start libvirtd"),
        (no_memory.to_owned(), "lower agent_memory"),
    ];
    for (said, remedy) in cases {
        let fake = Fake::new(&said, 1);
        let ran = fake.run(&["vagrant", "up"]);
        assert_eq!(ran.code(), 1, "{}", ran.stderr());
        assert!(ran.stderr().contains("hint: ") && ran.stderr().contains(remedy), "{}", ran.stderr());
    }
}

#[test]
fn a_vagrant_that_ends_without_a_word_is_told_by_how_it_ended() {
    let fake = Fake::new("", 7);
    let said = fake.run(&["vagrant", "up"]).stderr();
    assert!(said.contains("error: vagrant up failed: it does not say why (exit code 7)"), "{said}");
    let killed = VAGRANT.replace("trap '", "kill -9 $$ # '");
    executable(&fake.bin.join("vagrant"), &killed);
    let said = fake.run(&["vagrant", "up"]).stderr();
    executable(&fake.bin.join("vagrant"), VAGRANT);
    assert!(said.contains("it does not say why (it was killed by signal 9)"), "{said}");
}

#[test]
fn ctrl_c_is_passed_on_and_nothing_is_claimed() {
    let fake = Fake::new(&recorded("up"), 0);
    fs::write(fake.bin.join("wait"), "").expect("write");
    let mut command = fake.command(&["vagrant", "up"]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the binary runs");
    let mut lines = BufReader::new(child.stderr.take().expect("stderr"));
    let mut said = String::new();
    while !said.contains("agent-2    agent: started") {
        assert_ne!(lines.read_line(&mut said).expect("a line"), 0, "{said}");
    }
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).expect("a signal");
    lines.read_to_string(&mut said).expect("the rest");
    assert_eq!(child.wait().expect("it ends").code(), Some(1), "{said}");
    assert!(said.contains("error: interrupted; the machines stay as they are now"), "{said}");
    assert!(said.contains("  | agent-2: running"), "what they are: {said}");
    assert!(!said.contains('✓'), "nothing is up: {said}");
    assert_eq!(fake.run(&["status"]).code(), 4, "no lab was made");
}

#[test]
fn a_machine_that_the_lab_file_does_not_want_any_more_is_removed() {
    let fake = Fake::new("", 0);
    let small = "[vagrant]\nmaster_memory = 512\nagent_memory = 512\n";
    // Nobody answers at these addresses.
    for agents in [3, 2] {
        fs::write(fake.lab.file(), format!("{small}agents = {agents}\n")).expect("write the lab file");
        fake.run(&["vagrant", "up", "--wait", "100ms"]);
    }
    let asked = fake.asked();
    let calls: Vec<_> = asked.lines().filter(|call| !call.starts_with("--version")).collect();
    let up = "up --provision --machine-readable";
    assert_eq!(calls, [up, "destroy --force agent-3 --machine-readable", up]);
}

#[test]
fn a_machine_that_vagrant_made_without_us_is_removed_when_the_lab_file_does_not_want_it() {
    let fake = Fake::new("", 0);
    fake.made();
    let machine = fake.lab.state_dir().join("vagrant/.vagrant/machines/agent-4/virtualbox");
    fs::create_dir_all(&machine).expect("a directory");
    fs::write(machine.join("id"), "1").expect("write");
    fs::remove_file(fake.bin.join("asked")).expect("remove");
    let said = fake.run(&["vagrant", "up", "--wait", "100ms"]).stderr();
    assert!(said.contains("  agent-4    the lab file does not want it: it is removed"), "{said}");
    let asked = fake.asked();
    let calls: Vec<_> = asked.lines().filter(|call| !call.starts_with("--version")).collect();
    let up = "up --provision --machine-readable";
    assert_eq!(calls, ["destroy --force agent-4 --machine-readable", up]);
}

#[test]
fn each_machine_is_halted_and_resumed_by_itself() {
    let fake = Fake::new("", 0);
    fake.made();
    let halted = || {
        let record = fs::read_to_string(fake.lab.state_dir().join("lab.json")).expect("the record");
        let record: serde_json::Value = serde_json::from_str(&record).expect("JSON");
        (record["stopped"].clone(), record["halted"].clone())
    };
    let all = ["master", "agent-1", "agent-2"];
    fake.set(all.map(|machine| (machine, "poweroff")));
    fake.run(&["vagrant", "halt"]);
    assert_eq!(halted(), (true.into(), serde_json::json!(all)));
    assert_eq!(fake.run(&["status"]).code(), 4, "it is stopped");

    fake.set([("master", "running"), ("agent-1", "poweroff"), ("agent-2", "poweroff")]);
    fake.run(&["vagrant", "resume", "master"]);
    assert_eq!(halted(), (false.into(), serde_json::json!(["agent-1", "agent-2"])));
    let status = fake.run(&["status"]).stdout();
    for agent in ["agent-1", "agent-2"] {
        let state = format!("machine halted: mesoslab vagrant resume {agent}");
        assert!(status.contains(&state), "{status}");
    }
    assert!(!status.contains("resume master"), "{status}");

    fake.set([("master", "poweroff"), ("agent-1", "poweroff"), ("agent-2", "poweroff")]);
    fake.run(&["vagrant", "halt", "master"]);
    assert_eq!(halted(), (true.into(), serde_json::json!(all)), "one after the other is all");
}

#[test]
fn looking_at_a_lab_that_there_is_not_makes_none() {
    let fake = Fake::new("", 0);
    let commands: [&[&str]; 6] = [
        &["vagrant", "status"],
        &["vagrant", "halt"],
        &["vagrant", "resume", "agent-1"],
        &["vagrant", "ssh", "master", "--", "true"],
        &["vagrant", "provision"],
        &["vagrant", "destroy"],
    ];
    for command in commands {
        let ran = fake.run(command);
        assert_eq!(ran.code(), 4, "{command:?}: {}", ran.stderr());
        let said = "error: there is no lab `test`\n\nhint: mesoslab vagrant up --name test";
        assert!(ran.stderr().contains(said), "{command:?}: {}", ran.stderr());
    }
    assert_eq!(fake.asked(), "");
    assert!(!fake.lab.state_dir().exists());
}

#[test]
fn beside_the_vagrantfile_the_machines_of_vagrant_itself_are_seen_and_nothing_is_kept() {
    let fake = Fake::new("", 0);
    fs::copy(format!("{}/Vagrantfile", root()), fake.lab.path().join("Vagrantfile")).expect("copy");
    let ran = |args: &[&str]| Ran::of(fake.command(args).env_remove("MESOSLAB_NAME"));
    let seen = ran(&["vagrant", "status"]);
    assert_eq!((seen.code(), seen.stdout().matches("running").count()), (0, 3), "{}", seen.stderr());
    assert_eq!(ran(&["vagrant", "halt", "agent-2"]).code(), 0);
    assert!(fake.asked().contains("halt agent-2 --machine-readable"), "{}", fake.asked());
    let plan = fs::read_to_string(fake.bin.join("plan")).expect("the plan");
    let plan: serde_json::Value = serde_json::from_str(&plan).expect("it is handed over itself");
    assert_eq!(plan["machines"][2]["memory"], 512, "as the lab file says");
    assert!(!fake.lab.path().join("state").exists());
}

#[test]
fn two_labs_at_the_same_addresses_are_told() {
    let fake = Fake::new("", 0);
    fake.made();
    let other = ["--name", "other", "vagrant", "up", "--wait", "100ms"];
    let said = fake.run(&other).stderr();
    let warning = "machines' network: 192.168.56.10 is also of a machine of lab `test`; another first_address in \
        [vagrant], or: mesoslab down --purge --name test";
    assert!(said.contains(warning), "{said}");
    let elsewhere = "[vagrant]\nmaster_memory = 512\nagent_memory = 512\nfirst_address = \"192.168.57.10\"\n";
    fs::write(fake.lab.file(), elsewhere).expect("write the lab file");
    let said = fake.run(&other).stderr();
    assert!(!said.contains("is also of"), "{said}");
}

#[test]
fn a_box_that_is_not_pinned_is_told() {
    let fake = Fake::new("", 0);
    let small = "[vagrant]\nmaster_memory = 512\nagent_memory = 512\n";
    let said = |settings: &str| {
        fs::write(fake.lab.file(), format!("{small}{settings}")).expect("write the lab file");
        fake.run(&["vagrant", "up", "--wait", "100ms"]).stderr()
    };
    let told = said("box = \"a/b\"\n");
    assert!(
        told.contains("box: a/b, whichever version is newest when Vagrant adds it; name its box_version"),
        "{told}"
    );
    for pinned in ["", "box = \"a/b\"\nbox_version = \"1.0\"\n"] {
        assert!(!said(pinned).contains("box:"), "{pinned}");
    }
    let refused = said("box_url = \"https://example.com/a.box\"\n");
    assert!(refused.contains("write its sha256sum beside it"), "{refused}");
}

#[test]
fn what_only_a_start_of_a_machine_changes_is_said() {
    let fake = Fake::new("", 0);
    fake.run(&["vagrant", "up", "--wait", "100ms"]);
    fs::write(fake.lab.file(), "[vagrant]\nmaster_memory = 512\nagent_memory = 640\n").expect("write");
    let said = fake.run(&["vagrant", "up", "--wait", "100ms"]).stderr();
    assert!(said.contains("agent-2: new cpus, memory, address and forwarded ports hold from"), "{said}");
    assert!(!said.contains("master: new cpus"), "{said}");
}

#[test]
fn machines_are_listed_and_unknown_ones_refused() {
    let fake = Fake::new("", 0);
    fake.made();
    let ran = fake.run(&["vagrant", "status", "-o", "json"]);
    let machines: serde_json::Value = serde_json::from_str(&ran.stdout()).expect("JSON");
    assert_eq!(machines[2]["name"], "agent-2");
    assert_eq!((&machines[2]["state"], &machines[2]["memory"]), (&"running".into(), &512.into()));
    let ran = fake.run(&["vagrant", "halt", "agent-7"]);
    assert_eq!(ran.code(), 2, "{}", ran.stderr());
    assert!(!fake.asked().contains("halt"), "{}", fake.asked());
    let ran = fake.run(&["vagrant", "ssh", "agent-1", "--", "uptime", "-p"]);
    assert_eq!(ran.code(), 0, "{}", ran.stderr());
    assert!(fake.asked().contains("ssh agent-1 --command uptime -p -- -T\n"), "{}", fake.asked());
}

/// What `doctor` says of one thing, for a lab of virtual machines.
fn diagnosed(fake: &Fake, check: &str) -> serde_json::Value {
    let text = fs::read_to_string(fake.lab.file()).expect("the lab file");
    let file = fake.lab.path().join("of-machines.toml");
    fs::write(&file, format!("[lab]\nprovider = \"vagrant\"\n{text}")).expect("write");
    let mut command = fake.command(&["doctor", "-o", "json"]);
    command.env("VAGRANT_DEFAULT_PROVIDER", "virtualbox").env("MESOSLAB_FILE", file);
    let findings: serde_json::Value = serde_json::from_str(&Ran::of(&mut command).stdout()).expect("JSON");
    let found = findings.as_array().expect("a list").iter().find(|finding| finding["check"] == check);
    found.unwrap_or_else(|| panic!("{check} in {findings}")).clone()
}

#[test]
fn what_cannot_go_well_is_told_before_vagrant_begins() {
    let fake = Fake::new(&recorded("up"), 0);
    executable(&fake.bin.join("VBoxManage"), "#!/bin/sh\necho 7.1.4r165100\n");
    let up = || {
        let mut command = fake.command(&["vagrant", "up"]);
        let ran = Ran::of(command.env("VAGRANT_DEFAULT_PROVIDER", "virtualbox"));
        assert_eq!(ran.code(), 1, "{}", ran.stderr());
        assert!(ran.stderr().contains("error: virtual machines cannot be made here"), "{}", ran.stderr());
        ran.stderr()
    };

    let said = up();
    let remedy = "7.1.4r165100, which Vagrant 2.3.4 does not know; install Vagrant 2.4.2 or newer";
    assert!(said.contains(remedy), "{said}");
    let finding = diagnosed(&fake, "hypervisor");
    assert_eq!(finding["verdict"], "bad", "{finding}");
    assert!(finding["remedy"].as_str().is_some_and(|text| text.contains("Vagrant 2.4.2")), "{finding}");

    fs::write(fake.bin.join("version"), "Vagrant 2.2.4\n").expect("write");
    let said = up();
    assert!(said.contains("vagrant: Vagrant 2.2.4; install 2.2.10 or newer"), "{said}");

    fs::write(fake.bin.join("version"), "Vagrant 2.4.2\n").expect("write");
    let file = "[vagrant]\nmaster_memory = 1048576\nagent_memory = 512\n";
    fs::write(fake.lab.file(), file).expect("write the lab file");
    let said = up();
    assert!(said.contains("machines' memory: the machines want 1049600 MB, this computer has"), "{said}");
    assert!(!fake.asked().contains("up "), "no machine was begun: {}", fake.asked());
    assert!(!fake.lab.state_dir().join("lab.json").exists(), "no lab was made");
}

#[test]
fn addresses_that_virtualbox_does_not_allow_are_told() {
    if Path::new("/etc/vbox/networks.conf").exists() {
        skipped("this computer says itself what VirtualBox allows");
        return;
    }
    let fake = Fake::new("", 0);
    executable(&fake.bin.join("VBoxManage"), "#!/bin/sh\necho 7.0.20r163906\n");
    fs::write(fake.lab.file(), "[vagrant]\nfirst_address = \"172.31.250.10\"\n").expect("write");
    let finding = diagnosed(&fake, "machines' network");
    assert_eq!(finding["verdict"], "bad", "{finding}");
    let remedy = "a first_address in 192.168.56.0/21, or `* 172.31.250.0/24` in /etc/vbox/networks.conf";
    assert_eq!(finding["remedy"], remedy, "{finding}");
}

#[test]
fn without_vagrant_the_way_to_it_is_shown() {
    let fake = Fake::new("", 0);
    let mut command = fake.command(&["vagrant", "up"]);
    let ran = Ran::of(command.env("PATH", fake.lab.path()));
    assert_eq!(ran.code(), 1);
    assert!(ran.stderr().contains("apt install vagrant"), "{}", ran.stderr());
}
