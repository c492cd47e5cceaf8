//! A master in the situation of a recorded GET_STATE.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    engine::{
        golden,
        master::{Agent, Framework, FrameworkCounters, FrameworkState, Master, MasterConfig, StreamId},
    },
    mesos::{
        json,
        time::Time,
        v1::{
            ExecutorInfo, Resource, Task, TaskState, TimeInfo,
            master::{
                Response,
                response::{GetState, get_agents, get_executors, get_frameworks},
            },
        },
    },
};

pub const STARTED: f64 = 1_795_357_828.711_846_9;
pub const ELECTED: f64 = 1_795_357_828.712_964;

/// The recorded GET_STATE of this name.
pub fn state(name: &str) -> GetState {
    let response: Response = json::from_json(golden::body(name)).unwrap();
    response.get_state.unwrap()
}

/// A master that knows what the recorded one knew.
pub fn master(state: &GetState, id: &str) -> Master {
    let mut master = Master::new(config(id), time(STARTED), 1);
    master.elected_at = Some(time(ELECTED));
    let frameworks = state.get_frameworks.as_ref().unwrap();
    for recorded in &frameworks.frameworks {
        master.offers.extend(recorded.offers.iter().map(|offer| (offer.id.clone(), offer.clone())));
        let framework = framework(state, recorded);
        master.frameworks.insert(framework.id.clone(), framework);
    }
    master
        .completed_frameworks
        .extend(frameworks.completed_frameworks.iter().map(|known| framework(state, known)));
    for recorded in &state.get_agents.as_ref().unwrap().agents {
        let agent = agent(&master, recorded);
        master.agents.insert(agent.id.clone(), agent);
    }
    master
}

fn config(id: &str) -> MasterConfig {
    let other = [("webui_dir", "/srv/mesos1/src/src/webui"), ("work_dir", "/srv/mesos1/labs/master-15050")];
    MasterConfig {
        id: Some(id.into()),
        port: 15050,
        other_flags: other.map(|(name, value)| (name.into(), value.into())).into(),
        ..MasterConfig::default()
    }
}

fn time(seconds: f64) -> Time {
    Time::from_epoch(Duration::from_secs_f64(seconds))
}

fn moment(info: Option<&TimeInfo>) -> Time {
    Time::from_epoch(Duration::from_nanos(info.map_or(0, |info| info.nanoseconds.unsigned_abs())))
}

fn framework(state: &GetState, recorded: &get_frameworks::Framework) -> Framework {
    let id = recorded.framework_info.id.clone().unwrap();
    let tasks = state.get_tasks.as_ref().unwrap();
    let own = |list: &[Task]| list.iter().filter(|task| task.framework_id == id).cloned().collect::<Vec<_>>();
    let executors = &state.get_executors.as_ref().unwrap().executors;
    let executors = executors.iter().filter(|known| known.executor_info.framework_id.as_ref() == Some(&id));
    let mut framework = Framework {
        id: id.clone(),
        info: recorded.framework_info.clone(),
        stream: recorded.connected.then(|| StreamId::from("stream")),
        state: framework_state(recorded),
        active: recorded.active,
        registered_at: moment(recorded.registered_time.as_ref()),
        reregistered_at: moment(recorded.reregistered_time.as_ref()),
        unregistered_at: recorded.unregistered_time.map(|time| moment(Some(&time))),
        tasks: own(&tasks.tasks).into_iter().map(|task| (task.task_id.clone(), task)).collect(),
        completed_tasks: own(&tasks.completed_tasks).into(),
        unreachable_tasks: own(&tasks.unreachable_tasks).into(),
        executors: BTreeMap::new(),
        offers: recorded.offers.iter().map(|offer| offer.id.clone()).collect(),
        suppressed_roles: Default::default(),
        offer_constraints: Default::default(),
        used: BTreeMap::new(),
        counters: FrameworkCounters::default(),
    };
    let live = framework.tasks.values().filter(|task| !is_terminal(task));
    for (agent_id, resources) in
        live.map(|task| (task.agent_id.clone(), task.resources.clone())).collect::<Vec<_>>()
    {
        hold(&mut framework, agent_id, &resources);
    }
    executors.for_each(|known| add_executor(&mut framework, known));
    framework
}

fn is_terminal(task: &Task) -> bool {
    matches!(task.state(), TaskState::TaskKilled | TaskState::TaskFinished | TaskState::TaskFailed)
}

fn framework_state(recorded: &get_frameworks::Framework) -> FrameworkState {
    match (recorded.connected, recorded.unregistered_time) {
        (true, _) => FrameworkState::Connected,
        (false, None) => FrameworkState::Disconnected { since: Time::default(), expires: None },
        (false, Some(_)) => FrameworkState::Completed,
    }
}

fn add_executor(framework: &mut Framework, known: &get_executors::Executor) {
    let info: &ExecutorInfo = &known.executor_info;
    let here = framework.executors.entry(known.agent_id.clone()).or_default();
    here.insert(info.executor_id.clone(), info.clone());
    hold(framework, known.agent_id.clone(), &info.resources);
}

fn hold(framework: &mut Framework, agent_id: crate::mesos::v1::AgentId, resources: &[Resource]) {
    let held = framework.used.entry(agent_id).or_default();
    resources.iter().for_each(|resource| held.add_one(resource.clone()));
}

fn agent(master: &Master, recorded: &get_agents::Agent) -> Agent {
    let id = recorded.agent_info.id.clone().unwrap();
    let here = |framework: &Framework| Some((framework.id.clone(), framework.used.get(&id)?.clone()));
    let offers: Vec<_> = master.offers.values().filter(|offer| offer.agent_id == id).collect();
    Agent {
        disconnected_at: None,
        resource_version: None,
        info: recorded.agent_info.clone(),
        link: None,
        pid: recorded.pid.clone().unwrap(),
        version: recorded.version.clone(),
        capabilities: recorded.capabilities.clone(),
        registered_at: moment(recorded.registered_time.as_ref()),
        reregistered_at: recorded.reregistered_time.map(|time| moment(Some(&time))),
        total: recorded.agent_info.resources.clone().into(),
        active: recorded.active,
        connected: true,
        deactivated: recorded.deactivated(),
        drain_info: recorded.drain_info,
        estimated_drain_start_time: recorded.estimated_drain_start_time.map(|time| moment(Some(&time))),
        offers: offers.iter().map(|offer| offer.id.clone()).collect(),
        tasks: BTreeMap::new(),
        executors: BTreeMap::new(),
        used: master.frameworks.values().filter_map(here).collect(),
        offered: offers.iter().flat_map(|offer| &offer.resources).cloned().collect(),
        killed_tasks: BTreeMap::new(),
        observer: Default::default(),
        id: id.clone(),
    }
}

/// Takes back every outstanding offer.
pub fn rescind_all(master: &mut Master) {
    master.offers.clear();
    master.frameworks.values_mut().for_each(|framework| framework.offers.clear());
    master.agents.values_mut().for_each(|agent| {
        agent.offers.clear();
        agent.offered = Default::default();
    });
}
