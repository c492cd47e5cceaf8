//! A world around a master: schedulers, agents and operators that may do anything at any time. Four bytes are one event.

use std::time::Duration;

use bytes::Bytes;

use crate::{
    engine::{
        master::{Effect, Input, Master, MasterConfig, Output, Reply, StreamId, SubscriberId},
        wire::{AgentLink, AgentRegistration, Running, StatusUpdate, ToAgent, ToMaster},
    },
    mesos::{
        resources::Resources,
        time::Time,
        v1::{
            AgentId, AgentInfo, ExecutorInfo, Filters, FrameworkId, FrameworkInfo, Offer, OfferId, Task,
            TaskId, TaskInfo, TaskState, TaskStatus, WeightInfo,
            framework_info::{Capability, capability},
            master, offer,
            scheduler::{
                Call,
                call::{self, Type},
            },
        },
    },
};

#[derive(Default)]
struct Scheduler {
    id: Option<FrameworkId>,
    stream: Option<StreamId>,
    offers: Vec<Offer>,
    /// Updates to acknowledge.
    updates: Vec<TaskStatus>,
}

#[derive(Default)]
struct Agent {
    id: Option<AgentId>,
    link: Option<AgentLink>,
    total: u8,
    tasks: Vec<Task>,
    executors: Vec<(FrameworkId, ExecutorInfo)>,
    frameworks: Vec<FrameworkInfo>,
}

pub struct World {
    pub master: Master,
    now: Time,
    schedulers: [Scheduler; 3],
    agents: [Agent; 3],
    subscribers: Vec<SubscriberId>,
    serial: u64,
}

fn uuid(serial: u64) -> [u8; 16] {
    (u128::from(serial) | 4 << 76).to_be_bytes()
}

fn start() -> Time {
    Time::from_epoch(Duration::from_secs(1_000_000))
}

impl World {
    pub fn new(seed: u64) -> Self {
        let config = MasterConfig {
            offer_timeout: seed.is_multiple_of(2).then_some(Duration::from_secs(20)),
            max_completed_frameworks: 3,
            max_completed_tasks_per_framework: 4,
            max_unreachable_tasks_per_framework: 2,
            ..MasterConfig::default()
        };
        Self {
            master: Master::new(config, start(), seed),
            now: start(),
            schedulers: Default::default(),
            agents: Default::default(),
            subscribers: Vec::new(),
            serial: 0,
        }
    }

    pub fn happen(&mut self, [kind, who, a, b]: [u8; 4]) -> Vec<Output> {
        let who = usize::from(who) % 3;
        let output = match kind % 64 {
            0 => self.subscribe(who, a),
            1..=5 => self.subscribe_if_alone(who, a),
            6 => self.disconnect(who),
            7..=22 => self.accept(who, a, b),
            23..=25 => self.decline(who, a),
            26..=28 => self.call(who, revival(a)),
            29..=31 => self.kill(who, a, b),
            32..=39 => self.acknowledge(who, a),
            40..=41 => self.call(who, reconciliation(a)),
            42 => self.leave(who, a, b),
            43..=46 => self.register(who),
            47 => self.lose(who, a),
            48..=57 => self.update(who, a, b),
            58 => self.operate(who, a, b),
            59 => self.settle(who, a, b),
            _ => return self.pass(u64::from(a) * u64::from(b)),
        };
        output.into_iter().collect()
    }

    pub fn input(&mut self, input: Input) -> Option<Output> {
        let output = self.master.handle(self.now, input);
        for effect in &output.effects {
            self.witness(effect);
        }
        Some(output)
    }

    /// Time goes on; the master is called whenever it wants to be.
    fn pass(&mut self, millis: u64) -> Vec<Output> {
        let end = self.now + Duration::from_millis(millis);
        let mut outputs = Vec::new();
        while let Some(deadline) = self.master.next_deadline().filter(|deadline| *deadline <= end) {
            assert!(outputs.len() < 100_000, "the master wants to be called for ever");
            self.now = self.now.max(deadline);
            outputs.extend(self.input(Input::Tick));
            outputs.extend(self.answer_pings(&outputs.last().cloned().unwrap_or_default()));
        }
        self.now = end;
        outputs
    }

    /// The agents of even links are alive.
    fn answer_pings(&mut self, output: &Output) -> Vec<Output> {
        let pinged = output.effects.iter().filter_map(|effect| match effect {
            Effect::Agent { link, message } => match **message {
                ToAgent::Ping { observer, .. } => Some((*link, observer)),
                _ => None,
            },
            _ => None,
        });
        let alive: Vec<_> = pinged.filter(|(link, _)| link.0.is_multiple_of(2)).collect();
        let pong = |(link, observer)| Input::Agent { link, message: Box::new(ToMaster::Pong { observer }) };
        alive.into_iter().filter_map(|ping| self.input(pong(ping))).collect()
    }

    fn witness(&mut self, effect: &Effect) {
        match effect {
            Effect::AgentGone { .. } | Effect::Registry(_) | Effect::Log(_) => {}
            Effect::Event { stream, event } => {
                let Some(scheduler) =
                    self.schedulers.iter_mut().find(|it| it.stream.as_ref() == Some(stream))
                else {
                    return;
                };
                if let Some(subscribed) = &event.subscribed {
                    scheduler.id = Some(subscribed.framework_id.clone());
                }
                if let Some(rescind) = &event.rescind {
                    scheduler.offers.retain(|offer| offer.id != rescind.offer_id);
                }
                scheduler.offers.extend(event.offers.iter().flat_map(|it| it.offers.clone()));
                scheduler
                    .updates
                    .extend(event.update.iter().map(|it| it.status.clone()).filter(|it| it.uuid.is_some()));
            }
            Effect::Close { stream } => {
                for scheduler in self.schedulers.iter_mut().filter(|it| it.stream.as_ref() == Some(stream)) {
                    scheduler.stream = None;
                }
            }
            Effect::Agent { link, message } => {
                if let Some(agent) = self.agents.iter_mut().find(|it| it.link == Some(*link)) {
                    agent.hear(message);
                }
            }
            Effect::OperatorEvent { .. } => {}
        }
    }

    fn subscribe(&mut self, who: usize, variant: u8) -> Option<Output> {
        let id = self.schedulers[who].id.clone().filter(|_| variant & 1 == 0);
        let mut kinds = vec![capability::Type::MultiRole];
        kinds.extend((variant & 2 == 0).then_some(capability::Type::PartitionAware));
        let framework_info = FrameworkInfo {
            user: "root".into(),
            name: "random".into(),
            id: id.clone(),
            checkpoint: Some(variant & 4 == 0),
            failover_timeout: Some(f64::from(variant & 8) * 3.0),
            roles: vec![if variant & 16 == 0 { "*" } else { "dev" }.into()],
            capabilities: kinds.into_iter().map(|it| Capability { r#type: Some(it.into()) }).collect(),
            ..FrameworkInfo::default()
        };
        let subscribe = Some(call::Subscribe { framework_info, ..call::Subscribe::default() });
        let call =
            Call { framework_id: id, r#type: Some(Type::Subscribe.into()), subscribe, ..Call::default() };
        let output = self.master.handle(self.now, Input::Call { stream: None, call: Box::new(call) });
        if let Some(Reply::Stream(stream)) = &output.reply {
            self.schedulers[who] = Scheduler { stream: Some(stream.clone()), ..Scheduler::default() };
        }
        output.effects.iter().for_each(|effect| self.witness(effect));
        Some(output)
    }

    fn subscribe_if_alone(&mut self, who: usize, variant: u8) -> Option<Output> {
        if self.schedulers[who].stream.is_some() { None } else { self.subscribe(who, variant) }
    }

    fn disconnect(&mut self, who: usize) -> Option<Output> {
        let stream = self.schedulers[who].stream.take()?;
        self.input(Input::Disconnected(stream))
    }

    pub fn call(&mut self, who: usize, call: Call) -> Option<Output> {
        let scheduler = &self.schedulers[who];
        let call = Box::new(Call { framework_id: scheduler.id.clone(), ..call });
        let stream = scheduler.stream.clone();
        self.input(Input::Call { stream, call })
    }

    fn accept(&mut self, who: usize, a: u8, b: u8) -> Option<Output> {
        let offers: Vec<Offer> = match a % 32 {
            0 => self.schedulers[who].offers.clone(),
            1 => Vec::new(),
            2 => self.schedulers[(who + 1) % 3].offers.first().cloned().into_iter().collect(),
            _ => self.schedulers[who].offers.pop().into_iter().collect(),
        };
        if offers.is_empty() && a % 32 != 1 {
            return None;
        }
        let agent_id = offers.first().map(|offer| offer.agent_id.clone()).unwrap_or_default();
        let task_infos = (0..b % 4).map(|_| self.task(&agent_id, b)).collect();
        let launch = offer::operation::Launch { task_infos };
        let kind = offer::operation::Type::Launch;
        let operation =
            offer::Operation { r#type: Some(kind.into()), launch: Some(launch), ..Default::default() };
        let accept = call::Accept {
            offer_ids: offers.into_iter().map(|offer| offer.id).collect(),
            operations: vec![operation],
            filters: Some(Filters { refuse_seconds: Some(f64::from(b % 3)) }),
        };
        self.call(who, Call { r#type: Some(Type::Accept.into()), accept: Some(accept), ..Call::default() })
    }

    fn task(&mut self, agent_id: &AgentId, b: u8) -> TaskInfo {
        self.serial += u64::from(!b.is_multiple_of(5));
        let executor = (b & 32 != 0).then(|| executor(b));
        TaskInfo {
            name: "task".into(),
            task_id: TaskId::new(format!("t{}", self.serial)),
            agent_id: agent_id.clone(),
            resources: resources(&format!("cpus:{};mem:{}", f64::from(b % 7) / 4.0, u32::from(b) * 8)),
            command: executor.is_none().then(Default::default),
            executor,
            ..TaskInfo::default()
        }
    }

    fn decline(&mut self, who: usize, a: u8) -> Option<Output> {
        let mut offer_ids: Vec<OfferId> =
            std::mem::take(&mut self.schedulers[who].offers).into_iter().map(|it| it.id).collect();
        offer_ids.push(OfferId::new("unknown"));
        let filters = Some(Filters { refuse_seconds: Some(f64::from(a) - 3.0) });
        let decline = Some(call::Decline { offer_ids, filters });
        self.call(who, Call { r#type: Some(Type::Decline.into()), decline, ..Call::default() })
    }

    fn kill(&mut self, who: usize, a: u8, b: u8) -> Option<Output> {
        let known = self.agents[usize::from(a) % 3].tasks.get(usize::from(b) % 4);
        let task_id = known.map_or_else(|| TaskId::new("unknown"), |task| task.task_id.clone());
        let agent_id = (b & 64 != 0).then(|| AgentId::new("somewhere"));
        let kill = Some(call::Kill { task_id, agent_id, kill_policy: None });
        self.call(who, Call { r#type: Some(Type::Kill.into()), kill, ..Call::default() })
    }

    fn acknowledge(&mut self, who: usize, a: u8) -> Option<Output> {
        let updates = &mut self.schedulers[who].updates;
        if updates.is_empty() {
            return None;
        }
        let status = updates.remove(usize::from(a) % updates.len());
        let acknowledge = Some(call::Acknowledge {
            agent_id: status.agent_id.unwrap_or_default(),
            task_id: status.task_id,
            uuid: status.uuid.unwrap_or_default(),
        });
        self.call(who, Call { r#type: Some(Type::Acknowledge.into()), acknowledge, ..Call::default() })
    }

    fn leave(&mut self, who: usize, a: u8, b: u8) -> Option<Output> {
        match a % 4 {
            0 => self.call(who, Call { r#type: Some(Type::Teardown.into()), ..Call::default() }),
            1 => self.message(who, ToMaster::Unregister),
            2 => {
                let info = self.schedulers[who].id.clone().map(|id| FrameworkInfo {
                    id: Some(id),
                    user: "root".into(),
                    roles: vec!["dev".into(), "*".into()],
                    checkpoint: Some(b & 1 == 0),
                    capabilities: vec![Capability { r#type: Some(capability::Type::MultiRole.into()) }],
                    ..FrameworkInfo::default()
                })?;
                let update = call::UpdateFramework { framework_info: info, ..Default::default() };
                let update_framework = Some(update);
                self.call(
                    who,
                    Call { r#type: Some(Type::UpdateFramework.into()), update_framework, ..Call::default() },
                )
            }
            _ => self.call(who, Call { r#type: Some(i32::from(b)), ..Call::default() }),
        }
    }

    fn register(&mut self, who: usize) -> Option<Output> {
        self.serial += 1;
        let agent = &mut self.agents[who];
        let link = *agent.link.get_or_insert(AgentLink(self.serial));
        let info = AgentInfo {
            id: agent.id.clone(),
            hostname: "localhost".into(),
            resources: resources(&agent.total()),
            ..AgentInfo::default()
        };
        let pid = format!("slave(1)@127.0.0.1:{}", 5051 + who);
        let registration = AgentRegistration::new(info, pid);
        let message = match agent.id {
            None => ToMaster::Register(registration),
            Some(_) => ToMaster::Reregister {
                registration,
                running: Running {
                    tasks: agent.tasks.clone(),
                    executors: agent.executors.clone(),
                    frameworks: agent.frameworks.clone(),
                    completed: Vec::new(),
                },
            },
        };
        self.input(Input::Agent { link, message: Box::new(message) })
    }

    fn message(&mut self, who: usize, message: ToMaster) -> Option<Output> {
        let link = self.agents[who].link?;
        let is_last = message == ToMaster::Unregister;
        let output = self.input(Input::Agent { link, message: Box::new(message) });
        if is_last {
            self.agents[who] = Agent::default();
        }
        output
    }

    fn lose(&mut self, who: usize, a: u8) -> Option<Output> {
        let agent = &mut self.agents[who];
        let link = agent.link.take()?;
        if a & 1 == 0 {
            *agent = Agent { id: agent.id.take(), total: agent.total, ..Agent::default() };
        }
        if a & 6 == 6 {
            agent.id = None;
        }
        self.input(Input::AgentLost(link))
    }

    fn update(&mut self, who: usize, a: u8, b: u8) -> Option<Output> {
        if b.is_multiple_of(11) {
            return self.message(who, ToMaster::Pong { observer: self.serial % 5 });
        }
        if b.is_multiple_of(13) {
            let agent = &mut self.agents[who];
            agent.total = agent.total.saturating_add(1);
            let total = resources(&agent.total());
            return self.message(who, ToMaster::Update { total: Some(total) });
        }
        let agent = &mut self.agents[who];
        if b.is_multiple_of(17) {
            let (framework_id, executor) = agent.executors.pop()?;
            let executor_id = executor.executor_id;
            return self.message(who, ToMaster::ExitedExecutor { framework_id, executor_id, status: 0 });
        }
        let task = agent.tasks.get_mut(usize::from(a) % 4)?;
        self.serial += 1;
        let state = TaskState::try_from(i32::from(b) % 14).unwrap_or_default();
        let latest = (a & 64 != 0).then_some(TaskState::TaskFinished);
        task.set_state(latest.unwrap_or(state));
        let status = TaskStatus {
            task_id: task.task_id.clone(),
            state: state.into(),
            agent_id: agent.id.clone(),
            uuid: Some(Bytes::copy_from_slice(&uuid(self.serial))),
            ..TaskStatus::default()
        };
        let framework_id = task.framework_id.clone();
        let update = StatusUpdate { framework_id, executor_id: None, status, latest_state: latest };
        self.message(who, ToMaster::StatusUpdate(update))
    }

    fn operate(&mut self, who: usize, a: u8, b: u8) -> Option<Output> {
        let agent_id = self.agents[who].id.clone().unwrap_or_default();
        let framework_id = self.schedulers[who].id.clone().unwrap_or_default();
        let mut call = master::Call::default();
        match a % 7 {
            0 => {
                call.set_type(master::call::Type::MarkAgentGone);
                call.mark_agent_gone = Some(master::call::MarkAgentGone { agent_id });
            }
            1 => {
                call.set_type(master::call::Type::DeactivateAgent);
                call.deactivate_agent = Some(master::call::DeactivateAgent { agent_id });
            }
            2 => {
                call.set_type(master::call::Type::ReactivateAgent);
                call.reactivate_agent = Some(master::call::ReactivateAgent { agent_id });
            }
            3 => {
                call.set_type(master::call::Type::Teardown);
                call.teardown = Some(master::call::Teardown { framework_id });
            }
            4 => {
                let info = WeightInfo { role: Some("dev".into()), weight: f64::from(b) - 1.0 };
                call.set_type(master::call::Type::UpdateWeights);
                call.update_weights = Some(master::call::UpdateWeights { weight_infos: vec![info] });
            }
            5 => return self.watch(),
            _ => call.r#type = Some(i32::from(b)),
        }
        self.input(Input::Operator(Box::new(call)))
    }

    fn watch(&mut self) -> Option<Output> {
        if let Some(subscriber) = self.subscribers.pop() {
            return self.input(Input::OperatorGone(subscriber));
        }
        let output = self.input(Input::OperatorSubscribe)?;
        if let Some(Reply::Subscriber(subscriber)) = &output.reply {
            self.subscribers.push(*subscriber);
        }
        Some(output)
    }
}

impl Agent {
    fn total(&self) -> String {
        format!(
            "cpus:{};mem:{};ports:[31000-31100]",
            4 + u32::from(self.total),
            4096 + 64 * u32::from(self.total)
        )
    }

    fn hear(&mut self, message: &ToAgent) {
        match message {
            ToAgent::Registered { agent_id, .. } | ToAgent::Reregistered { agent_id, .. } => {
                self.id = Some(agent_id.clone())
            }
            ToAgent::RunTask { framework, task, .. } => self.run(framework, task),
            ToAgent::ShutdownFramework { framework_id } => {
                self.tasks.retain(|task| task.framework_id != *framework_id);
                self.executors.retain(|(framework, _)| framework != framework_id);
                self.frameworks.retain(|framework| framework.id.as_ref() != Some(framework_id));
            }
            ToAgent::Shutdown { .. } => *self = Self::default(),
            _ => {}
        }
    }

    fn run(&mut self, framework: &FrameworkInfo, task: &TaskInfo) {
        let id = framework.id.clone().unwrap_or_default();
        self.frameworks.retain(|known| known.id != framework.id);
        self.frameworks.push(framework.clone());
        if let Some(executor) = &task.executor {
            self.executors.retain(|(known, it)| *known != id || it.executor_id != executor.executor_id);
            self.executors.push((id.clone(), executor.clone()));
        }
        self.tasks.push(super::super::tasks::staged(task, &id));
    }
}

fn executor(b: u8) -> ExecutorInfo {
    ExecutorInfo {
        r#type: Some(crate::mesos::v1::executor_info::Type::Custom.into()),
        executor_id: format!("e{}", b % 2).into(),
        command: Some(Default::default()),
        resources: resources("cpus:0.1;mem:32"),
        ..ExecutorInfo::default()
    }
}

fn resources(text: &str) -> Vec<crate::mesos::v1::Resource> {
    Resources::parse(text, "*").unwrap_or_default().to_protos()
}

fn revival(a: u8) -> Call {
    let roles: Vec<String> = if a & 2 == 0 { Vec::new() } else { vec!["dev".into()] };
    match a & 1 {
        0 => Call {
            r#type: Some(Type::Revive.into()),
            revive: Some(call::Revive { roles }),
            ..Call::default()
        },
        _ => Call {
            r#type: Some(Type::Suppress.into()),
            suppress: Some(call::Suppress { roles }),
            ..Call::default()
        },
    }
}

fn reconciliation(a: u8) -> Call {
    let tasks = (0..a % 3)
        .map(|n| call::reconcile::Task { task_id: TaskId::new(format!("t{}", a + n)), agent_id: None })
        .collect();
    Call {
        r#type: Some(Type::Reconcile.into()),
        reconcile: Some(call::Reconcile { tasks }),
        ..Call::default()
    }
}
