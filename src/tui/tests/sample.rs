//! Models to look at: no cluster yet, a small lab, a failing one, a big cluster.

use std::{sync::Arc, time::Duration};

use ratatui::layout::Size;

use crate::{
    cluster::{
        Gauges, Master,
        agent::{Agent, AgentState},
        component::{self, Component, Container, Health},
        framework::{Framework, FrameworkState},
        history::{self, Happening, Weight},
        link::Link,
        offer::{Offer, Verdict},
        scheduler::SchedulerView,
        task::{More, Ours, Status, Task},
    },
    mesos::{
        time::Time,
        v1::{self, TaskState},
    },
    scheduler::{
        api::{ConfigView, Counts, Phase, State},
        config::SchedulerConfig,
        quantities::Quantities,
    },
    tui::{
        model::{Lab, Model},
        theme::Theme,
    },
};

/// 2026-01-01 12:00:00 UTC.
pub const NOON: Time = Time::from_epoch(Duration::from_secs(1_767_268_800));

/// `seconds` before noon.
pub fn ago(seconds: u64) -> Time {
    NOON - Duration::from_secs(seconds)
}

/// Nothing is known yet: the first try to reach the master is under way.
pub fn empty() -> Model {
    let lab = Lab { name: "demo".to_owned(), provider: "embedded".to_owned() };
    Model::new(NOON, Size::new(100, 30), lab, Theme::dark(), false)
}

/// Three agents, five running tasks and one that has failed, offers, events.
pub fn lab() -> Model {
    let mut model = empty();
    connect(&mut model);
    let cluster = &mut model.cluster;
    for number in 1..=3 {
        let agent = agent(number);
        cluster.agents.put(&agent.id.clone(), agent);
    }
    for slot in 0..5 {
        let task = task(u64::from(slot), slot, TaskState::TaskRunning);
        cluster.tasks.put(&task.id.clone(), task);
    }
    let failed = failed(5, 2);
    cluster.tasks.put(&failed.id.clone(), failed);
    let framework = framework();
    cluster.frameworks.put(&framework.id.clone(), framework);
    for offer in offers() {
        cluster.offers.put(&offer.id.clone(), offer);
    }
    for component in components() {
        cluster.components.put(&component.name.clone(), component);
    }
    for happening in happenings() {
        cluster.history.push(happening);
    }
    sum_up(&mut model, 5, 5);
    model
}

/// The lab has lost its master and two agents, and what is left of its tasks goes from bad to worse.
pub fn failing() -> Model {
    let mut model = lab();
    let cluster = &mut model.cluster;
    cluster.master_link = Link::Lost {
        since: ago(42),
        problem: "Connection refused (os error 111)".to_owned(),
        retry_at: NOON + Duration::from_secs(3),
    };
    for (slot, state) in [(0, TaskState::TaskUnreachable), (1, TaskState::TaskStaging)] {
        let task = task(u64::from(slot), slot, state);
        cluster.tasks.put(&task.id.clone(), task);
    }
    for order in 6..12 {
        let task = failed(order, 3);
        cluster.tasks.put(&task.id.clone(), task);
    }
    for (id, state) in [("-S1", AgentState::Inactive), ("-S2", AgentState::Draining)] {
        if let Some(agent) = cluster.agents.find_mut(&format!("{MASTER_ID}{id}")) {
            agent.state = state;
        }
    }
    for (name, health, state) in [
        ("master", Health::Down, "Connection refused (os error 111)"),
        ("agent-2", Health::Degraded, "not registered with the master"),
        ("agent-3", Health::Stopped, "stopped; mesoslab agents start agent-3"),
    ] {
        if let Some(component) = cluster.components.find_mut(name) {
            (component.health, component.state) = (health, state.to_owned());
        }
    }
    sum_up(&mut model, 5, 3);
    model
}

/// `count` running tasks of ours on a hundredth as many agents.
pub fn big(count: u32) -> Model {
    let mut model = empty();
    connect(&mut model);
    let agents = (count / 100).max(1);
    for number in 1..=agents {
        let agent = agent(number);
        model.cluster.agents.put(&agent.id.clone(), agent);
    }
    for slot in 0..count {
        let mut task = task(u64::from(slot), slot, TaskState::TaskRunning);
        task.agent = format!("agent-{}", slot % agents + 1).into();
        model.cluster.tasks.put(&task.id.clone(), task);
    }
    let framework = framework();
    model.cluster.frameworks.put(&framework.id.clone(), framework);
    sum_up(&mut model, u64::from(count), u64::from(count));
    model
}

pub const MASTER_ID: &str = "bd5c4dd1-2f0e-4d8e-9b0a-6f1f8f3f2c11";

pub fn framework_id() -> Arc<str> {
    format!("{MASTER_ID}-0000").into()
}

fn connect(model: &mut Model) {
    let cluster = &mut model.cluster;
    cluster.master_link = Link::Live { since: ago(600) };
    cluster.scheduler_link = Link::Live { since: ago(600) };
    cluster.master = Master {
        url: "http://127.0.0.1:5050".to_owned(),
        id: MASTER_ID.to_owned(),
        hostname: "127.0.0.1".to_owned(),
        version: "1.12.0".to_owned(),
        started: Some(ago(3725)),
        elected: Some(ago(3720)),
    };
    cluster.rates.advance(NOON);
}

/// The sums and the scheduler's view, as folding would make them.
fn sum_up(model: &mut Model, wanted: u64, running: u64) {
    let cluster = &mut model.cluster;
    let sum = |of: fn(&Agent) -> Quantities| {
        cluster.agents.iter().fold(Quantities::default(), |sum, agent| sum.plus(&of(agent)))
    };
    cluster.gauges = Gauges { total: sum(|a| a.total), used: sum(|a| a.used), offered: sum(|a| a.offered) };
    let count = |of: fn(TaskState) -> bool| cluster.tasks.iter().filter(|task| of(task.state)).count();
    cluster.counts.running = count(|state| state == TaskState::TaskRunning);
    cluster.counts.starting = count(|state| state == TaskState::TaskStaging);
    cluster.counts.failed = count(|state| state == TaskState::TaskFailed);
    cluster.counts.unreachable = count(|state| state == TaskState::TaskUnreachable);
    let counts = Counts { wanted, running, unplaced: wanted - running, ..Counts::default() };
    let config = SchedulerConfig { num_of_node: wanted as u32, ..SchedulerConfig::default() };
    cluster.scheduler = Some(SchedulerView {
        state: State {
            name: "web".to_owned(),
            framework_id: Some(framework_id().to_string()),
            phase: Phase::Subscribed,
            master: Some("http://127.0.0.1:5050".to_owned()),
            problem: None,
            config_version: 1,
            suppressed: false,
            counts,
            summary: format!("{running}/{wanted} tasks running"),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started_at: ago(3700).as_secs_f64(),
        },
        config: ConfigView { version: 1, config },
    });
    cluster.rates.running = (0..120).map(|second| if second < 60 { second / 12 } else { running }).collect();
    cluster.rates.offers = (0..120).map(|second| [3, 0, 1, 0, 2, 5][second % 6]).collect();
    cluster.rates.launches = (0..120).map(|second| u64::from(second % 24 == 0)).collect();
}

/// One of 4 cpus with 1.5 used, and 1 offered by the first.
pub fn agent(number: u32) -> Agent {
    let total = Quantities { cpus: 4.0, mem: 4096.0, disk: 10_240.0, ports: 1001 };
    let id: Arc<str> = format!("{MASTER_ID}-S{}", number - 1).into();
    let offered = if number == 1 { quantities(1.0, 1024.0) } else { Quantities::default() };
    let rack = ["a", "b", "c"][number as usize % 3];
    Agent {
        hostname: "localhost".into(),
        name: format!("agent-{number}").into(),
        url: format!("http://127.0.0.1:{}", 5050 + number),
        version: "1.12.0".to_owned(),
        state: AgentState::Active,
        registered: Some(ago(3700)),
        reregistered: None,
        attributes: format!("rack:{rack};zone:z1"),
        total,
        used: Quantities { ports: 2, ..quantities(1.5, 768.0) },
        offered,
        tasks: 2,
        info: Arc::new(v1::AgentInfo {
            id: Some(v1::AgentId { value: id.to_string() }),
            hostname: "localhost".to_owned(),
            ..v1::AgentInfo::default()
        }),
        id,
        total_resources: Vec::new(),
        allocated_resources: Vec::new(),
    }
}

pub fn quantities(cpus: f64, mem: f64) -> Quantities {
    Quantities { cpus, mem, ..Quantities::default() }
}

/// A task of ours, a minute old for every place in the order.
pub fn task(order: u64, slot: u32, state: TaskState) -> Task {
    let started = ago(60 * (order % 50 + 1));
    let suffix = 0x1a2b_u64.wrapping_mul(order + 1) & 0xffff;
    let number = slot % 3;
    Task {
        id: format!("web.{slot}.{suffix:04x}"),
        name: format!("web.{slot}"),
        framework_id: framework_id(),
        framework: "web".into(),
        agent_id: format!("{MASTER_ID}-S{number}").into(),
        agent: format!("agent-{}", number + 1).into(),
        executor_id: format!("web.{slot}.{suffix:04x}"),
        state,
        started: Some(started),
        since: Some(started),
        healthy: (state == TaskState::TaskRunning).then_some(true),
        message: String::new(),
        history: vec![status(started, TaskState::TaskStarting), status(started, state)],
        resources: Quantities { ports: 1, ..quantities(0.5, 128.0) },
        more: More { ports: format!("{}", 31_000 + slot), ..More::default() },
        ours: Some(Ours { slot: Some(slot), config_version: 1, ..Ours::default() }),
        order,
        alias: None,
    }
}

/// A task that came to a bad end, for the `restarts`th time.
pub fn failed(order: u64, restarts: u32) -> Task {
    let mut task = task(order, 2, TaskState::TaskFailed);
    task.message = "Command exited with status 1".to_owned();
    task.since = Some(ago(30));
    task.ours = Some(Ours { restarts, ..task.ours.unwrap_or_default() });
    let reason = Some(v1::task_status::Reason::CommandExecutorFailed);
    if let Some(last) = task.history.last_mut() {
        (last.reason, last.message) = (reason, task.message.clone());
    }
    task
}

fn status(at: Time, state: TaskState) -> Status {
    let source = Some(v1::task_status::Source::Executor);
    Status { at: Some(at), state, reason: None, source, message: String::new(), healthy: None }
}

fn framework() -> Framework {
    Framework {
        id: framework_id(),
        name: "web".into(),
        user: "root".to_owned(),
        principal: String::new(),
        hostname: "localhost".to_owned(),
        webui_url: "http://127.0.0.1:8090".to_owned(),
        roles: vec!["web".to_owned()],
        capabilities: vec!["PARTITION_AWARE".to_owned()],
        state: FrameworkState::Active,
        registered: Some(ago(3700)),
        reregistered: None,
        failover_timeout: 604_800.0,
        checkpoint: true,
        used: Quantities { ports: 6, ..quantities(4.5, 2304.0) },
        offered: quantities(1.0, 1024.0),
        share: 0.375,
        tasks: 5,
        offers: 1,
        ours: true,
    }
}

fn offers() -> Vec<Offer> {
    let offer = |order: u64, verdict, reason: &str, refuse_seconds| Offer {
        id: format!("{MASTER_ID}-O{}", 40 + order),
        agent_id: format!("{MASTER_ID}-S{}", order % 3).into(),
        hostname: "localhost".into(),
        agent: format!("agent-{}", order % 3 + 1).into(),
        framework: "web".into(),
        role: "web".to_owned(),
        resources: Quantities { cpus: 3.9, mem: 3328.0, disk: 10_240.0, ports: 999 },
        at: ago(12 - 2 * order),
        verdict,
        reason: reason.to_owned(),
        tasks: Vec::new(),
        refuse_seconds,
        order,
    };
    let mut accepted = offer(0, Verdict::Accepted, "launched 1 task", 5.0);
    accepted.tasks = vec!["web.4.828f".to_owned()];
    vec![
        accepted,
        offer(1, Verdict::Declined, "cpus: wants 8, offer has 3.9", 5.0),
        offer(2, Verdict::Declined, "no more tasks wanted", 3600.0),
        offer(3, Verdict::Rescinded, "", 0.0),
        offer(4, Verdict::Gone, "", 0.0),
        offer(5, Verdict::Outstanding, "", 0.0),
    ]
}

fn components() -> Vec<Component> {
    let component = |name: &str, kind, port: u16, state: &str| Component {
        name: name.to_owned(),
        kind,
        url: format!("http://127.0.0.1:{port}"),
        health: Health::Ready,
        state: state.to_owned(),
        version: "1.12.0".to_owned(),
        started: Some(ago(3725)),
        restarts: 0,
        last_ping: Some(ago(1)),
        round_trip: Some(Duration::from_micros(850)),
        container: (name == "agent-1").then(|| Container {
            state: "running".to_owned(),
            restarts: 0,
            cores: Some(0.031),
            memory: Some(12_300_000),
        }),
    };
    vec![
        component("master", component::Kind::Master, 5050, "elected"),
        component("agent-1", component::Kind::Agent, 5051, "registered"),
        component("agent-2", component::Kind::Agent, 5052, "registered"),
        component("agent-3", component::Kind::Agent, 5053, "registered"),
        component("scheduler", component::Kind::Scheduler, 8090, "subscribed, 5/5 tasks running"),
    ]
}

fn happenings() -> Vec<Happening> {
    let happening = |seconds, kind, weight, subject: &str, text: &str| Happening {
        at: ago(seconds),
        kind,
        weight,
        subject: subject.to_owned(),
        text: text.to_owned(),
    };
    use history::Kind;
    vec![
        happening(600, Kind::Connection, Weight::Good, "master", "connected to http://127.0.0.1:5050"),
        happening(590, Kind::Agent, Weight::Info, "agent-1", "agent agent-1 is there: 4 cpus, 4096 MB"),
        happening(300, Kind::Task, Weight::Info, "web.2.9c5a", "web.2.9c5a on agent-3: staging"),
        happening(299, Kind::Task, Weight::Good, "web.2.9c5a", "web.2.9c5a on agent-3: running"),
        happening(
            30,
            Kind::Task,
            Weight::Bad,
            "web.2.9d02",
            "web.2.9d02 on agent-3: failed, Command exited with status 1",
        ),
        happening(12, Kind::Offer, Weight::Info, "O40", "offer of agent-3 accepted: 1 task launched"),
        happening(3, Kind::User, Weight::Warning, "web", "settings: num_of_node 4 → 5"),
    ]
}
