//! Doing what `update` wants done: the only file of the dashboard that talks to the cluster.

use tokio::sync::mpsc;

use crate::{
    cluster::watch::Locate,
    runtime::Tasks,
    tui::message::{Answer, Effect},
};

/// Does effects in the background; every answer goes to `answers`.
pub struct Worker {
    tasks: Tasks,
    locate: Locate,
    answers: mpsc::UnboundedSender<Answer>,
}

impl Worker {
    pub fn new(tasks: Tasks, locate: Locate, answers: mpsc::UnboundedSender<Answer>) -> Self {
        Self { tasks, locate, answers }
    }

    pub fn run(&mut self, effect: Effect) {
        let _ = (effect, &self.tasks, &self.locate, &self.answers);
    }
}
