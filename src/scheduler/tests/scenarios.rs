//! Scenarios as data: `tests/scenarios/scheduler/*.txt` say what happens when, and what the scheduler does then.
//! The words of both are in `README.md` beside them.

use std::{collections::BTreeMap, fmt::Write as _, time::Duration};

use crate::{
    mesos::{
        time::Time,
        v1::{
            AgentId, Attribute, FrameworkId, MasterInfo, Offer, OfferId, Resource, TaskId, TaskState,
            TaskStatus,
            scheduler::{Call, Event, call, event},
            value,
        },
    },
    scheduler::{
        CallFailure, Effect, Input, Options, Scheduler,
        config::SchedulerConfig,
        saved::SavedState,
        testing::{ports, scalar},
    },
};

macro_rules! scenarios {
    ($($name:ident)*) => {$(
        #[test]
        fn $name() {
            play(include_str!(concat!("../../../tests/scenarios/scheduler/", stringify!($name), ".txt")));
        }
    )*};
}

scenarios! {
    backoff_and_reset
    constraints_and_explain
    crash_and_restart
    framework_removed
    health_and_kill
    jobs
    launch_and_scale
    offers_merged_and_refused
    reconciliation
    rolling_change
    taken_over_and_torn_down
    unreachable_and_back
}

fn play(script: &str) {
    let mut stage: Option<Stage> = None;
    let mut due: Vec<String> = Vec::new();
    for (number, line) in script.lines().enumerate() {
        let line = line.split(" #").next().unwrap_or_default().trim_end();
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let wrong =
            |what: &str, got: &str| panic!("line {}: {what}\n  script: {line}\n  got:    {got}", number + 1);
        if let Some(expected) = line.trim().strip_prefix("-> ") {
            match due.is_empty() {
                true => wrong("nothing was done", "nothing"),
                false if due[0] != expected => wrong("something else was done", &due.join(" | ")),
                false => drop(due.remove(0)),
            }
        } else if let Some(expected) = line.trim().strip_prefix("= ") {
            let summary = stage.as_ref().map(Stage::explain).unwrap_or_default();
            if summary != expected {
                wrong("the explanation differs", &summary);
            }
        } else {
            if !due.is_empty() {
                wrong("more was done before this line", &due.join(" | "));
            }
            match line.strip_prefix("config ") {
                Some(json) => stage = Some(Stage::new(json)),
                None => due = stage.as_mut().map(|stage| stage.act(line)).unwrap_or_default(),
            }
        }
    }
    assert!(due.is_empty(), "at the end, more was done: {}", due.join(" | "));
}

struct Stage {
    scheduler: Scheduler,
    now: Time,
    /// By the name that the script gives them: `t1` is the first task launched.
    tasks: Vec<TaskId>,
    calls: BTreeMap<i32, Call>,
    saved: Option<SavedState>,
    lives: u64,
}

const START: Duration = Duration::from_secs(1_000_000);

impl Stage {
    fn new(json: &str) -> Self {
        let mut config = SchedulerConfig { cpus: 1.0, ..SchedulerConfig::default() };
        config = config.patched(&serde_json::from_str(json).unwrap()).unwrap();
        let now = Time::from_epoch(START);
        let scheduler = Scheduler::new(now, Options::default(), config, None, 1);
        Self { scheduler, now, tasks: Vec::new(), calls: BTreeMap::new(), saved: None, lives: 1 }
    }

    fn explain(&self) -> String {
        self.scheduler.explain(self.now).summary
    }

    fn act(&mut self, line: &str) -> Vec<String> {
        let (seconds, action) = line.split_once(' ').unwrap();
        self.now = Time::from_epoch(START + Duration::from_secs_f64(seconds.parse().unwrap()));
        let (verb, rest) = action.trim().split_once(' ').unwrap_or((action.trim(), ""));
        let input = match verb {
            "subscribe" => return vec![self.subscribe()],
            "crash" => return self.crash(),
            "subscribed" => subscribed(rest),
            "offers" => offers(rest),
            "update" => self.update(rest, true),
            "reconciled" => self.update(rest, false),
            "error" => error(rest),
            "agent-gone" => failure(rest),
            "failed" => self.failed(rest),
            "disconnected" => Input::Disconnected { reason: "connection closed".to_owned() },
            "patch" => self.patch(rest),
            "kill" => Input::Kill(self.task(rest)),
            "teardown" => Input::Teardown,
            "tick" => Input::Tick,
            other => panic!("no such action: {other}"),
        };
        let effects = self.scheduler.handle(self.now, input);
        effects.into_iter().filter_map(|effect| self.told(effect)).collect()
    }

    fn told(&mut self, effect: Effect) -> Option<String> {
        match effect {
            Effect::Call(call) | Effect::Acknowledge(call) => {
                self.calls.insert(call.r#type.unwrap_or_default(), (*call).clone());
                Some(self.call_text(&call))
            }
            Effect::SaveFirst => {
                self.saved = Some(self.scheduler.saved());
                Some("save".to_owned())
            }
            Effect::Resubscribe => Some("resubscribe".to_owned()),
            Effect::Stop => Some("stop".to_owned()),
            Effect::SaveSoon | Effect::News(_) => None,
        }
    }

    fn call_text(&mut self, call: &Call) -> String {
        let mut text = call.r#type().as_str_name().to_owned();
        match call.r#type() {
            call::Type::Accept => self.accept_text(call, &mut text),
            call::Type::Decline => {
                let decline = call.decline.as_ref().unwrap();
                let refuse = decline.filters.as_ref().unwrap().refuse_seconds();
                let _ = write!(text, " {} for {refuse}", ids(&decline.offer_ids));
            }
            call::Type::Kill => {
                let kill = call.kill.as_ref().unwrap();
                let at_once = if kill.kill_policy.is_some() { " at once" } else { "" };
                let _ = write!(text, " {}{at_once}", self.name(&kill.task_id));
            }
            call::Type::Acknowledge => {
                let _ = write!(text, " {}", self.name(&call.acknowledge.as_ref().unwrap().task_id));
            }
            call::Type::Reconcile => {
                let tasks = &call.reconcile.as_ref().unwrap().tasks;
                let names: Vec<_> = tasks.iter().map(|task| self.name(&task.task_id)).collect();
                let _ = write!(text, " {}", if names.is_empty() { "all".to_owned() } else { sorted(names) });
            }
            _ => {}
        }
        text
    }

    fn accept_text(&mut self, call: &Call, text: &mut String) {
        let accept = call.accept.as_ref().unwrap();
        let launched =
            accept.operations.iter().flat_map(|operation| &operation.launch.as_ref().unwrap().task_infos);
        let launched: Vec<_> = launched.map(|task| task.task_id.clone()).collect();
        self.tasks.extend(launched.clone());
        let names: Vec<_> = launched.iter().map(|id| self.name(id)).collect();
        let refuse = accept.filters.as_ref().unwrap().refuse_seconds();
        let _ = write!(text, " {} for {}, rest for {refuse}", ids(&accept.offer_ids), names.join(" "));
    }

    fn name(&self, id: &TaskId) -> String {
        let at = self.tasks.iter().position(|known| known == id);
        at.map_or_else(|| id.to_string(), |at| format!("t{}", at + 1))
    }

    fn task(&self, name: &str) -> TaskId {
        let number = name.strip_prefix('t').and_then(|number| number.parse::<usize>().ok());
        number.and_then(|number| self.tasks.get(number - 1)).cloned().unwrap_or_else(|| TaskId::new(name))
    }

    fn subscribe(&mut self) -> String {
        let Some(call) = self.scheduler.subscribe() else { return "nothing".to_owned() };
        let subscribe = call.subscribe.unwrap();
        let id = subscribe.framework_info.id.map_or("without id".to_owned(), |id| format!("as {id}"));
        let suppressed = if subscribe.suppressed_roles.is_empty() { "" } else { ", suppressed" };
        format!("SUBSCRIBE {id}{suppressed}")
    }

    fn crash(&mut self) -> Vec<String> {
        self.lives += 1;
        let config = SchedulerConfig::default();
        self.scheduler = Scheduler::new(self.now, Options::default(), config, self.saved.clone(), self.lives);
        Vec::new()
    }

    fn patch(&self, json: &str) -> Input {
        let patch = serde_json::from_str(json).unwrap();
        Input::Configure(Box::new(self.scheduler.config().patched(&patch).unwrap()))
    }

    /// `t1 RUNNING unhealthy on a`
    fn update(&self, words: &str, with_uuid: bool) -> Input {
        let mut words = words.split(' ');
        let task_id = self.task(words.next().unwrap());
        let state = TaskState::from_str_name(&format!("TASK_{}", words.next().unwrap())).unwrap();
        let agent_id = with_uuid.then(|| AgentId::new("agent-a"));
        let mut status = TaskStatus { task_id, agent_id, ..TaskStatus::default() };
        status.set_state(state);
        status.uuid = with_uuid.then(|| "uuid".into());
        for word in words {
            match word {
                "healthy" => status.healthy = Some(true),
                "unhealthy" => status.healthy = Some(false),
                other => panic!("no such word: {other}"),
            }
        }
        let mut event = Event { update: Some(event::Update { status }), ..Event::default() };
        event.set_type(event::Type::Update);
        Input::Event(Box::new(event))
    }

    fn failed(&self, words: &str) -> Input {
        let (kind, how) = words.split_once(' ').unwrap();
        let kind = call::Type::from_str_name(kind).unwrap();
        let message = "as the script says".to_owned();
        let failure = match how.parse() {
            Ok(status) => CallFailure::Refused { status, message },
            Err(_) => CallFailure::Unknown(message),
        };
        Input::CallFailed { call: Box::new(self.calls[&(kind as i32)].clone()), failure }
    }
}

fn ids(ids: &[OfferId]) -> String {
    ids.iter().map(OfferId::as_str).collect::<Vec<_>>().join("+")
}

fn sorted(mut names: Vec<String>) -> String {
    names.sort();
    names.join(" ")
}

/// `FRAMEWORK MASTER`
fn subscribed(words: &str) -> Input {
    let (framework, master) = words.split_once(' ').unwrap();
    let master_info = Some(MasterInfo { id: master.to_owned(), ..MasterInfo::default() });
    let framework_id = FrameworkId::new(framework);
    let subscribed = event::Subscribed { framework_id, heartbeat_interval_seconds: None, master_info };
    let mut event = Event { subscribed: Some(subscribed), ..Event::default() };
    event.set_type(event::Type::Subscribed);
    Input::Event(Box::new(event))
}

/// `o1 on a cpus=4 mem=64 rack=x; o2 on b ...`
fn offers(words: &str) -> Input {
    let offers = words.split(';').map(|words| offer(words.trim())).collect();
    let mut event = Event { offers: Some(event::Offers { offers }), ..Event::default() };
    event.set_type(event::Type::Offers);
    Input::Event(Box::new(event))
}

fn offer(words: &str) -> Offer {
    let words: Vec<_> = words.split(' ').collect();
    let mut offer = Offer {
        id: OfferId::new(words[0]),
        agent_id: AgentId::new(format!("agent-{}", words[2])),
        hostname: words[2].to_owned(),
        ..Offer::default()
    };
    for (name, value) in words[3..].iter().filter_map(|word| word.split_once('=')) {
        match name {
            "cpus" | "mem" | "disk" => offer.resources.push(scalar(name, value.parse().unwrap())),
            "ports" => offer.resources.push(port_range(value)),
            _ => offer.attributes.push(attribute(name, value)),
        }
    }
    offer
}

fn port_range(value: &str) -> Resource {
    let (begin, end) = value.split_once('-').unwrap();
    ports(&[(begin.parse().unwrap(), end.parse().unwrap())])
}

fn attribute(name: &str, text: &str) -> Attribute {
    let mut attribute = Attribute { name: name.to_owned(), ..Attribute::default() };
    attribute.set_type(value::Type::Text);
    attribute.text = Some(value::Text { value: text.to_owned() });
    attribute
}

fn error(message: &str) -> Input {
    let error = event::Error { message: message.to_owned() };
    let mut event = Event { error: Some(error), ..Event::default() };
    event.set_type(event::Type::Error);
    Input::Event(Box::new(event))
}

fn failure(agent: &str) -> Input {
    let agent_id = Some(AgentId::new(format!("agent-{agent}")));
    let mut event =
        Event { failure: Some(event::Failure { agent_id, ..Default::default() }), ..Event::default() };
    event.set_type(event::Type::Failure);
    Input::Event(Box::new(event))
}
