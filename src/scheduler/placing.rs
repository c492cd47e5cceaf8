//! Putting tasks on offers: offers of one agent and role are one candidate; constraints admit candidates, the placement
//! orders them. Keeps the reason of every candidate that was passed over.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap, HashMap},
};

use crate::{
    mesos::{
        time::Time,
        v1::{AgentId, Attribute, Offer, value},
    },
    scheduler::{
        config::{Placement, SchedulerConfig},
        constraint::{Constraint, Operator, Tally},
        pool::Pool,
        quantities::{Quantities, Shortfall},
        task::Place,
    },
};

/// Why a candidate gets no (further) task.
#[derive(Clone, Debug, PartialEq)]
pub enum Refusal {
    Short(Vec<Shortfall>),
    Constraint(String),
    /// The agent goes into maintenance.
    Maintenance,
}

/// An agent as far as one role may use it.
#[derive(Clone, Debug)]
pub struct Candidate {
    pub agent_id: AgentId,
    pub place: Place,
    /// What it has for further tasks.
    pub left: Quantities,
    pub refusal: Option<Refusal>,
    here: usize,
}

/// The offers that make a candidate, and what they hold together.
#[derive(Clone, Debug, Default)]
pub struct Lot {
    pub offers: Vec<Offer>,
    pub pool: Pool,
}

impl Candidate {
    /// As `offer` says where it is.
    pub fn new(now: Time, offer: &Offer, place: Place, left: Quantities) -> Self {
        let refusal = goes_down(now, offer).then_some(Refusal::Maintenance);
        Self { agent_id: offer.agent_id.clone(), place, left, refusal, here: 0 }
    }

    /// It takes no task, however much it has.
    pub fn is_leaving(&self) -> bool {
        self.refusal == Some(Refusal::Maintenance)
    }
}

/// A task that counts for placing.
#[derive(Clone, Copy, Debug)]
pub struct Neighbour<'a> {
    pub agent_id: Option<&'a str>,
    /// As in [`Place::fields`].
    pub fields: &'a BTreeMap<String, String>,
}

/// The tasks that count for placing: how many per agent, and per value of each constraint.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    per_agent: HashMap<String, usize>,
    /// One per constraint of the configuration.
    tallies: Vec<Tally>,
}

impl Surroundings {
    /// Of our `tasks`, on a cluster with agents that have these `fields`.
    pub fn new<'a>(
        constraints: &[Constraint],
        tasks: impl Iterator<Item = Neighbour<'a>> + Clone,
        fields: impl Iterator<Item = &'a BTreeMap<String, String>> + Clone,
    ) -> Self {
        let mut per_agent = HashMap::<String, usize>::new();
        for id in tasks.clone().filter_map(|task| task.agent_id) {
            match per_agent.get_mut(id) {
                Some(count) => *count += 1,
                None => drop(per_agent.insert(id.to_owned(), 1)),
            }
        }
        let tally = |constraint: &Constraint| {
            let of = |fields: &'a BTreeMap<String, String>| fields.get(&constraint.field).map(String::as_str);
            Tally::new(tasks.clone().filter_map(|task| of(task.fields)), fields.clone().filter_map(of))
        };
        Self { per_agent, tallies: constraints.iter().map(tally).collect() }
    }
}

/// One round: some offers, until nothing more fits.
pub struct Round<'a> {
    constraints: &'a [Constraint],
    placement: Placement,
    wants: Quantities,
    tallies: Vec<Tally>,
    candidates: Vec<Candidate>,
    open: BinaryHeap<Reverse<(usize, usize)>>,
    /// Kept out by a constraint that a further task may lift.
    aside: Vec<usize>,
}

impl<'a> Round<'a> {
    pub fn new(config: &'a SchedulerConfig, mut candidates: Vec<Candidate>, around: Surroundings) -> Self {
        for candidate in &mut candidates {
            let here = around.per_agent.get(candidate.agent_id.as_str());
            candidate.here = here.copied().unwrap_or_default();
        }
        let mut round = Self {
            constraints: &config.constraints,
            placement: config.placement,
            wants: config.wants(),
            candidates,
            tallies: around.tallies,
            open: BinaryHeap::new(),
            aside: Vec::new(),
        };
        let open: Vec<_> =
            (0..round.candidates.len()).filter(|at| round.candidates[*at].refusal.is_none()).collect();
        open.into_iter().for_each(|at| round.reopen(at));
        round
    }

    /// The candidate of the next task, by its index.
    pub fn place(&mut self) -> Option<usize> {
        while let Some(Reverse((_, at))) = self.open.pop() {
            if let Some(reason) = self.constraint_refusal(at) {
                self.candidates[at].refusal = Some(Refusal::Constraint(reason));
                self.aside.push(at);
                continue;
            }
            let candidate = &mut self.candidates[at];
            let missing = candidate.left.shortfalls(&self.wants);
            if missing.is_empty() {
                candidate.left = candidate.left.minus(&self.wants);
                self.placed(at);
                return Some(at);
            }
            candidate.refusal = Some(Refusal::Short(missing));
        }
        None
    }

    pub fn candidate(&self, at: usize) -> Option<&Candidate> {
        self.candidates.get(at)
    }

    /// With the last word on those that constraints keep out.
    pub fn into_candidates(mut self) -> Vec<Candidate> {
        for at in std::mem::take(&mut self.aside) {
            self.candidates[at].refusal = self.constraint_refusal(at).map(Refusal::Constraint);
        }
        self.candidates
    }

    fn constraint_refusal(&self, at: usize) -> Option<String> {
        let fields = &self.candidates[at].place.fields;
        let mut checks = self.constraints.iter().zip(&self.tallies);
        checks.find_map(|(constraint, tally)| {
            constraint.check(fields.get(&constraint.field).map(String::as_str), tally).err()
        })
    }

    fn placed(&mut self, at: usize) {
        let candidate = &mut self.candidates[at];
        candidate.here += 1;
        let mut lifted = false;
        for (constraint, tally) in self.constraints.iter().zip(&mut self.tallies) {
            if let Some(value) = candidate.place.fields.get(&constraint.field) {
                let has_risen = tally.add(value);
                lifted |= has_risen && matches!(constraint.operator, Operator::GroupBy(_));
            }
        }
        self.reopen(at);
        if lifted {
            std::mem::take(&mut self.aside).into_iter().for_each(|at| self.reopen(at));
        }
    }

    fn reopen(&mut self, at: usize) {
        let here = self.candidates[at].here;
        self.candidates[at].refusal = None;
        let rank = match self.placement {
            Placement::Spread => here,
            Placement::Pack => usize::MAX - here,
        };
        self.open.push(Reverse((rank, at)));
    }
}

/// The candidates that the offers make, each with its lot.
pub fn candidates(now: Time, offers: Vec<Offer>) -> (Vec<Candidate>, Vec<Lot>) {
    let mut index = BTreeMap::new();
    let (mut candidates, mut lots) = (Vec::new(), Vec::<Lot>::new());
    for offer in offers {
        let at = *index.entry((offer.agent_id.clone(), role_of(&offer))).or_insert(lots.len());
        let candidate = Candidate::new(now, &offer, place_of(&offer), Quantities::default());
        match candidates.get_mut(at) {
            Some(Candidate { refusal, .. }) => *refusal = refusal.take().or(candidate.refusal),
            None => {
                candidates.push(candidate);
                lots.push(Lot::default());
            }
        }
        lots[at].pool.add(&offer.resources);
        lots[at].offers.push(offer);
    }
    candidates.iter_mut().zip(&lots).for_each(|(candidate, lot)| candidate.left = lot.pool.quantities());
    (candidates, lots)
}

/// The role that the resources of an offer are allocated to.
pub fn role_of(offer: &Offer) -> String {
    let allocation = offer.allocation_info.as_ref().and_then(|info| info.role.clone());
    allocation.unwrap_or_else(|| "*".to_owned())
}

/// The agent of an offer, with the fields that constraints speak of.
pub fn place_of(offer: &Offer) -> Place {
    let mut fields: BTreeMap<_, _> = offer.attributes.iter().map(|a| (a.name.clone(), text_of(a))).collect();
    fields.insert("hostname".to_owned(), offer.hostname.clone());
    if let Some(domain) = offer.domain.as_ref().and_then(|domain| domain.fault_domain.as_ref()) {
        fields.insert("@region".to_owned(), domain.region.name.clone());
        fields.insert("@zone".to_owned(), domain.zone.name.clone());
    }
    Place { id: Some(offer.agent_id.clone()), hostname: offer.hostname.clone(), fields }
}

fn text_of(attribute: &Attribute) -> String {
    match attribute.r#type() {
        value::Type::Text => attribute.text.as_ref().map(|text| text.value.clone()),
        value::Type::Scalar => attribute.scalar.as_ref().map(|scalar| scalar.value.to_string()),
        value::Type::Ranges => attribute.ranges.as_ref().map(ranges_text),
        value::Type::Set => attribute.set.as_ref().map(|set| format!("{{{}}}", set.item.join(", "))),
    }
    .unwrap_or_default()
}

fn ranges_text(ranges: &value::Ranges) -> String {
    let ranges: Vec<_> = ranges.range.iter().map(|range| format!("{}-{}", range.begin, range.end)).collect();
    format!("[{}]", ranges.join(", "))
}

/// Maintenance has begun or begins within a minute.
fn goes_down(now: Time, offer: &Offer) -> bool {
    const SOON: i64 = 60_000_000_000;
    offer
        .unavailability
        .as_ref()
        .is_some_and(|window| window.start.nanoseconds < now.as_nanos().saturating_add(SOON))
}

#[cfg(test)]
mod tests {
    use super::{Refusal, Round, Surroundings, candidates};
    use crate::{
        mesos::time::Time,
        scheduler::{
            config::{Placement, SchedulerConfig},
            testing::{offer, ports, scalar},
        },
    };

    fn config(constraints: &[&str], placement: Placement) -> SchedulerConfig {
        SchedulerConfig {
            cpus: 1.0,
            mem: 32.0,
            constraints: constraints.iter().map(|text| text.parse().unwrap()).collect(),
            placement,
            ..SchedulerConfig::default()
        }
    }

    fn hosts(config: &SchedulerConfig, cpus: &[(&str, f64)]) -> (Vec<String>, Vec<Option<Refusal>>) {
        let offers = cpus
            .iter()
            .map(|(host, cpus)| offer(host, &[scalar("cpus", *cpus), scalar("mem", 512.0)]))
            .collect();
        let around = Surroundings::new(&config.constraints, std::iter::empty(), std::iter::empty());
        let mut round = Round::new(config, candidates(Time::default(), offers).0, around);
        let mut hosts = Vec::new();
        while let Some(at) = round.place() {
            hosts.push(round.candidate(at).unwrap().place.hostname.clone());
        }
        (hosts, round.into_candidates().into_iter().map(|c| c.refusal).collect())
    }

    #[test]
    fn spreads_and_packs() {
        let cpus = [("a", 2.0), ("b", 2.0)];
        assert_eq!(hosts(&config(&[], Placement::Spread), &cpus).0, ["a", "b", "a", "b"]);
        assert_eq!(hosts(&config(&[], Placement::Pack), &cpus).0, ["a", "a", "b", "b"]);
    }

    #[test]
    fn constraints_keep_candidates_out_until_they_admit_them() {
        let cpus = [("a", 4.0), ("b", 1.0)];
        assert_eq!(hosts(&config(&["hostname:UNIQUE"], Placement::Pack), &cpus).0, ["a", "b"]);
        assert_eq!(hosts(&config(&["hostname:CLUSTER:a"], Placement::Spread), &cpus).0, ["a"; 4]);
        let (placed, refusals) = hosts(&config(&["hostname:GROUP_BY:2"], Placement::Pack), &cpus);
        assert_eq!(placed, ["a", "b", "a"]);
        assert!(matches!(refusals[1], Some(Refusal::Short(_) | Refusal::Constraint(_))));
    }

    #[test]
    fn offers_of_one_agent_are_merged() {
        let config = SchedulerConfig { ports: 1, ..config(&[], Placement::Spread) };
        let offers = vec![
            offer("a", &[scalar("cpus", 0.5), scalar("mem", 64.0)]),
            offer("a", &[scalar("cpus", 0.5), ports(&[(31000, 31009)])]),
        ];
        let (candidates, mut lots) = candidates(Time::default(), offers);
        let mut round = Round::new(&config, candidates, Surroundings::default());
        let share = lots[round.place().unwrap()].pool.take(&config.wants()).unwrap();
        assert_eq!((lots[0].offers.len(), share.ports), (2, vec![31000]));
        assert!(round.place().is_none());
        assert_eq!(round.into_candidates()[0].left, lots[0].pool.quantities());
    }
}
