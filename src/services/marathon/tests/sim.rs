//! A Marathon with a master that has one agent, all in one struct: calls are answered at once, in their order.

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;
use serde_json::{Value, json};

use crate::{
    mesos::{
        resources::Resources,
        time::Time,
        v1::{
            AgentId, FrameworkId, Offer, OfferId, TaskId, TaskState, TaskStatus,
            scheduler::{Call, Event, call, event},
        },
    },
    services::marathon::{
        Effect, Frame, Input, Marathon, Options,
        api::{Answer, Request},
        saved::Saved,
    },
};

pub struct Sim {
    pub marathon: Marathon,
    pub now: Time,
    /// What is saved.
    pub kept: BTreeMap<String, Bytes>,
    pub told: Vec<Frame>,
    /// The tasks that run at the agent.
    pub tasks: BTreeMap<String, TaskState>,
    /// Tasks start to run by themselves.
    pub runs: bool,
    /// How many tasks were launched and how many killed, ever.
    pub launched: usize,
    pub killed: usize,
    answers: BTreeMap<u64, Answer>,
    due: Vec<Effect>,
    offers: u32,
    open_offer: Option<OfferId>,
    token: u64,
    updates: u128,
}

impl Sim {
    pub fn new() -> Self {
        Self::with(BTreeMap::new(), BTreeMap::new(), Time::from_epoch(Duration::from_secs(1_800_000_000)))
    }

    fn with(kept: BTreeMap<String, Bytes>, tasks: BTreeMap<String, TaskState>, now: Time) -> Self {
        let saved = Saved::read(kept.clone()).unwrap();
        let seed = now.as_nanos().unsigned_abs();
        let mut options = Options::default();
        options.launcher.min_revive_interval = Duration::ZERO;
        let mut sim = Self {
            marathon: Marathon::new(now, options, saved, seed),
            now,
            kept,
            told: Vec::new(),
            tasks,
            runs: true,
            launched: 0,
            killed: 0,
            answers: BTreeMap::new(),
            due: Vec::new(),
            offers: 0,
            open_offer: None,
            token: 0,
            updates: 0,
        };
        sim.subscribe();
        sim
    }

    /// The same cluster with a Marathon that has just started.
    pub fn restarted(self) -> Self {
        Self::with(self.kept, self.tasks, self.now + Duration::from_secs(1))
    }

    fn subscribe(&mut self) {
        let id = FrameworkId::new("marathon-1");
        let subscribed = event::Subscribed { framework_id: id, ..event::Subscribed::default() };
        let mut event = Event { subscribed: Some(subscribed), ..Event::default() };
        event.set_type(event::Type::Subscribed);
        self.event(event);
        self.offer();
        self.input(Input::Tick);
    }

    pub fn event(&mut self, event: Event) {
        self.input(Input::Event(Box::new(event)));
    }

    /// What follows from an input, until nothing does any more.
    pub fn input(&mut self, input: Input) {
        self.now = self.now + Duration::from_millis(1);
        let effects = self.marathon.handle(self.now, input);
        self.due.extend(effects);
        while !self.due.is_empty() {
            let effect = self.due.remove(0);
            self.perform(effect);
        }
    }

    fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Save { key, value } => drop(self.kept.insert(key, value)),
            Effect::Delete { key } => drop(self.kept.remove(&key)),
            Effect::Call(call) => self.call(&call),
            Effect::Answer { token, answer } => drop(self.answers.insert(token, answer)),
            Effect::Tell(frame) => self.told.push(frame),
            Effect::Resubscribe | Effect::Probe(_) | Effect::Abdicate => {}
        }
    }

    fn feed(&mut self, event: Event) {
        self.now = self.now + Duration::from_millis(1);
        let effects = self.marathon.handle(self.now, Input::Event(Box::new(event)));
        self.due.extend(effects);
    }

    fn call(&mut self, call: &Call) {
        match call.r#type() {
            call::Type::Accept => self.accept(call.accept.as_ref().unwrap()),
            call::Type::Decline => self.open_offer = None,
            call::Type::Revive => self.offer(),
            call::Type::Kill => {
                let id = call.kill.as_ref().unwrap().task_id.as_str().to_owned();
                self.killed += 1;
                self.update(&id, TaskState::TaskKilled);
            }
            call::Type::Reconcile => {
                for (id, state) in self.tasks.clone() {
                    self.status(&id, state, false);
                }
            }
            _ => {}
        }
    }

    fn accept(&mut self, accept: &call::Accept) {
        self.open_offer = None;
        let launches = accept.operations.iter().filter_map(|operation| operation.launch.as_ref());
        let ids: Vec<String> = launches
            .flat_map(|launch| &launch.task_infos)
            .map(|task| task.task_id.as_str().to_owned())
            .collect();
        for id in ids {
            self.launched += 1;
            self.tasks.insert(id.clone(), TaskState::TaskStaging);
            if self.runs {
                self.update(&id, TaskState::TaskRunning);
            }
        }
        self.offer();
    }

    /// A task comes into a state, and Marathon hears of it.
    pub fn update(&mut self, id: &str, state: TaskState) {
        if matches!(state, TaskState::TaskRunning | TaskState::TaskStaging) {
            self.tasks.insert(id.to_owned(), state);
        } else {
            self.tasks.remove(id);
        }
        self.status(id, state, true);
    }

    /// As [`Sim::update`], with all that follows.
    pub fn becomes(&mut self, id: &str, state: TaskState) {
        self.update(id, state);
        self.input(Input::Tick);
    }

    fn status(&mut self, id: &str, state: TaskState, acknowledged: bool) {
        self.updates += 1;
        let mut status = TaskStatus {
            task_id: TaskId::new(id),
            agent_id: Some(AgentId::new("S0")),
            uuid: acknowledged.then(|| Bytes::copy_from_slice(&self.updates.to_be_bytes())),
            ..TaskStatus::default()
        };
        status.set_state(state);
        let mut event = Event { update: Some(event::Update { status }), ..Event::default() };
        event.set_type(event::Type::Update);
        self.feed(event);
    }

    fn offer(&mut self) {
        if self.open_offer.is_some() {
            return;
        }
        self.offers += 1;
        let id = OfferId::new(format!("O{}", self.offers));
        self.open_offer = Some(id.clone());
        let resources = Resources::parse("cpus:16;mem:16384;disk:10000;ports:[31000-32000]", "*").unwrap();
        let mut resources = resources.to_protos();
        for resource in &mut resources {
            let role = Some("*".to_owned());
            resource.allocation_info = Some(crate::mesos::v1::resource::AllocationInfo { role });
        }
        let offer = Offer {
            id,
            framework_id: FrameworkId::new("marathon-1"),
            agent_id: AgentId::new("S0"),
            hostname: "host-0".into(),
            resources,
            ..Offer::default()
        };
        let mut event = Event { offers: Some(event::Offers { offers: vec![offer] }), ..Event::default() };
        event.set_type(event::Type::Offers);
        self.feed(event);
    }

    pub fn ask(&mut self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let answer = self.answer(method, path, body);
        (answer.status, serde_json::from_slice(&answer.body).unwrap_or_default())
    }

    pub fn get(&mut self, path: &str) -> Value {
        let (status, body) = self.ask("GET", path, Value::Null);
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    pub fn answer(&mut self, method: &str, path: &str, body: Value) -> Answer {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        let request = Request {
            method: method.to_owned(),
            path: path.to_owned(),
            query: pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            body: if body.is_null() { Bytes::new() } else { body.to_string().into() },
            remote: "127.0.0.1".to_owned(),
            ..Request::default()
        };
        self.token += 1;
        self.input(Input::Request { token: self.token, request: Box::new(request) });
        let answer = self.answers.remove(&self.token).unwrap();
        self.input(Input::Tick);
        answer
    }

    /// Makes an app of this id with these members.
    pub fn create(&mut self, id: &str, members: Value) -> (u16, Value) {
        let mut app = json!({"id": id, "cmd": "sleep 1", "cpus": 0.1, "mem": 16});
        for (name, member) in members.as_object().unwrap() {
            app[name] = member.clone();
        }
        self.ask("POST", "/v2/apps", app)
    }

    /// The ids of the tasks that run, as the API has them.
    pub fn running(&mut self) -> Vec<String> {
        let tasks = self.get("/v2/tasks?status=running");
        tasks["tasks"]
            .as_array()
            .unwrap()
            .iter()
            .map(|task| task["id"].as_str().unwrap().to_owned())
            .collect()
    }

    pub fn kinds(&self) -> Vec<&'static str> {
        self.told.iter().map(|frame| frame.kind).collect()
    }
}
