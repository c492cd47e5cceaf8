//! Agents, frameworks, executors and tasks: GET_STATE and its parts.

use super::super::{agent_used, framework_offered, framework_used};
use crate::{
    engine::{
        legacy::endpoint_format,
        master::{Agent, Framework, Master},
    },
    mesos::{
        time::Time,
        v1::{
            InverseOffer, TimeInfo,
            master::response::{
                GetAgents, GetExecutors, GetFrameworks, GetState, GetTasks, get_agents, get_executors,
                get_frameworks,
            },
        },
    },
};

/// GET_STATE: everything below at once.
pub fn state(master: &Master) -> GetState {
    GetState {
        get_tasks: Some(tasks(master)),
        get_executors: Some(executors(master)),
        get_frameworks: Some(frameworks(master)),
        get_agents: Some(agents(master)),
    }
}

/// GET_AGENTS; recovered ones are in the registry and have not come back to this master yet.
pub fn agents(master: &Master) -> GetAgents {
    GetAgents {
        agents: master.agents.values().map(agent).collect(),
        recovered_agents: master.recovered_agents.values().cloned().collect(),
    }
}

/// One registered agent, as in GET_AGENTS and AGENT_ADDED.
pub fn agent(agent: &Agent) -> get_agents::Agent {
    get_agents::Agent {
        agent_info: agent.info.clone(),
        active: agent.active,
        deactivated: Some(agent.deactivated),
        version: agent.version.clone(),
        pid: Some(agent.pid.clone()),
        registered_time: Some(time_info(agent.registered_at)),
        reregistered_time: agent.reregistered_at.map(time_info),
        total_resources: endpoint_format(agent.total.iter()),
        allocated_resources: agent_used(agent).to_endpoint_protos(),
        offered_resources: endpoint_format(agent.offered.iter()),
        capabilities: agent.capabilities.clone(),
        resource_providers: Vec::new(),
        drain_info: agent.drain_info,
        estimated_drain_start_time: agent.estimated_drain_start_time.map(whole_seconds),
    }
}

fn time_info(time: Time) -> TimeInfo {
    TimeInfo { nanoseconds: time.as_nanos() }
}

fn whole_seconds(time: Time) -> TimeInfo {
    let nanoseconds = time.as_nanos();
    TimeInfo { nanoseconds: nanoseconds - nanoseconds % 1_000_000_000 }
}

/// GET_FRAMEWORKS.
#[expect(deprecated, reason = "frameworks are never merely recovered here, the field stays empty")]
pub fn frameworks(master: &Master) -> GetFrameworks {
    GetFrameworks {
        frameworks: master.frameworks.values().map(|known| framework(master, known)).collect(),
        completed_frameworks: master
            .completed_frameworks
            .iter()
            .map(|known| framework(master, known))
            .collect(),
        recovered_frameworks: Vec::new(),
    }
}

/// One framework, as in GET_FRAMEWORKS.
pub fn framework(master: &Master, framework: &Framework) -> get_frameworks::Framework {
    get_frameworks::Framework {
        framework_info: framework.info.clone(),
        active: framework.active,
        connected: framework.connected(),
        recovered: framework.recovered(),
        registered_time: some_time(framework.registered_at),
        reregistered_time: some_time(framework.reregistered_at),
        unregistered_time: framework.unregistered_at.map(time_info),
        offers: framework.offers.iter().filter_map(|id| master.offers.get(id)).cloned().collect(),
        inverse_offers: inverse_offers(master, framework),
        allocated_resources: framework_used(framework).to_endpoint_protos(),
        offered_resources: framework_offered(master, framework).to_endpoint_protos(),
        offer_constraints: Some(framework.offer_constraints.clone()),
    }
}

fn inverse_offers(master: &Master, framework: &Framework) -> Vec<InverseOffer> {
    let own = master.inverse_offers.values().filter(|offer| offer.framework_id == framework.id);
    own.cloned().collect()
}

/// One framework, as in FRAMEWORK_ADDED and FRAMEWORK_UPDATED: without what it holds, and with all its times.
pub fn framework_event(framework: &Framework) -> get_frameworks::Framework {
    get_frameworks::Framework {
        framework_info: framework.info.clone(),
        active: framework.active,
        connected: framework.connected(),
        recovered: framework.recovered(),
        registered_time: Some(time_info(framework.registered_at)),
        reregistered_time: Some(time_info(framework.reregistered_at)),
        unregistered_time: Some(time_info(framework.unregistered_at.unwrap_or_default())),
        ..Default::default()
    }
}

/// A recovered framework has never subscribed here: its times are the epoch, and left out.
fn some_time(time: Time) -> Option<TimeInfo> {
    (time != Time::default()).then(|| time_info(time))
}

fn known_frameworks(master: &Master) -> impl Iterator<Item = &Framework> {
    master.frameworks.values().chain(&master.completed_frameworks)
}

/// GET_EXECUTORS.
#[expect(deprecated, reason = "there are no orphans, the field stays empty")]
pub fn executors(master: &Master) -> GetExecutors {
    let by_agent = known_frameworks(master).flat_map(|framework| &framework.executors);
    let executors = by_agent.flat_map(|(agent_id, executors)| {
        executors.values().map(|executor_info| get_executors::Executor {
            executor_info: executor_info.clone(),
            agent_id: agent_id.clone(),
        })
    });
    GetExecutors { executors: executors.collect(), orphan_executors: Vec::new() }
}

/// GET_TASKS.
#[expect(deprecated, reason = "there are no pending or orphan tasks, these fields stay empty")]
pub fn tasks(master: &Master) -> GetTasks {
    GetTasks {
        pending_tasks: Vec::new(),
        tasks: known_frameworks(master).flat_map(|framework| framework.tasks.values()).cloned().collect(),
        unreachable_tasks: known_frameworks(master)
            .flat_map(|known| &known.unreachable_tasks)
            .cloned()
            .collect(),
        completed_tasks: known_frameworks(master).flat_map(|known| &known.completed_tasks).cloned().collect(),
        orphan_tasks: Vec::new(),
    }
}
