//! A simulated master with agents, for the scheduler core: partitions, failovers, lost and doubled messages, crashes.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

use rand::{Rng, SeedableRng, rngs::SmallRng};

use crate::{
    mesos::{
        time::Time,
        v1::{
            AgentId, FrameworkId, MasterInfo, Offer, OfferId, TaskId, TaskInfo, TaskState, TaskStatus, offer,
            scheduler::{Call, Event, call, event},
        },
    },
    scheduler::{
        CallFailure, Effect, Input, Options, Scheduler,
        config::{Executor, SchedulerConfig},
        saved::SavedState,
        testing::scalar,
    },
};

pub const AGENTS: usize = 4;
const CPUS_PER_AGENT: usize = 8;

fn options() -> Options {
    Options::default().with_executor_at("/mesoslab")
}

#[derive(Debug, Default)]
struct SimTask {
    agent: usize,
    kind: Executor,
    state: TaskState,
    /// Not yet acknowledged; the first is being sent.
    updates: VecDeque<TaskStatus>,
    resend_at: Time,
    /// The scheduler was told that nobody knows it, while its agent was away.
    disowned: bool,
}

impl SimTask {
    fn is_alive(&self) -> bool {
        matches!(self.state, TaskState::TaskStaging | TaskState::TaskStarting | TaskState::TaskRunning)
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Reach {
    Up,
    /// Partitioned, or not yet registered with a new master.
    Away,
}

pub struct Sim {
    pub scheduler: Scheduler,
    pub now: Time,
    rng: SmallRng,
    disk: Option<SavedState>,
    config: SchedulerConfig,
    tasks: BTreeMap<TaskId, SimTask>,
    reach: [Reach; AGENTS],
    /// Tasks the master has marked unreachable.
    marked: BTreeSet<usize>,
    offers: BTreeMap<OfferId, usize>,
    declined: BTreeSet<usize>,
    suppressed: bool,
    connected: bool,
    master: u64,
    removed: bool,
    framework: u64,
    known: bool,
    serial: u64,
    next_allocation: Time,
    pub lose_next_call: bool,
    pub lose_next_event: bool,
    pub double_next_event: bool,
    /// Tasks of this kind fail before they run.
    pub failing: Option<Executor>,
    /// So many tasks are wanted, and have run: from then on at most one is missing or too many.
    reached: Option<usize>,
    /// Nothing but replacing takes tasks away.
    pub holds_bounds: bool,
    inbox: VecDeque<Event>,
}

impl Sim {
    pub fn new(seed: u64, config: SchedulerConfig) -> Self {
        let now = Time::from_epoch(Duration::from_secs(1_000_000));
        let scheduler = Scheduler::new(now, options(), config.clone(), None, seed);
        let mut sim = Self {
            scheduler,
            now,
            rng: SmallRng::seed_from_u64(seed),
            disk: None,
            config,
            tasks: BTreeMap::new(),
            reach: [Reach::Up; AGENTS],
            marked: BTreeSet::new(),
            offers: BTreeMap::new(),
            declined: BTreeSet::new(),
            suppressed: false,
            connected: false,
            master: 1,
            removed: false,
            framework: 1,
            known: false,
            serial: 0,
            next_allocation: now,
            lose_next_call: false,
            lose_next_event: false,
            double_next_event: false,
            failing: None,
            reached: None,
            holds_bounds: false,
            inbox: VecDeque::new(),
        };
        sim.connect();
        sim
    }

    pub fn input(&mut self, input: Input) {
        let effects = self.scheduler.handle(self.now, input);
        let mut inputs = Vec::new();
        for effect in effects {
            match effect {
                Effect::SaveFirst => self.disk = Some(self.scheduler.saved()),
                Effect::SaveSoon if self.rng.random_bool(0.3) => self.disk = Some(self.scheduler.saved()),
                Effect::Call(call) | Effect::Acknowledge(call) => inputs.extend(self.call(*call)),
                Effect::Resubscribe => self.connected = false,
                Effect::SaveSoon | Effect::Stop | Effect::News(_) => {}
            }
        }
        inputs.into_iter().for_each(|input| self.input(input));
    }

    fn call(&mut self, call: Call) -> Option<Input> {
        let failed = |failure, call| Some(Input::CallFailed { call: Box::new(call), failure });
        if std::mem::take(&mut self.lose_next_call) {
            let reached = self.connected && self.rng.random_bool(0.5);
            if reached {
                self.serve(&call);
            }
            return failed(CallFailure::Unknown("connection reset".to_owned()), call);
        }
        if !self.connected {
            let message = "Framework is not subscribed".to_owned();
            return failed(CallFailure::Refused { status: 403, message }, call);
        }
        self.serve(&call);
        None
    }

    fn serve(&mut self, call: &Call) {
        match call.r#type() {
            call::Type::Accept => self.accept(call.accept.as_ref().unwrap()),
            call::Type::Decline => {
                for id in &call.decline.as_ref().unwrap().offer_ids {
                    self.declined.extend(self.offers.remove(id));
                }
            }
            call::Type::Revive => {
                self.suppressed = false;
                self.declined.clear();
                self.next_allocation = self.now;
            }
            call::Type::Suppress => self.suppressed = true,
            call::Type::Kill => self.kill(&call.kill.as_ref().unwrap().task_id),
            call::Type::Acknowledge => self.acknowledged(call.acknowledge.as_ref().unwrap()),
            call::Type::Reconcile => self.reconcile(&call.reconcile.as_ref().unwrap().tasks),
            _ => {}
        }
    }

    /// A launch is right only while fewer tasks are alive, as far as anybody can see, than are wanted.
    fn accept(&mut self, accept: &call::Accept) {
        let agents: Vec<_> = accept.offer_ids.iter().map(|id| self.offers.remove(id)).collect();
        for (task, kind) in accept.operations.iter().flat_map(launched) {
            let Some(agent) = agents[0].filter(|agent| self.reach[*agent] == Reach::Up) else {
                self.send_state(&task.task_id, TaskState::TaskDropped, None);
                continue;
            };
            assert!(self.visible() < self.config.num_of_node as usize, "one task too many");
            assert!(!self.tasks.contains_key(&task.task_id), "a task id used twice");
            self.tasks.insert(
                task.task_id.clone(),
                SimTask { agent, kind, state: TaskState::TaskStaging, ..SimTask::default() },
            );
            self.declined.insert(agent);
            self.becomes(&task.task_id, TaskState::TaskStarting);
            let fails = self.failing == Some(kind);
            let then = if fails { TaskState::TaskFailed } else { TaskState::TaskRunning };
            self.becomes(&task.task_id, then);
        }
    }

    fn running(&self) -> usize {
        self.tasks.values().filter(|task| task.state == TaskState::TaskRunning).count()
    }

    /// Once as many run as are wanted, at most one of them is missing, whatever is replaced.
    fn hold_bounds(&mut self) {
        let running = self.running();
        // On the way down from a larger number as many run for a moment, and some of those are to end.
        if running == self.config.num_of_node as usize && self.scheduler.counts().killing == 0 {
            self.reached = Some(running);
        }
        if let Some(wanted) = self.reached {
            assert!(running + 1 >= wanted, "{running} of {wanted} run: {}", self.scheduler.state().summary);
            let alive = self.tasks.values().filter(|task| task.is_alive()).count();
            assert!(alive <= wanted + 1, "{alive} in place of {wanted}");
        }
    }

    /// The kinds of the tasks that run.
    pub fn kinds(&self) -> Vec<Executor> {
        self.tasks.values().filter(|task| task.is_alive()).map(|task| task.kind).collect()
    }

    fn visible(&self) -> usize {
        self.tasks
            .values()
            .filter(|task| task.is_alive() && !task.disowned && self.reach[task.agent] == Reach::Up)
            .count()
    }

    fn becomes(&mut self, id: &TaskId, state: TaskState) {
        self.serial += 1;
        let uuid = self.serial.to_be_bytes().to_vec();
        let now = self.now;
        let Some(task) = self.tasks.get_mut(id) else { return };
        task.state = state;
        let mut status = TaskStatus { task_id: id.clone(), uuid: Some(uuid.into()), ..TaskStatus::default() };
        status.agent_id = Some(agent_id(task.agent));
        status.set_state(state);
        task.updates.push_back(status);
        task.resend_at = task.resend_at.min(now);
        if self.holds_bounds {
            self.hold_bounds();
        }
    }

    fn kill(&mut self, id: &TaskId) {
        let Some(task) = self.tasks.get(id) else {
            return self.send_state(id, TaskState::TaskUnknown, None);
        };
        if task.is_alive() && self.reach[task.agent] == Reach::Up {
            self.becomes(&id.clone(), TaskState::TaskKilled);
        }
    }

    fn acknowledged(&mut self, acknowledge: &call::Acknowledge) {
        let Some(task) = self.tasks.get_mut(&acknowledge.task_id) else { return };
        if self.reach[task.agent] == Reach::Up
            && task.updates.front().is_some_and(|update| update.uuid.as_ref() == Some(&acknowledge.uuid))
        {
            task.updates.pop_front();
            task.resend_at = Time::default();
        }
    }

    fn reconcile(&mut self, asked: &[call::reconcile::Task]) {
        if asked.is_empty() {
            let seen =
                self.tasks.iter().filter(|(_, task)| task.is_alive() && self.reach[task.agent] == Reach::Up);
            let seen: Vec<_> = seen.map(|(id, task)| (id.clone(), task.state, task.agent)).collect();
            seen.into_iter().for_each(|(id, state, agent)| self.send_state(&id, state, Some(agent)));
        }
        for task in asked {
            let id = &task.task_id;
            match self.tasks.get(id).map(|task| (task.agent, task.state)) {
                Some((agent, state)) if self.reach[agent] == Reach::Up => {
                    self.send_state(id, state, Some(agent))
                }
                Some((agent, _)) if self.marked.contains(&agent) => {
                    self.send_state(id, TaskState::TaskUnreachable, Some(agent));
                }
                _ => self.disown(id),
            }
        }
    }

    /// Says that nobody knows a task. Once its agent had time to register, the scheduler may believe that.
    fn disown(&mut self, id: &TaskId) {
        if let Some(task) = self.tasks.get_mut(id) {
            task.disowned |= self.now + Duration::from_millis(200) >= self.scheduler.grace_until;
        }
        self.send_state(id, TaskState::TaskUnknown, None);
    }

    /// An update of the master's own, without a uuid.
    fn send_state(&mut self, id: &TaskId, state: TaskState, agent: Option<usize>) {
        let mut status =
            TaskStatus { task_id: id.clone(), agent_id: agent.map(agent_id), ..TaskStatus::default() };
        status.set_state(state);
        self.send_update(status);
    }

    fn send_update(&mut self, status: TaskStatus) {
        let mut event = Event { update: Some(event::Update { status }), ..Event::default() };
        event.set_type(event::Type::Update);
        self.inbox.push_back(event);
    }

    pub fn connect(&mut self) {
        let Some(call) = self.scheduler.subscribe() else { return };
        let subscribe = call.subscribe.unwrap();
        self.inbox.clear();
        self.offers.clear();
        self.declined.clear();
        self.connected = true;
        if subscribe.framework_info.id.is_some() && self.removed {
            let mut event = Event::default();
            event.set_type(event::Type::Error);
            event.error = Some(event::Error { message: "Framework has been removed".to_owned() });
            self.connected = false;
            return self.input(Input::Event(Box::new(event)));
        }
        self.framework += u64::from(subscribe.framework_info.id.is_none() && self.known);
        self.known = true;
        self.removed = false;
        self.suppressed = !subscribe.suppressed_roles.is_empty();
        let framework_id = FrameworkId::new(format!("framework-{}", self.framework));
        let master_info = Some(MasterInfo { id: format!("master-{}", self.master), ..MasterInfo::default() });
        let mut event = Event::default();
        event.set_type(event::Type::Subscribed);
        event.subscribed =
            Some(event::Subscribed { framework_id, heartbeat_interval_seconds: Some(15.0), master_info });
        self.next_allocation = self.now;
        self.input(Input::Event(Box::new(event)));
    }

    pub fn disconnect(&mut self) {
        self.connected = false;
        self.inbox.clear();
        self.input(Input::Disconnected { reason: "connection closed".to_owned() });
    }

    pub fn fail_over_master(&mut self) {
        self.master += 1;
        self.removed = false;
        self.marked.clear();
        self.reach = [Reach::Away; AGENTS];
        self.disconnect();
    }

    /// An operator removes the framework: the master kills its tasks.
    pub fn remove_framework(&mut self) {
        self.removed = true;
        self.tasks.clear();
        self.disconnect();
    }

    pub fn crash_scheduler(&mut self) {
        self.connected = false;
        self.inbox.clear();
        let seed = self.rng.random();
        self.scheduler = Scheduler::new(self.now, options(), self.config.clone(), self.disk.clone(), seed);
    }

    pub fn partition(&mut self, agent: usize) {
        self.reach[agent] = Reach::Away;
        self.marked.insert(agent);
        self.offers.retain(|_, offered| *offered != agent);
        let lost = self.tasks.iter().filter(|(_, task)| task.agent == agent && task.is_alive());
        let lost: Vec<_> = lost.map(|(id, _)| id.clone()).collect();
        lost.iter().for_each(|id| self.send_state(id, TaskState::TaskUnreachable, Some(agent)));
    }

    pub fn heal(&mut self, agent: usize) {
        if self.reach[agent] == Reach::Away {
            self.reach[agent] = Reach::Up;
            self.marked.remove(&agent);
            self.declined.remove(&agent);
            let back: Vec<_> = self
                .tasks
                .iter()
                .filter(|(_, t)| t.agent == agent)
                .map(|(id, t)| (id.clone(), t.state))
                .collect();
            back.iter().for_each(|(id, state)| self.send_state(id, *state, Some(agent)));
        }
    }

    pub fn fail_task(&mut self, at: usize, state: TaskState) {
        let alive: Vec<_> =
            self.tasks.iter().filter(|(_, task)| task.is_alive()).map(|(id, _)| id.clone()).collect();
        if let Some(id) = (!alive.is_empty()).then(|| &alive[at % alive.len()]) {
            self.becomes(id, state);
        }
    }

    pub fn configure(&mut self, config: SchedulerConfig) {
        if config.num_of_node != self.config.num_of_node {
            self.reached = None;
        }
        self.config = config.clone();
        self.input(Input::Configure(Box::new(config)));
    }

    /// Lets time pass in steps of 100 ms: the network delivers, agents send again, the master allocates.
    pub fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while self.now < end {
            self.now = self.now + Duration::from_millis(100);
            if !self.connected && self.rng.random_bool(0.5) {
                self.connect();
            }
            self.send_updates();
            self.allocate();
            self.deliver();
            if self.scheduler.next_deadline().is_some_and(|at| at <= self.now) {
                self.input(Input::Tick);
            }
        }
    }

    fn send_updates(&mut self) {
        let now = self.now;
        let mut due = Vec::new();
        for task in self.tasks.values_mut().filter(|task| self.reach[task.agent] == Reach::Up) {
            if let Some(update) = task.updates.front().filter(|_| task.resend_at <= now) {
                due.push(update.clone());
                task.resend_at = now + Duration::from_secs(10);
            }
        }
        if self.connected {
            due.into_iter().for_each(|status| self.send_update(status));
        }
    }

    fn allocate(&mut self) {
        if !self.connected || self.suppressed || self.now < self.next_allocation {
            return;
        }
        self.next_allocation = self.now + Duration::from_secs(1);
        let offered: Vec<_> = (0..AGENTS).filter(|agent| self.is_offerable(*agent)).collect();
        let offers: Vec<_> = offered.into_iter().map(|agent| self.offer(agent)).collect();
        if !offers.is_empty() {
            let mut event = Event { offers: Some(event::Offers { offers }), ..Event::default() };
            event.set_type(event::Type::Offers);
            self.inbox.push_back(event);
        }
    }

    fn free(&self, agent: usize) -> usize {
        let used = self.tasks.values().filter(|task| task.agent == agent && task.is_alive()).count();
        CPUS_PER_AGENT.saturating_sub(used)
    }

    fn is_offerable(&self, agent: usize) -> bool {
        self.reach[agent] == Reach::Up
            && self.free(agent) > 0
            && !self.declined.contains(&agent)
            && !self.offers.values().any(|offered| *offered == agent)
    }

    fn offer(&mut self, agent: usize) -> Offer {
        self.serial += 1;
        let id = OfferId::new(format!("o{}", self.serial));
        self.offers.insert(id.clone(), agent);
        let resources =
            vec![scalar("cpus", self.free(agent) as f64), scalar("mem", 10_000.0), scalar("disk", 1_000.0)];
        Offer {
            id,
            framework_id: FrameworkId::new("f"),
            agent_id: agent_id(agent),
            hostname: format!("host-{agent}"),
            resources,
            ..Offer::default()
        }
    }

    fn deliver(&mut self) {
        for _ in 0..1000 {
            let Some(event) = self.inbox.pop_front() else { return };
            let is_update = event.r#type() == event::Type::Update;
            let has_uuid = event.update.as_ref().is_some_and(|update| update.status.uuid.is_some());
            if is_update && has_uuid && std::mem::take(&mut self.lose_next_event) {
                continue;
            }
            if is_update && std::mem::take(&mut self.double_next_event) {
                self.input(Input::Event(Box::new(event.clone())));
            }
            self.input(Input::Event(Box::new(event)));
        }
        panic!("the scheduler and the master never come to rest");
    }

    /// Heals everything and waits; then exactly what is wanted runs, as it is wanted, and every update is acknowledged.
    pub fn settle(&mut self) {
        self.lose_next_call = false;
        self.lose_next_event = false;
        (0..AGENTS).for_each(|agent| self.heal(agent));
        self.pass(Duration::from_secs(300));
        let running: Vec<_> = self.tasks.values().filter(|task| task.is_alive()).collect();
        assert!(running.iter().all(|task| task.state == TaskState::TaskRunning));
        assert_eq!(running.len(), self.config.num_of_node as usize, "{}", self.scheduler.state().summary);
        let unacknowledged: usize = self.tasks.values().map(|task| task.updates.len()).sum();
        assert_eq!(unacknowledged, 0, "updates without acknowledgement");
        let counts = self.scheduler.counts();
        assert_eq!((counts.running, counts.outdated), (running.len() as u64, 0), "{counts:?}");
    }
}

/// The tasks of an operation, each with the kind of executor that it wants.
fn launched(operation: &offer::Operation) -> Vec<(&TaskInfo, Executor)> {
    let of = |task: &TaskInfo| match (&task.executor, &task.container) {
        (Some(_), _) => Executor::Custom,
        (None, Some(_)) => Executor::Docker,
        (None, None) => Executor::Command,
    };
    let alone = operation.launch.iter().flat_map(|launch| &launch.task_infos).map(|task| (task, of(task)));
    let groups = operation.launch_group.iter().flat_map(|group| &group.task_group.tasks);
    alone.chain(groups.map(|task| (task, Executor::Default))).collect()
}

fn agent_id(agent: usize) -> AgentId {
    AgentId::new(format!("agent-{agent}"))
}
