//! The runner with real processes: what they get, how they end, and that nothing of them stays.

use std::{
    fs::{self, Permissions},
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::Path,
    time::Duration,
};

use tokio::sync::mpsc::{self, UnboundedReceiver};

use super::*;
use crate::{
    engine::agent::{
        Command,
        account::Account,
        setup::{Limit, Link, Setup},
    },
    host::accounts,
};

/// A runner with a work directory of its own; nothing outlives it.
struct Lab {
    directory: tempfile::TempDir,
    runner: Runner,
    events: UnboundedReceiver<Event>,
    exited: BTreeMap<ContainerId, Exit>,
}

fn lab() -> Lab {
    let (sender, events) = mpsc::unbounded_channel();
    let directory = tempfile::tempdir().unwrap();
    Lab { runner: Runner::start(&sender, None).unwrap(), directory, events, exited: BTreeMap::new() }
}

fn id(name: &str) -> ContainerId {
    ContainerId { value: name.to_owned(), parent: None }
}

impl Lab {
    fn sandbox(&self, name: &str) -> PathBuf {
        self.directory.path().join("runs").join(name)
    }

    fn command(&self, name: &str, command: Command) -> Launch {
        let sandbox = self.sandbox(name).display().to_string();
        let path = "/usr/local/bin:/usr/bin:/bin".to_owned();
        Launch {
            survives: false,
            setup: Setup::default(),
            container_id: id(name),
            latest: self.directory.path().join("runs/latest").display().to_string(),
            environment: BTreeMap::from([
                ("PATH".to_owned(), path),
                ("MESOS_SANDBOX".to_owned(), sandbox.clone()),
            ]),
            directory: sandbox,
            command,
        }
    }

    /// Starts a shell command and waits until it runs.
    async fn launch(&mut self, name: &str, script: &str) -> u32 {
        let launch = self.command(name, Command::Shell(script.to_owned()));
        self.start(launch).await
    }

    async fn start(&mut self, launch: Launch) -> u32 {
        self.runner.launch(Arc::new(launch));
        match self.events.recv().await {
            Some(Event::Launched { container_id, pid }) => {
                let exited = self.runner.launched(&container_id, pid);
                self.note(exited);
                pid
            }
            other => panic!("not launched: {other:?}"),
        }
    }

    fn note(&mut self, events: impl IntoIterator<Item = Event>) {
        for event in events {
            if let Event::Exited { container_id, exit } = event {
                self.exited.insert(container_id, exit);
            }
        }
    }

    /// Waits for the end of a container.
    async fn exit(&mut self, name: &str) -> Exit {
        until(|| {
            let events = self.runner.reap();
            self.note(events);
            self.exited.contains_key(&id(name))
        })
        .await;
        self.exited[&id(name)]
    }

    fn members(&self, name: &str) -> Vec<i32> {
        Table::read().of_sandboxes(&[self.sandbox(name)])
    }

    fn read(&self, name: &str, file: &str) -> String {
        fs::read_to_string(self.sandbox(name).join(file)).unwrap()
    }
}

/// Waits for a condition, and gives up after a time that no healthy machine needs.
async fn until(mut condition: impl FnMut() -> bool) {
    let waiting = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), waiting).await.expect("the condition never came true");
}

fn is_gone(pid: u32) -> bool {
    !Path::new(&format!("/proc/{pid}")).exists()
}

#[tokio::test]
async fn runs_in_the_sandbox_with_its_environment_alone() {
    let mut lab = lab();
    let pid = lab.launch("c", "pwd; env; echo complaint >&2; exit 3").await;
    assert_eq!(lab.exit("c").await, Exit::Code(3));
    let sandbox = lab.sandbox("c").display().to_string();
    let stdout = lab.read("c", "stdout");
    let mut names: Vec<_> = stdout.lines().filter_map(|line| Some(line.split_once('=')?.0)).collect();
    names.sort_unstable();
    assert_eq!(stdout.lines().next(), Some(sandbox.as_str()));
    assert_eq!(names, ["MESOS_SANDBOX", "PATH", "PWD"]);
    assert_eq!(lab.read("c", "stderr"), "complaint\n");
    assert_eq!(
        fs::canonicalize(lab.directory.path().join("runs/latest")).unwrap(),
        fs::canonicalize(sandbox).unwrap()
    );
    assert!(is_gone(pid), "reaped, so no zombie");
}

#[tokio::test]
async fn an_argument_vector_names_the_program_itself() {
    let mut lab = lab();
    let arguments = ["name", "-c", "echo $0"].map(str::to_owned).to_vec();
    let launch = lab.command("c", Command::Exec { path: "sh".to_owned(), arguments });
    lab.start(launch).await;
    assert_eq!(lab.exit("c").await, Exit::Code(0));
    assert_eq!(lab.read("c", "stdout"), "name\n");
}

#[tokio::test]
async fn what_cannot_be_executed_ends_with_1_and_says_why() {
    let mut lab = lab();
    let launch =
        lab.command("c", Command::Exec { path: "no-such-program".to_owned(), arguments: Vec::new() });
    lab.start(launch).await;
    assert_eq!(lab.exit("c").await, Exit::Code(1));
    assert_eq!(lab.read("c", "stderr"), "Failed to execute command: No such file or directory\n");
}

#[tokio::test]
async fn limits_hold_for_the_whole_task() {
    let mut lab = lab();
    let limit = |name: &str, most| Limit { name: name.to_owned(), most };
    let limits = vec![limit("RLMT_NOFILE", Some((64, 65))), limit("RLMT_CORE", Some((0, 0)))];
    let command = Command::Shell("ulimit -Sn; ulimit -Hn; ulimit -c; sh -c 'ulimit -n'".to_owned());
    let launch = Launch { setup: Setup { limits, ..Setup::default() }, ..lab.command("c", command) };
    lab.start(launch).await;
    assert_eq!(lab.exit("c").await, Exit::Code(0));
    assert_eq!(lab.read("c", "stdout"), "64\n65\n0\n64\n");
}

#[tokio::test]
async fn a_limit_that_cannot_be_set_is_a_failed_launch() {
    let mut lab = lab();
    let limits = vec![Limit { name: "RLMT_NOFILE".to_owned(), most: Some((65, 64)) }];
    let command = lab.command("c", Command::Shell("true".to_owned()));
    lab.runner.launch(Arc::new(Launch { setup: Setup { limits, ..Setup::default() }, ..command }));
    let Some(Event::LaunchFailed { message, .. }) = lab.events.recv().await else { panic!("launched") };
    assert_eq!(message, "Failed to set rlimit: Invalid argument");
}

/// `nobody`, with a group more; none where we are not root, who alone may become somebody else.
fn nobody() -> Option<Account> {
    let account = rustix::process::geteuid().is_root().then(|| accounts::find("nobody").ok()).flatten();
    account.map(|account| Account { groups: vec![account.gid, 4711], ..account })
}

#[tokio::test]
async fn a_task_is_another_user_and_so_is_its_sandbox() {
    let Some(account) = nobody() else { return };
    let mut lab = lab();
    let ids = Command::Shell("id -u; id -g; id -G; touch made; sleep 1000".to_owned());
    let setup = Setup { account: Some(account.clone()), ..Setup::default() };
    fs::set_permissions(lab.directory.path(), Permissions::from_mode(0o755)).unwrap();
    let pid = lab.start(Launch { setup, ..lab.command("c", ids) }).await;
    let made = lab.sandbox("c").join("made");
    until(|| made.exists()).await;
    let (uid, gid) = (account.uid, account.gid);
    assert_eq!(lab.read("c", "stdout"), format!("{uid}\n{gid}\n{gid} 4711\n"));
    for path in ["", "stdout", "stderr", "made"] {
        let metadata = fs::metadata(lab.sandbox("c").join(path)).unwrap();
        assert_eq!((metadata.uid(), metadata.gid()), (uid, gid), "{path}");
    }
    assert_eq!(fs::metadata(lab.sandbox("c")).unwrap().mode() & 0o777, 0o750);
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let all = format!("Uid:\t{uid}\t{uid}\t{uid}\t{uid}");
    assert!(status.contains(&all), "real, effective, saved and of the file system: {status}");
    lab.runner.signal(&id("c"), executor::Signal::Kill);
    assert_eq!(lab.exit("c").await, Exit::signal(9));
}

#[tokio::test]
async fn who_cannot_become_a_user_says_so() {
    let Some(account) = nobody() else { return };
    let mut lab = lab();
    // More groups than a process can have.
    let account = Account { groups: vec![1; 70_000], ..account };
    let setup = Setup { account: Some(account), ..Setup::default() };
    let command = lab.command("c", Command::Shell("true".to_owned()));
    lab.runner.launch(Arc::new(Launch { setup, ..command }));
    let Some(Event::LaunchFailed { message, .. }) = lab.events.recv().await else { panic!("launched") };
    assert_eq!(message, "Failed to become user 'nobody': Invalid argument");
}

#[test]
fn what_looks_after_a_task_runs_as_its_user() {
    let Some(account) = nobody() else { return };
    let mut command = spawn::program(&Command::Shell("id -u; id -G".to_owned()));
    spawn::run_as(&mut command, Some(&account));
    let said = String::from_utf8(command.output().unwrap().stdout).unwrap();
    assert_eq!(said, format!("{}\n{} 4711\n", account.uid, account.gid));
}

#[tokio::test]
async fn a_directory_that_is_shared_belongs_to_whom_its_sandbox_does() {
    let Some(account) = nobody() else { return };
    let mut lab = lab();
    let sandbox = lab.directory.path().join("parent");
    fs::create_dir(&sandbox).unwrap();
    std::os::unix::fs::chown(&sandbox, Some(account.uid), Some(account.gid)).unwrap();
    let shared = sandbox.join("a/b");
    let links = vec![Link { source: shared.display().to_string(), target: "data".to_owned(), make: true }];
    let command = lab.command("c", Command::Shell("true".to_owned()));
    lab.start(Launch { setup: Setup { links, ..Setup::default() }, ..command }).await;
    lab.exit("c").await;
    for made in [sandbox.join("a"), shared] {
        let metadata = fs::metadata(made).unwrap();
        assert_eq!((metadata.uid(), metadata.gid()), (account.uid, account.gid));
    }
}

#[tokio::test]
async fn a_volume_is_there_before_the_task() {
    let mut lab = lab();
    let shared = lab.directory.path().join("shared");
    let source = shared.display().to_string();
    let links = vec![Link { source, target: "data".to_owned(), make: true }];
    let command = lab.command("c", Command::Shell("echo x > data/f".to_owned()));
    lab.start(Launch { setup: Setup { links, ..Setup::default() }, ..command }).await;
    assert_eq!(lab.exit("c").await, Exit::Code(0));
    assert_eq!(fs::read_to_string(shared.join("f")).unwrap(), "x\n");
}

#[tokio::test]
async fn a_sandbox_that_cannot_be_made_is_a_failed_launch() {
    let mut lab = lab();
    fs::write(lab.directory.path().join("runs"), "in the way").unwrap();
    let launch = lab.command("c", Command::Shell("true".to_owned()));
    lab.runner.launch(Arc::new(launch));
    let event = lab.events.recv().await.unwrap();
    assert!(matches!(event, Event::LaunchFailed { .. }), "{event:?}");
}

#[tokio::test]
async fn tells_signals_from_codes() {
    let mut lab = lab();
    lab.launch("c", "kill -SEGV $$").await;
    let exit = lab.exit("c").await;
    assert!(matches!(exit, Exit::Signal { number: 11, .. }), "{exit:?}");
}

#[tokio::test]
async fn term_reaches_the_whole_tree() {
    let mut lab = lab();
    lab.launch("c", "setsid sleep 1000 & sh -c 'sleep 1000; true' & wait").await;
    until(|| lab.members("c").len() == 4).await;
    let members = lab.members("c");
    lab.runner.signal(&id("c"), executor::Signal::Terminate);
    assert_eq!(lab.exit("c").await, Exit::signal(15));
    until(|| lab.members("c").is_empty()).await;
    assert!(
        members
            .iter()
            .all(|pid| is_gone(u32::try_from(*pid).unwrap()) || !Table::read().is_child(*pid, own_pid()))
    );
}

#[tokio::test]
async fn kill_ends_what_term_does_not() {
    let mut lab = lab();
    lab.launch("c", "trap 'touch trapped' TERM; touch ready; while :; do sleep 0.01; done").await;
    until(|| lab.sandbox("c").join("ready").exists()).await;
    lab.runner.signal(&id("c"), executor::Signal::Terminate);
    until(|| lab.sandbox("c").join("trapped").exists()).await;
    assert!(lab.runner.reap().is_empty());
    lab.runner.signal(&id("c"), executor::Signal::Kill);
    assert_eq!(lab.exit("c").await, Exit::signal(9));
}

#[tokio::test]
async fn nothing_is_left_behind_by_a_task_that_has_ended() {
    let mut lab = lab();
    let script = "setsid sleep 1000 & \
        setsid env -i /bin/sh -c 'sleep 1000; true' & \
        setsid sh -c 'sleep 1000; true' >/dev/null 2>&1 & \
        env -i /bin/sleep 1000 >/dev/null 2>&1 & \
        touch ready; read forever < fifo";
    fs::create_dir_all(lab.sandbox("c")).unwrap();
    let made = std::process::Command::new("mkfifo").arg(lab.sandbox("c").join("fifo")).status().unwrap();
    assert!(made.success());
    let pid = lab.launch("c", script).await;
    until(|| lab.members("c").len() >= 6).await;
    fs::write(lab.sandbox("c").join("fifo"), "go\n").unwrap();
    assert_eq!(lab.exit("c").await, Exit::Code(0));
    until(|| lab.members("c").is_empty()).await;
    let session = BTreeSet::from([i32::try_from(pid).unwrap()]);
    until(|| Table::read().sessions(&session).next().is_none()).await;
}

#[tokio::test]
async fn a_runner_that_goes_takes_its_tasks_along() {
    let mut lab = lab();
    let pid = lab.launch("c", "setsid sleep 1000 & sleep 1000; true").await;
    until(|| lab.members("c").len() == 3).await;
    let sandbox = lab.sandbox("c");
    let Lab { runner, events, directory, .. } = lab;
    drop((runner, events));
    until(|| Table::read().of_sandboxes(std::slice::from_ref(&sandbox)).is_empty() && is_gone(pid)).await;
    drop(directory);
}

#[tokio::test]
async fn starts_and_ends_many() {
    let mut lab = lab();
    for n in 0..100 {
        let launch = lab.command(&format!("c{n}"), Command::Shell("exec sleep 1000".to_owned()));
        lab.runner.launch(Arc::new(launch));
    }
    let mut launched = 0;
    while launched < 100 {
        if let Some(Event::Launched { container_id, pid }) = lab.events.recv().await {
            assert!(lab.runner.launched(&container_id, pid).is_none());
            launched += 1;
        }
    }
    for n in 0..100 {
        lab.runner.signal(&id(&format!("c{n}")), executor::Signal::Kill);
    }
    until(|| {
        let events = lab.runner.reap();
        lab.note(events);
        lab.exited.len() == 100
    })
    .await;
    assert!(lab.runner.is_idle());
}
