//! One Vagrant at work: how it is started, what is shown of it, and that it hears of Ctrl-C.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs,
    io::IsTerminal,
    os::unix::process::{CommandExt, ExitStatusExt},
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
};

use indicatif::ProgressBar;
use rustix::process::{Pid, Signal};
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, Command},
};

use crate::{
    error::{Code, Context, Failure, Result},
    mesos::time::Time,
    provider::{
        state::StateDir,
        vagrant::{
            plan::Plan,
            progress::{News, Progress, SILENCE},
            words::Word,
        },
    },
    runtime::{Clock, Signals},
    settings::Settings,
};

/// So many lines are shown of a command that failed in a machine.
const LAST_LINES: usize = 12;

/// Vagrant, with the directory and the environment of one lab.
pub struct Vagrant {
    directory: PathBuf,
    variables: Vec<(&'static str, OsString)>,
    /// The machines, in order.
    names: Vec<String>,
}

impl Vagrant {
    /// # Errors
    /// When the plan cannot be written where Vagrant reads it.
    pub fn new(directory: PathBuf, state: &StateDir, plan: &Plan) -> Result<Self> {
        let path = state.path().join("vagrant.plan.json");
        let text = serde_json::to_vec_pretty(plan).context("write the plan of the machines")?;
        fs::write(&path, text).context(format_args!("write `{}`", path.display()))?;
        Ok(Self::with_plan(directory, path.into_os_string(), plan))
    }

    /// A Vagrant of whose machines nothing is kept: the plan is handed over as it is.
    ///
    /// # Errors
    /// When the plan cannot be written as JSON.
    pub fn without_state(directory: PathBuf, plan: &Plan) -> Result<Self> {
        let text = serde_json::to_string(plan).context("write the plan of the machines")?;
        Ok(Self::with_plan(directory, text.into(), plan))
    }

    fn with_plan(directory: PathBuf, handed: OsString, plan: &Plan) -> Self {
        let mut variables = vec![("MESOSLAB_VAGRANT_PLAN", handed)];
        variables.extend(program().map(|program| ("MESOSLAB_BINARY", program)));
        let names = plan.machines.iter().map(|machine| machine.name.clone()).collect();
        Self { directory, variables, names }
    }

    pub fn directory(&self) -> &Path {
        &self.directory
    }

    fn command(&self, words: &[&str]) -> std::process::Command {
        let mut command = std::process::Command::new("vagrant");
        command.args(words).current_dir(&self.directory).env("PWD", &self.directory);
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Lets Vagrant work, and shows what it does, machine by machine.
    ///
    /// # Errors
    /// Why it fails, with its last lines; that it was interrupted.
    pub async fn work(
        &self,
        settings: &Settings,
        words: &[&str],
        node: Option<&str>,
        clock: Clock,
    ) -> Result<()> {
        let mut signals = Signals::listen().context("listen for signals")?;
        let words: Vec<&str> = words.iter().copied().chain(node).chain(["--machine-readable"]).collect();
        let mut work = Work::start(self.command(&words))?;
        let mut screen = Screen::new(settings, &self.names, clock.now());
        let mut interrupted = false;
        let status = loop {
            tokio::select! {
                line = work.line() => match line {
                    Some(line) => {
                        if let Some(news) = work.progress.take(Word::read(&line)) {
                            screen.show(news);
                        }
                    }
                    None => break work.end().await?,
                },
                () = signals.next() => {
                    if !interrupted {
                        settings.printer.say("  interrupted: Vagrant ends what it is at; once more ends it at once");
                    }
                    interrupted = true;
                    work.interrupt();
                }
            }
        };
        screen.close();
        match (interrupted, status.success()) {
            (true, _) => Err(self.interrupted().await),
            (false, true) => {
                screen.done(words[0], node, clock.now());
                Ok(())
            }
            (false, false) => Err(failed(words[0], &work.progress, status)),
        }
    }

    /// What Vagrant knows of each machine.
    ///
    /// # Errors
    /// As [`Vagrant::work`].
    pub async fn look(&self) -> Result<Progress> {
        let mut work = Work::start(self.command(&["status", "--machine-readable"]))?;
        while let Some(line) = work.line().await {
            work.progress.take(Word::read(&line));
        }
        let status = work.end().await?;
        if status.success() { Ok(work.progress) } else { Err(failed("status", &work.progress, status)) }
    }

    async fn interrupted(&self) -> Failure {
        let states = match self.look().await {
            Ok(progress) => progress.machines,
            Err(_) => BTreeMap::new(),
        };
        let seen = states.iter().map(|(name, machine)| {
            format!("{name}: {}", machine.state.as_deref().unwrap_or("nothing is known of it"))
        });
        Failure::new(Code::Failed, "interrupted; the machines stay as they are now")
            .seen(seen.collect())
            .hint("mesoslab vagrant up goes on, mesoslab vagrant destroy removes them")
    }

    /// Runs a command in a machine.
    ///
    /// # Errors
    /// When Vagrant does not start; what the command says when it fails.
    pub async fn order(&self, node: &str, command: &str) -> Result<()> {
        let mut work = Work::start(self.command(&["ssh", node, "--command", command, "--", "-T"]))?;
        let mut said = Vec::new();
        while let Some(line) = work.line().await {
            said.push(line);
        }
        if work.end().await?.success() {
            return Ok(());
        }
        said.drain(..said.len().saturating_sub(LAST_LINES));
        let failure = Failure::failed(format!("`{command}` failed on {node}")).seen(said);
        Err(failure.hint("mesoslab vagrant status"))
    }

    /// Turns this process into `vagrant ssh`; comes back with the reason why not.
    pub fn become_ssh(&self, node: &str, command: &[String]) -> Failure {
        let mut ssh = self.command(&["ssh", node]);
        if !command.is_empty() {
            ssh.args(["--command", &command.join(" ")]);
            // Vagrant asks for a terminal whatever there is, and each line would end as on one.
            if !(std::io::stdin().is_terminal() && std::io::stdout().is_terminal()) {
                ssh.args(["--", "-T"]);
            }
        }
        not_started(&ssh.exec())
    }
}

/// The program that is copied into the machines: what the user names, else this one where it can run there.
fn program() -> Option<OsString> {
    let here = cfg!(all(target_os = "linux", target_arch = "x86_64"));
    let named = std::env::var_os("MESOSLAB_BINARY").filter(|name| !name.is_empty());
    match named {
        Some(named) => Some(std::path::absolute(Path::new(&named)).map_or(named, PathBuf::into_os_string)),
        None => std::env::current_exe().ok().filter(|_| here).map(PathBuf::into_os_string),
    }
}

fn not_started(error: &std::io::Error) -> Failure {
    let failure = Failure::failed(format!("failed to start vagrant: {error}"));
    failure.hint("install Vagrant: apt install vagrant, or https://developer.hashicorp.com/vagrant/install")
}

fn failed(what: &str, progress: &Progress, status: ExitStatus) -> Failure {
    let (message, seen, remedy) = progress.failure();
    let how = match (status.signal(), status.code()) {
        (Some(signal), _) => format!(" (it was killed by signal {signal})"),
        (None, Some(code)) if message.ends_with(SILENCE) => format!(" (exit code {code})"),
        _ => String::new(),
    };
    let failure = Failure::failed(format!("vagrant {what} failed: {message}{how}")).seen(seen);
    failure.hint(remedy.unwrap_or("mesoslab doctor, mesoslab vagrant status"))
}

/// A Vagrant that runs, in a process group of its own: it hears of Ctrl-C once, from us.
struct Work {
    child: Child,
    out: Lines<BufReader<tokio::process::ChildStdout>>,
    err: Option<Lines<BufReader<tokio::process::ChildStderr>>>,
    progress: Progress,
}

impl Work {
    fn start(command: std::process::Command) -> Result<Self> {
        let mut command = Command::from(command);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let mut child = command.spawn().map_err(|error| not_started(&error))?;
        let out = child.stdout.take().ok_or_else(|| Failure::failed("vagrant has no output"))?;
        let err = child.stderr.take().map(|err| BufReader::new(err).lines());
        Ok(Self { child, out: BufReader::new(out).lines(), err, progress: Progress::default() })
    }

    /// The next line of either stream, until the first has ended.
    async fn line(&mut self) -> Option<String> {
        loop {
            let Some(err) = &mut self.err else {
                return self.out.next_line().await.ok().flatten();
            };
            tokio::select! {
                line = self.out.next_line() => match line.ok().flatten() {
                    Some(line) => return Some(line),
                    None => return self.rest().await,
                },
                line = err.next_line() => match line.ok().flatten() {
                    Some(line) => return Some(line),
                    None => self.err = None,
                },
            }
        }
    }

    /// What is left of the second stream once the first has ended.
    async fn rest(&mut self) -> Option<String> {
        self.err.as_mut()?.next_line().await.ok().flatten()
    }

    fn interrupt(&self) {
        if let Some(group) = self.child.id().and_then(|id| Pid::from_raw(id.cast_signed())) {
            let _ = rustix::process::kill_process_group(group, Signal::INT);
        }
    }

    /// How it has ended.
    async fn end(&mut self) -> Result<ExitStatus> {
        self.child.wait().await.context("wait for vagrant")
    }
}

/// One line per machine on a terminal, one line per step elsewhere.
struct Screen<'a> {
    settings: &'a Settings,
    started: Time,
    names: &'a [String],
    bars: BTreeMap<String, ProgressBar>,
}

impl<'a> Screen<'a> {
    fn new(settings: &'a Settings, names: &'a [String], started: Time) -> Self {
        Self { settings, started, names, bars: BTreeMap::new() }
    }

    fn show(&mut self, news: News) {
        let printer = &self.settings.printer;
        match news {
            News::Step { machine: Some(machine), text } if printer.draws() => {
                let line = format!("{machine:<10} {text}");
                let bar = self.bars.entry(machine).or_insert_with(|| printer.spinner(""));
                bar.set_message(line);
            }
            News::Step { machine, text } => {
                printer.say(format!("  {:<10} {text}", machine.as_deref().unwrap_or("vagrant")));
            }
            News::Meter { machine, text } if printer.draws() => {
                if let Some(bar) = self.bars.get(&machine) {
                    bar.set_message(format!("{machine:<10} {text}"));
                }
            }
            News::Meter { .. } => {}
            News::Detail { machine, text } => {
                printer.detail(format!("  {:<10} {text}", machine.as_deref().unwrap_or("vagrant")));
            }
        }
    }

    fn close(&self) {
        for bar in self.bars.values() {
            bar.finish_and_clear();
        }
    }

    fn done(&self, what: &str, node: Option<&str>, now: Time) {
        let done = match what {
            "up" => "up",
            "halt" => "halted",
            "destroy" => "gone",
            _ => "as the lab file says",
        };
        let seconds = now.since(self.started).as_secs_f64();
        let printer = &self.settings.printer;
        for name in self.names.iter().filter(|name| node.is_none_or(|node| node == *name)) {
            printer.say(format!("  {} {name:<10} {done}", printer.tick()));
        }
        printer.detail(format!("  vagrant {what} took {seconds:.1} s"));
    }
}
