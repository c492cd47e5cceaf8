//! Whole histories: a master, two agents and two schedulers, wired to each other with a virtual clock, and whatever four
//! bytes say happens next. After each step the books balance and every view renders; in the end every task that was
//! launched has ended once, or lives.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

use bytes::Bytes;
use mesoslab::{
    engine::{
        agent::{
            self, Agent, AgentConfig,
            view::{Measured, v1 as agent_view},
        },
        executor::{Signal, exit::Exit},
        legacy::System,
        master::{
            Effect, Input, Master, MasterConfig, Reply, StreamId,
            view::{legacy, v1 as master_view},
        },
        wire::{AgentLink, ToAgent, ToMaster},
    },
    mesos::{
        json,
        resources::Resources,
        time::Time,
        v1::{
            AgentId, AgentInfo, ContainerId, FrameworkId, Offer, OfferId, TaskId, TaskState, TaskStatus,
            agent::Call as AgentCall,
            master::Call as OperatorCall,
            scheduler::{Call, Event},
            task_status::Reason,
        },
    },
};
use serde_json::{Value, json};

const START: Duration = Duration::from_secs(1_000_000);

/// How many events one history has at most, and how often the views are rendered.
const LONGEST: usize = 256;
const LOOK: usize = 64;

/// What one scheduler has heard.
#[derive(Default)]
struct Scheduler {
    id: Option<FrameworkId>,
    stream: Option<StreamId>,
    offers: BTreeMap<OfferId, Offer>,
    /// Updates to acknowledge.
    updates: VecDeque<TaskStatus>,
    tasks: BTreeMap<TaskId, Heard>,
}

#[derive(Default)]
struct Heard {
    /// By uuid: an update may come again.
    updates: BTreeMap<Bytes, TaskState>,
    /// The terminal update that has been acknowledged.
    over: Option<Bytes>,
    last: Option<TaskState>,
}

struct Node {
    agent: Agent,
    link: AgentLink,
    connected: bool,
    starting: VecDeque<ContainerId>,
    running: Vec<ContainerId>,
}

struct World {
    master: Master,
    now: Time,
    nodes: Vec<Node>,
    schedulers: [Scheduler; 2],
    serial: u64,
    operated: usize,
    /// What is on its way, in its order.
    mail: VecDeque<Mail>,
}

enum Mail {
    ToMaster(AgentLink, Box<ToMaster>),
    ToAgent(AgentLink, Box<ToAgent>),
    Event(StreamId, Box<Event>),
    Close(StreamId),
}

/// What a history has led to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reached {
    /// How many tasks have run.
    pub ran: usize,
    /// How many have ended, and the scheduler has said that it knows.
    pub ended: usize,
    /// How many calls of operators were not refused.
    pub operated: usize,
}

/// Reads a history, four bytes an event.
pub fn histories(data: &[u8]) {
    let _reached = play(data);
}

/// The same, and what came of it.
pub fn play(data: &[u8]) -> Reached {
    let mut world = World::new();
    for (at, event) in data.chunks_exact(4).take(LONGEST).enumerate() {
        world.happen([event[0], event[1], event[2], event[3]]);
        world.check();
        if at % LOOK == 0 {
            world.look();
        }
    }
    world.end();
    let tasks = || world.schedulers.iter().flat_map(|scheduler| scheduler.tasks.values());
    let ran = |task: &&Heard| task.updates.values().any(|state| *state == TaskState::TaskRunning);
    Reached {
        ran: tasks().filter(ran).count(),
        ended: tasks().filter(|task| task.over.is_some()).count(),
        operated: world.operated,
    }
}

fn is_terminal(state: TaskState) -> bool {
    !matches!(
        state,
        TaskState::TaskStaging
            | TaskState::TaskStarting
            | TaskState::TaskRunning
            | TaskState::TaskKilling
            | TaskState::TaskUnreachable
    )
}

fn call<M: prost::Message + prost::Name + Default>(call: &Value) -> M {
    json::from_json(call.to_string()).expect("a call")
}

impl World {
    fn new() -> Self {
        let now = Time::from_epoch(START);
        let config = MasterConfig { offer_timeout: Some(Duration::from_secs(30)), ..MasterConfig::default() };
        let master = Master::new(config, now, 7);
        let nodes = (0..2_u64).map(|at| node(now, at)).collect();
        let (schedulers, mail) = (Default::default(), VecDeque::new());
        let mut world = Self { master, now, nodes, schedulers, serial: 10, operated: 0, mail };
        (0..2).for_each(|at| world.connect(at));
        (0..2).for_each(|at| world.subscribe(at));
        world.pass(Duration::from_secs(2));
        world
    }

    fn happen(&mut self, [kind, who, a, b]: [u8; 4]) {
        let at = usize::from(who % 2);
        match kind % 32 {
            0..=7 => self.accept(at, a, b),
            8 => self.decline(at, a),
            9..=12 => self.acknowledge(at, usize::from(a)),
            13 => self.kill(at, a),
            14..=16 => self.start_container(at, !a.is_multiple_of(8)),
            17 | 18 => self.end_container(at, a),
            19 => self.reconcile(at, a),
            20 => self.send(at, json!({ "type": if a % 8 == 0 { "SUPPRESS" } else { "REVIVE" } })),
            21 => self.subscribe(at),
            22 if b.is_multiple_of(8) => self.leave(at, a),
            23 if b.is_multiple_of(4) => self.lose(at),
            24 => self.connect(at),
            25 => self.operate(at, a, b),
            27 => self.send(at, odd_call(a, b)),
            _ => self.pass(Duration::from_millis(u64::from(a) * u64::from(b) + 1)),
        }
    }

    // What can happen.

    fn connect(&mut self, at: usize) {
        let node = &mut self.nodes[at];
        if !std::mem::replace(&mut node.connected, true) {
            self.serial += 1;
            self.nodes[at].link = AgentLink(self.serial);
            self.agent_input(at, agent::Input::MasterConnected);
        }
        self.deliver();
    }

    fn lose(&mut self, at: usize) {
        if std::mem::replace(&mut self.nodes[at].connected, false) {
            let link = self.nodes[at].link;
            self.agent_input(at, agent::Input::MasterLost);
            self.master_input(Input::AgentLost(link));
            self.deliver();
        }
    }

    fn subscribe(&mut self, at: usize) {
        let id = self.schedulers[at].id.clone().filter(|id| self.master.frameworks.contains_key(id));
        let role = ["*", "r"][at];
        let mut info = json!({
            "user": "u", "name": "f", "failover_timeout": 100, "checkpoint": at == 1, "roles": [role],
            "capabilities": [{ "type": "MULTI_ROLE" }, { "type": "PARTITION_AWARE" }],
        });
        let mut subscribe = json!({ "type": "SUBSCRIBE" });
        match &id {
            Some(id) => {
                info["id"] = json!({ "value": id.as_str() });
                subscribe["framework_id"] = info["id"].clone();
            }
            None => self.schedulers[at] = Scheduler::default(),
        }
        subscribe["subscribe"] = json!({ "framework_info": info });
        let output =
            self.master.handle(self.now, Input::Call { stream: None, call: Box::new(call(&subscribe)) });
        let Some(Reply::Stream(stream)) = output.reply else { panic!("SUBSCRIBE gets {:?}", output.reply) };
        let scheduler = &mut self.schedulers[at];
        scheduler.offers.clear();
        scheduler.updates.clear();
        scheduler.stream = Some(stream);
        self.post(output.effects);
        self.deliver();
    }

    fn send(&mut self, at: usize, mut body: Value) {
        let scheduler = &self.schedulers[at];
        let (Some(id), Some(stream)) = (&scheduler.id, scheduler.stream.clone()) else { return };
        body["framework_id"] = json!({ "value": id.as_str() });
        let input = Input::Call { stream: Some(stream), call: Box::new(call::<Call>(&body)) };
        assert!(self.master_input(input).is_some(), "every call is answered");
        self.deliver();
    }

    /// Launches tasks on one offer, or on all of an agent; with an executor of its own, as a group, or too much.
    fn accept(&mut self, at: usize, a: u8, b: u8) {
        let Some((_, first)) = self.schedulers[at].offers.iter().nth(usize::from(a) % 3) else { return };
        let agent = first.agent_id.clone();
        let of_agent = |offer: &&Offer| offer.agent_id == agent;
        let offers: Vec<OfferId> =
            self.schedulers[at].offers.values().filter(of_agent).map(|it| it.id.clone()).collect();
        let tasks: Vec<Value> = (0..b % 4).map(|_| self.task(at, &agent, b)).collect();
        let operation = match b % 8 {
            7 => json!({ "type": "RESERVE", "id": { "value": "op" }, "reserve": { "resources": [] } }),
            6 if !tasks.is_empty() => json!({ "type": "LAUNCH_GROUP", "launch_group": {
                "executor": { "type": "DEFAULT", "executor_id": { "value": format!("g{}", self.serial) },
                              "resources": scalars(0.1, 16.0) },
                "task_group": { "tasks": tasks },
            } }),
            _ => json!({ "type": "LAUNCH", "launch": { "task_infos": tasks } }),
        };
        let ids: Vec<Value> = offers.iter().map(|id| json!({ "value": id.as_str() })).collect();
        offers.iter().for_each(|id| drop(self.schedulers[at].offers.remove(id)));
        self.send(
            at,
            json!({ "type": "ACCEPT", "accept": {
            "offer_ids": ids, "operations": [operation], "filters": { "refuse_seconds": a % 3 },
        } }),
        );
    }

    fn task(&mut self, at: usize, agent: &AgentId, b: u8) -> Value {
        self.serial += 1;
        let id = format!("t{}", self.serial);
        self.schedulers[at].tasks.entry(TaskId::new(id.clone())).or_default();
        json!({
            "name": id, "task_id": { "value": id }, "agent_id": { "value": agent.as_str() },
            "command": { "value": "sleep 1000" },
            "resources": scalars(f64::from(b % 16) / 4.0, f64::from(b) * 8.0),
        })
    }

    fn decline(&mut self, at: usize, a: u8) {
        let offers = std::mem::take(&mut self.schedulers[at].offers);
        let mut ids: Vec<Value> = offers.keys().map(|id| json!({ "value": id.as_str() })).collect();
        ids.push(json!({ "value": "unknown" }));
        let filters = json!({ "refuse_seconds": a % 8 });
        self.send(at, json!({ "type": "DECLINE", "decline": { "offer_ids": ids, "filters": filters } }));
    }

    fn acknowledge(&mut self, at: usize, which: usize) {
        let scheduler = &mut self.schedulers[at];
        let Some(index) = which.checked_rem(scheduler.updates.len()) else { return };
        let Some(status) = scheduler.updates.remove(index) else { return };
        let uuid = status.uuid.clone().unwrap_or_default();
        let task = scheduler.tasks.entry(status.task_id.clone()).or_default();
        if is_terminal(status.state()) {
            task.over = Some(uuid.clone());
        }
        let mut body = json!({ "type": "ACKNOWLEDGE", "acknowledge": {
            "task_id": { "value": status.task_id.as_str() },
            "agent_id": { "value": status.agent_id.as_ref().map_or("", |id| id.as_str()) },
        } });
        use base64::Engine as _;
        body["acknowledge"]["uuid"] = json!(base64::prelude::BASE64_STANDARD.encode(&uuid));
        self.send(at, body);
    }

    fn kill(&mut self, at: usize, a: u8) {
        let tasks = &self.schedulers[at].tasks;
        let Some(task) = usize::from(a).checked_rem(tasks.len()).and_then(|at| tasks.keys().nth(at)) else {
            return;
        };
        let kill = json!({ "task_id": { "value": task.as_str() } });
        self.send(at, json!({ "type": "KILL", "kill": kill }));
    }

    fn reconcile(&mut self, at: usize, a: u8) {
        let tasks: Vec<Value> = self.schedulers[at]
            .tasks
            .keys()
            .take(usize::from(a % 4))
            .map(|id| json!({ "task_id": { "value": id.as_str() } }))
            .collect();
        self.send(at, json!({ "type": "RECONCILE", "reconcile": { "tasks": tasks } }));
    }

    fn start_container(&mut self, at: usize, well: bool) {
        let Some(container_id) = self.nodes[at].starting.pop_front() else { return };
        self.serial += 1;
        let input = if well {
            self.nodes[at].running.push(container_id.clone());
            agent::Input::Launched { container_id, pid: u32::try_from(self.serial).unwrap_or(1) }
        } else {
            agent::Input::LaunchFailed { container_id, message: "somehow".into() }
        };
        self.agent_input(at, input);
        self.deliver();
    }

    fn end_container(&mut self, at: usize, a: u8) {
        let Some(index) = usize::from(a).checked_rem(self.nodes[at].running.len()) else { return };
        let container_id = self.nodes[at].running.remove(index);
        let exit = if a.is_multiple_of(2) { Exit::Code(i32::from(a / 2)) } else { Exit::signal(9) };
        self.agent_input(at, agent::Input::Exited { container_id, exit });
        self.deliver();
    }

    fn leave(&mut self, at: usize, a: u8) {
        if a.is_multiple_of(4) {
            return self.send(at, json!({ "type": "TEARDOWN" }));
        }
        if let Some(stream) = self.schedulers[at].stream.take() {
            self.schedulers[at].offers.clear();
            self.schedulers[at].updates.clear();
            self.master_input(Input::Disconnected(stream));
            self.deliver();
        }
    }

    fn operate(&mut self, at: usize, a: u8, b: u8) {
        let agent = self.nodes[at].agent.id().map_or_else(String::new, ToString::to_string);
        let agent = json!({ "agent_id": { "value": agent } });
        let machine = json!([{ "hostname": "localhost", "ip": "127.0.0.1" }]);
        let body = match a % 10 {
            0 => json!({ "type": "DEACTIVATE_AGENT", "deactivate_agent": agent }),
            1..=4 => json!({ "type": "REACTIVATE_AGENT", "reactivate_agent": agent }),
            5 => {
                let mut drain = agent;
                drain["max_grace_period"] = json!({ "nanoseconds": i64::from(b) * 1_000_000_000 });
                json!({ "type": "DRAIN_AGENT", "drain_agent": drain })
            }
            6 => json!({ "type": "UPDATE_QUOTA", "update_quota": { "force": true, "quota_configs": [
                { "role": "r", "guarantees": {}, "limits": { "cpus": { "value": b % 16 } } },
            ] } }),
            7 => json!({ "type": "UPDATE_WEIGHTS", "update_weights": {
                "weight_infos": [{ "role": "r", "weight": f64::from(b) + 0.5 }],
            } }),
            8 => {
                let window = json!({ "machine_ids": machine, "unavailability": {
                    "start": { "nanoseconds": i64::from(b) },
                } });
                let windows = if b.is_multiple_of(2) { json!([window]) } else { json!([]) };
                json!({ "type": "UPDATE_MAINTENANCE_SCHEDULE",
                        "update_maintenance_schedule": { "schedule": { "windows": windows } } })
            }
            _ if b.is_multiple_of(8) => json!({ "type": "MARK_AGENT_GONE", "mark_agent_gone": agent }),
            _ => json!({ "type": "RESERVE_RESOURCES", "reserve_resources": {
                "agent_id": agent["agent_id"], "resources": [],
            } }),
        };
        let input = Input::Operator(Box::new(call::<OperatorCall>(&body)));
        let reply = self.master_input(input).expect("every call is answered");
        self.operated += usize::from(reply == Reply::Ok);
        self.deliver();
    }

    // Time, and what is on its way.

    fn pass(&mut self, how_long: Duration) {
        let end = self.now + how_long;
        for round in 0.. {
            assert!(round < 100_000, "somebody wants to be called for ever");
            let next = self.nodes.iter().filter_map(|node| node.agent.next_deadline());
            let Some(next) = next.chain(self.master.next_deadline()).min().filter(|next| *next <= end) else {
                break;
            };
            self.now = self.now.max(next);
            for at in 0..self.nodes.len() {
                if self.nodes[at].agent.next_deadline().is_some_and(|deadline| deadline <= self.now) {
                    self.agent_input(at, agent::Input::Tick);
                }
            }
            self.master_input(Input::Tick);
            self.deliver();
        }
        self.now = end;
    }

    fn master_input(&mut self, input: Input) -> Option<Reply> {
        let output = self.master.handle(self.now, input);
        self.post(output.effects);
        output.reply
    }

    fn post(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Event { stream, event } => self.mail.push_back(Mail::Event(stream, event)),
                Effect::Close { stream } => self.mail.push_back(Mail::Close(stream)),
                Effect::Agent { link, message } => self.mail.push_back(Mail::ToAgent(link, message)),
                Effect::AgentGone { .. }
                | Effect::Registry(_)
                | Effect::Log(_)
                | Effect::OperatorEvent { .. } => {}
            }
        }
    }

    fn agent_input(&mut self, at: usize, input: agent::Input) {
        let effects = self.nodes[at].agent.handle(self.now, input);
        for effect in effects {
            let node = &mut self.nodes[at];
            match effect {
                agent::Effect::Master(message) if node.connected => {
                    self.mail.push_back(Mail::ToMaster(node.link, message));
                }
                agent::Effect::Launch(launch) => node.starting.push_back(launch.container_id),
                agent::Effect::Signal { container_id, signal } => {
                    let is_running = node.running.contains(&container_id);
                    if is_running && signal == Signal::Kill {
                        node.running.retain(|it| *it != container_id);
                        self.agent_input(at, agent::Input::Exited { container_id, exit: Exit::signal(9) });
                    }
                }
                _ => {}
            }
        }
    }

    fn deliver(&mut self) {
        for round in 0.. {
            assert!(round < 100_000, "they talk for ever");
            let Some(mail) = self.mail.pop_front() else { return };
            match mail {
                Mail::ToMaster(link, message) => drop(self.master_input(Input::Agent { link, message })),
                Mail::ToAgent(link, message) => {
                    let to = self.nodes.iter().position(|node| node.connected && node.link == link);
                    if let Some(at) = to {
                        self.agent_input(at, agent::Input::Master(*message));
                    }
                }
                Mail::Event(stream, event) => self.hear(&stream, &event),
                Mail::Close(stream) => {
                    for scheduler in
                        self.schedulers.iter_mut().filter(|it| it.stream.as_ref() == Some(&stream))
                    {
                        scheduler.stream = None;
                        scheduler.offers.clear();
                        scheduler.updates.clear();
                    }
                }
            }
        }
    }

    fn hear(&mut self, stream: &StreamId, event: &Event) {
        let heard = self.schedulers.iter_mut().find(|it| it.stream.as_ref() == Some(stream));
        let Some(scheduler) = heard else { return };
        if let Some(subscribed) = &event.subscribed {
            scheduler.id = Some(subscribed.framework_id.clone());
        }
        for offer in event.offers.iter().flat_map(|offers| &offers.offers) {
            assert_eq!(Some(&offer.framework_id), scheduler.id.as_ref(), "offers are for whom they come to");
            assert!(
                scheduler.offers.insert(offer.id.clone(), offer.clone()).is_none(),
                "an offer comes once"
            );
        }
        if let Some(rescind) = &event.rescind {
            let known = scheduler.offers.remove(&rescind.offer_id);
            assert!(known.is_some(), "{} was not offered, or is used", rescind.offer_id);
        }
        if let Some(update) = &event.update {
            scheduler.update(&update.status);
        }
    }

    // What has to hold.

    fn check(&self) {
        for (id, agent) in &self.master.agents {
            let mut busy = agent.offered.clone();
            agent.used.values().for_each(|used| busy += used);
            busy.unallocate();
            assert!(agent.total.contains(&busy), "{busy} of {} is given", agent.total);
            let account = self.master.allocator().agent(id).expect("the allocator knows every agent");
            let mut all = account.available().clone();
            all += &busy;
            assert_eq!(all, agent.total, "nothing is lost");
            let offered: Resources =
                agent.offers.iter().map(|it| Resources::from(&self.master.offers[it].resources)).sum();
            assert_eq!(offered, agent.offered, "offers are what is offered");
        }
        for scheduler in self.schedulers.iter().filter(|it| it.stream.is_some()) {
            let Some(framework) = scheduler.id.as_ref().and_then(|id| self.master.frameworks.get(id)) else {
                continue;
            };
            let known: BTreeSet<_> = scheduler.offers.keys().collect();
            assert_eq!(known, framework.offers.iter().collect(), "a scheduler knows its offers");
        }
    }

    fn look(&self) {
        let (system, none, measured) = (System::default(), Default::default(), Measured::new());
        for path in [
            "/state",
            "/state-summary",
            "/slaves",
            "/frameworks",
            "/tasks",
            "/roles",
            "/quota",
            "/maintenance/status",
        ] {
            let endpoint = legacy::Endpoint::of_path(path).expect("an endpoint");
            endpoint.render(&self.master, self.now, &system, &none).expect("JSON");
        }
        for kind in ["GET_STATE", "GET_AGENTS", "GET_ROLES", "GET_METRICS"] {
            let asked: OperatorCall = call(&json!({ "type": kind, "get_metrics": {} }));
            let response = master_view::respond(&self.master, self.now, &system, &asked).expect("a response");
            let _text = master_view::response_to_json(&response);
        }
        for node in &self.nodes {
            for kind in ["GET_STATE", "GET_AGENT", "GET_CONTAINERS"] {
                let asked: AgentCall = call(&json!({ "type": kind }));
                let source = agent_view::Source {
                    agent: &node.agent,
                    now: self.now,
                    system: &system,
                    measured: &measured,
                };
                let response = agent_view::respond(source, &asked).expect("a response");
                let _text = agent_view::response_to_json(&response);
            }
        }
    }

    /// Everybody comes back, all containers end, all updates are acknowledged: then no task is left without an end that
    /// its scheduler knows, but for those of which it has never heard and those that never came to an agent.
    fn end(&mut self) {
        for at in 0..2 {
            self.connect(at);
            if self.schedulers[at].stream.is_none() {
                self.subscribe(at);
            }
        }
        for _ in 0..20 {
            for at in 0..2 {
                while !self.nodes[at].starting.is_empty() {
                    self.start_container(at, true);
                }
                while !self.nodes[at].running.is_empty() {
                    self.end_container(at, 0);
                }
                while !self.schedulers[at].updates.is_empty() {
                    self.acknowledge(at, 0);
                }
            }
            self.pass(Duration::from_secs(30));
            self.check();
        }
        self.look();
        for scheduler in &self.schedulers {
            let Some(framework) = scheduler.id.as_ref().and_then(|id| self.master.frameworks.get(id)) else {
                continue;
            };
            if let Some((id, task)) = framework.tasks.iter().next() {
                let last = scheduler.tasks.get(id).and_then(|task| task.last);
                panic!("{id} is {:?} for ever, the scheduler knows {last:?}", task.state());
            }
        }
        for node in self.nodes.iter().filter(|node| node.agent.id().is_some()) {
            let live: usize = node.agent.frameworks.values().map(|framework| framework.executors.len()).sum();
            assert_eq!(live, 0, "nothing is left on an agent");
        }
        for agent in self.master.agents.values() {
            assert!(agent.used.values().all(Resources::is_empty), "everything is given back");
        }
    }
}

impl Scheduler {
    fn update(&mut self, status: &TaskStatus) {
        let task = self.tasks.entry(status.task_id.clone()).or_default();
        let Some(uuid) = &status.uuid else {
            if status.reason() != Reason::Reconciliation {
                task.last = Some(status.state());
            }
            return;
        };
        if let Some(over) = &task.over {
            assert_eq!(over, uuid, "{} has ended, and now is {:?}", status.task_id, status.state());
        }
        if let Some(known) = task.updates.insert(uuid.clone(), status.state()) {
            assert_eq!(known, status.state(), "an update that comes again is the same");
        }
        let ends: BTreeSet<_> = task.updates.iter().filter(|(_, state)| is_terminal(**state)).collect();
        assert!(ends.len() <= 1, "{} ends once: {ends:?}", status.task_id);
        task.last = Some(status.state());
        if !self.updates.iter().any(|it| it.uuid.as_ref() == Some(uuid)) {
            self.updates.push_back(status.clone());
        }
    }
}

fn node(now: Time, at: u64) -> Node {
    let info = AgentInfo {
        hostname: "localhost".into(),
        port: Some(5051 + i32::try_from(at).unwrap_or_default()),
        resources: Resources::parse("cpus:4;mem:4096;disk:1024;ports:[31000-31099]", "*")
            .expect("resources")
            .to_protos(),
        ..AgentInfo::default()
    };
    let agent = Agent::new(AgentConfig::new(info, format!("/agent-{at}")), now, at);
    Node { agent, link: AgentLink(at), connected: false, starting: VecDeque::new(), running: Vec::new() }
}

fn scalars(cpus: f64, mem: f64) -> Value {
    let scalar =
        |name: &str, value: f64| json!({ "name": name, "type": "SCALAR", "scalar": { "value": value } });
    let all = [("cpus", cpus), ("mem", mem)];
    all.into_iter().filter(|(_, value)| *value > 0.0).map(|(name, value)| scalar(name, value)).collect()
}

/// What is seldom sent.
fn odd_call(a: u8, b: u8) -> Value {
    match a % 6 {
        0 => json!({ "type": "REQUEST", "request": { "requests": [] } }),
        1 => json!({ "type": "RECONCILE_OPERATIONS", "reconcile_operations": {
            "operations": [{ "operation_id": { "value": "op" } }],
        } }),
        2 => json!({ "type": "MESSAGE", "message": {
            "agent_id": { "value": "nobody" }, "executor_id": { "value": "e" }, "data": "eA==",
        } }),
        3 => json!({ "type": "SHUTDOWN", "shutdown": {
            "agent_id": { "value": "nobody" }, "executor_id": { "value": format!("t{b}") },
        } }),
        4 => json!({ "type": "ACKNOWLEDGE", "acknowledge": {
            "agent_id": { "value": "nobody" }, "task_id": { "value": format!("t{b}") },
            "uuid": "AAAAAAAAQACAAAAAAAAAAA==",
        } }),
        _ => json!({ "type": "ACCEPT_INVERSE_OFFERS", "accept_inverse_offers": {
            "inverse_offer_ids": [{ "value": "unknown" }],
        } }),
    }
}
