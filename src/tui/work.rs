//! Doing what `update` wants done: the only part of the dashboard that talks to the cluster.

mod log;
mod shell;
#[cfg(test)]
mod tests;

use std::future::Future;

use tokio::sync::{mpsc, watch};

pub(super) use shell::shell;

use crate::{
    client::{ClientError, Http, scheduler_api::SchedulerApi},
    cluster::watch::Locate,
    runtime::{Tasks, compute},
    scheduler::forecast::{Question, forecast},
    tui::message::{Answer, Effect, LogFile},
};

/// Does effects in the background; every answer goes to `answers`.
pub struct Worker {
    tasks: Tasks,
    scheduler: Scheduler,
    answers: mpsc::UnboundedSender<Answer>,
    questions: watch::Sender<Option<(u64, Box<Question>)>>,
    log: Option<Followed>,
}

/// The log that is followed.
struct Followed {
    tasks: Tasks,
    before: mpsc::UnboundedSender<u64>,
}

impl Worker {
    pub fn new(tasks: Tasks, locate: Locate, answers: mpsc::UnboundedSender<Answer>) -> Self {
        let (questions, asked) = watch::channel(None);
        tasks.spawn(foretell(asked, answers.clone()));
        let scheduler = Scheduler { locate, http: Http::new() };
        Self { tasks, scheduler, answers, questions, log: None }
    }

    pub fn run(&mut self, effect: Effect) {
        match effect {
            Effect::Scale(wanted) => self.ask(async move |scheduler| {
                let count = u32::try_from(wanted).unwrap_or(u32::MAX);
                let result = scheduler.call(async |api| api.scale(count).await).await;
                Answer::Scaled { wanted, result: result.map(Box::new) }
            }),
            Effect::Kill(task) => self.ask(async move |scheduler| {
                let result = scheduler.call(async |api| api.kill(&task).await).await;
                Answer::Killed { task, result }
            }),
            Effect::Explain => self.ask(async move |scheduler| {
                let result = scheduler.call(async |api| api.explain().await).await;
                Answer::Explain(result.map(Box::new))
            }),
            Effect::Forecast { number, question } => drop(self.questions.send(Some((number, question)))),
            Effect::OpenLog(file) => self.open_log(file),
            Effect::LogBefore { offset } => {
                if let Some(log) = &self.log {
                    let _ = log.before.send(offset);
                }
            }
            Effect::CloseLog => self.close_log(),
            Effect::Copy(_) | Effect::Save | Effect::Shell(_) | Effect::Suspend | Effect::Quit => {}
        }
    }

    fn ask<F>(&self, question: impl FnOnce(Scheduler) -> F)
    where
        F: Future<Output = Answer> + Send + 'static,
    {
        let (work, answers) = (question(self.scheduler.clone()), self.answers.clone());
        self.tasks.spawn(async move { drop(answers.send(work.await)) });
    }

    fn open_log(&mut self, file: LogFile) {
        self.close_log();
        let (before, asked) = mpsc::unbounded_channel();
        let tasks = self.tasks.child();
        tasks.spawn(log::follow(self.scheduler.http.clone(), file, asked, self.answers.clone()));
        self.log = Some(Followed { tasks, before });
    }

    fn close_log(&mut self) {
        if let Some(log) = self.log.take() {
            log.tasks.cancel();
        }
    }
}

/// Our scheduler, wherever it is by now.
#[derive(Clone)]
struct Scheduler {
    locate: Locate,
    http: Http,
}

impl Scheduler {
    async fn call<T>(
        &self,
        call: impl AsyncFnOnce(SchedulerApi) -> Result<T, ClientError>,
    ) -> Result<T, String> {
        let addresses = (self.locate)()?;
        let url = addresses.scheduler.ok_or(addresses.no_scheduler)?;
        let api = SchedulerApi::new(self.http.clone(), &url).map_err(|error| words(&error))?;
        call(api).await.map_err(|error| words(&error))
    }
}

/// An error in words that stand alone.
fn words(error: &ClientError) -> String {
    match error {
        ClientError::Unreachable { url, reason } => format!("nothing answers at {url}: {reason}"),
        ClientError::Refused { .. } | ClientError::Url(_) | ClientError::Tls(_) => error.to_string(),
        ClientError::Malformed(_)
        | ClientError::Closed(_)
        | ClientError::Silent(_)
        | ClientError::NoLeader(_) => format!("failed to {error}"),
    }
}

/// Answers the newest question; those that were overtaken while one was worked on are not answered.
async fn foretell(
    mut asked: watch::Receiver<Option<(u64, Box<Question>)>>,
    answers: mpsc::UnboundedSender<Answer>,
) {
    while asked.changed().await.is_ok() {
        let Some((number, question)) = asked.borrow_and_update().clone() else { continue };
        if let Some(forecast) = compute(move || forecast(&question)).await {
            let _ = answers.send(Answer::Forecast { number, forecast: Box::new(forecast) });
        }
    }
}
