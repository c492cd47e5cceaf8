//! What must hold between a master's books at any time.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    engine::master::{Master, Resources, status::has_left},
    mesos::v1::{AgentId, FrameworkId},
};

type Held = BTreeMap<(FrameworkId, AgentId), Resources>;

pub fn check(master: &Master) {
    check_used(master);
    check_offers(master);
    check_inverse_offers(master);
    check_capacity(master);
    check_allocator(master);
    check_streams(master);
}

/// What tasks and executors hold, counted anew.
fn held(master: &Master) -> Held {
    let mut held = Held::new();
    for framework in master.frameworks.values() {
        for task in framework.tasks.values().filter(|task| !has_left(task.state())) {
            let place = (framework.id.clone(), task.agent_id.clone());
            *held.entry(place).or_default() += Resources::from(&task.resources);
        }
        for (agent, executors) in &framework.executors {
            for executor in executors.values() {
                let place = (framework.id.clone(), agent.clone());
                *held.entry(place).or_default() += Resources::from(&executor.resources);
            }
        }
    }
    held.retain(|_, resources| !resources.is_empty());
    held
}

fn check_used(master: &Master) {
    let held = held(master);
    let by_framework: Held = master
        .frameworks
        .values()
        .flat_map(|it| it.used.iter().map(|(agent, used)| ((it.id.clone(), agent.clone()), used.clone())))
        .collect();
    let by_agent: Held = master
        .agents
        .values()
        .flat_map(|it| {
            it.used.iter().map(|(framework, used)| ((framework.clone(), it.id.clone()), used.clone()))
        })
        .collect();
    assert_eq!(held, by_framework, "frameworks hold what their tasks and executors hold");
    assert_eq!(held, by_agent, "agents are held by what runs on them");
}

fn check_offers(master: &Master) {
    for offer in master.offers.values() {
        assert!(master.frameworks[&offer.framework_id].offers.contains(&offer.id));
        assert!(master.frameworks[&offer.framework_id].connected());
        assert!(master.agents[&offer.agent_id].offers.contains(&offer.id));
        assert!(master.agents[&offer.agent_id].active);
    }
    let of_frameworks: usize = master.frameworks.values().map(|it| it.offers.len()).sum();
    let of_agents: usize = master.agents.values().map(|it| it.offers.len()).sum();
    assert_eq!((of_frameworks, of_agents), (master.offers.len(), master.offers.len()));
}

/// Only who is there is asked, for what is there and will not be.
fn check_inverse_offers(master: &Master) {
    let mut asked = BTreeSet::new();
    for offer in master.inverse_offers.values() {
        let agent = &master.agents[offer.agent_id.as_ref().unwrap()];
        assert!(master.frameworks[&offer.framework_id].connected() && agent.active);
        assert_eq!(master.maintenance.unavailability(&agent.machine_id()), Some(&offer.unavailability));
        assert!(asked.insert((&offer.framework_id, &agent.id)), "one inverse offer at a time");
    }
}

fn check_capacity(master: &Master) {
    for agent in master.agents.values() {
        let offered: Resources =
            agent.offers.iter().map(|it| Resources::from(&master.offers[it].resources)).sum();
        assert_eq!(offered, agent.offered);
        let mut busy = agent.offered.clone();
        agent.used.values().for_each(|used| busy += used);
        busy.unallocate();
        assert!(agent.total.contains(&busy), "{busy} of {}", agent.total);
    }
}

/// The allocator thinks that a framework holds exactly its offers and what it uses.
fn check_allocator(master: &Master) {
    for agent in master.agents.values() {
        let mut busy = agent.used.clone();
        for offer in agent.offers.iter().map(|offer| &master.offers[offer]) {
            *busy.entry(offer.framework_id.clone()).or_default() += Resources::from(&offer.resources);
        }
        busy.retain(|_, resources| !resources.is_empty());
        let known = master.allocator.agent(&agent.id);
        assert_eq!(Some(&busy), known.map(|agent| agent.held()), "the allocator knows every agent");
    }
}

fn check_streams(master: &Master) {
    for framework in master.frameworks.values() {
        assert_eq!(framework.connected(), framework.stream.is_some());
    }
    let connected = master.frameworks.values().filter(|it| it.connected()).count();
    assert_eq!(connected, master.streams.len());
}
