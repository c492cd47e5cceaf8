//! An engine of the test's own, in a network namespace of its own: it can be stopped, filled and robbed of its addresses,
//! and whoever is in its namespace has every usual port.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use super::rootless;
use crate::support::{Ran, eventually, skipped};

/// Engines of this process, for the names of their namespaces.
static MADE: AtomicUsize = AtomicUsize::new(0);

/// The group of which the commands are that reach no container by its own address.
const CUT_OFF: &str = "65534";

pub struct PrivateEngine {
    home: TempDir,
    namespace: String,
    extra: Vec<String>,
    /// It runs as a user of the test's own.
    rootless: bool,
    /// See [`PrivateEngine::cut_off`].
    cut_off: bool,
    daemon: Child,
}

/// How many there are of each kind.
#[derive(Debug, PartialEq, Eq)]
pub struct Inventory {
    pub containers: usize,
    pub networks: usize,
    pub volumes: usize,
    pub images: usize,
}

impl PrivateEngine {
    /// None where no engine can be started.
    pub fn start(extra: &[&str]) -> Option<Self> {
        Self::with_room(extra, None)
    }

    /// With so many megabytes of disk.
    pub fn with_room(extra: &[&str], megabytes: Option<u32>) -> Option<Self> {
        let place = Place::new(&[])?;
        if let Some(megabytes) = megabytes {
            let data = place.home.path().join("data");
            fs::create_dir(&data).expect("a directory");
            let data = data.display().to_string();
            run("mount", &["-t", "tmpfs", "-o", &format!("size={megabytes}m"), "tmpfs", &data]);
        }
        Some(Self::at(place, extra, false))
    }

    /// One that runs as an ordinary user, in namespaces that slirp4netns connects: nobody reaches its containers by
    /// their own addresses.
    pub fn rootless() -> Option<Self> {
        let place = Place::new(&rootless::PROGRAMS)?;
        if let Err(why) = rootless::prepare(place.home.path()) {
            skipped(&format!("no engine can be rootless here: {why}"));
            place.leave();
            return None;
        }
        Some(Self::at(place, &[], true))
    }

    fn at(place: Place, extra: &[&str], rootless: bool) -> Self {
        let Place { home, namespace } = place;
        let extra = extra.iter().map(|flag| (*flag).to_owned()).collect::<Vec<_>>();
        let daemon = spawn(home.path(), &namespace, &extra, rootless);
        let mut engine = Self { home, namespace, extra, rootless, cut_off: false, daemon };
        engine.until_it_answers();
        engine
    }

    /// From now on no command of ours reaches a container by its own address; false, and said why, where that is not to be had.
    pub fn cut_off(&mut self) -> bool {
        let rule = ["-d", "172.16.0.0/12", "-m", "owner", "--gid-owner", CUT_OFF, "-j", "REJECT"];
        let inside = format!("--net=/run/netns/{}", self.namespace);
        let mut command = Command::new("nsenter");
        let output = command.args([&inside, "iptables", "-w", "-I", "OUTPUT"]).args(rule).output();
        self.cut_off = output.as_ref().is_ok_and(|output| output.status.success());
        if !self.cut_off {
            skipped(&format!("iptables tells no groups apart: {output:?}"));
        }
        self.cut_off
    }

    pub fn path(&self) -> &Path {
        self.home.path()
    }

    pub fn place(&self) -> String {
        format!("unix://{}", self.socket().display())
    }

    fn socket(&self) -> PathBuf {
        self.home.path().join("engine.sock")
    }

    /// `mesoslab ARGS` in the engine's namespace.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new("nsenter");
        command
            .arg(format!("--net=/run/netns/{}", self.namespace))
            .args(self.cut_off.then(|| format!("--setgid={CUT_OFF}")))
            .arg(env!("CARGO_BIN_EXE_mesoslab"))
            .args(args)
            .current_dir(self.home.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.home.path())
            .env("DOCKER_HOST", self.place());
        command
    }

    pub fn run(&self, args: &[&str]) -> Ran {
        Ran::of(&mut self.command(args))
    }

    /// Runs a command that must succeed.
    pub fn ok(&self, args: &[&str]) -> Ran {
        let ran = self.run(args);
        assert_eq!(ran.code(), 0, "mesoslab {args:?}\n{}{}", ran.stdout(), ran.stderr());
        ran
    }

    pub fn json(&self, args: &[&str]) -> Value {
        let ran = self.ok(&[args, &["-o", "json"]].concat());
        serde_json::from_str(&ran.stdout()).expect("JSON on stdout")
    }

    /// What `docker ARGS` prints.
    pub fn docker(&self, args: &[&str]) -> String {
        let mut command = Command::new("docker");
        command.args(["-H", &self.place()]).args(args);
        let output = command.output().expect("docker runs");
        assert!(output.status.success(), "docker {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    pub fn inventory(&self) -> Inventory {
        let count = |args: &[&str]| self.docker(args).lines().count();
        Inventory {
            containers: count(&["ps", "-aq"]),
            networks: count(&["network", "ls", "-q"]),
            volumes: count(&["volume", "ls", "-q"]),
            images: count(&["images", "-aq"]),
        }
    }

    /// Stops it in order, and starts it again.
    pub fn restart(&mut self) {
        self.stop();
        self.daemon = spawn(self.home.path(), &self.namespace, &self.extra, self.rootless);
        self.until_it_answers();
    }

    fn stop(&mut self) {
        let pid = Pid::from_raw(self.daemon.id().cast_signed()).expect("a process");
        let _ended_already = kill_process(pid, Signal::TERM);
        let _status = self.daemon.wait();
    }

    fn until_it_answers(&mut self) {
        let place = self.place();
        eventually("the engine answers", || {
            let ended = self.daemon.try_wait().expect("a process");
            let log = || fs::read_to_string(self.home.path().join("log")).unwrap_or_default();
            assert!(ended.is_none(), "the engine has ended: {}", log());
            let asked = Command::new("docker").args(["-H", &place, "version"]).output();
            asked.is_ok_and(|output| output.status.success())
        });
    }
}

impl Drop for PrivateEngine {
    fn drop(&mut self) {
        let _down = self.command(&["down", "--all", "--purge"]).output();
        self.stop();
        let data = self.home.path().join("data").display().to_string();
        let _none_there = Command::new("umount").arg(&data).stderr(Stdio::null()).status();
        let _removed = Command::new("ip").args(["netns", "delete", &self.namespace]).output();
    }
}

/// A directory and a network namespace, before there is an engine.
struct Place {
    home: TempDir,
    namespace: String,
}

impl Place {
    /// None where one of the programs is missing that an engine and `more` want.
    fn new(more: &[&str]) -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            skipped("only root can start an engine");
            return None;
        }
        let is_missing = |name: &&&str| {
            !Command::new("sh")
                .args(["-c", &format!("command -v {name}")])
                .output()
                .is_ok_and(|it| it.status.success())
        };
        if let Some(missing) = ["dockerd", "nsenter", "ip", "docker"].iter().chain(more).find(is_missing) {
            skipped(&format!("there is no {missing}"));
            return None;
        }
        let home = tempfile::tempdir().expect("a directory");
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let namespace = format!("mlab-{}-{number}", std::process::id());
        run("ip", &["netns", "add", &namespace]);
        let inside = format!("--net=/run/netns/{namespace}");
        run("nsenter", &[&inside, "ip", "link", "set", "lo", "up"]);
        fs::write(home.path().join("daemon.json"), storage_driver().to_string()).expect("write");
        Some(Self { home, namespace })
    }

    fn leave(self) {
        run("ip", &["netns", "delete", &self.namespace]);
    }
}

fn spawn(home: &Path, namespace: &str, extra: &[String], rootless: bool) -> Child {
    let at = |name: &str| home.join(name).display().to_string();
    let log = fs::OpenOptions::new().create(true).append(true).open(home.join("log")).expect("a log");
    let mut command = Command::new("nsenter");
    command
        .arg(format!("--net=/run/netns/{namespace}"))
        .args(if rootless { rootless::before_dockerd(home) } else { Vec::new() })
        .arg("dockerd")
        .args(["--config-file", &at("daemon.json"), "--data-root", &at("data"), "--exec-root", &at("exec")])
        .args(["--pidfile", &at("pid"), "-H", &format!("unix://{}", at("engine.sock")), "--bridge", "none"])
        .args(extra)
        .stdin(Stdio::null())
        .stdout(log.try_clone().expect("a log"))
        .stderr(log);
    command.spawn().expect("dockerd starts")
}

/// The one that this machine's own engine uses: not every one works everywhere.
fn storage_driver() -> Value {
    let text = fs::read_to_string("/etc/docker/daemon.json").unwrap_or_default();
    let config: Value = serde_json::from_str(&text).unwrap_or_default();
    match config.get("storage-driver") {
        Some(driver) => serde_json::json!({ "storage-driver": driver }),
        None => serde_json::json!({}),
    }
}

fn run(program: &str, args: &[&str]) {
    let output = Command::new(program).args(args).output().expect("it runs");
    assert!(output.status.success(), "{program} {args:?}: {}", String::from_utf8_lossy(&output.stderr));
}
