//! A framework whose tasks are launched for many checks at once: one offer serves all that wait for one.
//!
//! ```text
//! check ──launch──> wanted ──┐ REVIVE
//! check ──launch──> wanted ──┤        OFFERS ──> one ACCEPT with the operations of all that fit
//! check ──launch──> wanted ──┘        UPDATE ──> the check of that task; acknowledged
//! ```
//! Between launches it declines whatever is offered, so that others on the cluster do not wait for this run.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use serde_json::{Value, json};
use tokio::{
    sync::{
        Notify,
        mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
        oneshot,
    },
    time::{sleep, timeout},
};

use crate::{
    conformance::{
        check::{Miss, Outcome},
        expect::{accepted, fits, short},
        framework::{Info, call, opened},
        http::{self, Address, Answer},
        site::{Site, late},
        stream::Stream,
    },
    runtime::Tasks,
};

/// What each task of a check takes.
pub const CPUS: f64 = 0.02;
pub const MEM: f64 = 32.0;
pub const DISK: f64 = 1.0;

/// How long launches are gathered before an offer is asked for.
const GATHERING: Duration = Duration::from_millis(50);
/// For how long an offer is declined that nobody wants.
const UNWANTED_SECONDS: f64 = 3600.0;

/// A subscribed framework with the checks that wait for it.
pub struct Fleet {
    master: Address,
    pub id: String,
    stream_id: String,
    /// Only offers of this agent are used, where it is known.
    agent: Option<String>,
    patience: Duration,
    tasks: Tasks,
    waiting: Mutex<Waiting>,
    wake: Notify,
}

#[derive(Default)]
struct Waiting {
    wanted: Vec<Wanted>,
    /// By task, operation or executor: who hears of it.
    watchers: BTreeMap<String, UnboundedSender<Value>>,
    /// Tasks whose updates are not acknowledged.
    silent: BTreeSet<String>,
    /// Why no more events come.
    broken: Option<String>,
}

/// What an offer is used for.
type Operations = Box<dyn FnOnce(&Value) -> Vec<Value> + Send>;

/// Operations that wait for an offer.
struct Wanted {
    /// Room for so many tasks.
    tasks: f64,
    operations: Operations,
    given: oneshot::Sender<Result<Value, String>>,
}

impl Fleet {
    /// Subscribes, and reads events from now on.
    ///
    /// # Errors
    /// When the master does not let it.
    pub async fn subscribe(site: &Arc<Site>, info: Info) -> Outcome<Arc<Self>> {
        let (stream_id, stream, subscribed) = opened(site, &info.suppressed().request()).await?;
        let id = subscribed["subscribed"]["framework_id"]["value"].as_str().unwrap_or_default().to_owned();
        if id.is_empty() {
            return Err(Miss::fail("SUBSCRIBED", short(&subscribed.to_string())));
        }
        site.made(&id, &stream_id);
        let fleet = Arc::new(Self {
            master: site.master.clone(),
            id,
            stream_id,
            agent: site.agent.as_ref().ok().map(|agent| agent.id.clone()),
            patience: site.options.patience,
            tasks: site.tasks.clone(),
            waiting: Mutex::default(),
            wake: Notify::new(),
        });
        let driven = Arc::clone(&fleet);
        drop(site.tasks.spawn(async move { driven.drive(stream).await }));
        Ok(fleet)
    }

    fn with<T>(&self, look: impl FnOnce(&mut Waiting) -> T) -> T {
        look(&mut self.waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Makes a call.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn call(&self, kind: &str, body: Value) -> Outcome<Answer> {
        let request = call(&self.id, &self.stream_id, kind, body);
        let asked = timeout(self.patience, http::ask(&self.master, &request)).await;
        let answer = asked.unwrap_or_else(|_| Err(late(self.patience)));
        answer.map_err(|why| Miss::fail(format!("an answer to {request}"), why))
    }

    /// Makes a call that must be accepted.
    ///
    /// # Errors
    /// When it is answered with something else than 202.
    pub async fn tell(&self, kind: &str, body: Value) -> Outcome {
        accepted().hold(&self.call(kind, body).await?)
    }

    /// Ends with all its tasks. Where that is not heard, it goes with the run.
    pub async fn end(&self) {
        let _answer = self.call("TEARDOWN", Value::Null).await;
    }

    /// Hears of a task, an operation or an executor from now on.
    pub fn watch(self: &Arc<Self>, id: &str) -> Watch {
        let (sender, events) = unbounded_channel();
        self.with(|waiting| waiting.watchers.insert(id.to_owned(), sender));
        let (fleet, id) = (Arc::clone(self), id.to_owned());
        Watch { fleet, id, events, heard: BTreeSet::new(), hears_reconciliation: false }
    }

    /// Leaves the updates of a task without acknowledgement.
    pub fn be_silent_about(&self, task: &str) {
        self.with(|waiting| waiting.silent.insert(task.to_owned()));
    }

    /// Uses an offer with room for so many tasks for these operations; gives the offer.
    ///
    /// # Errors
    /// When no offer comes in time, or the ACCEPT is refused.
    pub async fn accept(
        &self,
        tasks: usize,
        operations: impl FnOnce(&Value) -> Vec<Value> + Send + 'static,
    ) -> Outcome<Value> {
        let (given, offer) = oneshot::channel();
        let wanted = Wanted { tasks: tasks as f64, operations: Box::new(operations), given };
        let broken = self.with(|waiting| {
            waiting.wanted.push(wanted);
            waiting.broken.clone()
        });
        if let Some(why) = broken {
            return Err(Miss::fail("an offer", why));
        }
        self.wake.notify_one();
        match timeout(self.patience, offer).await {
            Ok(Ok(Ok(offer))) => Ok(offer),
            Ok(Ok(Err(why))) => Err(Miss::fail("an ACCEPT is answered with 202", why)),
            Ok(Err(_)) => Err(Miss::fail("an offer", self.why())),
            Err(_) => {
                Err(Miss::skip(format!("no offer with enough resources came: {}", late(self.patience))))
            }
        }
    }

    /// Launches a task; `$AGENT` and `$FRAMEWORK` in it are replaced by the ids.
    ///
    /// # Errors
    /// As [`Fleet::accept`].
    pub async fn launch(self: &Arc<Self>, task: Value) -> Outcome<Watch> {
        let id = task["task_id"]["value"].as_str().unwrap_or_default().to_owned();
        let watch = self.watch(&id);
        let framework = self.id.clone();
        self.accept(1, move |offer| {
            let task = named(&task, &framework, offer);
            vec![json!({"type": "LAUNCH", "launch": {"task_infos": [task]}})]
        })
        .await?;
        Ok(watch)
    }

    fn why(&self) -> String {
        let broken = self.with(|waiting| waiting.broken.clone());
        broken.unwrap_or_else(|| "the framework's stream has ended".to_owned())
    }

    async fn drive(self: &Arc<Self>, mut stream: Stream) {
        loop {
            tokio::select! {
                event = stream.event() => match event {
                    Ok(Some(event)) => self.event(event).await,
                    Ok(None) => return self.broke("the framework's stream has ended"),
                    Err(why) => return self.broke(&why),
                },
                () = self.wake.notified() => {
                    sleep(GATHERING).await;
                    let _answer = self.call("REVIVE", Value::Null).await;
                }
            }
        }
    }

    fn broke(&self, why: &str) {
        self.with(|waiting| {
            waiting.broken = Some(why.to_owned());
            waiting.wanted.clear();
            waiting.watchers.clear();
        });
    }

    async fn event(self: &Arc<Self>, event: Value) {
        match event["type"].as_str() {
            Some("OFFERS") => {
                for offer in event["offers"]["offers"].as_array().into_iter().flatten() {
                    self.offered(offer).await;
                }
            }
            Some("UPDATE") => {
                let status = &event["update"]["status"];
                let task = status["task_id"]["value"].as_str().unwrap_or_default();
                self.tell_watcher(task, status.clone());
                let (fleet, task, status) = (Arc::clone(self), task.to_owned(), status.clone());
                // Others need not wait for the answer.
                drop(self.tasks.spawn(async move { fleet.acknowledge(&task, &status).await }));
            }
            Some("UPDATE_OPERATION_STATUS") => {
                let status = &event["update_operation_status"]["status"];
                self.tell_watcher(
                    status["operation_id"]["value"].as_str().unwrap_or_default(),
                    event.clone(),
                );
            }
            Some("MESSAGE") => {
                self.tell_watcher(
                    event["message"]["executor_id"]["value"].as_str().unwrap_or_default(),
                    event.clone(),
                );
            }
            Some("FAILURE") => {
                self.tell_watcher(
                    event["failure"]["executor_id"]["value"].as_str().unwrap_or_default(),
                    event.clone(),
                );
            }
            _ => {}
        }
    }

    fn tell_watcher(&self, id: &str, event: Value) {
        self.with(|waiting| {
            if let Some(watcher) = waiting.watchers.get(id) {
                // The check may be over.
                let _gone = watcher.send(event);
            }
        });
    }

    async fn acknowledge(&self, task: &str, status: &Value) {
        let is_silent = self.with(|waiting| waiting.silent.contains(task));
        if status["uuid"].is_null() || is_silent {
            return;
        }
        let acknowledge =
            json!({"agent_id": status["agent_id"], "task_id": status["task_id"], "uuid": status["uuid"]});
        let _answer = self.call("ACKNOWLEDGE", acknowledge).await;
    }

    /// Uses an offer for all that fit into it.
    async fn offered(&self, offer: &Value) {
        let is_ours = self.agent.as_deref().is_none_or(|agent| offer["agent_id"]["value"] == agent);
        let fitting = if is_ours { self.fitting(offer) } else { Vec::new() };
        let offer_ids = json!([offer["id"]]);
        if fitting.is_empty() {
            let filters = json!({"refuse_seconds": UNWANTED_SECONDS});
            let _answer = self.call("DECLINE", json!({"offer_ids": offer_ids, "filters": filters})).await;
            return;
        }
        let mut operations = Vec::new();
        let mut given = Vec::new();
        for wanted in fitting {
            operations.extend((wanted.operations)(offer));
            given.push(wanted.given);
        }
        let body = json!({
            "offer_ids": offer_ids, "operations": operations, "filters": {"refuse_seconds": 0},
        });
        let answer = self.call("ACCEPT", body).await;
        for given in given {
            let said = match &answer {
                Ok(answer) if answer.status == 202 => Ok(offer.clone()),
                Ok(answer) => Err(format!("{}, {}", answer.status, answer.text())),
                Err(_) => Err("no answer".to_owned()),
            };
            // The check may have waited long enough.
            let _late = given.send(said);
        }
    }

    fn fitting(&self, offer: &Value) -> Vec<Wanted> {
        let mut room = room(offer);
        self.with(|waiting| {
            let fits = |wanted: &mut Wanted| {
                let fits = wanted.tasks <= room;
                if fits {
                    room -= wanted.tasks;
                }
                fits
            };
            waiting.wanted.retain(|wanted| !wanted.given.is_closed());
            waiting.wanted.extract_if(.., fits).collect()
        })
    }
}

/// How many tasks fit into an offer. Pods want disk too, and what others hold of an agent may leave none in an offer.
fn room(offer: &Value) -> f64 {
    let amount = |name: &str| -> f64 {
        let resources = offer["resources"].as_array().into_iter().flatten();
        resources.filter(|r| r["name"] == name).filter_map(|r| r["scalar"]["value"].as_f64()).sum()
    };
    let fit = [("cpus", CPUS), ("mem", MEM), ("disk", DISK)].map(|(name, each)| amount(name) / each);
    fit.into_iter().fold(f64::INFINITY, f64::min).floor()
}

/// Puts the ids in place of `$AGENT` and `$FRAMEWORK`.
pub fn named(message: &Value, framework: &str, offer: &Value) -> Value {
    let agent = offer["agent_id"]["value"].as_str().unwrap_or_default();
    let text = message.to_string().replace("$AGENT", agent).replace("$FRAMEWORK", framework);
    serde_json::from_str(&text).unwrap_or_default()
}

/// What is heard of a task, an operation or an executor.
pub struct Watch {
    pub fleet: Arc<Fleet>,
    pub id: String,
    events: UnboundedReceiver<Value>,
    /// The uuids of the updates so far: what is sent again is passed over.
    heard: BTreeSet<String>,
    /// Whether answers to RECONCILE are for this check; another's RECONCILE may be about all tasks.
    hears_reconciliation: bool,
}

impl Watch {
    /// Hears the answers to RECONCILE too.
    #[must_use]
    pub fn reconciled(mut self) -> Self {
        self.hears_reconciliation = true;
        self
    }

    /// The next that is heard, also when it is sent again.
    ///
    /// # Errors
    /// When nothing comes in time.
    pub async fn any(&mut self) -> Outcome<Value> {
        match timeout(self.fleet.patience, self.events.recv()).await {
            Ok(Some(event)) => Ok(event),
            Ok(None) => Err(Miss::fail(format!("an event of {}", self.id), self.fleet.why())),
            Err(_) => Err(Miss::fail(format!("an event of {}", self.id), late(self.fleet.patience))),
        }
    }

    /// The next that was not heard before.
    ///
    /// # Errors
    /// When nothing comes in time.
    pub async fn next(&mut self) -> Outcome<Value> {
        loop {
            let event = self.any().await?;
            if event["reason"] == "REASON_RECONCILIATION" && !self.hears_reconciliation {
                continue;
            }
            match event["uuid"].as_str() {
                Some(uuid) if !self.heard.insert(uuid.to_owned()) => {}
                _ => return Ok(event),
            }
        }
    }

    /// The next must fit.
    ///
    /// # Errors
    /// When it does not, or does not come.
    pub async fn hears(&mut self, pattern: Value) -> Outcome<Value> {
        let expected = pattern.to_string();
        let seen = self.next().await.map_err(|miss| match miss {
            Miss::Fail { seen, .. } => Miss::fail(expected.clone(), seen),
            skip => skip,
        })?;
        if fits(&pattern, &seen) { Ok(seen) } else { Err(Miss::fail(expected, short(&seen.to_string()))) }
    }

    /// TASK_STARTING, then TASK_RUNNING, of which the second is given.
    ///
    /// # Errors
    /// As [`Watch::hears`].
    pub async fn running(&mut self) -> Outcome<Value> {
        self.hears(json!({"state": "TASK_STARTING"})).await?;
        self.hears(json!({"state": "TASK_RUNNING"})).await
    }

    /// Nothing more is heard for a while.
    ///
    /// # Errors
    /// When something is.
    pub async fn silence(&mut self, during: Duration) -> Outcome {
        match timeout(during, self.next()).await {
            Err(_) => Ok(()),
            Ok(heard) => Err(Miss::fail("nothing more", short(&heard?.to_string()))),
        }
    }

    /// Asks for the task's end.
    ///
    /// # Errors
    /// When the call is not accepted.
    pub async fn kill(&self) -> Outcome {
        self.fleet.tell("KILL", json!({"task_id": {"value": self.id}})).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::task::scalar;

    #[test]
    fn an_offer_without_disk_has_no_room() {
        let offer = |disk: f64| {
            let resources = [scalar("cpus", 0.06), scalar("mem", 96.0), scalar("disk", disk)];
            json!({"resources": resources})
        };
        assert!((room(&offer(10.0)) - 3.0).abs() < 1e-9);
        assert!((room(&offer(2.0)) - 2.0).abs() < 1e-9);
        assert!(room(&offer(0.0)).abs() < 1e-9);
        assert!(room(&json!({"resources": [scalar("cpus", 4.0), scalar("mem", 4096.0)]})).abs() < 1e-9);
    }
}
