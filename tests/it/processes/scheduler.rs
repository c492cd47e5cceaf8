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
        Self::at(cluster, cluster.master.address(), tasks)
    }

    /// The same for a master by its URL.
    pub fn at(cluster: &Cluster, master: &str, tasks: u32) -> Self {
        let site = &cluster.site;
        fs::write(site.dir("mesoslab.toml"), "[scheduler.backoff]\nmax = 1\n").expect("write the lab file");
        let line = ["serve", "scheduler", "--listen=127.0.0.1:0", "--master"].map(str::to_owned).to_vec();
        let own = [
            format!("http://{master}"),
            format!("--work-dir={}", site.dir("scheduler").display()),
            format!("--tasks={tasks}"),
        ];
        let scheduler = Self { process: site.start(&site.host(), "scheduler", &[line, own.into()].concat()) };
        scheduler.runs(tasks);
        scheduler
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

    pub fn state(&self) -> Value {
        try_json(self.process.address(), "/v1/state").unwrap_or_default()
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
