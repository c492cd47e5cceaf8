//! Where a test's processes live: a directory, a loopback address of their own, and what is left when the test ends.

use std::{
    collections::BTreeMap,
    fs,
    net::Ipv4Addr,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicU8, Ordering},
};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::process::Process;
use crate::support::{environment, eventually, processes};

/// Where a process runs: the address it listens on, and the program that brings it there.
#[derive(Clone, Debug)]
pub struct Host {
    pub ip: Ipv4Addr,
    pub program: Vec<String>,
}

/// Dropping it ends what is left of the test, and fails the test if that was anything.
pub struct Site {
    home: TempDir,
    /// No other test listens here, so that a port that is free for a while stays free.
    address: Ipv4Addr,
}

impl Site {
    pub fn new() -> Self {
        Self { home: tempfile::tempdir().expect("a directory"), address: own_address() }
    }

    pub fn path(&self) -> &Path {
        self.home.path()
    }

    /// The work directory of a component.
    pub fn dir(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// `mesoslab ARGS`, with nothing from the environment of the test.
    fn command(&self, program: &[String], args: &[String]) -> Command {
        let line = [program, &[env!("CARGO_BIN_EXE_mesoslab").to_owned()]].concat();
        let mut command = Command::new(&line[0]);
        command
            .args(&line[1..])
            .args(args)
            .current_dir(self.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.path())
            .env("XDG_STATE_HOME", self.path().join("state"))
            .env("XDG_CONFIG_HOME", self.path().join("config"));
        command
    }

    /// Starts a component on a host and waits until it says where it listens.
    pub fn start(&self, host: &Host, name: &str, args: &[String]) -> Process {
        let mut process = self.spawn(host, name, args);
        process.listens();
        process
    }

    /// Starts a component that need not come to listen.
    pub fn spawn(&self, host: &Host, name: &str, args: &[String]) -> Process {
        Process::spawn(name, self.command(&host.program, args), self.dir(&format!("{name}.log")))
    }

    /// This machine, at the address that is the site's.
    pub fn host(&self) -> Host {
        Host { ip: self.address, program: Vec::new() }
    }

    /// The processes of every task that runs, by the task's id.
    pub fn tasks(&self) -> BTreeMap<String, Vec<u32>> {
        let mut tasks: BTreeMap<String, Vec<u32>> = BTreeMap::new();
        for pid in self.task_processes() {
            if let Some(task) = environment(pid, "MESOS_TASK_ID") {
                tasks.entry(task).or_default().push(pid);
            }
        }
        tasks
    }

    /// The same, once there are so many tasks of one process each; a process that begins another program has no
    /// environment for a moment.
    pub fn settled(&self, count: usize) -> BTreeMap<String, Vec<u32>> {
        let mut last = BTreeMap::new();
        eventually(&format!("{count} tasks of one process run"), || {
            let tasks = self.tasks();
            let is_settled =
                tasks.len() == count && tasks.values().all(|pids| pids.len() == 1) && tasks == last;
            last = tasks;
            is_settled
        });
        last
    }

    fn task_processes(&self) -> Vec<u32> {
        let mark = format!("MESOS_SANDBOX={}", self.path().display());
        processes(|environ, _| environ.contains(&mark))
    }

    /// Every process of ours that names the directory.
    fn servers(&self) -> Vec<u32> {
        let mark = self.path().display().to_string();
        processes(|_, cmdline| cmdline.contains(&mark))
    }

    /// Lets the task of this id go on, which reads from the pipe `gate` in its sandbox.
    pub fn open_gate(&self, task: &str) {
        let pid = self.tasks()[task][0];
        let gate = fs::read_link(format!("/proc/{pid}/cwd")).expect("a sandbox").join("gate");
        fs::write(gate, "go\n").expect("open the gate");
    }

    /// Waits until nothing is left; keepers take their leave when their last task has ended.
    pub fn is_left(&self) {
        eventually("no process of the test is left", || {
            self.task_processes().is_empty() && self.servers().is_empty()
        });
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        let left = [self.servers(), self.task_processes()].concat();
        for pid in &left {
            let pid = i32::try_from(*pid).ok().and_then(Pid::from_raw).expect("a pid");
            kill_process(pid, Signal::KILL).unwrap_or_default();
        }
        if !std::thread::panicking() {
            assert_eq!(left, [] as [u32; 0], "processes outlived the test");
        }
    }
}

/// A loopback address for one test of one test process.
fn own_address() -> Ipv4Addr {
    static LAST: AtomicU8 = AtomicU8::new(0);
    let [_, _, high, low] = std::process::id().to_be_bytes();
    Ipv4Addr::new(127, 16 + high % 200, 1 + low % 250, 1 + LAST.fetch_add(1, Ordering::Relaxed) % 250)
}
