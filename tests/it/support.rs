//! Labs for tests: each in a directory of its own, on free ports, gone when the test ends.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    time::Duration,
};

use mesoslab::runtime::Clock;
use serde_json::Value;
use tempfile::TempDir;

/// Free ports for every component.
const ANY_PORTS: &str = "\n[ports]\nzookeeper = 0\nexhibitor = 0\nmaster = 0\nagents = 0\nmarathon = 0\nregistry = 0\nscheduler = 0\n";

/// How long a test waits for anything.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A lab of the real binary. Dropping it takes the lab down.
pub struct Lab {
    home: TempDir,
    name: String,
    /// Whether Marathon runs the scheduler; without it, the lab does.
    marathon: bool,
}

impl Lab {
    /// A lab that does not exist yet, with this text as its lab file; ports are free ones.
    pub fn with_file(text: &str) -> Self {
        let home = tempfile::tempdir().expect("a directory");
        let lab = Self { home, name: "test".into(), marathon: false };
        lab.write_file(text);
        lab
    }

    pub fn new() -> Self {
        Self::with_file("")
    }

    /// As labs are unless somebody says otherwise.
    pub fn with_marathon(mut self) -> Self {
        self.marathon = true;
        self
    }

    /// A lab under the default name, on free ports, for examples that name neither.
    pub fn for_readme() -> Self {
        let home = tempfile::tempdir().expect("a directory");
        let lab = Self { home, name: "default".into(), marathon: true };
        let config = lab.home.path().join("config/mesoslab");
        fs::create_dir_all(&config).expect("a directory");
        fs::write(config.join("mesoslab.toml"), ANY_PORTS).expect("write the user's lab file");
        lab
    }

    /// Runs a shell line in which `mesoslab` is the binary: its code, and what it printed on both streams.
    pub fn shell(&self, line: &str) -> (i32, String) {
        let binary = Path::new(env!("CARGO_BIN_EXE_mesoslab"));
        let path = format!("{}:{}", binary.parent().expect("a directory").display(), env!("PATH"));
        let command = self.command(&[]);
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("{{ {line}\n}} 2>&1")]).current_dir(self.home.path()).env_clear();
        for (name, value) in command.get_envs() {
            if let Some(value) = value {
                shell.env(name, value);
            }
        }
        let output = shell.env("PATH", path).env_remove("MESOSLAB_NAME").output().expect("sh runs");
        (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// A second lab of the same user.
    pub fn sibling(&self, name: &str) -> Vec<String> {
        vec!["--name".into(), name.into()]
    }

    /// Replaces the lab file.
    pub fn write_file(&self, text: &str) {
        let ports = if text.contains("[ports]") { "" } else { ANY_PORTS };
        fs::write(self.file(), format!("{text}{ports}")).expect("write the lab file");
    }

    pub fn file(&self) -> PathBuf {
        self.home.path().join("mesoslab.toml")
    }

    pub fn path(&self) -> &Path {
        self.home.path()
    }

    pub fn state_dir(&self) -> PathBuf {
        self.home.path().join("state/mesoslab/labs").join(&self.name)
    }

    /// `mesoslab ARGS`, in the lab's directory.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mesoslab"));
        command
            .args(args)
            .current_dir(self.home.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.home.path())
            .env("XDG_STATE_HOME", self.home.path().join("state"))
            .env("XDG_CONFIG_HOME", self.home.path().join("config"))
            .env("MESOSLAB_NAME", &self.name)
            .env("MESOSLAB_PROVIDER", "embedded");
        if !self.marathon {
            command.env("MESOSLAB_NO_MARATHON", "1");
        }
        command
    }

    /// Runs a command to its end.
    pub fn run(&self, args: &[&str]) -> Ran {
        Ran(self.command(args).output().expect("the binary runs"))
    }

    /// Runs a command that must succeed.
    pub fn ok(&self, args: &[&str]) -> Ran {
        let ran = self.run(args);
        assert_eq!(ran.code(), 0, "mesoslab {args:?}\n{}{}", ran.stdout(), ran.stderr());
        ran
    }

    /// A command's JSON.
    pub fn json(&self, args: &[&str]) -> Value {
        let ran = self.ok(&[args, &["-o", "json"]].concat());
        serde_json::from_str(&ran.stdout()).expect("JSON on stdout")
    }

    /// `up` with these flags.
    pub fn up(self, args: &[&str]) -> Self {
        self.ok(&[&["up"], args].concat());
        self
    }

    /// The tasks that run, by id.
    pub fn running(&self) -> Vec<String> {
        let tasks = self.json(&["tasks"]);
        let tasks = tasks.as_array().expect("a list").iter();
        tasks
            .filter(|task| task["state"] == "TASK_RUNNING")
            .map(|task| task["id"].as_str().expect("an id").to_owned())
            .collect()
    }

    /// The process of the lab.
    pub fn pid(&self) -> u32 {
        let pid = &self.json(&["status"])["pid"];
        u32::try_from(pid.as_u64().expect("a pid")).expect("a pid")
    }

    /// Every process whose sandbox is in this lab, by id.
    pub fn task_processes(&self) -> Vec<u32> {
        let mark = format!("MESOS_SANDBOX={}", self.home.path().display());
        processes(|environ, _| environ.contains(&mark))
    }

    /// The shell of each task that runs the command of our framework. What a shell has forked looks like it until it is
    /// another program, and is none of them.
    pub fn task_shells(&self) -> Vec<u32> {
        let mark = format!("MESOS_SANDBOX={}", self.home.path().display());
        let alike = processes(|environ, cmdline| environ.contains(&mark) && cmdline.contains("while :;"));
        let is_forked = |pid: &u32| parent(*pid).is_none_or(|parent| alike.contains(&parent));
        alike.iter().filter(|pid| !is_forked(pid)).copied().collect()
    }

    /// How many tasks have made their pipe `gate`.
    pub fn gates(&self) -> usize {
        let (_, found) = self.shell(&format!("find '{}' -name gate -type p", self.home.path().display()));
        found.lines().count()
    }

    /// Lets go on the tasks that read from a pipe `gate` in their sandbox.
    pub fn open_gates(&self) {
        let line = format!(
            "for gate in $(find '{}' -name gate -type p); do echo go > $gate; done",
            self.home.path().display()
        );
        assert_eq!(self.shell(&line).0, 0);
    }

    /// Every process of ours that names this lab's state directory.
    pub fn lab_processes(&self) -> Vec<u32> {
        let mark = self.state_dir().display().to_string();
        processes(|_, cmdline| cmdline.contains(&mark))
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        let downed = self.command(&["down", "--purge"]).env_remove("MESOSLAB_NAME").args(["--all"]).output();
        if let Ok(output) = downed
            && !std::thread::panicking()
        {
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            assert_eq!(self.task_processes(), [] as [u32; 0], "tasks outlived their lab");
            assert_eq!(self.lab_processes(), [] as [u32; 0], "processes outlived their lab");
        }
    }
}

/// None when the process has ended.
fn parent(pid: u32) -> Option<u32> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("PPid:")?.trim().parse().ok())
}

/// What a command did.
pub struct Ran(Output);

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self(output)
    }
}

impl Ran {
    /// Runs `command` to its end.
    pub fn of(command: &mut Command) -> Self {
        Self(command.output().expect("the binary runs"))
    }

    pub fn code(&self) -> i32 {
        self.0.status.code().unwrap_or(-1)
    }

    pub fn stdout(&self) -> String {
        String::from_utf8_lossy(&self.0.stdout).into_owned()
    }

    pub fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.0.stderr).into_owned()
    }
}

/// Says why a test proves nothing here.
#[expect(clippy::print_stderr, reason = "a test that is skipped says why")]
pub fn skipped(why: &str) {
    eprintln!("skipped: {why}");
}

/// The processes, by id, whose environment and command line are wanted.
pub fn processes(wanted: impl Fn(&str, &str) -> bool) -> Vec<u32> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok())
        .filter(|pid| wanted(&lines_of(*pid, "environ"), &lines_of(*pid, "cmdline")))
        .collect()
}

/// A variable in the environment of a process.
pub fn environment(pid: u32, name: &str) -> Option<String> {
    let environ = lines_of(pid, "environ");
    environ.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('=').map(str::to_owned))
}

fn lines_of(pid: u32, name: &str) -> String {
    String::from_utf8_lossy(&fs::read(format!("/proc/{pid}/{name}")).unwrap_or_default()).replace('\0', "\n")
}

/// Waits until `condition` holds.
pub fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let clock = Clock::start();
    let deadline = clock.now() + PATIENCE;
    while !condition() {
        assert!(clock.now() < deadline, "not within {PATIENCE:?}: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
