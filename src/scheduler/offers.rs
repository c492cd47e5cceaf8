//! Every offer is answered at once: tasks are launched on it, or it is declined for long. Offers are never hoarded;
//! what has changed our mind is followed by a REVIVE (see `desire`).

use rand::Rng;

use crate::{
    mesos::v1::{AgentId, Offer, OfferId, TaskId},
    scheduler::{
        Effect, Scheduler,
        api::{self, OfferView, Verdict},
        calls,
        market::Seen,
        placing::{Candidate, Lot, Neighbour, Refusal, Round, Surroundings, candidates, place_of, role_of},
        pool::{Share, usable},
        quantities::Shortfall,
        task::Task,
        task_info::{self, ExecutorTerms, Launch, Of},
    },
};

/// Where a custom executor is wanted and nobody has said what starts it.
pub(super) const NO_EXECUTOR: &str =
    "what starts the custom executor on an agent is not known: set `executor_command`";

impl Scheduler {
    /// Nothing can be launched: the executor is custom, and there is none.
    pub(super) fn lacks_executor(&self) -> bool {
        self.options.executor_error(&self.config).is_some()
    }

    pub(super) fn offers(&mut self, offers: Vec<Offer>) {
        self.counters.offers_received += offers.len() as u64;
        let around = self.surroundings(&offers);
        let config = self.config.clone();
        let (candidates, mut lots) = candidates(self.now, offers);
        let mut round = Round::new(&config, candidates, around);
        let mut launches = Vec::new();
        let demand = if self.lacks_executor() { 0 } else { self.fleet.demand(self.now) };
        for _ in 0..demand {
            let Some(at) = round.place() else { break };
            let wants = (config.task_wants(), config.executor_wants());
            let Some(shares) = lots[at].pool.take_both(&wants.0, &wants.1) else { break };
            let Some(candidate) = round.candidate(at) else { break };
            launches.extend(self.launch(candidate, shares).map(|launch| (at, launch)));
        }
        self.answer(round.into_candidates(), lots, launches);
    }

    /// What the constraints count: our tasks by agent and by value, and the values that the cluster has.
    fn surroundings(&self, offers: &[Offer]) -> Surroundings {
        let constraints = &self.config.constraints;
        let tasks = self.fleet.tasks().filter(|task| !task.is_unreachable()).map(|task| Neighbour {
            agent_id: task.agent.id.as_ref().map(AgentId::as_str),
            fields: &task.agent.fields,
        });
        let offered: Vec<_> = offers.iter().filter(|_| !constraints.is_empty()).map(place_of).collect();
        let seen = self.market.agents().map(|seen| &seen.place.fields);
        Surroundings::new(constraints, tasks, seen.chain(offered.iter().map(|place| &place.fields)))
    }

    /// Puts one more task on a candidate.
    fn launch(&mut self, candidate: &Candidate, (share, for_executor): (Share, Share)) -> Option<Launch> {
        let slot = self.fleet.free_slot(self.now)?;
        let id = TaskId::new(format!("{}.{slot}.{:08x}", self.config.name, self.rng.random::<u32>()));
        if self.fleet.task(&id).is_some() {
            return None;
        }
        let task = Task {
            agent: candidate.place.clone(),
            version: self.version,
            fingerprint: self.fingerprint.clone(),
            executor: self.config.executor,
            ports: share.ports.clone(),
            ..Task::found(id.clone(), self.now)
        };
        if !self.fleet.launch(self.now, task) {
            return None;
        }
        self.counters.launches += 1;
        self.reconciler.watch(self.now, id.clone());
        self.task_news(&id);
        let program = self.config.executor_command.as_ref().or(self.options.executor_command.as_ref());
        let executor =
            ExecutorTerms { framework_id: self.framework_id.as_ref(), program, share: for_executor };
        let of = Of { version: self.version, slot, id, agent_id: candidate.agent_id.clone(), share };
        Some(task_info::launch(&self.config, of, executor))
    }

    /// One ACCEPT per candidate that got tasks, one DECLINE for all the others.
    fn answer(&mut self, candidates: Vec<Candidate>, lots: Vec<Lot>, launches: Vec<(usize, Launch)>) {
        let refuse = self.config.refuse_seconds.0;
        let mut tasks: Vec<Vec<Launch>> = vec![Vec::new(); candidates.len()];
        let launched: Vec<_> = launches.iter().map(|(_, launch)| launch.task.task_id.to_string()).collect();
        launches.into_iter().for_each(|(at, task)| tasks[at].push(task));
        if !launched.is_empty() {
            self.effects.push(Effect::SaveFirst);
        }
        let mut declined = Vec::new();
        let idle = self.idle_reason();
        let mut accepted = 0;
        let mut views = Vec::new();
        for ((candidate, Lot { offers, .. }), tasks) in candidates.into_iter().zip(lots).zip(tasks) {
            views.extend(self.record(&candidate, &offers, &tasks, &idle));
            if tasks.is_empty() {
                declined.extend(offers.into_iter().map(|offer| offer.id));
            } else {
                accepted += offers.len() as u64;
                self.call(|id| calls::accept(id, &offers, tasks, refuse));
            }
        }
        self.answered(accepted, declined.len() as u64, launched, views);
        if !declined.is_empty() {
            self.call(|id| calls::decline(id, declined, refuse));
        }
    }

    fn answered(&mut self, accepted: u64, declined: u64, launched: Vec<String>, views: Vec<OfferView>) {
        self.counters.offers_accepted += accepted;
        self.counters.offers_declined += declined;
        let news = api::Event::Offers { offers: accepted + declined, accepted, declined, launched, views };
        self.effects.push(Effect::News(Box::new(news)));
    }

    /// The master has taken an offer back: whatever we had said to it came too late.
    pub(super) fn rescinded(&mut self, id: &OfferId) {
        self.counters.offers_rescinded += 1;
        if let Some(view) = self.market.rescind(id) {
            let (offers, accepted, declined) = (0, 0, 0);
            let news =
                api::Event::Offers { offers, accepted, declined, launched: Vec::new(), views: vec![view] };
            self.effects.push(Effect::News(Box::new(news)));
        }
    }

    /// Why an offer that would serve is not needed.
    fn idle_reason(&self) -> String {
        let target = self.fleet.target();
        if self.lacks_executor() {
            return NO_EXECUTOR.to_owned();
        }
        if self.fleet.demand(self.now) > 0 {
            return "not needed".to_owned();
        }
        if self.fleet.vacancies(self.now) > 0 {
            return "tasks that are too many have to end first".to_owned();
        }
        if let Some(at) = self.fleet.next_ready(self.now) {
            let seconds = at.since(self.now).as_secs_f64();
            return format!("the next task is started in {seconds:.1} s, after a failure");
        }
        if target == 0 { "no task is wanted".to_owned() } else { format!("all {target} tasks are placed") }
    }

    fn record(
        &mut self,
        candidate: &Candidate,
        offers: &[Offer],
        tasks: &[Launch],
        idle: &str,
    ) -> Vec<OfferView> {
        let reason = match (tasks.len(), &candidate.refusal) {
            (0, None) => idle.to_owned(),
            (0, Some(refusal)) => refusal_text(refusal),
            (1, _) => "1 task launched".to_owned(),
            (count, _) => format!("{count} tasks launched"),
        };
        let views: Vec<_> = offers.iter().map(|offer| self.offer_view(offer, &reason, tasks)).collect();
        if let Some(newest) = views.last().cloned() {
            let whole = usable(offers.iter().flat_map(|offer| &offer.resources));
            let seen = Seen {
                place: candidate.place.clone(),
                offer: OfferView { resources: whole, ..newest },
                left: candidate.left,
                refusal: candidate.refusal.clone(),
            };
            self.market.saw(candidate.agent_id.clone(), seen);
        }
        views.iter().for_each(|view| self.market.record(view.clone()));
        views
    }

    fn offer_view(&self, offer: &Offer, reason: &str, tasks: &[Launch]) -> OfferView {
        OfferView {
            id: offer.id.to_string(),
            at: self.now.as_secs_f64(),
            agent_id: offer.agent_id.to_string(),
            hostname: offer.hostname.clone(),
            role: role_of(offer),
            resources: usable(offer.resources.iter()),
            verdict: if tasks.is_empty() { Verdict::Declined } else { Verdict::Accepted },
            reason: reason.to_owned(),
            tasks: tasks.iter().map(|launch| launch.task.task_id.to_string()).collect(),
            refuse_seconds: self.config.refuse_seconds.0,
        }
    }
}

/// In the words of `explain`.
pub(super) fn refusal_text(refusal: &Refusal) -> String {
    match refusal {
        Refusal::Constraint(text) => text.clone(),
        Refusal::Maintenance => "the agent goes into maintenance".to_owned(),
        Refusal::Short(missing) => missing.iter().map(shortfall_text).collect::<Vec<_>>().join("; "),
    }
}

fn shortfall_text(missing: &Shortfall) -> String {
    format!("{}: wants {}, offer has {}", missing.resource, missing.wants, missing.has)
}
