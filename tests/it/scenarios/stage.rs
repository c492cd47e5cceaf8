//! The stage of a scenario: a master, and names for the schedulers, agents and operators around it.

use std::{collections::BTreeMap, time::Duration};

use mesoslab::{
    engine::{
        master::{Effect, Input, Master, MasterConfig, Output, Reply, StreamId, SubscriberId},
        wire::{AgentLink, AgentRegistration, Running, StatusUpdate, ToAgent, ToMaster},
    },
    mesos::{
        attributes, json,
        log::{RegistryEntry, registry_entry::State},
        resources::Resources,
        time::Time,
        v1::{AgentInfo, ExecutorInfo, FrameworkInfo, Task, TaskState, TaskStatus},
    },
};
use serde_json::Value;

use super::say;

const START: Duration = Duration::from_secs(1_000_000);

pub struct Stage {
    master: Master,
    schedulers: BTreeMap<String, StreamId>,
    agents: BTreeMap<String, AgentLink>,
    operators: BTreeMap<String, SubscriberId>,
    /// Effects of this kind are not worth a line here.
    hidden: Vec<String>,
    links: u64,
    /// The observer that has last pinged over a link.
    observers: BTreeMap<AgentLink, u64>,
}

impl Stage {
    pub fn new(scenario: &Value) -> Self {
        let words = |key: &str| scenario[key].as_array().map(|it| it.iter().map(text).collect::<Vec<_>>());
        let mut hidden = words("hide").unwrap_or_else(|| vec!["PING".into(), "HEARTBEAT".into()]);
        let shown = words("show").unwrap_or_default();
        hidden.extend(
            ["REGISTRY", "GONE", "LOG"].map(String::from).into_iter().filter(|it| !shown.contains(it)),
        );
        let mut master = Master::new(config(&scenario["config"]), Time::from_epoch(START), 1);
        master.recover(scenario["registry"].as_array().into_iter().flatten().map(registry_entry));
        Self {
            master,
            schedulers: BTreeMap::new(),
            agents: BTreeMap::new(),
            operators: BTreeMap::new(),
            hidden,
            links: 0,
            observers: BTreeMap::new(),
        }
    }

    /// Lets the time of a step come, then plays it.
    pub fn play(&mut self, step: &Value) -> (Option<String>, Vec<String>) {
        let at = Time::from_epoch(START) + seconds(&step["at"]).unwrap_or_default();
        let mut lines = self.wait(at);
        let Some(input) = self.input(step) else { return (None, lines) };
        let output = self.master.handle(at, input);
        self.remember(step, &output);
        let reply = output.reply.as_ref().map(|reply| self.anonymous(&say::reply(reply)));
        lines.extend(self.lines(&output));
        (reply, lines)
    }

    fn wait(&mut self, until: Time) -> Vec<String> {
        let mut lines = Vec::new();
        while let Some(due) = self.master.next_deadline().filter(|due| *due < until) {
            let output = self.master.handle(due, Input::Tick);
            self.remember(&Value::Null, &output);
            let at = due.since(Time::from_epoch(START)).as_secs_f64();
            lines.extend(self.lines(&output).into_iter().map(|line| format!("@{at} {line}")));
        }
        lines
    }

    fn input(&mut self, step: &Value) -> Option<Input> {
        if let Some(call) = step.get("call") {
            let stream = match step["stream"].as_str() {
                Some("none") => None,
                Some(other) => Some(self.schedulers.get(other).cloned().unwrap_or_else(|| other.into())),
                None if call["type"] == "SUBSCRIBE" => None,
                None => self.schedulers.get(&text(&step["scheduler"])).cloned(),
            };
            return Some(Input::Call { stream, call: Box::new(json::from_value(call).unwrap()) });
        }
        if let Some(call) = step.get("operate") {
            return Some(Input::Operator(Box::new(json::from_value(call).unwrap())));
        }
        match (step["scheduler"].as_str(), step["operator"].as_str(), step["agent"].as_str()) {
            (Some(name), _, _) => Some(Input::Disconnected(self.schedulers[name].clone())),
            (_, Some(name), _) => Some(match self.operators.remove(name) {
                Some(subscriber) => Input::OperatorGone(subscriber),
                None => Input::OperatorSubscribe,
            }),
            (_, _, Some(name)) => Some(self.agent(name, step)),
            _ => None,
        }
    }

    fn agent(&mut self, name: &str, step: &Value) -> Input {
        if step["lost"] == true {
            return Input::AgentLost(self.agents.remove(name).unwrap());
        }
        let links = &mut self.links;
        let link = *self.agents.entry(name.to_owned()).or_insert_with(|| {
            *links += 1;
            AgentLink(*links)
        });
        let observer = self.observers.get(&link).copied().unwrap_or_default();
        Input::Agent { link, message: Box::new(message(step, observer)) }
    }

    fn remember(&mut self, step: &Value, output: &Output) {
        for effect in &output.effects {
            if let Effect::Agent { link, message } = effect
                && let ToAgent::Ping { observer, .. } = **message
            {
                self.observers.insert(*link, observer);
            }
        }
        match &output.reply {
            Some(Reply::Stream(stream)) => {
                self.schedulers.insert(text(&step["scheduler"]), stream.clone());
            }
            Some(Reply::Subscriber(subscriber)) => {
                self.operators.insert(text(&step["operator"]), *subscriber);
            }
            _ => {}
        }
    }

    fn lines(&self, output: &Output) -> Vec<String> {
        let shown = |effect: &Effect| {
            let (kind, rest) = say::effect(effect);
            let line = format!("{} {kind} {rest}", self.addressee(effect));
            (!self.hidden.contains(&kind)).then(|| self.anonymous(line.trim_end()))
        };
        output.effects.iter().filter_map(shown).collect()
    }

    /// Streams and the master's own id are drawn by lot.
    fn anonymous(&self, line: &str) -> String {
        let mut line = line.replace(&format!("{}-", self.master.info.id), "");
        for (name, stream) in &self.schedulers {
            line = line.replace(stream.as_str(), &format!("<stream of {name}>"));
        }
        line
    }

    fn addressee(&self, effect: &Effect) -> String {
        fn name<K: PartialEq>(names: &BTreeMap<String, K>, wanted: &K) -> String {
            let found = names.iter().find(|(_, known)| *known == wanted);
            found.map_or_else(|| "?".into(), |(name, _)| name.clone())
        }
        match effect {
            Effect::Event { stream, .. } | Effect::Close { stream } => name(&self.schedulers, stream),
            Effect::Agent { link, .. } | Effect::AgentGone { link } => name(&self.agents, link),
            Effect::Registry(_) | Effect::Log(_) => "master".to_owned(),
            Effect::OperatorEvent { subscriber, .. } => name(&self.operators, subscriber),
        }
    }
}

fn config(config: &Value) -> MasterConfig {
    let default = MasterConfig { id: Some("M".into()), ..MasterConfig::default() };
    MasterConfig {
        offer_timeout: seconds(&config["offer_timeout"]),
        agent_ping_timeout: seconds(&config["agent_ping_timeout"]).unwrap_or(default.agent_ping_timeout),
        agent_reregister_timeout: seconds(&config["agent_reregister_timeout"])
            .unwrap_or(default.agent_reregister_timeout),
        agent_removal_rate_limit: seconds(&config["seconds_between_removals"]).map(|period| (1, period)),
        registry_gc_interval: seconds(&config["registry_gc_interval"])
            .unwrap_or(default.registry_gc_interval),
        registry_max_agent_age: seconds(&config["registry_max_agent_age"])
            .unwrap_or(default.registry_max_agent_age),
        registry_max_agent_count: count(
            &config["registry_max_agent_count"],
            default.registry_max_agent_count,
        ),
        roles: config["roles"].as_array().map(|roles| roles.iter().map(text).collect()),
        root_submissions: config["root_submissions"].as_bool().unwrap_or(true),
        offer_freed_resources_at_once: config["offer_freed_resources_at_once"].as_bool().unwrap_or(true),
        max_completed_frameworks: count(
            &config["max_completed_frameworks"],
            default.max_completed_frameworks,
        ),
        max_completed_tasks_per_framework: count(
            &config["max_completed_tasks_per_framework"],
            default.max_completed_tasks_per_framework,
        ),
        ..default
    }
}

/// `{"state": "GONE", "id": "M-S7"}`, or an entry that is not about an agent in its own form.
fn registry_entry(entry: &Value) -> RegistryEntry {
    let Some(state) = entry["state"].as_str() else { return json::from_json(entry.to_string()).unwrap() };
    RegistryEntry {
        state: Some(State::from_str_name(state).unwrap().into()),
        agent: Some(registration(entry).info),
        ..RegistryEntry::default()
    }
}

fn count(value: &Value, default: usize) -> usize {
    value.as_u64().map_or(default, |count| count as usize)
}

fn seconds(value: &Value) -> Option<Duration> {
    value.as_f64().map(Duration::from_secs_f64)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn text_or(value: &Value, default: &str) -> String {
    value.as_str().unwrap_or(default).to_owned()
}

/// A step that says nothing else is an answer to the observer's last ping.
fn message(step: &Value, observer: u64) -> ToMaster {
    if let Some(info) = step.get("register") {
        return ToMaster::Register(registration(info));
    }
    if let Some(info) = step.get("reregister") {
        return reregistration(info);
    }
    if let Some(update) = step.get("update") {
        return ToMaster::StatusUpdate(status_update(update));
    }
    if let Some(total) = step.get("total") {
        return ToMaster::Update { total: Some(Resources::parse(&text(total), "*").unwrap().to_protos()) };
    }
    if let Some(exited) = step.get("exited") {
        return ToMaster::ExitedExecutor {
            framework_id: text(&exited["framework"]).into(),
            executor_id: text(&exited["executor"]).into(),
            status: exited["status"].as_i64().unwrap_or_default() as i32,
        };
    }
    if let Some(says) = step.get("says") {
        return ToMaster::ExecutorMessage {
            framework_id: text(&says["framework"]).into(),
            executor_id: text(&says["executor"]).into(),
            data: text(&says["data"]).into(),
        };
    }
    if step["unregister"] == true { ToMaster::Unregister } else { ToMaster::Pong { observer } }
}

fn registration(info: &Value) -> AgentRegistration {
    let hostname = text_or(&info["hostname"], "localhost");
    let port = info["port"].as_u64().unwrap_or(5051);
    let (address, version) = (&info["ip"], &info["version"]);
    let info = AgentInfo {
        id: info["id"].as_str().map(Into::into),
        hostname,
        port: Some(port as i32),
        resources: Resources::parse(&text(&info["resources"]), "*").unwrap().to_protos(),
        attributes: attributes::parse(&text(&info["attributes"])).unwrap(),
        ..AgentInfo::default()
    };
    let ip = text_or(address, "127.0.0.1");
    let registration = AgentRegistration::new(info, format!("slave(1)@{ip}:{port}"));
    AgentRegistration { version: text_or(version, &registration.version), ..registration }
}

fn reregistration(info: &Value) -> ToMaster {
    let all = |name: &str| info[name].as_array().cloned().unwrap_or_default();
    let executors =
        all("executors").iter().map(|value| json::from_value::<ExecutorInfo>(value).unwrap()).collect();
    let executors: Vec<ExecutorInfo> = executors;
    ToMaster::Reregister {
        registration: registration(info),
        running: Running {
            tasks: all("tasks").iter().map(|value| json::from_value::<Task>(value).unwrap()).collect(),
            executors: executors
                .into_iter()
                .map(|it| (it.framework_id.clone().unwrap_or_default(), it))
                .collect(),
            frameworks: all("frameworks")
                .iter()
                .map(|it| json::from_value::<FrameworkInfo>(it).unwrap())
                .collect(),
            completed: Vec::new(),
        },
    }
}

/// `uuid` is a small number here; without one the update has none.
fn status_update(update: &Value) -> StatusUpdate {
    let uuid =
        update["uuid"].as_u64().map(|number| (u128::from(number) | say::UUID_MARK).to_be_bytes().to_vec());
    let state = |name: &str| TaskState::from_str_name(update[name].as_str()?);
    StatusUpdate {
        framework_id: update["framework"].as_str().unwrap_or("M-0000").into(),
        executor_id: None,
        status: TaskStatus {
            task_id: text(&update["task"]).into(),
            state: state("state").unwrap().into(),
            message: update["message"].as_str().map(Into::into),
            agent_id: Some(update["agent"].as_str().unwrap_or("M-S0").into()),
            healthy: update["healthy"].as_bool(),
            uuid: uuid.map(Into::into),
            ..TaskStatus::default()
        },
        latest_state: state("latest"),
    }
}
