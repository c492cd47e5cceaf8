//! The master: frameworks, agents, offers and tasks as one plain struct with one entry, [`Master::handle`].

mod accept;
mod agents;
mod calls;
mod config;
mod counters;
mod drain;
mod events;
mod events_of_operators;
mod framework_info;
mod frameworks;
mod inverse_offers;
mod io;
mod launch;
mod leading;
mod loss;
mod machines;
mod maintenance;
mod model;
mod offers;
mod operator;
mod prune;
mod quota;
mod reconcile;
mod registration;
pub mod registry;
mod resource_calls;
mod send;
mod status;
mod subscribe;
mod subscribers;
mod tasks;
mod tell;
#[cfg(test)]
mod tests;
mod timers;
mod unreachable;
mod updates;
pub mod validation;
pub mod view;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use rand::{RngCore, SeedableRng, rngs::SmallRng};

pub use self::{
    config::MasterConfig,
    counters::{Counters, FrameworkCounters},
    io::{Effect, Input, Output, Reply, StreamId, SubscriberId},
    leading::Standing,
    machines::{Machine, Maintenance},
    model::{Agent, Framework, FrameworkState, LostAgent},
    validation::call::{operator as validate_operator_call, scheduler as validate_scheduler_call},
};
use self::{offers::role_of, timers::Timers, unreachable::Turns};
pub use super::legacy::VERSION;
use crate::{
    engine::{
        allocator::{Allocator, Quota},
        wire::AgentLink,
    },
    mesos::{
        resources::Resources,
        time::Time,
        v1::{
            Address, AgentId, AgentInfo, DrainInfo, FrameworkId, InverseOffer, MasterInfo, Offer, OfferId,
            master_info,
        },
    },
};

/// A Mesos master without IO.
#[derive(Debug)]
pub struct Master {
    pub config: MasterConfig,
    pub info: MasterInfo,
    pub started_at: Time,
    /// Who leads; this master, when it is its own info.
    pub leader: Option<MasterInfo>,
    /// Since when this master leads.
    pub elected_at: Option<Time>,
    pub frameworks: BTreeMap<FrameworkId, Framework>,
    /// Oldest first, at most `max_completed_frameworks`.
    pub completed_frameworks: VecDeque<Framework>,
    pub agents: BTreeMap<AgentId, Agent>,
    /// In the registry, and not back since this master began.
    pub recovered_agents: BTreeMap<AgentId, AgentInfo>,
    pub unreachable_agents: BTreeMap<AgentId, LostAgent>,
    pub gone_agents: BTreeMap<AgentId, LostAgent>,
    /// Graceful departures.
    pub removed_agents: BTreeSet<AgentId>,
    pub offers: BTreeMap<OfferId, Offer>,
    pub inverse_offers: BTreeMap<OfferId, InverseOffer>,
    pub maintenance: Maintenance,
    pub weights: BTreeMap<String, f64>,
    /// By role; one that was reset to say nothing stays in the list.
    pub quotas: BTreeMap<String, Quota>,
    pub subscribers: BTreeSet<SubscriberId>,
    pub counters: Counters,
    allocator: Allocator,
    links: BTreeMap<AgentLink, AgentId>,
    /// Registered agents by pid.
    addresses: BTreeMap<String, AgentId>,
    streams: BTreeMap<StreamId, FrameworkId>,
    /// By an operator, also while they are unreachable.
    deactivated: BTreeSet<AgentId>,
    /// Also while they are away.
    draining: BTreeMap<AgentId, DrainInfo>,
    timers: Timers,
    next_framework: u64,
    next_agent: u64,
    next_offer: u64,
    next_subscriber: u64,
    next_observer: u64,
    /// Agents that are to become unreachable.
    turns: Turns,
    /// It knows what masters before it have written down.
    recovered: bool,
    /// A look at lost agents is due that may be forgotten.
    prunes: bool,
    rng: SmallRng,
    /// The time of the input that is being handled.
    now: Time,
    /// What the input that is being handled has led to so far.
    effects: Vec<Effect>,
}

impl Master {
    /// A master that has just been elected. The same seed and inputs give the same outputs.
    pub fn new(config: MasterConfig, now: Time, seed: u64) -> Self {
        let mut rng = SmallRng::seed_from_u64(seed);
        let id = config.id.clone().unwrap_or_else(|| random_uuid(&mut rng));
        let mut allocator = Allocator::new(config.allocator(rng.next_u64()), now);
        config.weights.iter().for_each(|(role, weight)| allocator.update_weight(role, *weight));
        let info = master_info(&config, id);
        Self {
            leader: Some(info.clone()),
            info,
            weights: config.weights.clone(),
            allocator,
            config,
            started_at: now,
            elected_at: Some(now),
            frameworks: BTreeMap::new(),
            completed_frameworks: VecDeque::new(),
            agents: BTreeMap::new(),
            recovered_agents: BTreeMap::new(),
            unreachable_agents: BTreeMap::new(),
            gone_agents: BTreeMap::new(),
            removed_agents: BTreeSet::new(),
            offers: BTreeMap::new(),
            inverse_offers: BTreeMap::new(),
            maintenance: Maintenance::default(),
            quotas: BTreeMap::new(),
            subscribers: BTreeSet::new(),
            counters: Counters::default(),
            links: BTreeMap::new(),
            addresses: BTreeMap::new(),
            streams: BTreeMap::new(),
            deactivated: BTreeSet::new(),
            draining: BTreeMap::new(),
            timers: Timers::default(),
            next_framework: 0,
            next_agent: 0,
            next_offer: 0,
            next_subscriber: 0,
            next_observer: 0,
            turns: Turns::default(),
            recovered: true,
            prunes: false,
            rng,
            now,
            effects: Vec::new(),
        }
    }

    /// Takes one input in; `reply` is set for every call. Time never runs backwards here, whatever `now` is.
    pub fn handle(&mut self, now: Time, input: Input) -> Output {
        self.now = self.now.max(now);
        let reply = self.take(input);
        self.fire_timers();
        self.finish_drains();
        self.make_offers();
        self.make_inverse_offers();
        Output { reply, effects: std::mem::take(&mut self.effects) }
    }

    fn take(&mut self, input: Input) -> Option<Reply> {
        match input {
            Input::Leading(leader) => self.led_by(leader.map(|leader| *leader)),
            Input::Agent { .. } | Input::AgentLost(_) if !self.leads() => {}
            Input::Call { stream, call } => return Some(self.call(stream, *call)),
            Input::Operator(call) => return Some(self.operator_call(*call)),
            Input::OperatorSubscribe => return Some(Reply::Subscriber(self.operator_subscribe())),
            Input::Disconnected(stream) => self.disconnected(&stream),
            Input::Agent { link, message } => self.agent_message(link, *message),
            Input::AgentLost(link) => self.agent_lost(link),
            Input::OperatorGone(subscriber) => {
                self.subscribers.remove(&subscriber);
            }
            Input::Tick => {}
        }
        None
    }

    /// What the allocator knows, for the metrics.
    pub fn allocator(&self) -> &Allocator {
        &self.allocator
    }

    fn random_uuid(&mut self) -> String {
        random_uuid(&mut self.rng)
    }

    /// Offers and inverse offers are counted together.
    fn new_offer_id(&mut self) -> OfferId {
        let id = OfferId::new(format!("{}-O{}", self.info.id, self.next_offer));
        self.next_offer += 1;
        id
    }

    fn new_framework_id(&mut self) -> FrameworkId {
        let id = FrameworkId::new(format!("{}-{:04}", self.info.id, self.next_framework));
        self.next_framework += 1;
        id
    }
}

fn random_uuid(rng: &mut SmallRng) -> String {
    let mut bytes = [0; 16];
    rng.fill_bytes(&mut bytes);
    uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
}

fn master_info(config: &MasterConfig, id: String) -> MasterInfo {
    use master_info::{Capability, capability::Type};
    MasterInfo {
        id,
        ip: u32::from_le_bytes(config.ip.octets()),
        port: u32::from(config.port),
        pid: Some(format!("master@{}:{}", config.ip, config.port)),
        hostname: Some(config.hostname.clone()),
        version: Some(VERSION.into()),
        address: Some(Address {
            hostname: Some(config.hostname.clone()),
            ip: Some(config.ip.to_string()),
            port: i32::from(config.port),
        }),
        domain: None,
        capabilities: vec![
            Capability { r#type: Some(Type::AgentUpdate.into()) },
            Capability { r#type: Some(Type::AgentDraining.into()) },
            // QUOTA_V2, which v1 has no word for.
            Capability { r#type: Some(3) },
        ],
    }
}
