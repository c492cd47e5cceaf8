//! The keeper with real processes: this test binary plays the keeper, and an agent that can be killed.

mod death;
mod protocol;
mod survival;

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::Write,
    process::{Child, Command as Process, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};

use super::{place::Place, *};
use crate::{
    engine::{
        agent::{Command, Launch, setup::Setup},
        executor::exit::Exit,
    },
    host::{
        guard::spellings,
        process::{Event, table::Table},
    },
    mesos::v1::ContainerId,
    runtime::Tasks,
};

/// A task that runs on, with a child in a session of its own.
const TREE: &str = "setsid sleep 1000 & sleep 1000; true";

pub(super) fn id(name: &str) -> ContainerId {
    ContainerId::new(name)
}

/// A shell command that survives its agent, in a sandbox below the work directory.
pub(super) fn launch(work_dir: &Path, name: &str, script: &str) -> Launch {
    let sandbox = work_dir.join("slaves/S/runs").join(name).display().to_string();
    let path = "/usr/local/bin:/usr/bin:/bin".to_owned();
    Launch {
        container_id: id(name),
        latest: work_dir.join("slaves/S/runs/latest").display().to_string(),
        environment: BTreeMap::from([
            ("PATH".to_owned(), path),
            ("MESOS_SANDBOX".to_owned(), sandbox.clone()),
        ]),
        directory: sandbox,
        command: Command::Shell(script.to_owned()),
        survives: true,
        setup: Setup::default(),
    }
}

/// This test binary in a role: `role` names the test that plays it.
fn arguments(role: &str, work_dir: &Path) -> Vec<OsString> {
    let role = format!("host::keeper::tests::{role}");
    let arguments = ["--exact", "--nocapture", &role].map(OsString::from).into_iter();
    arguments.chain([work_dir.as_os_str().to_owned()]).collect()
}

pub(in crate::host) fn config(work_dir: &Path) -> KeeperConfig {
    KeeperConfig {
        arguments: arguments("as_keeper", work_dir),
        ..KeeperConfig::this_binary(work_dir).unwrap()
    }
}

fn work_dir_of_role() -> Option<PathBuf> {
    std::env::args().skip(1).find(|argument| argument.starts_with('/')).map(PathBuf::from)
}

#[test]
fn as_keeper() {
    if let Some(work_dir) = work_dir_of_role() {
        run_keeper(&work_dir);
    }
}

/// Launches what `plan` says, writes down the events, and waits to be killed.
#[tokio::test]
async fn as_agent() {
    let Some(work_dir) = work_dir_of_role() else { return };
    let plan: Vec<Launch> = serde_json::from_slice(&fs::read(work_dir.join("plan")).unwrap()).unwrap();
    let (hub, _kept) = KeeperHub::attach(config(&work_dir), &Tasks::new()).await.unwrap();
    let (sender, mut events) = mpsc::unbounded_channel();
    plan.into_iter().for_each(|launch| hub.launch(launch.into(), sender.clone()));
    let mut written = File::create(work_dir.join("events")).unwrap();
    while let Some(event) = events.recv().await {
        writeln!(written, "{}", serde_json::to_string(&event).unwrap()).unwrap();
    }
}

/// A work directory of its own; nothing that runs below it outlives the test.
struct Lab {
    _directory: tempfile::TempDir,
    work_dir: PathBuf,
}

fn lab() -> Lab {
    lab_at("work")
}

fn lab_at(name: &str) -> Lab {
    let directory = tempfile::tempdir().unwrap();
    let work_dir = directory.path().join(name);
    fs::create_dir_all(&work_dir).unwrap();
    Lab { _directory: directory, work_dir }
}

impl Lab {
    fn place(&self) -> Place {
        Place::of(&self.work_dir).unwrap()
    }

    fn keeper(&self) -> Pid {
        self.place().keeper().unwrap()
    }

    fn kill_keeper(&self) {
        kill_process(self.keeper(), Signal::KILL).unwrap();
    }

    fn launch(&self, name: &str, script: &str) -> Launch {
        launch(&self.work_dir, name, script)
    }

    async fn attach(&self) -> Agent {
        self.attach_with(config(&self.work_dir)).await
    }

    async fn attach_with(&self, config: KeeperConfig) -> Agent {
        let tasks = Tasks::new();
        let (hub, kept) = KeeperHub::attach(config, &tasks).await.unwrap();
        let (sender, events) = mpsc::unbounded_channel();
        Agent { hub, kept, tasks, sender, events }
    }

    /// An agent as a process of its own, once its containers run.
    async fn start_agent(&self, plan: &[Launch]) -> Child {
        fs::write(self.work_dir.join("plan"), serde_json::to_vec(plan).unwrap()).unwrap();
        let agent = Process::new(std::env::current_exe().unwrap())
            .args(arguments("as_agent", &self.work_dir))
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        until(|| plan.iter().all(|launch| self.pid_in_events(launch.container_id.as_str()).is_some())).await;
        agent
    }

    fn pid_in_events(&self, name: &str) -> Option<u32> {
        let text = fs::read_to_string(self.work_dir.join("events")).ok()?;
        text.lines().find_map(|line| match serde_json::from_str(line).ok()? {
            Event::Launched { container_id, pid } => (container_id == id(name)).then_some(pid),
            _ => None,
        })
    }

    fn sandbox(&self, name: &str) -> PathBuf {
        self.launch(name, "").directory.into()
    }

    fn touch(&self, name: &str, file: &str) {
        fs::write(self.sandbox(name).join(file), "").unwrap();
    }

    /// How many processes belong to a sandbox.
    fn members(&self, name: &str) -> usize {
        Table::read().of_sandboxes(&[self.sandbox(name)]).len()
    }

    /// Until no task runs, and the keeper is gone too.
    async fn until_nothing_is_left(&self) {
        until(|| Table::read().of_sandboxes(&spellings(&self.work_dir)).is_empty()).await;
        until(|| self.keeper_is_gone()).await;
    }

    fn keeper_is_gone(&self) -> bool {
        let pid = self.keeper().as_raw_nonzero().get();
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.is_empty() || stat.contains(") Z ")
    }
}

/// A test that fails leaves nothing behind either.
impl Drop for Lab {
    fn drop(&mut self) {
        if let Some(keeper) = self.place().keeper() {
            let _gone = kill_process(keeper, Signal::KILL);
        }
        self.place().sweep().unwrap();
    }
}

/// An agent in this process.
struct Agent {
    hub: KeeperHub,
    kept: Vec<KeptContainer>,
    tasks: Tasks,
    sender: UnboundedSender<Event>,
    events: UnboundedReceiver<Event>,
}

impl Agent {
    async fn launch(&mut self, launch: Launch) -> u32 {
        self.hub.launch(launch.into(), self.sender.clone());
        match self.event().await {
            Event::Launched { pid, .. } => pid,
            other => panic!("not launched: {other:?}"),
        }
    }

    async fn event(&mut self) -> Event {
        let event = tokio::time::timeout(Duration::from_secs(20), self.events.recv()).await;
        event.expect("an event in time").unwrap()
    }

    /// The end of the container that ends next.
    async fn exit(&mut self, name: &str) -> Exit {
        match self.event().await {
            Event::Exited { container_id, exit } if container_id == id(name) => exit,
            other => panic!("not the end of {name}: {other:?}"),
        }
    }

    fn claim(&self, name: &str) {
        self.hub.claim(&id(name), self.sender.clone());
    }

    fn names(&self) -> Vec<&str> {
        self.kept.iter().map(|kept| kept.container_id().as_str()).collect()
    }

    /// As with `kill -9`.
    async fn die(self) {
        self.tasks.stop().await;
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

fn runs(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    !stat.is_empty() && !stat.contains(") Z ")
}
