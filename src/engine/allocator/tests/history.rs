//! Random histories: nothing is offered twice, nothing is lost, and the same history gives the same offers.

use std::collections::{BTreeMap, BTreeSet, btree_map::Entry};

use proptest::prelude::*;

use super::{Lab, agent, framework, info, quota::quota, resources, roles};
use crate::{
    engine::allocator::{Allocation, Quantities, Quota, Recovery, ledger::is_under_quota},
    mesos::{
        resources::Resources,
        roles::is_strict_subrole_of,
        v1::{AgentId, FrameworkId},
    },
};

const ROLES: [&str; 4] = ["*", "eng", "eng/web", "ops"];
const TOTALS: [&str; 4] = [
    "cpus:4;mem:1024;ports:[1-9]",
    "cpus:0.5;mem:64",
    "cpus(eng):2;mem(eng):256;cpus:1;mem:99",
    "cpus:16;mem:4096",
];

/// Guarantees and limits.
const QUOTAS: [(&str, &str); 6] = [
    ("", ""),
    ("cpus:3;mem:256", ""),
    ("cpus:1", "cpus:2;mem:512"),
    ("", "cpus:0"),
    ("", "cpus:6;mem:300"),
    ("cpus:99", ""),
];

#[derive(Clone, Debug)]
enum Step {
    AddFramework { id: u8, roles: BTreeSet<usize> },
    RemoveFramework(u8),
    SetActive(u8, bool),
    UpdateRoles { id: u8, roles: BTreeSet<usize>, suppressed: BTreeSet<usize> },
    Suppress(u8),
    Revive(u8),
    AddAgent { id: u8, total: usize },
    RemoveAgent(u8),
    SetTotal { id: u8, total: usize },
    Decline { offer: usize, tenths: u16 },
    Use { offer: usize },
    Free { used: usize },
    SetQuota { role: usize, quota: usize },
    Pass { tenths: u8 },
}

fn some_roles() -> impl Strategy<Value = BTreeSet<usize>> {
    prop::collection::btree_set(0..ROLES.len(), 1..=3)
}

fn step() -> impl Strategy<Value = Step> {
    let (id, total) = (0..4u8, 0..TOTALS.len());
    prop_oneof![
        3 => (id.clone(), some_roles()).prop_map(|(id, roles)| Step::AddFramework { id, roles }),
        1 => id.clone().prop_map(Step::RemoveFramework),
        1 => (id.clone(), any::<bool>()).prop_map(|(id, active)| Step::SetActive(id, active)),
        1 => (id.clone(), some_roles(), some_roles())
            .prop_map(|(id, roles, suppressed)| Step::UpdateRoles { id, roles, suppressed }),
        1 => id.clone().prop_map(Step::Suppress),
        2 => id.clone().prop_map(Step::Revive),
        3 => (id.clone(), total.clone()).prop_map(|(id, total)| Step::AddAgent { id, total }),
        1 => id.clone().prop_map(Step::RemoveAgent),
        1 => (id, total).prop_map(|(id, total)| Step::SetTotal { id, total }),
        6 => (any::<usize>(), 0..80u16).prop_map(|(offer, tenths)| Step::Decline { offer, tenths }),
        4 => any::<usize>().prop_map(|offer| Step::Use { offer }),
        4 => any::<usize>().prop_map(|used| Step::Free { used }),
        6 => (0..30u8).prop_map(|tenths| Step::Pass { tenths }),
    ]
}

fn step_under_quotas() -> impl Strategy<Value = Step> {
    let quota = (0..ROLES.len(), 0..QUOTAS.len()).prop_map(|(role, quota)| Step::SetQuota { role, quota });
    prop_oneof![1 => quota, 9 => step()]
}

/// What a master would know beside the allocator.
#[derive(Default)]
struct Books {
    frameworks: BTreeMap<FrameworkId, BTreeSet<String>>,
    agents: BTreeSet<AgentId>,
    offers: Vec<Allocation>,
    used: Vec<Allocation>,
    quotas: BTreeMap<String, Quota>,
}

impl Books {
    fn drop_held(&mut self, gone: impl Fn(&Allocation) -> bool) {
        self.offers.retain(|it| !gone(it));
        self.used.retain(|it| !gone(it));
    }
}

struct History {
    lab: Lab,
    books: Books,
    log: Vec<Allocation>,
}

impl History {
    fn run(steps: &[Step]) -> Self {
        let mut history = Self { lab: Lab::new(), books: Books::default(), log: Vec::new() };
        for step in steps {
            history.take(step);
            history.gather();
            history.check();
        }
        history
    }

    fn take(&mut self, step: &Step) {
        let named = |set: &BTreeSet<usize>| set.iter().map(|&n| ROLES[n]).collect::<Vec<_>>();
        match step {
            Step::AddFramework { id, roles } => self.add_framework(*id, &named(roles)),
            Step::RemoveFramework(id) => self.remove_framework(*id),
            Step::SetActive(id, true) => self.lab.allocator.activate_framework(&fid(*id)),
            Step::SetActive(id, false) => self.lab.allocator.deactivate_framework(&fid(*id)),
            Step::UpdateRoles { id, roles, suppressed } => {
                self.update_roles(*id, &named(roles), &named(suppressed))
            }
            Step::Suppress(id) => self.lab.allocator.suppress_offers(&fid(*id), &BTreeSet::new()),
            Step::Revive(id) => self.lab.allocator.revive_offers(&fid(*id), &BTreeSet::new()),
            Step::AddAgent { id, total } => self.add_agent(*id, TOTALS[*total]),
            Step::RemoveAgent(id) => self.remove_agent(*id),
            Step::SetTotal { id, total } => {
                self.lab.allocator.update_agent_total(&aid(*id), resources(TOTALS[*total]));
            }
            Step::Decline { offer, tenths } => self.decline(*offer, *tenths),
            Step::Use { offer } => self.use_offer(*offer),
            Step::Free { used } => self.free(*used),
            Step::SetQuota { role, quota } => self.set_quota(ROLES[*role], QUOTAS[*quota]),
            Step::Pass { tenths } => self.lab.pass(f64::from(*tenths) / 10.0),
        }
    }

    fn add_framework(&mut self, id: u8, roles_of: &[&str]) {
        if let Entry::Vacant(vacant) = self.books.frameworks.entry(fid(id)) {
            vacant.insert(roles(roles_of));
            self.lab.framework(fid(id).as_str(), roles_of, &[]);
        }
    }

    fn remove_framework(&mut self, id: u8) {
        self.lab.allocator.remove_framework(self.lab.now, &fid(id));
        self.books.frameworks.remove(&fid(id));
        self.books.drop_held(|it| it.framework_id == fid(id));
    }

    fn update_roles(&mut self, id: u8, new: &[&str], suppressed: &[&str]) {
        if let Some(known) = self.books.frameworks.get_mut(&fid(id)) {
            *known = roles(new);
            self.lab.allocator.update_framework(self.lab.now, &fid(id), &info(new, &[]), roles(suppressed));
        }
    }

    fn add_agent(&mut self, id: u8, total: &str) {
        if self.books.agents.insert(aid(id)) {
            self.lab.agent(aid(id).as_str(), total);
        }
    }

    fn remove_agent(&mut self, id: u8) {
        self.lab.allocator.remove_agent(&aid(id));
        self.books.agents.remove(&aid(id));
        self.books.drop_held(|it| it.agent_id == aid(id));
    }

    fn decline(&mut self, offer: usize, tenths: u16) {
        if let Some(offer) = pick(&mut self.books.offers, offer) {
            self.lab.decline(&offer, f64::from(tenths) / 10.0);
        }
    }

    fn use_offer(&mut self, offer: usize) {
        self.books.used.extend(pick(&mut self.books.offers, offer));
    }

    fn free(&mut self, used: usize) {
        if let Some(used) = pick(&mut self.books.used, used) {
            self.lab.recover(&used, Recovery::Freed);
        }
    }

    /// For a role at the top: no other can have one.
    fn set_quota(&mut self, role: &str, (guarantees, limits): (&str, &str)) {
        if !role.contains('/') {
            let quota = quota(guarantees, limits);
            self.lab.allocator.update_quota(self.lab.now, role, quota.clone());
            self.books.quotas.insert(role.to_owned(), quota);
        }
    }

    fn gather(&mut self) {
        let offers = self.lab.offers();
        for offer in &offers {
            assert!(self.books.agents.contains(&offer.agent_id));
            assert!(self.books.frameworks[&offer.framework_id].contains(&offer.role));
        }
        self.log.extend(offers.clone());
        self.books.offers.extend(offers.clone());
        self.check_limits(&offers);
        self.check_headroom(&offers);
    }

    /// What was just given to the role itself is within its limits.
    fn check_limits(&self, offers: &[Allocation]) {
        for (role, quota) in &self.books.quotas {
            let below = offers.iter().filter(|it| is_strict_subrole_of(&it.role, role));
            let consumed = self.consumed(role).minus(&under_quota(below));
            let given = under_quota(offers.iter().filter(|it| it.role == *role));
            for (name, limit) in quota.limits.iter().filter(|(name, _)| given.get(name) > 0.0) {
                assert!(consumed.get(name) <= limit, "{role} has {consumed} of {}", quota.limits);
            }
        }
    }

    /// What was just given to roles without a guarantee was needed for none.
    fn check_headroom(&self, offers: &[Allocation]) {
        let has_guarantee =
            |role: &str| self.books.quotas.get(role).is_some_and(|quota| !quota.guarantees.is_empty());
        let given = under_quota(offers.iter().filter(|it| !has_guarantee(&it.role)));
        let mut missing = Quantities::default();
        for (role, quota) in &self.books.quotas {
            missing += &quota.guarantees.minus(&self.consumed(role));
        }
        let agents = self.lab.allocator.agents();
        let free = agents.flat_map(|(_, agent)| agent.available().iter()).filter(|it| is_under_quota(it));
        let free = Quantities::of_any_kind(free);
        for (name, _) in given.iter() {
            assert!(free.get(name) >= missing.get(name), "{given} was given, {free} is left for {missing}");
        }
    }

    fn consumed(&self, role: &str) -> Quantities {
        let is_of = |other: &str| other == role || is_strict_subrole_of(other, role);
        let mut consumed = under_quota(self.held().filter(|it| is_of(&it.role)));
        for resource in self.lab.allocator.agents().flat_map(|(_, agent)| agent.total().iter()) {
            if resource.scalar.is_some() && resource.reservation_role().is_some_and(is_of) {
                consumed.add_any_kind(resource);
            }
        }
        consumed
    }

    fn check(&self) {
        for (id, agent) in self.lab.allocator.agents() {
            self.check_agent(id, agent);
        }
        for role in self.lab.allocator.roles() {
            let held = self.held().filter(|it| it.role == role);
            assert_eq!(self.lab.allocator.role_allocation(role), Some(&sum(held)), "role {role}");
            for id in self.books.frameworks.keys() {
                let held = self.held().filter(|it| it.role == role && it.framework_id == *id);
                let tracked = self.lab.allocator.framework_allocation(role, id).cloned().unwrap_or_default();
                assert_eq!(tracked, sum(held), "framework {id} in {role}");
            }
        }
        assert_eq!(self.lab.allocator.offered_or_allocated(), sum(self.held()));
    }

    /// Held as the books say, and what is left is the rest of the total.
    fn check_agent(&self, id: &AgentId, agent: &crate::engine::allocator::Agent) {
        let mut held = Resources::default();
        for it in self.held().filter(|it| it.agent_id == *id) {
            held += it.resources.clone();
        }
        let mut books: BTreeMap<FrameworkId, Resources> = BTreeMap::new();
        for it in self.held().filter(|it| it.agent_id == *id) {
            *books.entry(it.framework_id.clone()).or_default() += it.resources.clone();
        }
        for (framework, resources) in &books {
            assert!(
                agent.held()[framework].contains(resources) && resources.contains(&agent.held()[framework])
            );
        }
        assert_eq!(agent.held().len(), books.len());
        let held = held.unallocated();
        if agent.total().contains(&held) {
            let mut whole = agent.available().clone();
            whole += held;
            assert!(whole.contains(agent.total()) && agent.total().contains(&whole), "agent {id}");
        }
    }

    fn held(&self) -> impl Iterator<Item = &Allocation> {
        self.books.offers.iter().chain(&self.books.used)
    }
}

fn sum<'a>(held: impl Iterator<Item = &'a Allocation>) -> Quantities {
    held.fold(Quantities::default(), |mut sum, it| {
        sum += &Quantities::of(&it.resources);
        sum
    })
}

fn under_quota<'a>(given: impl Iterator<Item = &'a Allocation>) -> Quantities {
    Quantities::of_any_kind(given.flat_map(|it| it.resources.iter()).filter(|it| is_under_quota(it)))
}

fn pick(from: &mut Vec<Allocation>, n: usize) -> Option<Allocation> {
    (!from.is_empty()).then(|| from.remove(n % from.len()))
}

fn fid(id: u8) -> FrameworkId {
    framework(&format!("f{id}"))
}

fn aid(id: u8) -> AgentId {
    agent(&format!("a{id}"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_history_keeps_its_accounts(steps in prop::collection::vec(step_under_quotas(), 1..120)) {
        History::run(&steps);
    }

    #[test]
    fn a_history_repeats_itself(steps in prop::collection::vec(step_under_quotas(), 1..80)) {
        prop_assert_eq!(History::run(&steps).log, History::run(&steps).log);
    }

    /// Whatever came back and went, after a tick there is nothing that a look at every agent would find.
    #[test]
    fn a_quiet_cluster_has_nothing_to_give(steps in prop::collection::vec(step_under_quotas(), 1..80)) {
        let mut history = History::run(&steps);
        for _ in 0..12 {
            history.lab.pass(1.0);
            history.gather();
        }
        history.lab.allocator.schedule.request_all();
        prop_assert_eq!(history.lab.offers(), Vec::new());
    }

    /// Once nobody refuses anything, everything that somebody may have is offered within two ticks.
    #[test]
    fn nothing_is_forgotten(steps in prop::collection::vec(step(), 1..80)) {
        let mut history = History::run(&steps);
        history.add_framework(9, &["*"]);
        for id in history.books.frameworks.keys().cloned().collect::<Vec<_>>() {
            history.lab.allocator.activate_framework(&id);
            history.lab.allocator.revive_offers(&id, &BTreeSet::new());
        }
        history.gather();
        for _ in 0..4 {
            while !history.books.offers.is_empty() {
                history.decline(0, 0);
            }
            history.lab.offers_within(2.0).into_iter().for_each(|(_, offer)| history.books.offers.push(offer));
        }
        history.check();
        for (id, agent) in history.lab.allocator.agents() {
            let left = agent.available().iter().filter(|r| r.reservations.is_empty()).cloned().collect::<Vec<_>>();
            let left = Quantities::of(&left.into());
            prop_assert!(left.get("cpus") < 0.01 && left.get("mem") < 32.0, "{} keeps {:?}", id, left);
        }
    }
}
