//! Background work and the clock: the only place that spawns tasks, reads the time and listens for signals.

use std::{
    future::Future,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use tokio::task::JoinHandle;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::mesos::time::Time;

/// The wall clock at the start of the process plus a monotonic count, so that a stepped clock never runs backwards here.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    wall: Duration,
    started: Instant,
}

impl Clock {
    #[expect(clippy::disallowed_methods, reason = "the one clock of the process")]
    pub fn start() -> Self {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { wall, started: Instant::now() }
    }

    pub fn now(&self) -> Time {
        Time::from_epoch(self.wall + self.started.elapsed())
    }

    /// The tokio instant at which `time` is reached, for `sleep_until`.
    pub fn instant(&self, time: Time) -> tokio::time::Instant {
        let from_start = time.since(Time::from_epoch(self.wall));
        tokio::time::Instant::from_std(self.started + from_start)
    }

    /// Waits until `time`; without one it waits without end.
    pub async fn reach(&self, time: Option<Time>) {
        until(time.map(|time| self.instant(time))).await;
    }
}

/// A group of background tasks that stop together: cancel, then wait.
#[derive(Clone, Debug, Default)]
pub struct Tasks {
    cancel: CancellationToken,
    tracker: TaskTracker,
}

impl Tasks {
    pub fn new() -> Self {
        Self::default()
    }

    /// A group that is cancelled with this one, and can be stopped alone.
    pub fn child(&self) -> Self {
        Self { cancel: self.cancel.child_token(), tracker: TaskTracker::new() }
    }

    pub fn token(&self) -> CancellationToken {
        self.cancel.clone()
    }

    /// Runs `work` until it ends or the group is cancelled; what it holds is dropped at its next await point.
    #[expect(clippy::disallowed_methods, reason = "the one place that spawns")]
    pub fn spawn<F>(&self, work: F) -> JoinHandle<Option<F::Output>>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let cancel = self.cancel.clone();
        self.tracker.spawn(async move { cancel.run_until_cancelled(work).await })
    }

    /// Runs `work` to its end: it watches [`Tasks::token`] itself and stops in its own time.
    #[expect(clippy::disallowed_methods, reason = "the one place that spawns")]
    pub fn spawn_graceful<F>(&self, work: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.tracker.spawn(work)
    }

    /// Asks every task of the group to stop.
    pub fn cancel(&self) {
        self.cancel.cancel();
    }

    /// Cancels and waits until every task has ended.
    pub async fn stop(&self) {
        self.cancel.cancel();
        self.tracker.close();
        self.tracker.wait().await;
    }
}

/// Runs a command's future to its end on a small runtime of the calling thread.
///
/// # Errors
/// When the system gives no runtime (no file descriptors left).
pub fn block_on<F: Future>(work: F) -> std::io::Result<F::Output> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    Ok(runtime.block_on(work))
}

/// Runs a lab's process to its end, on one worker thread per core up to four.
///
/// # Errors
/// When the system gives no runtime (no threads, no file descriptors left).
pub fn block_on_lab<F: Future>(work: F) -> std::io::Result<F::Output> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(cores.min(4)).enable_all().build()?;
    let output = runtime.block_on(work);
    runtime.shutdown_timeout(Duration::from_millis(100));
    Ok(output)
}

/// Ctrl-C and the wish of the system that we end.
pub struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    hangup: Option<tokio::signal::unix::Signal>,
}

impl Signals {
    /// Takes the signals over from their default of killing the process.
    ///
    /// # Errors
    /// When the system refuses a handler.
    pub fn listen() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let (interrupt, terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        Ok(Self { interrupt, terminate, hangup: None })
    }

    /// As [`Signals::listen`], and the end of the terminal too.
    ///
    /// # Errors
    /// When the system refuses a handler.
    pub fn of_a_terminal() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { hangup: Some(signal(SignalKind::hangup())?), ..Self::listen()? })
    }

    /// The next SIGINT or SIGTERM, or SIGHUP where it is listened to.
    pub async fn next(&mut self) {
        let hangup = async {
            match &mut self.hangup {
                Some(hangup) => hangup.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = hangup => {}
        }
    }
}

/// Waits for a deadline; without one it waits without end.
pub async fn until(deadline: Option<tokio::time::Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

/// Runs `work`, which computes and takes its time, off the threads that wait for IO; none when it panics.
pub async fn compute<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    tokio::task::spawn_blocking(work).await.ok()
}

/// A thread of its own, for work that blocks and must stay on one thread.
pub fn thread(name: &str, work: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
    let builder = std::thread::Builder::new().name(name.to_owned()).stack_size(256 * 1024);
    builder.spawn(work).map(drop)
}

/// Wakes whenever a child process has ended.
pub fn child_exits() -> std::io::Result<tokio::signal::unix::Signal> {
    tokio::signal::unix::signal(tokio::signal::unix::SignalKind::child())
}

/// Wakes at every SIGUSR1, which no longer ends the process.
///
/// # Errors
/// When the system refuses a handler.
pub fn user_signal() -> std::io::Result<tokio::signal::unix::Signal> {
    tokio::signal::unix::signal(tokio::signal::unix::SignalKind::user_defined1())
}

/// Wakes whenever the terminal's window has another size.
///
/// # Errors
/// When the system refuses a handler.
pub fn window_changes() -> std::io::Result<tokio::signal::unix::Signal> {
    use tokio::signal::unix::{SignalKind, signal};
    signal(SignalKind::window_change())
}

/// Wakes whenever this process goes on after it was stopped.
///
/// # Errors
/// When the system refuses a handler.
pub fn continued() -> std::io::Result<tokio::signal::unix::Signal> {
    use tokio::signal::unix::{SignalKind, signal};
    signal(SignalKind::from_raw(rustix::process::Signal::CONT.as_raw()))
}

/// The processor time that the calling thread has used: what work took that waits for nothing, however busy the machine is.
pub fn thread_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::try_from(time).unwrap_or_default()
}
