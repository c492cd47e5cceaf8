//! A cluster of any size that exists only in messages: what a master and our scheduler would tell of it.

use std::time::Duration;

use crate::{
    cluster::{Change, link::Link},
    mesos::{
        resources::Resources,
        time::Time,
        v1::{
            self, TaskState,
            master::{
                Event, event,
                response::{GetAgents, GetFrameworks, GetState, GetTasks, get_agents, get_frameworks},
            },
        },
    },
};

const FRAMEWORK: &str = "3b0c6a2e-9d5f-4f3e-8a51-0f4b7f0d9c11-0000";

/// How many tasks an agent has.
const PER_AGENT: usize = 100;

/// `tasks` running tasks.
pub struct Cluster {
    pub tasks: usize,
}

impl Cluster {
    /// The beginning of the master's stream.
    pub fn changes(&self, now: Time) -> Vec<Change> {
        vec![
            Change::MasterLink(Link::Live { since: now }),
            Change::SchedulerLink(Link::Absent { why: "this cluster has none".to_owned() }),
            Change::Snapshot(Box::new(self.state(now).into())),
        ]
    }

    /// `count` tasks that ended, spread over the cluster; `round` tells one burst from the next.
    pub fn burst(&self, now: Time, round: usize, count: usize) -> Vec<Change> {
        let apart = (self.tasks / count).max(1);
        let numbers = (0..count).map(|index| (index * apart + round) % self.tasks);
        numbers.map(|number| Change::Event(Box::new(update(number, now)))).collect()
    }

    fn state(&self, now: Time) -> GetState {
        let tasks = (0..self.tasks).map(|number| task(number, now)).collect();
        let agents = (0..self.tasks.div_ceil(PER_AGENT)).map(agent).collect();
        GetState {
            get_tasks: Some(GetTasks { tasks, ..GetTasks::default() }),
            get_frameworks: Some(GetFrameworks { frameworks: vec![framework()], ..GetFrameworks::default() }),
            get_agents: Some(GetAgents { agents, ..GetAgents::default() }),
            ..GetState::default()
        }
    }
}

fn task_id(number: usize) -> String {
    format!("bench.{number}.{:08x}", number.wrapping_mul(2_654_435_761) % (1 << 32))
}

fn agent_id(number: usize) -> String {
    format!("3b0c6a2e-9d5f-4f3e-8a51-0f4b7f0d9c11-S{number}")
}

fn resources(text: &str) -> Vec<v1::Resource> {
    Resources::parse(text, "*").map(|resources| resources.to_protos()).unwrap_or_default()
}

fn task(number: usize, now: Time) -> v1::Task {
    let started = now - Duration::from_secs(number as u64 % 86_400);
    v1::Task {
        name: "bench".to_owned(),
        task_id: v1::TaskId::new(task_id(number)),
        framework_id: v1::FrameworkId::new(FRAMEWORK),
        agent_id: v1::AgentId::new(agent_id(number / PER_AGENT)),
        state: TaskState::TaskRunning.into(),
        resources: resources("cpus:0.01;mem:32"),
        statuses: vec![status(number, TaskState::TaskRunning, started)],
        ..v1::Task::default()
    }
}

fn status(number: usize, state: TaskState, at: Time) -> v1::TaskStatus {
    v1::TaskStatus {
        task_id: v1::TaskId::new(task_id(number)),
        state: state.into(),
        timestamp: Some(at.as_secs_f64()),
        ..v1::TaskStatus::default()
    }
}

fn update(number: usize, now: Time) -> Event {
    let state = if number.is_multiple_of(2) { TaskState::TaskFailed } else { TaskState::TaskKilling };
    let updated = event::TaskUpdated {
        framework_id: v1::FrameworkId::new(FRAMEWORK),
        state: state.into(),
        status: status(number, state, now),
    };
    Event { r#type: Some(event::Type::TaskUpdated.into()), task_updated: Some(updated), ..Event::default() }
}

fn agent(number: usize) -> get_agents::Agent {
    let total = resources("cpus:16;mem:65536;disk:102400;ports:[31000-31999]");
    get_agents::Agent {
        agent_info: v1::AgentInfo {
            id: Some(v1::AgentId::new(agent_id(number))),
            hostname: format!("agent-{number}.example"),
            port: Some(5051),
            resources: total.clone(),
            ..v1::AgentInfo::default()
        },
        active: true,
        version: "1.11.0".to_owned(),
        total_resources: total,
        ..get_agents::Agent::default()
    }
}

fn framework() -> get_frameworks::Framework {
    get_frameworks::Framework {
        framework_info: v1::FrameworkInfo {
            id: Some(v1::FrameworkId::new(FRAMEWORK)),
            name: "bench".to_owned(),
            user: "bench".to_owned(),
            roles: vec!["*".to_owned()],
            ..v1::FrameworkInfo::default()
        },
        active: true,
        connected: true,
        ..get_frameworks::Framework::default()
    }
}
