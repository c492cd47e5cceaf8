//! The keeper's process: one loop between its agent, the runner of its task processes and its book.
//!
//! ```text
//! Expecting -- hello --> Served -- agent gone --> Alone -- recovery timeout --> Ending --> gone
//!                          ^--------- hello ---------'  `-- book empty --> gone   ^
//!                          `----------------------- goodbye ----------------------'
//! ```

use std::{
    io,
    os::{fd::AsFd, unix::net::UnixListener as StdListener},
    path::Path,
    pin::Pin,
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use tokio::{
    net::{UnixListener, UnixStream},
    signal::unix::Signal as ChildExits,
    sync::{
        Semaphore,
        mpsc::{self, UnboundedReceiver, UnboundedSender},
    },
    time::{Sleep, sleep, timeout},
};

use super::{
    ROUNDS,
    book::Book,
    message::{FromKeeper, KeptContainer, ToKeeper, VERSION},
    place::Place,
    wire::Wire,
};
use crate::{
    engine::executor::Signal,
    host::process::{Event, Runner, kill_descendants},
    runtime::{self, Tasks},
};

/// What the keeper is called among processes, so that killing agents by their name does not take it along.
#[cfg(target_os = "linux")]
const NAME: &str = "lab-keeper";

/// How long a keeper waits for the agent that has started it.
const FIRST_CONTACT: Duration = Duration::from_secs(30);

/// How long somebody who connects may take to introduce himself, and how many may at once.
const INTRODUCTION: Duration = Duration::from_secs(2);
const STRANGERS: usize = 64;

/// How long the ends of killed processes are waited for, and the agent to take the last message.
const LAST_PATIENCE: Duration = Duration::from_secs(10);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The agent that has started us has not connected yet.
    Expecting,
    Served,
    Alone,
    /// Everything is killed, and then we go.
    Ending,
    Gone,
}

/// An agent that has introduced itself.
struct Greeting {
    wire: Wire,
    version: u32,
    recovery_timeout: Duration,
}

struct Keeper {
    listener: UnixListener,
    strangers: Arc<Semaphore>,
    greeter: UnboundedSender<Greeting>,
    greetings: UnboundedReceiver<Greeting>,
    agent: Option<Wire>,
    runner: Runner,
    processes: UnboundedReceiver<Event>,
    child_exits: ChildExits,
    book: Book,
    phase: Phase,
    /// When the phase has taken long enough.
    timer: Option<Pin<Box<Sleep>>>,
    recovery_timeout: Duration,
    tasks: Tasks,
}

/// The keeper itself: stdin is the socket on which it listens.
pub fn run_keeper(work_dir: &Path) -> ExitCode {
    leave_agent();
    match runtime::block_on(keep(work_dir)) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(_)) | Err(_) => ExitCode::FAILURE,
    }
}

/// Out of the agent's session, and the parent of whatever tasks leave without one.
fn leave_agent() {
    let _leader = rustix::process::setsid();
    #[cfg(target_os = "linux")]
    {
        let _unnamed = std::fs::write("/proc/self/comm", NAME);
        let _no_orphans = rustix::process::set_child_subreaper(Some(rustix::process::getpid()));
    }
}

async fn keep(work_dir: &Path) -> io::Result<()> {
    let place = Place::of(work_dir)?;
    let _lock = place.lock_for_keeper()?;
    let mut keeper = Keeper::new(listener_on_stdin()?)?;
    while keeper.phase != Phase::Gone {
        keeper.turn().await;
    }
    place.kill_all();
    kill_descendants(ROUNDS);
    if let Some(agent) = &mut keeper.agent {
        let _deaf = timeout(LAST_PATIENCE, agent.flush()).await;
    }
    place.remove_socket()
}

fn listener_on_stdin() -> io::Result<UnixListener> {
    let listener = StdListener::from(io::stdin().as_fd().try_clone_to_owned()?);
    listener.set_nonblocking(true)?;
    UnixListener::from_std(listener)
}

impl Keeper {
    fn new(listener: UnixListener) -> io::Result<Self> {
        let child_exits = runtime::child_exits()?;
        let (events, processes) = mpsc::unbounded_channel();
        let (greeter, greetings) = mpsc::unbounded_channel();
        Ok(Self {
            listener,
            strangers: Arc::new(Semaphore::new(STRANGERS)),
            greeter,
            greetings,
            agent: None,
            runner: Runner::start(&events, None)?,
            processes,
            child_exits,
            book: Book::default(),
            phase: Phase::Expecting,
            timer: Some(Box::pin(sleep(FIRST_CONTACT))),
            recovery_timeout: FIRST_CONTACT,
            tasks: Tasks::new(),
        })
    }

    async fn turn(&mut self) {
        tokio::select! {
            said = next(self.agent.as_mut()) => match said {
                Ok(Some(message)) => self.obey(message),
                Ok(None) | Err(_) => self.agent_gone(),
            },
            Some(event) = self.processes.recv() => self.process(event),
            Some(()) = self.child_exits.recv() => self.reap(),
            Ok((stream, _)) = self.listener.accept() => self.introduce(stream),
            Some(greeting) = self.greetings.recv() => self.serve(greeting),
            () = due(self.timer.as_mut()) => self.time_is_up(),
        }
        let nothing_left = matches!(self.phase, Phase::Alone | Phase::Ending) && self.book.is_empty();
        if nothing_left {
            self.enter(Phase::Gone, None);
        }
    }

    fn enter(&mut self, phase: Phase, patience: Option<Duration>) {
        self.phase = phase;
        self.timer = patience.map(|patience| Box::pin(sleep(patience)));
    }

    fn time_is_up(&mut self) {
        match self.phase {
            Phase::Ending => self.enter(Phase::Gone, None),
            _ => self.end(),
        }
    }

    fn end(&mut self) {
        self.enter(Phase::Ending, Some(LAST_PATIENCE));
        self.kill(|_| true);
    }

    /// Listens to somebody of our own user for a while, beside all else.
    fn introduce(&self, stream: UnixStream) {
        let ours = stream.peer_cred().is_ok_and(|peer| peer.uid() == rustix::process::geteuid().as_raw());
        let permit = Arc::clone(&self.strangers).try_acquire_owned();
        let (true, Ok(permit)) = (ours, permit) else { return };
        let greeter = self.greeter.clone();
        self.tasks.spawn(async move {
            let _one_of_few = permit;
            if let Ok(Some(greeting)) = timeout(INTRODUCTION, listen(Wire::to_stranger(stream))).await {
                let _going = greeter.send(greeting);
            }
        });
    }

    /// A new agent takes the place of the last, which is dead or as good as that.
    fn serve(&mut self, greeting: Greeting) {
        let Greeting { mut wire, version, recovery_timeout } = greeting;
        if version != VERSION {
            let _deaf = wire.send(&FromKeeper::Refused { version: VERSION });
            return;
        }
        if self.phase == Phase::Ending {
            return;
        }
        self.kill(|kept| !kept.launch.survives);
        wire.trust();
        self.recovery_timeout = recovery_timeout;
        self.agent = Some(wire);
        self.tell(&FromKeeper::Welcome { containers: self.book.kept().count() });
        let kept: Vec<KeptContainer> = self.book.kept().cloned().collect();
        for container in kept {
            self.tell(&FromKeeper::Kept(Box::new(container)));
        }
        self.enter(Phase::Served, None);
    }

    /// Those that survive wait for the next agent.
    fn agent_gone(&mut self) {
        self.agent = None;
        self.kill(|kept| !kept.launch.survives);
        if self.phase == Phase::Served {
            self.enter(Phase::Alone, Some(self.recovery_timeout));
        }
    }

    fn tell(&mut self, message: &FromKeeper) {
        if let Some(agent) = &mut self.agent {
            let _too_long = agent.send(message);
        }
    }

    fn obey(&mut self, message: ToKeeper) {
        match message {
            ToKeeper::Hello { .. } => {}
            ToKeeper::Launch(launch) => {
                let launch = Arc::new(*launch);
                if self.phase == Phase::Served && self.book.enter(&launch) {
                    self.runner.launch(launch);
                }
            }
            ToKeeper::Signal { container_id, signal } => self.runner.signal(&container_id, signal),
            ToKeeper::Forget { container_id } => self.book.forget(&container_id),
            ToKeeper::Discard { container_id } => self.kill(|kept| *kept.container_id() == container_id),
            ToKeeper::Goodbye => self.end(),
        }
    }

    fn kill(&mut self, which: impl Fn(&KeptContainer) -> bool) {
        for container_id in self.book.doom(which) {
            self.runner.signal(&container_id, Signal::Kill);
        }
    }

    fn process(&mut self, event: Event) {
        let ended = match &event {
            Event::Launched { container_id, pid } => self.runner.launched(container_id, *pid),
            Event::LaunchFailed { container_id, .. } => {
                self.runner.forget(container_id);
                None
            }
            Event::Exited { .. } => None,
        };
        let wanted = self.phase == Phase::Ending || self.book.wants(event.container_id());
        if self.book.note(&event) {
            self.runner.signal(event.container_id(), Signal::Kill);
        }
        if wanted {
            self.tell(&FromKeeper::Event(event));
        }
        ended.into_iter().for_each(|event| self.process(event));
    }

    fn reap(&mut self) {
        for event in self.runner.reap() {
            self.process(event);
        }
        reap_orphans();
    }
}

/// What tasks have left behind comes to the main thread; tasks themselves are children of the runner's threads, whose
/// ends are not taken here.
fn reap_orphans() {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{WaitOptions, wait};
        let of_this_thread = WaitOptions::from_bits_retain(libc::__WNOTHREAD.cast_unsigned());
        while matches!(wait(WaitOptions::NOHANG | of_this_thread), Ok(Some(_))) {}
    }
}

async fn listen(mut wire: Wire) -> Option<Greeting> {
    match wire.next().await {
        Ok(Some(ToKeeper::Hello { version, recovery_timeout })) => {
            Some(Greeting { wire, version, recovery_timeout })
        }
        _ => None,
    }
}

async fn next(agent: Option<&mut Wire>) -> io::Result<Option<ToKeeper>> {
    match agent {
        Some(agent) => agent.next().await,
        None => std::future::pending().await,
    }
}

async fn due(timer: Option<&mut Pin<Box<Sleep>>>) {
    match timer {
        Some(timer) => timer.await,
        None => std::future::pending().await,
    }
}
