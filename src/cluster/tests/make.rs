//! Messages of a master and of our scheduler, as short as a test wants them.

use std::time::Duration;

use crate::{
    cluster::{Change, ClusterView},
    mesos::{
        attributes,
        resources::Resources,
        time::Time,
        v1::{
            self, TaskState,
            master::{
                Event,
                event::{self, Type},
                response::{GetAgents, GetFrameworks, GetState, GetTasks, get_agents, get_frameworks},
            },
            task_status::Reason,
        },
    },
    scheduler::{
        api::{self, ConfigView, Counts, OfferView, Phase, SchedulerConfig, TaskView},
        quantities::Quantities,
    },
};

pub const OURS: &str = "F-ours";
pub const START: f64 = 1_000_000.0;

/// So many seconds after the start of the test.
pub fn at(seconds: f64) -> Time {
    Time::from_epoch(Duration::from_secs_f64(START + seconds))
}

pub fn resources(text: &str) -> Vec<v1::Resource> {
    Resources::parse(text, "*").unwrap().to_protos()
}

/// With 4 cpus, `used` of them as it says.
pub fn agent(id: &str, hostname: &str, used: &str) -> get_agents::Agent {
    let total = resources("cpus:4;mem:4096;disk:10240;ports:[31000-31099]");
    get_agents::Agent {
        agent_info: v1::AgentInfo {
            id: Some(id.into()),
            hostname: hostname.to_owned(),
            port: Some(5051),
            resources: total.clone(),
            attributes: attributes::parse("rack:a").unwrap(),
            ..Default::default()
        },
        active: true,
        version: "1.11.0".to_owned(),
        pid: Some("slave(1)@127.0.0.1:5051".to_owned()),
        registered_time: Some(v1::TimeInfo { nanoseconds: at(0.0).as_nanos() }),
        total_resources: total,
        allocated_resources: Resources::parse(used, "*").unwrap().allocated("*").to_protos(),
        ..Default::default()
    }
}

pub fn framework(id: &str, name: &str) -> get_frameworks::Framework {
    get_frameworks::Framework {
        framework_info: v1::FrameworkInfo {
            id: Some(id.into()),
            name: name.to_owned(),
            user: "me".to_owned(),
            roles: vec!["*".to_owned()],
            ..Default::default()
        },
        active: true,
        connected: true,
        recovered: false,
        ..Default::default()
    }
}

pub fn status(id: &str, state: TaskState, seconds: f64) -> v1::TaskStatus {
    v1::TaskStatus {
        task_id: id.into(),
        state: state.into(),
        timestamp: Some(START + seconds),
        ..Default::default()
    }
}

pub fn failed(id: &str, seconds: f64) -> v1::TaskStatus {
    v1::TaskStatus {
        message: Some("Command exited with status 1".to_owned()),
        reason: Some(Reason::CommandExecutorFailed.into()),
        ..status(id, TaskState::TaskFailed, seconds)
    }
}

/// A task with its statuses, in the state of the last; staging without any.
pub fn task(framework: &str, id: &str, agent: &str, statuses: Vec<v1::TaskStatus>) -> v1::Task {
    v1::Task {
        name: id.to_owned(),
        task_id: id.into(),
        framework_id: framework.into(),
        agent_id: agent.into(),
        state: statuses.last().map_or(TaskState::TaskStaging.into(), |last| last.state),
        resources: resources("cpus:0.1;mem:32;ports:[31000-31001]"),
        statuses,
        ..Default::default()
    }
}

pub fn running(framework: &str, id: &str, agent: &str, seconds: f64) -> v1::Task {
    task(framework, id, agent, vec![status(id, TaskState::TaskRunning, seconds)])
}

/// What a master tells at the beginning of a stream.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    pub agents: Vec<get_agents::Agent>,
    pub frameworks: Vec<get_frameworks::Framework>,
    pub tasks: Vec<v1::Task>,
    pub completed: Vec<v1::Task>,
}

impl Snapshot {
    pub fn state(self) -> GetState {
        let Self { agents, frameworks, tasks, completed } = self;
        GetState {
            get_tasks: Some(GetTasks { tasks, completed_tasks: completed, ..Default::default() }),
            get_executors: None,
            get_frameworks: Some(GetFrameworks { frameworks, ..Default::default() }),
            get_agents: Some(GetAgents { agents, recovered_agents: Vec::new() }),
        }
    }

    pub fn change(self) -> Change {
        Change::Snapshot(Box::new(self.state().into()))
    }

    pub fn refresh(self) -> Change {
        let state = self.state();
        Change::Refresh {
            agents: Box::new(state.get_agents.unwrap()),
            frameworks: Box::new(state.get_frameworks.unwrap()),
        }
    }
}

/// Two agents, our framework and another one, one running task of each, and one that failed.
pub fn cluster() -> Snapshot {
    Snapshot {
        agents: vec![agent("A1", "agent-1", "cpus:0.2;mem:64"), agent("A2", "agent-2", "")],
        frameworks: vec![framework(OURS, "web"), framework("F-other", "spark")],
        tasks: vec![running(OURS, "web.0", "A1", 1.0), running("F-other", "job", "A1", 2.0)],
        completed: vec![task(OURS, "web.1", "A2", vec![failed("web.1", 3.0)])],
    }
}

pub fn event(kind: Type) -> Event {
    Event { r#type: Some(kind.into()), ..Event::default() }
}

pub fn task_added(task: v1::Task) -> Event {
    Event { task_added: Some(event::TaskAdded { task }), ..event(Type::TaskAdded) }
}

pub fn task_updated(framework: &str, status: v1::TaskStatus) -> Event {
    let update = event::TaskUpdated { framework_id: framework.into(), state: status.state, status };
    Event { task_updated: Some(update), ..event(Type::TaskUpdated) }
}

pub fn agent_added(agent: get_agents::Agent) -> Event {
    Event { agent_added: Some(event::AgentAdded { agent }), ..event(Type::AgentAdded) }
}

pub fn agent_removed(id: &str) -> Event {
    Event { agent_removed: Some(event::AgentRemoved { agent_id: id.into() }), ..event(Type::AgentRemoved) }
}

pub fn framework_updated(framework: get_frameworks::Framework) -> Event {
    let framework_updated = Some(event::FrameworkUpdated { framework });
    Event { framework_updated, ..event(Type::FrameworkUpdated) }
}

pub fn framework_removed(framework: get_frameworks::Framework) -> Event {
    let framework_info = framework.framework_info;
    let framework_removed = Some(event::FrameworkRemoved { framework_info });
    Event { framework_removed, ..event(Type::FrameworkRemoved) }
}

pub fn change(event: Event) -> Change {
    Change::Event(Box::new(event))
}

pub fn scheduler(event: api::Event) -> Change {
    Change::Scheduler(Box::new(event))
}

pub fn state() -> api::State {
    api::State {
        name: "web".to_owned(),
        framework_id: Some(OURS.to_owned()),
        phase: Phase::Subscribed,
        master: Some("http://127.0.0.1:5050".to_owned()),
        problem: None,
        config_version: 1,
        suppressed: false,
        counts: Counts { wanted: 3, running: 1, ..Counts::default() },
        summary: "1/3 tasks running".to_owned(),
        version: "0.1.0".to_owned(),
        started_at: START,
    }
}

pub fn config(num_of_node: u32) -> ConfigView {
    ConfigView { version: 1, config: SchedulerConfig { num_of_node, ..SchedulerConfig::default() } }
}

pub fn view(id: &str, slot: u32) -> TaskView {
    TaskView {
        id: id.to_owned(),
        slot: Some(slot),
        state: "TASK_RUNNING".to_owned(),
        agent_id: Some("A1".to_owned()),
        hostname: "agent-1".to_owned(),
        ports: Vec::new(),
        config_version: 1,
        outdated: false,
        executor: api::Executor::Command,
        healthy: None,
        killing: None,
        launched_at: START + f64::from(slot),
        running_since: None,
        updated_at: START,
        message: None,
        reason: None,
        restarts: 2,
    }
}

pub fn offer_view(id: &str, verdict: api::Verdict, reason: &str) -> OfferView {
    OfferView {
        id: id.to_owned(),
        at: START + 4.0,
        agent_id: "A1".to_owned(),
        hostname: "agent-1".to_owned(),
        role: "*".to_owned(),
        resources: Quantities { cpus: 4.0, mem: 4096.0, ..Quantities::default() },
        verdict,
        reason: reason.to_owned(),
        tasks: Vec::new(),
        refuse_seconds: 5.0,
    }
}

/// What a scheduler of ours tells at the beginning of its stream.
pub fn scheduler_snapshot(tasks: Vec<TaskView>) -> Change {
    scheduler(api::Event::Snapshot {
        state: Box::new(state()),
        tasks,
        config: Box::new(config(3)),
        ended: Vec::new(),
        offers: Vec::new(),
    })
}

/// A cluster to which all this has happened, one thing a second.
pub fn view_of(changes: impl IntoIterator<Item = Change>) -> ClusterView {
    let mut view = ClusterView::default();
    for (second, change) in changes.into_iter().enumerate() {
        view.apply(at(10.0 + second as f64), change);
    }
    view
}
