//! Runs the processes of an agent's tasks: starts, signals and reaps them, and leaves nothing of a task behind.
//!
//! ```text
//! launch -> starter threads: sandbox, fork, exec -> Event::Launched
//! signal -> sweeper thread: the group, and what of the tree has left it
//! reap   -> Event::Exited, the group killed before its number is free; strays from the sweeper thread
//! ```
//!
//! The threads live as long as the runner, because Linux kills a process whose starting thread ends
//! (`PR_SET_PDEATHSIG`): a task never outlives the runner that started it.

pub mod spawn;
pub mod table;
pub mod usage;

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError, mpsc},
    time::Duration,
};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, WaitIdStatus};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc::UnboundedSender;

use self::{
    spawn::Surroundings,
    table::{Table, signal_group, signal_process},
};
use super::{guard::Guard, sandbox};
use crate::{
    engine::{
        agent::Launch,
        executor::{self, exit::Exit},
    },
    mesos::v1::ContainerId,
    runtime,
};

/// Threads that start processes: more than one, because each start waits for its exec.
const STARTERS: usize = 2;

/// How often strays are looked for after a task has ended, as long as there are any.
const SWEEPS: usize = 20;

/// From one look for strays to the next, while there are any.
const BETWEEN_SWEEPS: Duration = Duration::from_millis(2);

/// What happens to processes.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub enum Event {
    Launched { container_id: ContainerId, pid: u32 },
    LaunchFailed { container_id: ContainerId, message: String },
    Exited { container_id: ContainerId, exit: Exit },
}

impl Event {
    pub fn container_id(&self) -> &ContainerId {
        match self {
            Self::Launched { container_id, .. }
            | Self::LaunchFailed { container_id, .. }
            | Self::Exited { container_id, .. } => container_id,
        }
    }
}

enum Sweep {
    /// Signal the whole tree of this process.
    Tree { pid: i32, signal: Signal },
    /// The task is over: kill what is left of its session and sandbox.
    Strays { session: Option<i32>, sandbox: PathBuf },
    /// Nobody cares any more for this process of ours: end and reap it.
    Abandoned { pid: Pid },
}

/// A process to be started: as it finds its sandbox, or with surroundings that are there already, sandbox and all.
struct Start {
    launch: Arc<Launch>,
    surroundings: Option<Surroundings>,
}

/// A process of a task that has not been reaped.
#[derive(Debug)]
struct Live {
    pid: Pid,
    sandbox: PathBuf,
}

/// The processes of one agent.
#[derive(Debug)]
pub struct Runner {
    starters: mpsc::Sender<Start>,
    sweeper: mpsc::Sender<Sweep>,
    live: BTreeMap<ContainerId, Live>,
    /// Where launched containers have their sandbox.
    sandboxes: BTreeMap<ContainerId, PathBuf>,
    guard: Option<Guard>,
}

impl Runner {
    /// Launches are answered through `events`; a launched process must be told to [`Runner::launched`].
    pub fn start(events: &UnboundedSender<Event>, guard: Option<Guard>) -> io::Result<Self> {
        let (starters, launches) = mpsc::channel();
        let launches = Arc::new(Mutex::new(launches));
        for _ in 0..STARTERS {
            let (launches, events) = (Arc::clone(&launches), events.clone());
            runtime::thread("starter", move || start_all(&launches, &events))?;
        }
        let (sweeper, sweeps) = mpsc::channel();
        runtime::thread("sweeper", move || sweep_all(&sweeps))?;
        Ok(Self { starters, sweeper, live: BTreeMap::new(), sandboxes: BTreeMap::new(), guard })
    }

    /// Starts a container; answered with [`Event::Launched`] or [`Event::LaunchFailed`].
    pub fn launch(&mut self, launch: Arc<Launch>) {
        self.start_process(Start { launch, surroundings: None });
    }

    /// As [`Runner::launch`], with streams and a sandbox that have been made.
    pub fn launch_in(&mut self, launch: Arc<Launch>, surroundings: Surroundings) {
        self.start_process(Start { launch, surroundings: Some(surroundings) });
    }

    fn start_process(&mut self, start: Start) {
        let Launch { container_id, directory, .. } = &*start.launch;
        self.sandboxes.insert(container_id.clone(), PathBuf::from(directory));
        let _stopped = self.starters.send(start);
    }

    /// Takes note of a started process; gives its end if that has already come.
    pub fn launched(&mut self, container_id: &ContainerId, pid: u32) -> Option<Event> {
        let pid = Pid::from_raw(i32::try_from(pid).ok()?)?;
        let sandbox = self.sandboxes.get(container_id)?.clone();
        if let Some(guard) = &self.guard {
            guard.watch(pid);
        }
        self.live.insert(container_id.clone(), Live { pid, sandbox });
        self.reap_one(container_id)
    }

    /// Forgets a container that has ended or could not be started.
    pub fn forget(&mut self, container_id: &ContainerId) {
        self.sandboxes.remove(container_id);
    }

    /// The sandbox of a container that has been launched and has not ended.
    pub fn sandbox(&self, container_id: &ContainerId) -> Option<&PathBuf> {
        self.sandboxes.get(container_id)
    }

    /// Signals the process tree of a container, from the sweeper thread.
    pub fn signal(&self, container_id: &ContainerId, signal: executor::Signal) {
        let Some(live) = self.live.get(container_id) else { return };
        let signal = match signal {
            executor::Signal::Terminate => Signal::TERM,
            executor::Signal::Kill => Signal::KILL,
        };
        let _stopped = self.sweeper.send(Sweep::Tree { pid: raw(live.pid), signal });
    }

    /// Sends a signal, by its number, to the first process of a container and to no other; 0 is none, nor is a number
    /// without a name.
    pub fn kill(&self, container_id: &ContainerId, signal: i32) {
        let live = self.live.get(container_id);
        if let (Some(live), Some(signal)) = (live, Signal::from_named_raw(signal)) {
            signal_process(raw(live.pid), signal);
        }
    }

    /// The ends of all processes that have ended; to be called whenever a child has.
    pub fn reap(&mut self) -> Vec<Event> {
        let containers: Vec<ContainerId> = self.live.keys().cloned().collect();
        containers.iter().filter_map(|container_id| self.reap_one(container_id)).collect()
    }

    pub fn is_idle(&self) -> bool {
        self.sandboxes.is_empty()
    }

    /// While a process is not reaped its number is its own: its group dies before that.
    fn reap_one(&mut self, container_id: &ContainerId) -> Option<Event> {
        let pid = self.live.get(container_id)?.pid;
        let exit = wait(pid, WaitIdOptions::NOWAIT)?;
        signal_group(raw(pid), Signal::KILL);
        wait(pid, WaitIdOptions::empty());
        let live = self.live.remove(container_id)?;
        self.sandboxes.remove(container_id);
        if let Some(guard) = &self.guard {
            guard.forget(pid);
        }
        let session = Some(raw(pid));
        let _stopped = self.sweeper.send(Sweep::Strays { session, sandbox: live.sandbox });
        Some(Event::Exited { container_id: container_id.clone(), exit })
    }
}

impl Drop for Runner {
    /// What still runs is killed and reaped by the sweeper, which ends with that.
    fn drop(&mut self) {
        for live in std::mem::take(&mut self.live).into_values() {
            let _stopped = self.sweeper.send(Sweep::Abandoned { pid: live.pid });
            let session = Some(raw(live.pid));
            let _stopped = self.sweeper.send(Sweep::Strays { session, sandbox: live.sandbox });
        }
        for sandbox in std::mem::take(&mut self.sandboxes).into_values() {
            let _stopped = self.sweeper.send(Sweep::Strays { session: None, sandbox });
        }
    }
}

/// Ends and reaps a child that was never spoken of.
fn abandon_raw(pid: i32) {
    Pid::from_raw(pid).into_iter().for_each(abandon);
}

fn abandon(pid: Pid) {
    signal_group(raw(pid), Signal::KILL);
    let _reaped = rustix::process::waitid(WaitId::Pid(pid), WaitIdOptions::EXITED);
}

/// How a process has ended; None while it has not. A process that is not our child has ended unseen.
fn wait(pid: Pid, options: WaitIdOptions) -> Option<Exit> {
    let options = options | WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
    match rustix::process::waitid(WaitId::Pid(pid), options) {
        Ok(status) => status.as_ref().and_then(exit_of),
        Err(rustix::io::Errno::INTR) => None,
        Err(_) => Some(Exit::signal(Signal::KILL.as_raw())),
    }
}

fn exit_of(status: &WaitIdStatus) -> Option<Exit> {
    let signaled =
        status.terminating_signal().map(|number| Exit::Signal { number, core_dumped: status.dumped() });
    status.exit_status().map(Exit::Code).or(signaled)
}

fn start_all(starts: &Mutex<mpsc::Receiver<Start>>, events: &UnboundedSender<Event>) {
    loop {
        let next = starts.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(Start { launch, surroundings }) = next else { return };
        let container_id = launch.container_id.clone();
        let made = match surroundings {
            Some(made) => Ok(made),
            None => sandbox::create(&launch.directory, &launch.latest, launch.setup.account.as_ref())
                .and_then(Surroundings::of),
        };
        let linked = made.and_then(|surroundings| {
            sandbox::volumes::link(&launch.directory, &launch.setup.links).map(|()| surroundings)
        });
        let event = match linked.and_then(|surroundings| spawn::spawn(&launch, surroundings)) {
            Ok(pid) => Event::Launched { container_id, pid },
            Err(error) => Event::LaunchFailed { container_id, message: error.to_string() },
        };
        if let Err(unheard) = events.send(event) {
            if let Event::Launched { pid, .. } = unheard.0 {
                i32::try_from(pid).into_iter().for_each(abandon_raw);
            }
            return;
        }
    }
}

/// Whatever waits is done with one look at the process table.
fn sweep_all(sweeps: &mpsc::Receiver<Sweep>) {
    while let Ok(first) = sweeps.recv() {
        let batch: Vec<Sweep> = std::iter::once(first).chain(sweeps.try_iter()).collect();
        let table = Table::read();
        let mut sessions = BTreeSet::new();
        let mut sandboxes = Vec::new();
        for sweep in batch {
            match sweep {
                Sweep::Tree { pid, signal } => signal_tree(&table, pid, signal),
                Sweep::Strays { session, sandbox } => {
                    sessions.extend(session);
                    sandboxes.push(sandbox);
                }
                Sweep::Abandoned { pid } => abandon(pid),
            }
        }
        if !sandboxes.is_empty() {
            kill_strays(&sessions, &sandboxes, SWEEPS);
        }
    }
}

/// The group first, in one step; then what has left the group. A process that is no longer our child is left alone.
fn signal_tree(table: &Table, root: i32, signal: Signal) {
    if !table.is_empty() && !table.is_child(root, own_pid()) {
        return;
    }
    signal_group(root, signal);
    for pid in table.tree_outside_group(root) {
        signal_process(pid, signal);
    }
}

fn own_pid() -> i32 {
    raw(rustix::process::getpid())
}

fn raw(pid: Pid) -> i32 {
    pid.as_raw_nonzero().get()
}

/// Kills what belongs to these sessions or sandboxes until nothing does, or `rounds` are over; how many were hit.
pub fn kill_strays(sessions: &BTreeSet<i32>, sandboxes: &[PathBuf], rounds: usize) -> usize {
    kill_all(rounds, |table| {
        let of_sandboxes = table.of_sandboxes(sandboxes);
        table.sessions(sessions).chain(of_sandboxes).collect()
    })
}

/// Kills whatever descends from this process until nothing does, or `rounds` are over; how many were hit.
pub fn kill_descendants(rounds: usize) -> usize {
    kill_all(rounds, |table| table.tree(own_pid()))
}

/// Kills what is found, time and again; never us and our ancestors.
fn kill_all(rounds: usize, find: impl Fn(&Table) -> BTreeSet<i32>) -> usize {
    let mut killed = BTreeSet::new();
    for _ in 0..rounds {
        let table = Table::read();
        let ours = table.ancestry(own_pid());
        let found: BTreeSet<i32> = find(&table).into_iter().filter(|pid| !ours.contains(pid)).collect();
        if found.is_empty() {
            break;
        }
        for pid in &found {
            signal_process(*pid, Signal::KILL);
        }
        killed.extend(found);
        std::thread::sleep(BETWEEN_SWEEPS);
    }
    killed.len()
}

#[cfg(test)]
mod tests;
