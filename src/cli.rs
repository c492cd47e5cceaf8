//! The command line as it is typed: clap structs only, no meaning.

mod compose;
mod conformance;
mod images;
mod marathon;
mod run;
mod vagrant;

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand, ValueHint};

pub use compose::Compose;
pub use conformance::{Conformance, ConformanceFormat};
pub use images::{Build, Images, Push};
pub use marathon::ServeMarathon;
pub use run::Run;
pub use vagrant::{Node, Ssh, Vagrant, VagrantAction, VagrantUp};

use crate::{
    flags,
    spec::{Flavor, Part, ProviderKind},
};

/// A whole Apache Mesos development lab in one binary.
///
/// Start with `mesoslab up --tasks 5`, then `mesoslab status`, `mesoslab scale 8`, `mesoslab down`.
#[derive(Debug, Parser)]
#[command(name = "mesoslab", version, propagate_version = true, arg_required_else_help = true)]
#[command(after_help = EXIT_CODES)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not ready in time, 4 no such lab or it does not run.\n\
     `run` ends as what it runs.";

/// What every command takes.
#[derive(Clone, Debug, Default, Args)]
pub struct Global {
    /// Which lab, when there are several
    #[arg(long, short = 'n', global = true, env = "MESOSLAB_NAME", value_name = "LAB")]
    pub name: Option<String>,
    /// The lab file [default: ./mesoslab.toml, where there is one]
    #[arg(long, global = true, env = "MESOSLAB_FILE", value_hint = ValueHint::FilePath, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Talk to this master instead of a lab of ours
    #[arg(long, global = true, env = "MESOSLAB_MASTER", value_name = "URL", help_heading = "Other clusters")]
    pub master: Option<String>,
    /// Talk to this scheduler of ours instead of the lab's
    #[arg(
        long,
        global = true,
        env = "MESOSLAB_SCHEDULER",
        value_name = "URL",
        help_heading = "Other clusters"
    )]
    pub scheduler: Option<String>,
    /// Say nothing but errors
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// Say more (-vv: even more)
    #[arg(long, short, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start the lab, or bring a running one to what the lab file says
    Up(Up),
    /// Stop the lab and everything that runs in it
    Down(Down),
    /// What the lab is made of and how it does
    Status(Status),
    /// Check what a lab needs on this machine, with a remedy for each finding
    Doctor(Output),
    /// The dashboard: live offers and tasks, with a slider
    Tui(Tui),
    /// Set how many tasks run
    Scale(Scale),
    /// The tasks, newest last
    Tasks(Tasks),
    /// The agents and what they have left
    Agents(Output),
    /// The last offers and why each was used or declined
    Offers(Output),
    /// All frameworks of the cluster
    Frameworks(Output),
    /// The log of a task or of a component
    Logs(Logs),
    /// Run a command once, with its output and its exit code, as by mesos-execute
    Run(Box<Run>),
    /// Kill one task; the scheduler replaces it
    Kill(Kill),
    /// Run a command in the container of a task; `-it` for a shell
    Exec(Exec),
    /// Show what a running task says, and type into one with a terminal
    Attach(Attach),
    /// Why tasks are not running, requirement by requirement
    Explain(Output),
    /// Read or change the scheduler's settings while it runs
    Config(Config),
    /// Start, stop or run our scheduler
    Scheduler(Scheduler),
    /// Kill a part of the lab, and watch it come back
    Chaos(Chaos),
    /// Write a lab file to start from
    Init(Init),
    /// Build the lab's own images, as far as they have changed
    Build(Build),
    /// Push the built images of framework and task to the lab's registry
    Push(Push),
    /// The images that the lab of containers uses
    Images(Images),
    /// The lab as virtual machines: up, status, halt, resume, destroy, ssh, provision
    Vagrant(Vagrant),
    /// Print the lab of containers as a Compose file
    Compose(Compose),
    /// Print the lab's addresses as shell variables
    Env(Env),
    /// Run one component in the foreground
    Serve(Serve),
    /// Measure this machine's lab and the dashboard
    Bench(Bench),
    /// Check whether a master and its agents do what Apache Mesos does
    Conformance(Conformance),
    /// Print the completion script of a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Write the manual pages
    Man {
        /// Into this directory; to stdout, mesoslab(1) alone, when left out
        #[arg(value_hint = ValueHint::DirPath)]
        directory: Option<PathBuf>,
    },
    /// The background process of an embedded lab.
    #[command(hide = true)]
    LabProcess {
        /// The lab's state directory.
        state: PathBuf,
    },
}

/// How a read command prints what it found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Table,
    /// For people with a wide terminal: more columns.
    Wide,
    /// For programs: stable, documented names.
    Json,
    /// The same as JSON, as YAML.
    Yaml,
}

#[derive(Clone, Debug, Default, Args)]
pub struct Output {
    /// How to print
    #[arg(long, short, value_enum, default_value_t, value_name = "FORMAT")]
    pub output: Format,
}

#[derive(Debug, Default, Args)]
pub struct Up {
    /// Where the lab lives
    #[arg(long, value_enum, env = "MESOSLAB_PROVIDER")]
    pub provider: Option<ProviderKind>,
    /// Of docker: the published images, or our own, which are made here
    #[arg(long, value_enum, env = "MESOSLAB_FLAVOR")]
    pub flavor: Option<Flavor>,
    /// How many agents
    #[arg(long, env = "MESOSLAB_AGENTS", value_name = "N", value_parser = clap::value_parser!(u64).range(1..=crate::spec::MAX_AGENTS as u64))]
    pub agents: Option<u64>,
    /// How many masters, which elect their leader
    #[arg(long, env = "MESOSLAB_MASTERS", value_name = "N", value_parser = clap::value_parser!(u64).range(1..=crate::spec::MAX_MASTERS as u64))]
    pub masters: Option<u64>,
    /// Run the scheduler without Marathon
    #[arg(long, env = "MESOSLAB_NO_MARATHON", value_parser = clap::builder::FalseyValueParser::new())]
    pub no_marathon: bool,
    /// How many tasks our framework runs; left out: as before, none at first
    #[arg(long, env = "MESOSLAB_TASKS", value_name = "N", value_parser = task_count)]
    pub tasks: Option<u64>,
    /// How often declined resources are offered again
    #[arg(long = "allocation_interval", value_name = "DURATION", value_parser = duration)]
    pub allocation_interval: Option<Duration>,
    /// Give up when the lab is not ready by then
    #[arg(long, default_value = "60s", value_name = "DURATION", value_parser = duration)]
    pub wait: Duration,
    /// Stay attached; Ctrl-C stops the lab, a second one at once
    #[arg(long)]
    pub foreground: bool,
    #[command(flatten)]
    pub output: Output,
}

#[derive(Debug, Args)]
pub struct Down {
    /// Also remove the lab's state: sandboxes, logs, settings
    #[arg(long)]
    pub purge: bool,
    /// Every lab of this user, whatever --name says
    #[arg(long)]
    pub all: bool,
    /// Kill what has not stopped by then
    #[arg(long, default_value = "10s", value_name = "DURATION", value_parser = duration)]
    pub wait: Duration,
}

#[derive(Debug, Args)]
pub struct Status {
    /// Show it again whenever it changes
    #[arg(long, short)]
    pub watch: bool,
    #[command(flatten)]
    pub output: Output,
}

#[derive(Debug, Args)]
pub struct Tui {
    /// Refuse every change: no scaling, no killing
    #[arg(long, env = "MESOSLAB_READ_ONLY", value_parser = clap::builder::FalseyValueParser::new())]
    pub read_only: bool,
    /// The colours: dark, light, contrast or mono [default: dark, or mono where NO_COLOR is set]
    #[arg(long, env = "MESOSLAB_THEME", value_name = "THEME")]
    pub theme: Option<String>,
    /// The tab to begin with
    #[arg(long, value_enum, default_value_t, value_name = "TAB")]
    pub tab: Tab,
    /// Draw one picture to stdout instead, when the cluster is read; needs no terminal
    #[arg(long, value_enum, num_args = 0..=1, default_missing_value = "text", value_name = "FORMAT")]
    pub print: Option<Picture>,
    /// How large the picture is [default: as the terminal, else 120x36]
    #[arg(long, requires = "print", value_name = "COLUMNSxROWS", value_parser = size)]
    pub size: Option<(u16, u16)>,
    /// How long the picture waits for the cluster
    #[arg(long, requires = "print", default_value = "5s", value_name = "DURATION", value_parser = duration)]
    pub wait: Duration,
    /// Watch this long before the picture is drawn, so that it shows some history
    #[arg(long, requires = "print", default_value = "0s", value_name = "DURATION", value_parser = duration)]
    pub after: Duration,
}

/// What the dashboard can show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Tab {
    #[default]
    Overview,
    Offers,
    Tasks,
    Agents,
    Frameworks,
    Components,
    Events,
}

/// How the dashboard is drawn where it is not shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Picture {
    /// As it stands on a terminal, without colours.
    Text,
    /// For pages: <https://www.w3.org/TR/SVG11/>.
    Svg,
}

#[derive(Debug, Args)]
pub struct Scale {
    /// How many tasks
    #[arg(value_parser = task_count, allow_negative_numbers = true)]
    pub count: u64,
    /// Return before the tasks run
    #[arg(long)]
    pub no_wait: bool,
    /// How long to wait for the tasks
    #[arg(long, default_value = "30s", value_name = "DURATION", value_parser = duration)]
    pub wait: Duration,
}

#[derive(Debug, Args)]
pub struct Tasks {
    /// Also those that have ended
    #[arg(long, short)]
    pub all: bool,
    #[command(flatten)]
    pub output: Output,
}

#[derive(Clone, Debug, Args)]
pub struct Logs {
    /// A task (or the first letters of its id), `zookeeper`, `master`, `agent-N`, `marathon`, `registry`, `scheduler`...; left out: the whole lab
    #[arg(value_name = "TASK|COMPONENT")]
    pub target: Option<String>,
    /// Go on as the log grows
    #[arg(long, short)]
    pub follow: bool,
    /// A task's stderr instead of its stdout
    #[arg(long)]
    pub stderr: bool,
    /// Only the last lines
    #[arg(long, short = 't', value_name = "LINES")]
    pub tail: Option<usize>,
}

#[derive(Debug, Args)]
pub struct Kill {
    /// The task, or the first letters of its id
    pub task: String,
}

#[derive(Debug, Args)]
pub struct Exec {
    /// Send what is typed, or comes from the pipe, to the command
    #[arg(long, short)]
    pub interactive: bool,
    /// Give the command a terminal
    #[arg(long = "tty", short = 't')]
    pub terminal: bool,
    /// The task, or the first letters of its id
    pub task: String,
    /// What to run: a program and its arguments, looked up in the task's PATH
    #[arg(value_name = "CMD", required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    pub command: Vec<String>,
}

#[derive(Debug, Args)]
pub struct Attach {
    /// Send what is typed to the task, where it has a terminal; Ctrl-P Ctrl-Q leaves it
    #[arg(long, short)]
    pub interactive: bool,
    /// The task, or the first letters of its id
    pub task: String,
}

#[derive(Debug, Args)]
pub struct Config {
    #[command(subcommand)]
    pub action: ConfigAction,
}

#[derive(Debug, Subcommand)]
pub enum ConfigAction {
    /// Print all settings, or one
    Get {
        /// The setting
        key: Option<String>,
        #[command(flatten)]
        output: Output,
    },
    /// Change settings: `config set cpus=0.2 command='sleep 100'`
    Set {
        /// What to set; values are JSON, or else taken as text
        #[arg(required = true, value_name = "KEY=VALUE")]
        pairs: Vec<String>,
    },
    /// Change the settings in $VISUAL or $EDITOR
    Edit,
}

#[derive(Debug, Args)]
pub struct Scheduler {
    #[command(subcommand)]
    pub action: SchedulerAction,
}

#[derive(Debug, Subcommand)]
pub enum SchedulerAction {
    /// Start the lab's scheduler
    Start,
    /// Stop it; its tasks go on until the failover timeout
    Stop {
        /// Tear the framework down, and its tasks with it
        #[arg(long)]
        teardown: bool,
    },
    /// Run a scheduler in the foreground against the lab, or against --master
    Run(SchedulerArgs),
}

/// Our scheduler as a process of its own.
#[derive(Debug, Args)]
pub struct SchedulerArgs {
    /// Where its HTTP API listens
    #[arg(long, default_value = "127.0.0.1:8090", value_name = "ADDRESS")]
    pub listen: SocketAddr,
    /// Who may connect beside this machine, such as 10.0.0.0/8; whoever is let in needs no password
    #[arg(long, value_name = "NETWORKS")]
    pub allow_networks: Option<String>,
    /// Where it keeps its framework id and settings [default: with the lab's state]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub work_dir: Option<PathBuf>,
    /// Where it keeps its framework id, settings and tasks: `file`, or a node zk://HOST:PORT/PATH [default: a node of the
    /// ZooKeeper that knows the master, else a file in its directory]
    #[arg(long, value_name = "PLACE")]
    pub state: Option<String>,
    /// How many tasks to run, unless it has settings already
    #[arg(long, value_name = "N", value_parser = task_count)]
    pub tasks: Option<u64>,
    /// Where agents find the program that is started as PATH serve executor, when the setting `executor` is custom
    #[arg(long, value_name = "PATH")]
    pub executor_binary: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Chaos {
    /// What dies, as by kill -9
    #[arg(value_enum)]
    pub part: Part,
    /// How long the lab may take to be whole again
    #[arg(long, default_value = "60s", value_name = "DURATION", value_parser = duration)]
    pub wait: Duration,
    #[command(flatten)]
    pub output: Output,
}

#[derive(Debug, Args)]
pub struct Init {
    /// Where to write it
    #[arg(default_value = "mesoslab.toml", value_hint = ValueHint::FilePath)]
    pub path: PathBuf,
    /// Overwrite what is there
    #[arg(long)]
    pub force: bool,
}

#[derive(Debug, Args)]
pub struct Env {
    /// For fish instead of sh
    #[arg(long)]
    pub fish: bool,
    /// Print what takes the variables away again
    #[arg(long)]
    pub unset: bool,
}

#[derive(Debug, Args)]
pub struct Serve {
    #[command(subcommand)]
    pub component: Component,
}

const EXECUTOR: &str = "\
What it is to know it finds in the environment, as every executor of Mesos does:

  MESOS_AGENT_ENDPOINT                  where the agent is, as IP:PORT
  MESOS_FRAMEWORK_ID, MESOS_EXECUTOR_ID who it is
  MESOS_SANDBOX                         where its tasks work [default: the working directory]
  MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD  how long it may take to end [default: 5secs]
  MESOS_CHECKPOINT                      1: it outlives its agent, and waits for the next
  MESOS_RECOVERY_TIMEOUT                for so long [default: 15mins]
  MESOS_SUBSCRIPTION_BACKOFF_MAX        and tries again so often [default: 2secs]
  MESOS_EXECUTOR_AUTHENTICATION_TOKEN   what it shows to an agent that asks for it

A task runs the CommandInfo that its TaskInfo.data holds in JSON, in the executor's sandbox; checks, health checks, \
kill policy and max_completion_time are kept as Mesos' command executor keeps them. It ends with the last of its tasks.

To have it run the tasks of our framework: mesoslab config set executor=custom";

#[derive(Debug, Subcommand)]
pub enum Component {
    /// A master of its own, with the flags and the environment of mesos-master
    Master(ServeMaster),
    /// An agent of its own, with the flags and the environment of mesos-agent
    Agent(ServeAgent),
    /// Our scheduler, against any Mesos: `serve scheduler --master http://host:5050`
    Scheduler(SchedulerArgs),
    /// Our custom executor, as an agent starts it: the example of an executor of your own
    #[command(after_help = EXECUTOR)]
    Executor,
    /// A Marathon of its own, with flags and the environment of marathon
    Marathon(Box<ServeMarathon>),
    /// An Exhibitor, over any ZooKeeper: `serve exhibitor --zookeeper host:2181`
    Exhibitor(ServeExhibitor),
    /// A ZooKeeper 3.8 of its own: `serve zookeeper --data-dir ./zk`
    #[command(name = "zookeeper")]
    ZooKeeper(ServeZooKeeper),
    /// A registry of container images: `serve registry --data-dir ./images`
    Registry(ServeRegistry),
}

#[derive(Debug, Args)]
#[command(
    after_help = "It speaks the OCI distribution specification 1.1, as docker, podman, skopeo and regctl do. Digests are     SHA-256. What is deleted is unlinked; what nothing refers to any more is removed when it starts."
)]
pub struct ServeRegistry {
    /// Where images are pushed to and pulled from
    #[arg(long, default_value = "127.0.0.1:5000", value_name = "ADDRESS")]
    pub listen: SocketAddr,
    /// Who may connect beside this machine, such as 10.0.0.0/8; whoever is let in needs no password
    #[arg(long, value_name = "NETWORKS")]
    pub allow_networks: Option<String>,
    /// Where images are kept
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub data_dir: PathBuf,
}

#[derive(Debug, Args)]
pub struct ServeExhibitor {
    /// Where its API and its page listen
    #[arg(long, default_value = "127.0.0.1:8181", value_name = "ADDRESS")]
    pub listen: SocketAddr,
    /// The ZooKeeper that it looks after
    #[arg(long, default_value = "127.0.0.1:2181", value_name = "HOST:PORT")]
    pub zookeeper: String,
    /// Who may connect beside this machine, such as 10.0.0.0/8; whoever is let in needs no password
    #[arg(long, value_name = "NETWORKS")]
    pub allow_networks: Option<String>,
    /// Run this shell command as the ZooKeeper, and start it again when it ends or stops answering
    #[arg(long, value_name = "COMMAND")]
    pub command: Option<String>,
    /// From one look at the ZooKeeper to the next
    #[arg(long, default_value = "1s", value_parser = duration, value_name = "DURATION")]
    pub check: Duration,
    /// Let the explorer create, change and delete nodes
    #[arg(long)]
    pub allow_writes: bool,
}

/// The flags of Mesos stand in the help only, see [`flags::arguments`].
#[derive(Debug, Args)]
#[command(args = flags::arguments::arguments(flags::Component::Master))]
#[command(override_usage = "mesoslab serve master [--FLAG=VALUE]...", after_help = FLAGS_OF_MESOS)]
pub struct ServeMaster {
    #[command(flatten)]
    pub args: ComponentArgs,
}

/// As [`ServeMaster`].
#[derive(Debug, Args)]
#[command(args = flags::arguments::arguments(flags::Component::Agent))]
#[command(override_usage = "mesoslab serve agent [--FLAG=VALUE]...", after_help = FLAGS_OF_MESOS)]
pub struct ServeAgent {
    #[command(flatten)]
    pub args: ComponentArgs,
}

const FLAGS_OF_MESOS: &str = "Each flag can stand in the environment too, as MESOS_FLAG=VALUE; the command line wins. \
    A value file:///path is read from that file, a switch is turned off by --no-FLAG. \
    The other flags of Mesos are taken where that does no harm, or refused with a reason: --flags lists them.";

/// What a component of Mesos is started with.
#[derive(Debug, Args)]
pub struct ComponentArgs {
    /// Print every flag of Mesos 1.11 with what it is worth here, and exit
    #[arg(long)]
    pub flags: bool,
    #[command(flatten)]
    pub output: Output,
    /// The flags as they were typed.
    #[arg(last = true, hide = true)]
    pub given: Vec<String>,
}

#[derive(Debug, Args)]
pub struct Bench {
    /// How often each figure is taken
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub runs: u32,
    /// Take these figures only; may be given several times
    #[arg(long, value_enum, value_name = "PART")]
    pub only: Vec<BenchPart>,
    #[command(flatten)]
    pub output: Output,
}

/// What can be measured alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum BenchPart {
    /// The binary and `up`.
    Start,
    /// Launch latency, a hundred tasks, memory, an idle lab.
    Lab,
    /// Masters and agents as processes of their own: registration, memory, launches, messages.
    Wire,
    /// What the dashboard takes to draw big clusters.
    Frames,
    /// The dashboard in a terminal: start, delay, and what it takes when idle.
    Dashboard,
}

fn task_count(text: &str) -> Result<u64, String> {
    text.parse::<u64>()
        .ok()
        .filter(|count| *count <= crate::spec::MAX_TASKS)
        .ok_or_else(|| format!("write a whole number from 0 to {}", crate::spec::MAX_TASKS))
}

fn buffer(text: &str) -> Result<usize, String> {
    let bytes = text.parse().ok().filter(|bytes| (1024..=0x4000_0000).contains(bytes));
    bytes.ok_or_else(|| "write a number of bytes from 1024 to 1073741824".to_owned())
}

/// `120x36`.
fn size(text: &str) -> Result<(u16, u16), String> {
    let numbers =
        text.split_once('x').and_then(|(columns, rows)| Some((columns.parse().ok()?, rows.parse().ok()?)));
    numbers
        .filter(|(columns, rows)| (1..=1000).contains(columns) && (1..=1000).contains(rows))
        .ok_or_else(|| "write it as 120x36, each number from 1 to 1000".to_owned())
}

fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text).map_err(|error| format!("{error}; write it as 500ms, 3s or 5min"))
}

/// A ZooKeeper server that is alone.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "All four-letter words are answered: ruok, srvr, stat, conf, cons, mntr, dump, wchs, wchc, wchp, \
    envi, isro, dirs, crst, srst. Nodes with a time to live are on. Quotas, reconfig and sasl are refused."
)]
pub struct ServeZooKeeper {
    /// Where clients connect
    #[arg(long, default_value = "127.0.0.1:2181", value_name = "ADDRESS")]
    pub listen: SocketAddr,
    /// Who may connect beside this machine and the network of the address, such as 10.0.0.0/8
    #[arg(long, value_name = "NETWORKS")]
    pub allow_networks: Option<String>,
    /// Where log and snapshots are kept
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, required_unless_present = "in_memory")]
    pub data_dir: Option<PathBuf>,
    /// Keep nothing: all is gone with the process
    #[arg(long, conflicts_with = "data_dir")]
    pub in_memory: bool,
    /// Session timeouts are between twice and twenty times this
    #[arg(long, default_value = "2s", value_name = "DURATION", value_parser = duration)]
    pub tick_time: Duration,
    /// The shortest session timeout [default: two ticks]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub min_session_timeout: Option<Duration>,
    /// The longest session timeout [default: twenty ticks]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub max_session_timeout: Option<Duration>,
    /// Connections from one address; 0 is any number
    #[arg(long, default_value_t = 60, value_name = "N")]
    pub max_client_cnxns: usize,
    /// The longest request, in bytes
    #[arg(long, default_value_t = 0xf_ffff, value_name = "BYTES", value_parser = buffer)]
    pub jute_maxbuffer: usize,
    /// Transactions between two snapshots
    #[arg(long, default_value_t = 100_000, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub snap_count: u64,
}
