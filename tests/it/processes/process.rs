//! One process of the real binary: started, signalled, waited for, and dead when the test has done with it.

use std::{
    fs::{self, OpenOptions},
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};

use crate::support::eventually;

/// Of a log, what a failed test shows.
const TAIL: usize = 40;

pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
    /// Where in the log this process begins; before it are those that it follows.
    begin: usize,
    address: String,
    ended: bool,
}

impl Process {
    pub fn spawn(name: &str, mut command: Command, log: PathBuf) -> Self {
        let output = OpenOptions::new().create(true).append(true).open(&log).expect("a log");
        let begin = usize::try_from(output.metadata().expect("a log").len()).expect("a length");
        let errors = output.try_clone().expect("a log");
        command.stdin(Stdio::null()).stdout(output).stderr(errors);
        let child = command.spawn().expect("the binary runs");
        Self { name: name.into(), child, log, begin, address: String::new(), ended: false }
    }

    /// Waits until it says where it listens.
    pub fn listens(&mut self) {
        let mut address = None;
        eventually(&format!("the {} says where it listens", self.name), || {
            assert_eq!(self.exit(), None, "{}: {}", self.name, self.said());
            address = self.said().lines().find_map(|line| Some(line.split_once("  http://")?.1.to_owned()));
            address.is_some()
        });
        let address = address.expect("an address");
        address.split_whitespace().next().expect("an address").clone_into(&mut self.address);
    }

    /// `IP:PORT`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Where it is asked from now on, when it listens on all addresses.
    pub fn is_at(&mut self, address: String) {
        self.address = address;
    }

    pub fn port(&self) -> u16 {
        self.address.rsplit_once(':').and_then(|(_, port)| port.parse().ok()).expect("a port")
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it has written.
    pub fn said(&self) -> String {
        let log = fs::read(&self.log).expect("a log");
        String::from_utf8_lossy(&log[self.begin..]).into_owned()
    }

    pub fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).expect("a pid");
        kill_process(pid, signal).expect("signal the process");
    }

    /// Ends it as a broken machine would.
    pub fn kill(&mut self) {
        self.signal(Signal::KILL);
        self.ended();
    }

    /// The code that it ends with, by itself or by a signal that it has got; -1 when the signal has ended it.
    pub fn ended(&mut self) -> i32 {
        let mut code = None;
        eventually(&format!("the {} ends", self.name), || {
            code = self.exit();
            code.is_some()
        });
        code.expect("a code")
    }

    pub fn runs(&mut self) -> bool {
        self.exit().is_none()
    }

    fn exit(&mut self) -> Option<i32> {
        let status = self.child.try_wait().expect("wait")?;
        self.ended = true;
        Some(status.code().unwrap_or(-1))
    }

    /// What it holds in memory, in bytes.
    pub fn resident(&self) -> usize {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id())).expect("a status");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a size");
        line.trim().trim_end_matches(" kB").parse::<usize>().expect("a number") * 1024
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.show();
        }
        if !self.ended && self.child.kill().is_ok() {
            let _status = self.child.wait();
        }
    }
}

impl Process {
    #[expect(clippy::print_stderr, reason = "a test that fails shows what its processes have logged")]
    fn show(&self) {
        let log = fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = text.lines().collect();
        let tail = lines[lines.len().saturating_sub(TAIL)..].join("\n");
        eprintln!("--- {} (process {})\n{tail}\n---", self.name, self.id());
    }
}
