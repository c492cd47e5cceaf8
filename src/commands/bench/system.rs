//! The outside of a measurement: the binary as a process, a lab of its own, and the system's accounts.

use std::{
    fs, io,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use tokio::process::Command;

use super::framework::COMMAND;
use crate::{
    error::{Context, Failure, Result},
    provider::{
        ready::{self, NotReady},
        scheduler_app::TASK_PREFIX,
        state::{LabRecord, StateDir},
    },
    runtime::Clock,
};

/// How long a task may take to go.
const PATIENCE: Duration = Duration::from_secs(30);

/// Runs this binary to its end.
///
/// # Errors
/// When it fails; what it said on stderr.
pub async fn run(args: &[&str]) -> Result<()> {
    finish(Command::new(std::env::current_exe()?).args(args), args).await
}

async fn finish(command: &mut Command, args: &[&str]) -> Result<()> {
    let output = command.stdin(Stdio::null()).output().await?;
    if output.status.success() {
        return Ok(());
    }
    let lines = String::from_utf8_lossy(&output.stderr).lines().map(str::to_owned).collect();
    Err(Failure::failed(format!("`mesoslab {}` failed", args.join(" "))).seen(lines))
}

/// A lab in a directory of its own, on free ports.
pub struct BenchLab {
    directory: PathBuf,
    state: StateDir,
}

impl BenchLab {
    /// Brings it up with these flags and waits until it is ready.
    ///
    /// # Errors
    /// What `up` says.
    pub async fn up(flags: &[&str]) -> Result<Self> {
        let directory =
            std::env::temp_dir().join(format!("mesoslab-bench-{}", uuid::Uuid::new_v4().simple()));
        fs::create_dir_all(&directory)?;
        fs::write(
            directory.join("mesoslab.toml"),
            "[ports]\nzookeeper = 0\nexhibitor = 0\nmaster = 0\nagents = 0\nmarathon = 0\nregistry = 0\nscheduler = 0\n",
        )?;
        let state = StateDir::at(directory.join("mesoslab/labs/bench"));
        let lab = Self { directory, state };
        lab.run(&[&["up"], flags].concat()).await?;
        Ok(lab)
    }

    /// # Errors
    /// What `down` says.
    pub async fn down(self) -> Result<()> {
        self.run(&["down", "--purge"]).await?;
        Ok(fs::remove_dir_all(&self.directory)?)
    }

    /// Runs a command on it to its end.
    ///
    /// # Errors
    /// When it fails; what it said on stderr.
    pub async fn run(&self, args: &[&str]) -> Result<()> {
        finish(&mut self.command(args)?.into(), args).await
    }

    /// A command on it.
    ///
    /// # Errors
    /// When this binary is not found.
    pub fn command(&self, args: &[&str]) -> io::Result<std::process::Command> {
        let mut command = std::process::Command::new(std::env::current_exe()?);
        command.args(args).args(["--name", "bench", "--quiet"]).current_dir(&self.directory);
        for variable in ["FILE", "PROVIDER", "AGENTS", "TASKS", "MASTER", "SCHEDULER", "THEME", "READ_ONLY"] {
            command.env_remove(format!("MESOSLAB_{variable}"));
        }
        command.env("XDG_STATE_HOME", &self.directory).env("XDG_CONFIG_HOME", &self.directory);
        Ok(command)
    }

    fn record(&self) -> Result<LabRecord> {
        let record = self.state.record().context("read the record of the lab")?;
        record.ok_or_else(|| Failure::failed("the lab left no record"))
    }

    pub fn master(&self) -> Result<String> {
        Ok(self.record()?.endpoints.master)
    }

    pub fn scheduler(&self) -> Result<String> {
        let scheduler = self.record()?.endpoints.scheduler;
        scheduler.ok_or_else(|| Failure::failed("the lab has no scheduler"))
    }

    /// The proportional memory of the lab's process and its guard, in MB; the tasks' own is not among it.
    ///
    /// # Errors
    /// Where the system keeps no such account (it is Linux').
    pub fn memory(&self) -> Result<f64> {
        let kilobytes = self.processes()?.into_iter().map(proportional_memory).sum::<io::Result<f64>>()?;
        Ok(kilobytes / 1024.0)
    }

    /// The processor time that the lab's process and its guard have used.
    ///
    /// # Errors
    /// Where the system keeps no such account (it is Linux').
    pub fn cpu_time(&self) -> Result<Duration> {
        Ok(self.processes()?.into_iter().map(cpu_time).sum::<io::Result<Duration>>()?)
    }

    /// The lab's process, its guard, and the scheduler that Marathon runs.
    fn processes(&self) -> Result<Vec<u32>> {
        let agents = self.state.agents().display().to_string();
        let lab = self.record()?.pid;
        let is_guard = |pid: &u32| {
            fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| {
                let line = String::from_utf8_lossy(&line).into_owned();
                line.contains(crate::host::guard::ARGUMENT) && line.contains(&agents)
            })
        };
        let mark = format!("MESOS_SANDBOX={}", self.directory.display());
        let is_scheduler = |pid: &u32| {
            let environ = environ(format!("/proc/{pid}").as_ref());
            environ.contains(&mark) && runs_the_scheduler(&environ)
        };
        let entries = fs::read_dir("/proc")?;
        let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
        Ok(pids.filter(|pid| is_guard(pid) || is_scheduler(pid)).chain([lab]).collect())
    }

    /// Waits until no process of a task is left, but for the scheduler that Marathon runs.
    ///
    /// # Errors
    /// When one still is, after a long time.
    pub async fn no_task_left(&self, clock: Clock) -> Result<()> {
        let mark = format!("MESOS_SANDBOX={}", self.directory.display());
        let none = async || {
            if any_task_with(&mark) { Err(NotReady("a task does not end".into())) } else { Ok(()) }
        };
        ready::until(clock, PATIENCE, none).await.map_err(|error| Failure::failed(error.to_string()))
    }
}

fn any_task_with(mark: &str) -> bool {
    let Ok(entries) = fs::read_dir("/proc") else { return false };
    entries.filter_map(Result::ok).any(|entry| {
        let environ = environ(&entry.path());
        environ.contains(mark) && !runs_the_scheduler(&environ)
    })
}

/// The environment of a process, by its directory in `/proc`; empty once it is gone.
fn environ(process: &Path) -> String {
    String::from_utf8_lossy(&fs::read(process.join("environ")).unwrap_or_default()).into_owned()
}

fn runs_the_scheduler(environ: &str) -> bool {
    environ.contains(&format!("MESOS_EXECUTOR_ID={TASK_PREFIX}"))
}

/// In KB.
///
/// # Errors
/// Where the system keeps no such account (it is Linux').
pub fn proportional_memory(pid: u32) -> io::Result<f64> {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:"));
    let kilobytes = line.and_then(|rest| rest.split_whitespace().next()?.parse().ok());
    kilobytes.ok_or_else(|| io::Error::other("no Pss in smaps_rollup"))
}

/// User and system time, of which Linux counts a hundred ticks a second.
///
/// # Errors
/// Where the system keeps no such account (it is Linux').
pub fn cpu_time(pid: u32) -> io::Result<Duration> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let fields: Vec<_> = text.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks =
        |index: usize| fields.get(index).and_then(|field| field.parse::<u64>().ok()).unwrap_or_default();
    Ok(Duration::from_millis((ticks(11) + ticks(12)) * 10))
}

/// Starts the same processes without any lab: milliseconds until the last one is started.
///
/// # Errors
/// When one cannot be started.
pub fn bare_loop(clock: Clock, count: usize) -> Result<f64> {
    let start = clock.now();
    let started: io::Result<Vec<_>> = (0..count)
        .map(|_| {
            let mut shell = std::process::Command::new("sh");
            shell.process_group(0);
            shell
                .args(["-c", COMMAND])
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
        })
        .collect();
    let time = clock.now().since(start).as_secs_f64() * 1000.0;
    for mut child in started? {
        if let Some(group) = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw) {
            rustix::process::kill_process_group(group, rustix::process::Signal::KILL)
                .map_err(io::Error::from)?;
        }
        child.wait()?;
    }
    Ok(time)
}
