//! The tables of `tests/golden/libprocess`: what was said between a real master and a real agent, and what happened to them.

use std::{env, fs, path::PathBuf, time::Duration};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use mesoslab::mesos::{json, protobuf, v1};

/// One table.
pub struct Recording {
    pub name: String,
    pub rows: Vec<Row>,
}

pub struct Row {
    /// Since the recording began.
    pub at: Duration,
    pub what: What,
}

pub enum What {
    Message(Message),
    /// To the scheduler API of the master.
    Call(Box<v1::scheduler::Call>),
    Operator(Box<v1::master::Call>),
    Happening(Happening),
    /// The recorder has left the pings out from here on, and their answers.
    LeftOut {
        until: Duration,
    },
}

/// What was done to the processes and connections.
pub enum Happening {
    /// With these flags, as far as they matter here.
    MasterStarts(String),
    MasterStops,
    /// The connection that the master had opened to the agent has ended.
    LinkLost,
    SchedulerGone,
    AgentStarts,
    /// Killed, or ended by a signal that it does not catch.
    AgentStops,
    /// SIGUSR1.
    AgentUnregisters,
    AgentFreezes,
    AgentThaws,
}

/// A libprocess message.
pub struct Message {
    /// `slave(1)@127.0.0.1:5051`.
    pub pid: String,
    /// The process it is for, `master`.
    pub to: String,
    /// The full name of its type.
    pub name: String,
    pub body: Vec<u8>,
}

impl Message {
    /// The process that says it, `slave(1)`.
    pub fn from(&self) -> &str {
        self.pid.split('@').next().unwrap_or_default()
    }

    /// Whether it is of this type, named without its package.
    pub fn is(&self, name: &str) -> bool {
        self.name.strip_prefix("mesos.internal.") == Some(name)
    }

    pub fn is_from_master(&self) -> bool {
        is_of_master(self.from()) && self.to == "slave(1)"
    }

    pub fn is_from_agent(&self) -> bool {
        self.from() == "slave(1)" && is_of_master(&self.to)
    }

    /// Between an agent and the executor of a command task: in ours they are one.
    pub fn is_from_executor(&self) -> bool {
        self.from() == "executor(1)"
    }
}

fn is_of_master(process: &str) -> bool {
    process == "master" || process.starts_with("slave-observer(")
}

pub fn golden(file: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/libprocess").join(file)
}

pub fn recordings() -> Vec<Recording> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(golden("")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|ending| ending == "tsv"));
    files.sort();
    files.iter().map(|file| read(file)).collect()
}

fn read(file: &std::path::Path) -> Recording {
    let table = fs::read_to_string(file).unwrap();
    let name = file.file_stem().unwrap().to_string_lossy().into_owned();
    Recording { rows: table.lines().filter_map(row).collect(), name }
}

/// None for what is said between agents and executors over HTTP.
fn row(line: &str) -> Option<Row> {
    let [at, kind, from, path, detail, body] = line.split('\t').collect::<Vec<_>>().try_into().unwrap();
    let body = BASE64_STANDARD.decode(body).unwrap();
    let what = match kind {
        "libprocess" => What::Message(message(from, path, body)),
        "http" if path == "/master/api/v1/scheduler" => What::Call(Box::new(protobuf::decode(body).unwrap())),
        "http" => return None,
        "left-out" => What::LeftOut { until: seconds(detail) },
        "event" if from == "operator" => {
            What::Operator(Box::new(json::from_value(&serde_json::from_str(detail).unwrap()).unwrap()))
        }
        "event" => What::Happening(happening(from, path, detail)),
        other => panic!("a row of kind `{other}`"),
    };
    Some(Row { at: seconds(at), what })
}

fn seconds(text: &str) -> Duration {
    Duration::from_secs_f64(text.parse().unwrap())
}

fn message(pid: &str, path: &str, body: Vec<u8>) -> Message {
    let (to, name) = path.trim_start_matches('/').split_once('/').unwrap();
    Message { pid: pid.to_owned(), to: to.to_owned(), name: name.to_owned(), body }
}

fn happening(who: &str, what: &str, detail: &str) -> Happening {
    match (who, what) {
        ("master", "start") => Happening::MasterStarts(detail.to_owned()),
        ("master", "stop") => Happening::MasterStops,
        ("master", "link-lost") => Happening::LinkLost,
        ("scheduler", "gone") => Happening::SchedulerGone,
        ("agent", "start") => Happening::AgentStarts,
        ("agent", "stop") => Happening::AgentStops,
        ("agent", "unregister") => Happening::AgentUnregisters,
        ("agent", "freeze") => Happening::AgentFreezes,
        ("agent", "thaw") => Happening::AgentThaws,
        other => panic!("nobody knows what {other:?} is"),
    }
}
