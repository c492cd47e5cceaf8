//! Our own scheduler as a process of its own.

use std::fs;

use rustix::process::Signal;
use serde_json::{Value, json};

use super::{
    cluster::Cluster,
    http::{ask, try_json},
    process::Process,
};
use crate::support::eventually;

/// A task that reads from a pipe in its sandbox, and then ends with status 3.
pub const WAITS: &str = "mkfifo gate; read go < gate; exit 3";

pub struct Scheduler {
    process: Process,
}

impl Scheduler {
    /// Runs so many tasks, and waits until they run.
    pub fn start(cluster: &Cluster, tasks: u32) -> Self {
        let file = "[scheduler]\ncommand = \"exec sleep 1000000\"\n";
        fs::write(cluster.site.dir("mesoslab.toml"), file).expect("write the lab file");
        let mut scheduler = Self { process: spawn(cluster, &[format!("--tasks={tasks}")]) };
        scheduler.process.listens();
        scheduler.runs(tasks);
        scheduler
    }

    /// Starts it again where it was, whether there is a master or not; it says where it listens when there is one.
    pub fn again(cluster: &Cluster) -> Self {
        Self { process: spawn(cluster, &[]) }
    }

    /// Waits until it has found its master.
    pub fn is_connected(&mut self) {
        self.process.listens();
    }

    pub fn kill(&mut self) {
        self.process.kill();
    }

    pub fn scale(&self, tasks: u32) {
        let body = json!({ "num_of_node": tasks }).to_string();
        let headers = "Content-Type: application/json\r\n";
        let answer = ask(self.process.address(), "PATCH", "/v1/config", headers, &body).expect("an answer");
        assert_eq!(answer.code(), 200, "{}", String::from_utf8_lossy(&answer.body));
    }

    /// What it says of its tasks.
    pub fn tasks(&self) -> Value {
        try_json(self.process.address(), "/v1/tasks").unwrap_or_default()
    }

    /// Waits until it says that so many tasks run.
    pub fn runs(&self, tasks: u32) {
        eventually(&format!("{tasks} tasks of the scheduler run"), || {
            let running = self.running();
            running.len() == usize::try_from(tasks).expect("a number")
        });
    }

    /// The ids of the tasks that it holds for running.
    pub fn running(&self) -> Vec<String> {
        let tasks = self.tasks();
        let list = tasks["tasks"].as_array().cloned().unwrap_or_default().into_iter();
        let running = list.filter(|task| task["state"] == "TASK_RUNNING");
        let mut ids: Vec<_> = running.map(|task| task["id"].as_str().expect("an id").to_owned()).collect();
        ids.sort();
        ids
    }

    /// Ends it alone, or with the tasks that it is told to run no more.
    pub fn end(mut self) {
        self.process.signal(Signal::TERM);
        assert_eq!(self.process.ended(), 0, "{}", self.process.said());
    }

    /// All its tasks run, and none is another one's successor.
    pub fn has_not_replaced(&self, tasks: u32) {
        self.runs(tasks);
        let tasks = self.tasks();
        assert_eq!(tasks["ended"].as_array().map_or(0, Vec::len), 0, "{tasks}");
    }
}

fn spawn(cluster: &Cluster, more: &[String]) -> Process {
    let line = [
        "serve".to_owned(),
        "scheduler".into(),
        "--listen=127.0.0.1:0".into(),
        format!("--master=http://{}", cluster.master.address()),
        format!("--work-dir={}", cluster.site.dir("scheduler").display()),
    ];
    cluster.site.spawn(&cluster.site.host(), "scheduler", &[&line, more].concat())
}
