//! What is wrong right now, in one line each, the worst first.

use ratatui::text::{Line, Span};

use crate::{
    cluster::{
        agent::{Agent, AgentState},
        component::{self, Component, Health},
        history::{Kind, Weight},
        link::Link,
    },
    scheduler::api::Phase,
    tui::{
        model::Model,
        slider::counts,
        tables::meaning::{self, Sign, Tone},
        view::{link, parts, text, units},
    },
};

/// How far back the last message of a failure is looked for.
const LOOK_BACK: usize = 200;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    symbol: &'static str,
    tone: Tone,
    /// Told in full, as far as there is room.
    text: String,
}

impl Trouble {
    fn new(sign: Sign, text: String) -> Self {
        Self { symbol: sign.symbol, tone: sign.tone, text }
    }

    fn warning(text: String) -> Self {
        Self::new(meaning::weight(Weight::Warning), text)
    }

    fn bad(text: String) -> Self {
        Self::new(meaning::weight(Weight::Bad), text)
    }

    pub fn line(&self, model: &Model, width: usize) -> Line<'static> {
        let style = self.tone.style(&model.theme);
        let spans = vec![
            Span::styled(format!("{} ", self.symbol), style),
            Span::styled(text::clean(&self.text).into_owned(), model.theme.text),
        ];
        parts::clipped(spans, width)
    }
}

pub fn list(model: &Model) -> Vec<Trouble> {
    [links(model), components(model), agents(model), tasks(model)].concat()
}

/// Whether it is subscribed, and has all the tasks that are wanted.
pub fn scheduler_is_well(model: &Model) -> bool {
    let Some(view) = &model.cluster.scheduler else { return false };
    let counts = view.state.counts;
    let lacking = counts.unplaced + counts.backing_off + counts.unreachable + counts.unhealthy;
    model.cluster.scheduler_link.is_up() && view.state.phase == Phase::Subscribed && lacking == 0
}

fn links(model: &Model) -> Vec<Trouble> {
    let cluster = &model.cluster;
    let lost = |name: &str, stream: &Link| match stream {
        Link::Lost { .. } => {
            let words = link::words(stream, model.now, usize::MAX);
            Some(Trouble::bad(format!("{name}: {}", words.trim_start_matches(['▲', ' ']))))
        }
        Link::Polling { why, .. } => Some(Trouble::warning(format!("{name}: no stream: {why}"))),
        Link::Connecting | Link::Live { .. } | Link::Absent { .. } => None,
    };
    let subscription = cluster.scheduler.as_ref().filter(|_| cluster.scheduler_link.is_up());
    let subscription = subscription.filter(|view| view.state.phase != Phase::Subscribed).map(|view| {
        let why = view.state.problem.as_deref().unwrap_or("connecting to the master");
        Trouble::warning(format!("the scheduler is not subscribed: {why}"))
    });
    [lost("master", &cluster.master_link), lost("scheduler", &cluster.scheduler_link), subscription]
        .into_iter()
        .flatten()
        .collect()
}

/// Parts of the lab that are not well, but for those whose stream says it already.
fn components(model: &Model) -> Vec<Trouble> {
    let ill = |health| matches!(health, Health::Degraded | Health::Down | Health::Stopped);
    let cluster = &model.cluster;
    let told = |part: &&Component| match part.kind {
        component::Kind::Master => matches!(cluster.master_link, Link::Lost { .. }),
        component::Kind::Scheduler => matches!(cluster.scheduler_link, Link::Lost { .. }),
        component::Kind::ZooKeeper
        | component::Kind::Exhibitor
        | component::Kind::Agent
        | component::Kind::Marathon
        | component::Kind::Registry => false,
    };
    let ill = cluster.components.iter().filter(|part| ill(part.health));
    let mut ill: Vec<_> = ill.filter(|part| !told(part)).collect();
    ill.sort_by_key(|part| (part.kind, units::natural(&part.name)));
    let alike = ill.chunk_by(|a, b| (a.health, &a.state) == (b.health, &b.state));
    alike.map(together).collect()
}

/// Parts that are ill for the same reason, in one line.
fn together(parts: &[&Component]) -> Trouble {
    let names: Vec<_> = parts.iter().map(|part| part.name.as_str()).collect();
    let (sign, why) = (meaning::component(parts[0].health), &parts[0].state);
    let word = if why.contains(sign.word) { String::new() } else { format!(" {}", sign.word) };
    Trouble::new(sign, format!("{}{word}: {why}", names.join(", ")))
}

/// Agents that take no tasks, as far as they were not told as components.
fn agents(model: &Model) -> Vec<Trouble> {
    let told = |name: &str| {
        model.cluster.components.find(name).is_some_and(|part| !matches!(part.health, Health::Ready))
    };
    let idle = model.cluster.agents.iter().filter(|agent| agent.state != AgentState::Active);
    let mut idle: Vec<_> = idle.filter(|agent| !told(&agent.name)).collect();
    idle.sort_by_key(|agent| units::natural(&agent.name));
    let trouble = |agent: &Agent| {
        let sign = meaning::agent(agent.state);
        Trouble::new(sign, format!("{} is {}", agent.name, sign.word))
    };
    idle.into_iter().map(trouble).collect()
}

fn tasks(model: &Model) -> Vec<Trouble> {
    let counts = counts(&model.cluster);
    let are = |number: u64, what: &str| {
        let verb = if number == 1 { "is" } else { "are" };
        format!("{} {verb} {what}", units::counted(number, "task"))
    };
    let wait = |number: u64, what: &str, why: Option<String>| {
        let verb = if number == 1 { "waits" } else { "wait" };
        let why = why.map_or_else(|| " (e explains)".to_owned(), |why| format!(": {why}"));
        format!("{} {verb} {what}{why}", units::counted(number, "task"))
    };
    let mut troubles = Vec::new();
    if counts.backing_off > 0 {
        troubles.push(Trouble::bad(wait(counts.backing_off, "after a failure", last_failure(model))));
    }
    if counts.unplaced > 0 {
        troubles.push(Trouble::warning(wait(counts.unplaced, "for an offer", obstacle(model))));
    }
    if counts.unreachable > 0 {
        troubles.push(Trouble::bad(are(counts.unreachable, "unreachable")));
    }
    if counts.unhealthy > 0 {
        troubles.push(Trouble::warning(are(counts.unhealthy, "unhealthy")));
    }
    troubles
}

fn last_failure(model: &Model) -> Option<String> {
    let newest = model.cluster.history.iter().rev().take(LOOK_BACK);
    let mut failures = newest.filter(|it| it.kind == Kind::Task && it.weight == Weight::Bad);
    failures.next().map(|failure| failure.text.clone())
}

/// Why the tasks that wait find no place, by the forecast of the number that is wanted.
fn obstacle(model: &Model) -> Option<String> {
    let forecast = model.slider.standing.as_ref().filter(|forecast| forecast.unplaced > 0)?;
    let texts: Vec<_> = forecast.missing.iter().map(|missing| missing.text.as_str()).collect();
    (!texts.is_empty()).then(|| texts.join("; "))
}
