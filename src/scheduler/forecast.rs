//! What another `num_of_node` would do, before it is asked for: which agents would take the new tasks, what would find no
//! place and why, which tasks would end. Made by the code that does it: `Round` places, `first_to_leave` chooses.
//!
//! What cannot be seen from outside is not in it: slots that wait after a failure count as empty, and jobs that have ended
//! for good count as wanted again (take `Counts::completed` off `wanted`).

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use crate::{
    mesos::{
        time::Time,
        v1::{Offer, Resource},
    },
    scheduler::{
        api::{Missing, SchedulerConfig, TaskView},
        fleet::{Precedence, first_to_leave},
        placing::{Candidate, Neighbour, Round, Surroundings, place_of},
        pool::usable,
        quantities::Quantities,
        shortage::{self, Remainder, obstacle},
        task::Place,
    },
};

/// With constraints, [`Forecast::fits`] counts at most so many tasks beyond those that are there or placed.
pub const COUNTED: u64 = 10_000;
/// So many refusals by constraints are told one by one.
const TOLD: usize = 3;
const UNREACHABLE: &str = "TASK_UNREACHABLE";

/// What a forecast is made from: config and tasks from the scheduler's API, agents from the master's.
#[derive(Clone, Debug)]
pub struct Question {
    pub config: SchedulerConfig,
    /// Launched and not ended, in any order. Shared: there may be very many.
    pub tasks: Vec<Arc<TaskView>>,
    /// One made-up offer per active agent: id, agent id, hostname, attributes, domain, and what is free there.
    pub agents: Vec<Offer>,
    pub wanted: u64,
    pub now: Time,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Forecast {
    pub wanted: u64,
    /// The agents that would take new tasks, in the order of [`Question::agents`].
    pub placed: Vec<Placed>,
    /// New tasks that would find no place now.
    pub unplaced: u64,
    /// Why not, in the words of `explain`.
    pub missing: Vec<Missing>,
    /// The tasks that would lose their places, in that order: those already on their way out, then the newest.
    pub ending: Vec<String>,
    /// Tasks that are there and stay, and how many more would fit, whatever is wanted; see [`COUNTED`].
    pub fits: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    pub agent_id: String,
    pub hostname: String,
    pub tasks: u64,
}

/// What would be if `num_of_node` were set to [`Question::wanted`] now.
pub fn forecast(question: &Question) -> Forecast {
    let standing = Standing::of(&question.tasks);
    let mut round = round(question);
    let vacancies = question.wanted.saturating_sub(standing.slots);
    let demand = vacancies.min(question.wanted.saturating_sub(standing.present));
    let counted = place(&mut round, demand);
    let placed: u64 = counted.values().sum();
    let unplaced = vacancies - placed;
    let counted_on = (!question.config.constraints.is_empty()).then(|| count(&mut round, COUNTED));
    let candidates = round.into_candidates();
    let beyond = counted_on.unwrap_or_else(|| room(question, &candidates));
    Forecast {
        wanted: question.wanted,
        placed: by_agent(&candidates, &counted),
        unplaced,
        missing: match unplaced {
            0 => Vec::new(),
            _ if placed == demand => vec![shortage::too_many_first()],
            _ => missing(question, &candidates),
        },
        ending: ending(question, standing.slots),
        fits: standing.staying.saturating_add(placed).saturating_add(beyond),
    }
}

/// The tasks there are, by what they take of `num_of_node`.
#[derive(Default)]
struct Standing {
    slots: u64,
    present: u64,
    staying: u64,
}

impl Standing {
    fn of(tasks: &[Arc<TaskView>]) -> Self {
        tasks.iter().fold(Self::default(), |sum, task| {
            let present = is_present(task);
            Self {
                slots: sum.slots + u64::from(task.slot.is_some()),
                present: sum.present + u64::from(present),
                staying: sum.staying + u64::from(present && task.killing.is_none()),
            }
        })
    }
}

fn is_present(task: &TaskView) -> bool {
    task.state != UNREACHABLE
}

fn round(question: &Question) -> Round<'_> {
    let constraints = &question.config.constraints;
    let places: HashMap<_, _> = question
        .agents
        .iter()
        .filter(|_| !constraints.is_empty())
        .map(|agent| (agent.agent_id.as_str(), place_of(agent).fields))
        .collect();
    let nowhere = BTreeMap::new();
    let tasks = question.tasks.iter().filter(|task| is_present(task)).map(|task| {
        let agent_id = task.agent_id.as_deref();
        Neighbour { agent_id, fields: agent_id.and_then(|id| places.get(id)).unwrap_or(&nowhere) }
    });
    let around = Surroundings::new(constraints, tasks, places.values());
    Round::new(
        &question.config,
        question.agents.iter().flat_map(|agent| candidates(question, agent)).collect(),
        around,
    )
}

/// An agent for each of our roles: with what is reserved for it, and for the first with what is not reserved at all.
fn candidates<'a>(question: &'a Question, agent: &'a Offer) -> impl Iterator<Item = Candidate> {
    let roles = &question.config.roles;
    roles.iter().enumerate().filter_map(move |(at, role)| {
        let is_ours = |resource: &&Resource| match reserved_for(resource) {
            None => at == 0,
            Some(owner) => serves(owner, role) && !roles[..at].iter().any(|earlier| serves(owner, earlier)),
        };
        let left = usable(agent.resources.iter().filter(is_ours));
        let place = match question.config.constraints.as_slice() {
            [] => Place { hostname: agent.hostname.clone(), ..Place::default() },
            _ => place_of(agent),
        };
        (at == 0 || left != Quantities::default()).then(|| Candidate::new(question.now, agent, place, left))
    })
}

/// The role that may use it; none when every role may.
#[expect(deprecated, reason = "masters may still write reservations in the old form")]
fn reserved_for(resource: &Resource) -> Option<&str> {
    let role = match resource.reservations.last() {
        Some(reservation) => reservation.role.as_deref(),
        None => resource.role.as_deref(),
    };
    role.filter(|role| *role != "*")
}

/// What is reserved for a role is for the roles below it too.
fn serves(owner: &str, role: &str) -> bool {
    role.strip_prefix(owner).is_some_and(|below| below.is_empty() || below.starts_with('/'))
}

/// Places up to `demand` tasks; how many came to which candidate.
fn place(round: &mut Round, demand: u64) -> BTreeMap<usize, u64> {
    let mut placed = BTreeMap::new();
    for _ in 0..demand {
        let Some(at) = round.place() else { break };
        *placed.entry(at).or_default() += 1;
    }
    placed
}

fn count(round: &mut Round, most: u64) -> u64 {
    (0..most).take_while(|_| round.place().is_some()).count() as u64
}

/// How many more tasks the candidates hold, where no constraint has a say.
fn room(question: &Question, candidates: &[Candidate]) -> u64 {
    let wants = question.config.wants();
    let open = candidates.iter().filter(|candidate| !candidate.is_leaving());
    open.map(|candidate| candidate.left.times(&wants)).fold(0, u64::saturating_add)
}

fn by_agent(candidates: &[Candidate], counted: &BTreeMap<usize, u64>) -> Vec<Placed> {
    let mut placed: Vec<Placed> = Vec::new();
    for (at, tasks) in counted {
        let Some(candidate) = candidates.get(*at) else { continue };
        let agent_id = candidate.agent_id.as_str();
        match placed.last_mut().filter(|last| last.agent_id == agent_id) {
            Some(last) => last.tasks += tasks,
            None => placed.push(Placed {
                agent_id: agent_id.to_owned(),
                hostname: candidate.place.hostname.clone(),
                tasks: *tasks,
            }),
        }
    }
    placed
}

fn missing(question: &Question, candidates: &[Candidate]) -> Vec<Missing> {
    if candidates.is_empty() {
        return vec![obstacle("agents", "there is none")];
    }
    let agents: Vec<_> = candidates.iter().map(remainder).collect();
    let missing = shortage::missing(&question.config.wants(), &agents);
    if missing.is_empty() { constraints(&agents) } else { missing }
}

fn remainder(candidate: &Candidate) -> Remainder<'_> {
    Remainder {
        agent_id: candidate.agent_id.as_str(),
        hostname: &candidate.place.hostname,
        left: candidate.left,
        refusal: candidate.refusal.as_ref(),
    }
}

fn constraints(agents: &[Remainder]) -> Vec<Missing> {
    let refusals = shortage::constraint_refusals(agents);
    let told = refusals.iter().take(TOLD).map(|refusal| Missing {
        requirement: "constraints".to_owned(),
        text: format!("{}: {}", refusal.hostname, refusal.text),
    });
    let others = refusals.len().saturating_sub(TOLD);
    let rest = obstacle("constraints", format!("they keep {others} more agents from us"));
    told.chain((others > 0).then_some(rest)).collect()
}

fn ending(question: &Question, slots: u64) -> Vec<String> {
    let surplus = usize::try_from(slots.saturating_sub(question.wanted)).unwrap_or(usize::MAX);
    if surplus == 0 {
        return Vec::new();
    }
    let placed = question.tasks.iter().filter(|task| task.slot.is_some());
    let placed = placed.map(|task| (precedence(task), task)).collect();
    first_to_leave(placed, surplus).into_iter().map(|task| task.id.clone()).collect()
}

fn precedence(task: &TaskView) -> Precedence {
    let launched_at = Time::from_epoch(Duration::try_from_secs_f64(task.launched_at).unwrap_or_default());
    Precedence { ending: task.killing.is_some(), launched_at, slot: task.slot }
}
