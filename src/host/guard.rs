//! No process of a task outlives its lab, not even after a `kill -9` of the lab.
//!
//! A lab has one guard: this binary again, in a session of its own, reading a pipe that only the lab writes to.
//! When the pipe ends, whatever the reason, the guard kills every session it was told of and every process whose
//! `MESOS_SANDBOX`, stdout or stderr lies under the lab's work directory, then goes. A guard that dies is replaced.
//!
//! The guard holds a lock in the work directory, so that [`sweep`] before the next start waits for its end.
//! Off Linux there is no process table to read: the guard kills the process groups it was told of.

use std::{
    collections::BTreeSet,
    ffi::OsString,
    fs::{self, File},
    io::{self, BufRead, PipeWriter, Write},
    path::{Path, PathBuf},
    process::{ExitCode, Stdio},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use rustix::{
    fs::FlockOperation,
    process::{Pid, Signal},
};
use tokio::process::{Child, Command};
use tokio_util::sync::CancellationToken;

use super::process::{kill_strays, table::signal_group};
use crate::runtime::Tasks;

/// The first argument that makes this binary a guard; the work directory follows.
pub const ARGUMENT: &str = "__guard";

/// What the guard is called among processes, so that killing the lab by its name does not take the guard along.
#[cfg(target_os = "linux")]
const NAME: &str = "lab-guard";

const LOCK: &str = ".guard.lock";

/// How often the guard looks for survivors; each look is followed by a pause of milliseconds.
const ROUNDS: usize = 2000;

/// How long the next lab waits for the guard of the last one.
const LOCK_PATIENCE: Duration = Duration::from_secs(10);
const LOCK_PAUSE: Duration = Duration::from_millis(5);

/// From the death of a guard to its replacement; each takes twice as long.
const RESTART_PAUSE: Duration = Duration::from_millis(50);
const RESTART_PAUSE_MAX: Duration = Duration::from_secs(5);

/// What to execute as a guard.
#[derive(Clone, Debug)]
pub struct GuardCommand {
    pub program: PathBuf,
    pub arguments: Vec<OsString>,
}

impl GuardCommand {
    /// This binary with [`ARGUMENT`]; its `main` has to call [`run_if_asked`] before all else.
    pub fn this_binary(work_dir: &Path) -> io::Result<Self> {
        let arguments = vec![ARGUMENT.into(), work_dir.into()];
        Ok(Self { program: std::env::current_exe()?, arguments })
    }
}

/// The lab's end of its guard. Clones share one guard; it acts when the last of them is gone.
#[derive(Clone, Debug)]
pub struct Guard(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    watched: BTreeSet<i32>,
    pipe: Option<PipeWriter>,
    pid: Option<u32>,
    dismissed: bool,
    gone: CancellationToken,
}

impl Guard {
    /// Starts the guard and keeps one running as long as `tasks` does.
    pub fn spawn(tasks: &Tasks, command: GuardCommand) -> io::Result<Self> {
        let guard = Self(Arc::default());
        let child = guard.start(&command)?;
        tasks.spawn(keep_running(Arc::downgrade(&guard.0), child, command, guard.gone()));
        Ok(guard)
    }

    fn gone(&self) -> CancellationToken {
        self.lock().gone.clone()
    }

    fn start(&self, command: &GuardCommand) -> io::Result<Child> {
        let (reader, writer) = io::pipe()?;
        rustix::io::ioctl_fionbio(&writer, true)?;
        let child = Command::new(&command.program)
            .args(&command.arguments)
            .stdin(reader)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let mut state = self.lock();
        for pid in &state.watched {
            tell(&writer, '+', *pid);
        }
        state.pipe = Some(writer);
        state.pid = child.id();
        Ok(child)
    }

    /// The guard's process.
    pub fn pid(&self) -> Option<u32> {
        self.lock().pid
    }

    /// A session whose processes must not outlive the lab.
    pub fn watch(&self, leader: Pid) {
        let pid = leader.as_raw_nonzero().get();
        let mut state = self.lock();
        state.watched.insert(pid);
        if let Some(pipe) = &state.pipe {
            tell(pipe, '+', pid);
        }
    }

    /// The session's leader has ended and its number may be used again.
    pub fn forget(&self, leader: Pid) {
        let pid = leader.as_raw_nonzero().get();
        let mut state = self.lock();
        state.watched.remove(&pid);
        if let Some(pipe) = &state.pipe {
            tell(pipe, '-', pid);
        }
    }

    /// Lets the guard do its work now and go; no other takes its place. Returns when it is gone.
    pub async fn dismiss(&self) {
        {
            let mut state = self.lock();
            state.dismissed = true;
            state.pipe = None;
        }
        self.gone().cancelled().await;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Replaces a guard that dies, ever more slowly, until it is dismissed or the last handle is dropped.
async fn keep_running(
    state: Weak<Mutex<State>>,
    first: Child,
    command: GuardCommand,
    gone: CancellationToken,
) {
    let _gone = gone.drop_guard();
    let mut child = first;
    let mut pause = RESTART_PAUSE;
    loop {
        let _status = child.wait().await;
        let wanted = || state.upgrade().map(Guard).filter(|guard| !guard.lock().dismissed);
        if wanted().is_none() {
            return;
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(RESTART_PAUSE_MAX);
        let Some(guard) = wanted() else { return };
        match guard.start(&command) {
            Ok(next) => child = next,
            Err(error) => tracing::error!(%error, "failed to restart the guard of task processes"),
        }
    }
}

/// What a guard that is gone or stuck misses, the process table tells its successor.
fn tell(mut pipe: &PipeWriter, sign: char, pid: i32) {
    let _lost = pipe.write_all(format!("{sign}{pid}\n").as_bytes());
}

/// Runs the guard when the command line asks for one: to be called first in `main`.
pub fn run_if_asked() -> Option<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    let asked = arguments.next().is_some_and(|argument| argument == ARGUMENT);
    asked.then(|| run_guard(Path::new(&arguments.next().unwrap_or_default())))
}

/// The guard itself: reads stdin to its end, then kills.
pub fn run_guard(work_dir: &Path) -> ExitCode {
    leave_lab();
    let _unmade = fs::create_dir_all(work_dir);
    let Some(_lock) = lock_work_dir(work_dir) else { return ExitCode::FAILURE };
    let mut sessions = BTreeSet::new();
    for line in io::stdin().lock().lines().map_while(Result::ok) {
        note(&mut sessions, &line);
    }
    for session in &sessions {
        signal_group(*session, Signal::KILL);
    }
    kill_strays(&sessions, &spellings(work_dir), ROUNDS);
    ExitCode::SUCCESS
}

fn note(sessions: &mut BTreeSet<i32>, line: &str) {
    let number = |digits: &str| digits.parse::<i32>().ok();
    if let Some(pid) = line.strip_prefix('+').and_then(number) {
        sessions.insert(pid);
    } else if let Some(pid) = line.strip_prefix('-').and_then(number) {
        sessions.remove(&pid);
    }
}

/// Out of the lab's session, so that what ends the lab at the terminal does not end the guard.
fn leave_lab() {
    let _leader = rustix::process::setsid();
    #[cfg(target_os = "linux")]
    let _unnamed = fs::write("/proc/self/comm", NAME);
}

/// Kills every process that tasks have left behind under `work_dir`; how many there were.
///
/// Waits for a guard that is still at it. Fails when a guard holds on, which means that its lab lives.
pub fn sweep(work_dir: &Path) -> io::Result<usize> {
    if !work_dir.exists() {
        return Ok(0);
    }
    let lock = lock_work_dir(work_dir).ok_or_else(|| {
        let busy = format!("another lab uses `{}`", work_dir.display());
        io::Error::new(io::ErrorKind::WouldBlock, busy)
    })?;
    let killed = kill_strays(&BTreeSet::new(), &spellings(work_dir), ROUNDS);
    drop(lock);
    Ok(killed)
}

/// None when another process holds the lock for too long, or there is no such directory.
fn lock_work_dir(work_dir: &Path) -> Option<File> {
    let file = File::create(work_dir.join(LOCK)).ok()?;
    let attempts = LOCK_PATIENCE.as_millis() / LOCK_PAUSE.as_millis();
    for _ in 0..attempts {
        if rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok() {
            return Some(file);
        }
        std::thread::sleep(LOCK_PAUSE);
    }
    None
}

/// A directory as it was named and as the system knows it.
pub(super) fn spellings(work_dir: &Path) -> Vec<PathBuf> {
    let real = fs::canonicalize(work_dir).ok();
    std::iter::once(work_dir.to_path_buf()).chain(real).collect()
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::host::process::table::Table;

    /// This test binary as something else: `role` names the test that plays it, `/...` its work directory.
    fn play(role: &str, work_dir: &Path) -> GuardCommand {
        let role = format!("host::guard::tests::{role}");
        let arguments = ["--exact", "--nocapture", &role].map(OsString::from).into_iter();
        GuardCommand {
            program: std::env::current_exe().unwrap(),
            arguments: arguments.chain([work_dir.as_os_str().to_owned()]).collect(),
        }
    }

    fn work_dir_of_role() -> Option<PathBuf> {
        std::env::args().skip(1).find(|argument| argument.starts_with('/')).map(PathBuf::from)
    }

    #[test]
    fn as_guard() {
        if let Some(work_dir) = work_dir_of_role() {
            run_guard(&work_dir);
        }
    }

    /// A lab with a guard and a task, which waits to be killed.
    #[tokio::test]
    async fn as_lab() {
        let Some(work_dir) = work_dir_of_role() else { return };
        let _guard = Guard::spawn(&Tasks::new(), play("as_guard", &work_dir)).unwrap();
        let mut task = tokio::process::Command::from(task(&work_dir)).spawn().unwrap();
        task.wait().await.unwrap();
    }

    /// A process of a task, with one child in a session of its own and one without environment.
    fn task(work_dir: &Path) -> Command {
        let mut task = Command::new("sh");
        task.arg("-c")
            .arg("setsid sh -c 'sleep 1000; true' & env -i /bin/sleep 1000 & sleep 1000; true")
            .env("MESOS_SANDBOX", work_dir.join("slaves/S/sandbox"))
            .stdin(Stdio::null())
            .stdout(File::create(work_dir.join("stdout")).unwrap())
            .stderr(Stdio::null());
        task
    }

    fn survivors(work_dir: &Path) -> usize {
        Table::read().of_sandboxes(&spellings(work_dir)).len()
    }

    fn until(mut condition: impl FnMut() -> bool) {
        for _ in 0..10_000 {
            if condition() {
                return;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        panic!("the condition never came true");
    }

    #[test]
    fn notes_what_it_is_told() {
        let mut sessions = BTreeSet::new();
        for line in ["+7", "+8", "-7", "nonsense", "-9"] {
            note(&mut sessions, line);
        }
        assert_eq!(sessions, BTreeSet::from([8]));
    }

    #[test]
    fn nothing_survives_the_kill_of_a_lab() {
        let directory = tempfile::tempdir().unwrap();
        let lab = play("as_lab", directory.path());
        let mut lab = Command::new(lab.program).args(lab.arguments).stdout(Stdio::null()).spawn().unwrap();
        until(|| survivors(directory.path()) == 5);
        lab.kill().unwrap();
        lab.wait().unwrap();
        until(|| survivors(directory.path()) == 0);
        sweep(directory.path()).unwrap();
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_guard_that_is_killed_is_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let tasks = Tasks::new();
        let guard = Guard::spawn(&tasks, play("as_guard", directory.path())).unwrap();
        let first = guard.pid().unwrap();
        let mut task = task(directory.path()).spawn().unwrap();
        until(|| survivors(directory.path()) == 5);
        rustix::process::kill_process(Pid::from_raw(i32::try_from(first).unwrap()).unwrap(), Signal::KILL)
            .unwrap();
        until(|| guard.pid() != Some(first));
        guard.dismiss().await;
        assert_eq!(survivors(directory.path()), 0);
        assert!(!task.wait().unwrap().success());
        tasks.stop().await;
    }

    #[test]
    fn sweeps_what_is_left() {
        let directory = tempfile::tempdir().unwrap();
        let mut task = task(directory.path()).spawn().unwrap();
        until(|| survivors(directory.path()) == 5);
        assert!(sweep(directory.path()).unwrap() >= 5);
        assert_eq!(survivors(directory.path()), 0);
        task.wait().unwrap();
        assert_eq!(sweep(&directory.path().join("missing")).unwrap(), 0);
    }
}
