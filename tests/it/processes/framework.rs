//! A small framework on the v1 scheduler API, in JSON, that does what a test tells it to: it checkpoints or not, it
//! knows of partitions or not, and it acknowledges every update when it is looked at.

use std::collections::{BTreeMap, BTreeSet};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use mesoslab::host::accounts::own_name;
use serde_json::{Value, json};

use super::{http::call, stream::Stream};
use crate::{replay::http::Answer, support::eventually};

/// The states in which nothing of a task runs any more.
const ENDS: [&str; 5] = ["TASK_KILLED", "TASK_FAILED", "TASK_DROPPED", "TASK_GONE", "TASK_LOST"];

const PATH: &str = "/api/v1/scheduler";

pub struct Framework {
    master: String,
    info: Value,
    stream: Option<Stream>,
    offers: BTreeMap<String, Value>,
    /// The statuses of all tasks, each update once.
    statuses: Vec<Value>,
    /// The statuses of all operations.
    pub operations: Vec<Value>,
    /// What executors have said.
    pub messages: Vec<Value>,
    uuids: BTreeSet<String>,
    /// Of all events, the types.
    pub heard: Vec<String>,
    /// Gives all offers back at once.
    wants_nothing: bool,
}

impl Framework {
    /// Subscribes, and knows its id.
    pub fn subscribe(master: &str, name: &str, checkpoint: bool, capabilities: &[&str]) -> Self {
        Self::with_info(master, &Self::info(name, checkpoint, capabilities))
    }

    /// Subscribes to one role, with whatever capability resources may ask for.
    pub fn subscribe_as(master: &str, name: &str, role: &str) -> Self {
        let mut info = Self::info(name, false, &["MULTI_ROLE", "RESERVATION_REFINEMENT"]);
        info["roles"] = json!([role]);
        Self::with_info(master, &info)
    }

    fn info(name: &str, checkpoint: bool, capabilities: &[&str]) -> Value {
        let capabilities: Vec<Value> = capabilities.iter().map(|name| json!({ "type": name })).collect();
        json!({
            "user": own_name(), "name": name, "failover_timeout": 1000, "checkpoint": checkpoint,
            "capabilities": capabilities,
        })
    }

    fn with_info(master: &str, info: &Value) -> Self {
        let mut framework = Self {
            master: master.into(),
            info: info.clone(),
            stream: None,
            offers: BTreeMap::new(),
            statuses: Vec::new(),
            operations: Vec::new(),
            messages: Vec::new(),
            uuids: BTreeSet::new(),
            heard: Vec::new(),
            wants_nothing: false,
        };
        framework.until("the framework is subscribed", |it| it.info["id"].is_object());
        framework
    }

    pub fn id(&self) -> &str {
        self.info["id"]["value"].as_str().expect("an id")
    }

    /// Looks at its stream until the condition holds; a stream that has ended is opened again.
    pub fn until(&mut self, what: &str, condition: impl Fn(&Self) -> bool) {
        eventually(what, || {
            self.look();
            condition(self)
        });
    }

    /// Waits until the last state of a task is this one; gives the status.
    pub fn until_state(&mut self, task: &str, state: &str) -> Value {
        self.until(&format!("{task} is {state}"), |it| {
            it.states(task).last().is_some_and(|last| last == state)
        });
        self.last(task)
    }

    /// The last status of a task.
    pub fn last(&self, task: &str) -> Value {
        self.statuses_of(task).last().cloned().cloned().expect("a status")
    }

    /// Whether this is the last state of a task.
    pub fn is_last(&self, task: &str, state: &str) -> bool {
        self.statuses_of(task).last().is_some_and(|status| status["state"] == state)
    }

    /// Whether a task is known to run no more.
    pub fn is_ended(&self, task: &str) -> bool {
        ENDS.iter().any(|state| self.is_last(task, state))
    }

    /// The states of a task, one after the other.
    pub fn states(&self, task: &str) -> Vec<String> {
        let states = self.statuses_of(task);
        states.iter().map(|status| status["state"].as_str().expect("a state").to_owned()).collect()
    }

    fn statuses_of(&self, task: &str) -> Vec<&Value> {
        self.statuses.iter().filter(|status| status["task_id"]["value"] == task).collect()
    }

    /// Starts shell commands on an agent, each as a task of this id, and waits until they run.
    pub fn run(&mut self, agent: &str, tasks: &[(&str, &str)]) {
        self.launch(agent, tasks);
        for (task, _) in tasks {
            self.until_state(task, "TASK_RUNNING");
        }
    }

    /// Starts shell commands on an agent.
    pub fn launch(&mut self, agent: &str, tasks: &[(&str, &str)]) {
        let infos = tasks.iter().map(|(id, command)| task_info(id, agent, command)).collect();
        self.launch_infos(agent, infos);
    }

    /// Starts tasks on an agent.
    pub fn launch_infos(&mut self, agent: &str, infos: Vec<Value>) {
        self.accept(agent, &json!([{ "type": "LAUNCH", "launch": { "task_infos": infos } }]));
    }

    /// Accepts all that is offered of an agent, for these operations.
    pub fn accept(&mut self, agent: &str, operations: &Value) {
        let is_of = |offer: &Value| offer["agent_id"]["value"] == agent;
        self.until(&format!("an offer of {agent}"), |it| it.offers.values().any(is_of));
        let offers: Vec<Value> = self.offers.values().filter(|offer| is_of(offer)).cloned().collect();
        self.offers.retain(|_, offer| !is_of(offer));
        let ids: Vec<&Value> = offers.iter().map(|offer| &offer["id"]).collect();
        self.call(
            "ACCEPT",
            json!({
                "offer_ids": ids, "filters": { "refuse_seconds": 0 },
                "operations": operations,
            }),
        );
    }

    pub fn kill(&self, task: &str, agent: &str) {
        self.call("KILL", json!({ "task_id": { "value": task }, "agent_id": { "value": agent } }));
    }

    /// Says something to an executor.
    pub fn message(&self, agent: &str, executor: &str, data: &[u8]) {
        let (agent_id, executor_id) = (json!({ "value": agent }), json!({ "value": executor }));
        let data = BASE64_STANDARD.encode(data);
        self.call("MESSAGE", json!({ "agent_id": agent_id, "executor_id": executor_id, "data": data }));
    }

    /// Asks for the state of a task that it believes to be on this agent.
    pub fn reconcile(&self, task: &str, agent: &str) {
        let task = json!({ "task_id": { "value": task }, "agent_id": { "value": agent } });
        self.call("RECONCILE", json!({ "tasks": [task] }));
    }

    /// Waits until it has subscribed so many times.
    pub fn has_subscribed(&mut self, times: usize) {
        self.until("the framework is back", |it| {
            it.heard.iter().filter(|it| *it == "SUBSCRIBED").count() == times
        });
    }

    /// Leaves all resources to others from now on.
    pub fn wants_nothing(&mut self) {
        self.wants_nothing = true;
        self.call("SUPPRESS", json!({}));
        self.decline();
    }

    /// Forgets what it was offered, and is offered it again.
    pub fn decline(&mut self) {
        self.look();
        let offers: Vec<Value> = std::mem::take(&mut self.offers).into_values().collect();
        if !offers.is_empty() {
            let ids: Vec<Value> = offers.iter().map(|offer| offer["id"].clone()).collect();
            self.call("DECLINE", json!({ "offer_ids": ids, "filters": { "refuse_seconds": 0 } }));
        }
    }

    /// Of what is offered of an agent, how much of a scalar resource.
    pub fn offered(&self, agent: &str, resource: &str) -> f64 {
        let offers = self.offers.values().filter(|offer| offer["agent_id"]["value"] == agent);
        let resources = offers.flat_map(|offer| offer["resources"].as_array().into_iter().flatten());
        resources.filter(|it| it["name"] == resource).filter_map(|it| it["scalar"]["value"].as_f64()).sum()
    }

    /// Ends the framework and all its tasks.
    pub fn teardown(&self) {
        self.call("TEARDOWN", json!({}));
    }

    fn call(&self, kind: &str, body: Value) {
        if let Some(answer) = self.send(kind, body) {
            assert_eq!(answer.code(), 202, "{kind}: {}", String::from_utf8_lossy(&answer.body));
        }
    }

    /// Calls a master that may be gone, or another one than that of the stream.
    pub fn send(&self, kind: &str, body: Value) -> Option<Answer> {
        let mut call = json!({ "type": kind, "framework_id": self.info["id"] });
        if body.as_object().is_some_and(|body| !body.is_empty()) {
            call[kind.to_lowercase()] = body;
        }
        let id = self.stream.as_ref().and_then(Stream::id)?;
        self::call(&self.master, PATH, &format!("Mesos-Stream-Id: {id}\r\n"), &call).ok()
    }

    /// Takes in what has come.
    pub fn look(&mut self) {
        let Some(stream) = &mut self.stream else {
            self.stream = self.open();
            return;
        };
        let is_open = stream.read();
        for event in stream.news() {
            self.hear(event);
        }
        if !is_open {
            self.stream = None;
            self.offers.clear();
        }
    }

    fn open(&self) -> Option<Stream> {
        let mut call = json!({ "type": "SUBSCRIBE", "subscribe": { "framework_info": self.info } });
        if self.info["id"].is_object() {
            call["framework_id"] = self.info["id"].clone();
        }
        Stream::open(&self.master, PATH, &call)
    }

    fn hear(&mut self, event: Value) {
        let kind = event["type"].as_str().expect("a type").to_owned();
        match kind.as_str() {
            "SUBSCRIBED" => self.info["id"] = event["subscribed"]["framework_id"].clone(),
            "OFFERS" => {
                for offer in event["offers"]["offers"].as_array().expect("offers") {
                    self.offers.insert(offer["id"]["value"].as_str().expect("an id").into(), offer.clone());
                }
                if self.wants_nothing {
                    self.decline();
                }
            }
            "RESCIND" => {
                self.offers.remove(event["rescind"]["offer_id"]["value"].as_str().expect("an id"));
            }
            "UPDATE_OPERATION_STATUS" => {
                self.operations.push(event["update_operation_status"]["status"].clone());
            }
            "MESSAGE" => self.messages.push(event["message"].clone()),
            "UPDATE" => self.update(event["update"]["status"].clone()),
            "ERROR" => panic!("the framework gets an error: {event}"),
            _ => {}
        }
        self.heard.push(kind);
    }

    fn update(&mut self, status: Value) {
        let Some(uuid) = status["uuid"].as_str().map(str::to_owned) else {
            return self.statuses.push(status);
        };
        let (task, agent) = (&status["task_id"], &status["agent_id"]);
        // What a master does not pass on is sent again.
        self.send("ACKNOWLEDGE", json!({ "task_id": task, "agent_id": agent, "uuid": uuid }));
        if self.uuids.insert(uuid) {
            self.statuses.push(status);
        }
    }
}

impl Drop for Framework {
    #[expect(clippy::print_stderr, reason = "a test that fails shows what the framework has heard")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- {}\n{:?}", self.info, self.heard);
            self.statuses.iter().for_each(|status| eprintln!("{status}"));
        }
    }
}

fn task_info(id: &str, agent: &str, command: &str) -> Value {
    let scalar =
        |name: &str, value: f64| json!({ "name": name, "type": "SCALAR", "scalar": { "value": value } });
    json!({
        "name": id, "task_id": { "value": id }, "agent_id": { "value": agent },
        "command": { "value": command }, "resources": [scalar("cpus", 0.1), scalar("mem", 32.0)],
    })
}
