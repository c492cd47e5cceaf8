//! Our master in the place of the recorded one: what it says to the agent.

use std::{collections::BTreeMap, time::Duration};

use mesoslab::{
    engine::{
        master::{Effect, Input, Master, MasterConfig, Reply, StreamId},
        wire::{AgentLink, ToAgent, ToMaster, to_agent, to_master},
    },
    mesos::{log::RegistryEntry, time::Time, v1},
};

use super::{
    compare::Said,
    recording::{Happening, Message, Recording, Row, What},
};

const START: Duration = Duration::from_secs(1_000_000);

/// Timers are never early, and late only by what a busy process is.
const LATE: Duration = Duration::from_millis(50);

/// What the recorded master said to the agent.
pub fn recorded(recording: &Recording) -> Vec<Said> {
    let messages = recording.rows.iter().filter_map(|row| match &row.what {
        What::Message(message) if message.is_from_master() => Some((row.at, message)),
        _ => None,
    });
    messages.map(|(at, message)| said(at, message.from(), &message.name, &message.body)).collect()
}

/// What ours says.
pub fn replayed(recording: &Recording) -> Vec<Said> {
    let mut stage = Stage {
        recording,
        master: None,
        registry: Vec::new(),
        links: BTreeMap::new(),
        stream: None,
        agent_runs: true,
        left_out_until: Duration::ZERO,
        said: Vec::new(),
    };
    for (n, row) in recording.rows.iter().enumerate() {
        stage.wait(row.at);
        stage.play(n, row);
    }
    stage.said
}

/// A message in words: as its reader understands it. The codecs are known to lose nothing.
fn said(at: Duration, from: &str, name: &str, body: &[u8]) -> Said {
    let message = to_agent::decode(from, name, body).unwrap();
    let (again, bytes) = to_agent::encode(&message);
    assert_eq!((again.as_str(), bytes.as_slice()), (name, body), "read and written again");
    Said {
        at,
        channel: from.to_owned(),
        name: name.trim_start_matches("mesos.internal.").to_owned(),
        text: format!("{message:#?}"),
    }
}

struct Stage<'a> {
    recording: &'a Recording,
    /// None while its process is not there.
    master: Option<Master>,
    /// What masters have written down.
    registry: Vec<RegistryEntry>,
    /// One for each address that agents speak from.
    links: BTreeMap<String, AgentLink>,
    /// Of the scheduler that has subscribed last.
    stream: Option<StreamId>,
    /// What is said to a dead agent no recorder hears.
    agent_runs: bool,
    left_out_until: Duration,
    said: Vec<Said>,
}

impl Stage<'_> {
    /// Lets the master's timers fire until then.
    fn wait(&mut self, until: Duration) {
        while let Some(due) = self.master.as_ref().and_then(Master::next_deadline) {
            let due = self.as_late_as_recorded(due.since(Time::from_epoch(START)));
            if due >= until {
                return;
            }
            self.handle(due, Input::Tick);
        }
    }

    /// A ping that was a little late then is as late now, so that clocks do not drift apart.
    fn as_late_as_recorded(&self, due: Duration) -> Duration {
        let pings = self.recording.rows.iter().filter(|row| match &row.what {
            What::Message(message) => message.is("PingSlaveMessage"),
            _ => false,
        });
        let late = pings.map(|ping| ping.at).find(|at| *at >= due && *at < due + LATE);
        late.unwrap_or(due)
    }

    fn play(&mut self, n: usize, row: &Row) {
        match &row.what {
            What::Message(message) if message.is_from_agent() => self.hear(row.at, message),
            What::Message(_) => {}
            What::Call(call) => self.call(row.at, call.clone()),
            What::Operator(call) => self.handle(row.at, Input::Operator(call.clone())),
            What::LeftOut { until } => self.left_out_until = *until,
            What::Happening(happening) => self.happen(n, row.at, happening),
        }
    }

    /// What its receiver does not take is dropped, as in Mesos.
    fn hear(&mut self, at: Duration, message: &Message) {
        let next = AgentLink(self.links.len() as u64 + 1);
        let link = *self.links.entry(message.pid.clone()).or_insert(next);
        if let Ok(heard) = to_master::decode(&message.pid, &message.to, &message.name, &message.body) {
            self.handle(at, Input::Agent { link, message: Box::new(heard) });
        }
    }

    fn call(&mut self, at: Duration, call: Box<v1::scheduler::Call>) {
        let subscribes = call.r#type() == v1::scheduler::call::Type::Subscribe;
        let stream = self.stream.clone().filter(|_| !subscribes);
        self.handle(at, Input::Call { stream, call });
    }

    fn happen(&mut self, n: usize, at: Duration, happening: &Happening) {
        match happening {
            Happening::MasterStarts(flags) => self.start(n, at, flags),
            Happening::MasterStops => self.master = None,
            Happening::LinkLost => {
                for link in self.links.clone().into_values() {
                    self.handle(at, Input::AgentLost(link));
                }
            }
            Happening::SchedulerGone => {
                if let Some(stream) = self.stream.take() {
                    self.handle(at, Input::Disconnected(stream));
                }
            }
            Happening::AgentStarts => self.agent_runs = true,
            Happening::AgentStops => self.agent_runs = false,
            // The world of a master does not change by that.
            Happening::AgentUnregisters | Happening::AgentFreezes | Happening::AgentThaws => {}
        }
    }

    fn start(&mut self, n: usize, at: Duration, flags: &str) {
        let flags: BTreeMap<&str, &str> =
            flags.split(' ').filter_map(|flag| flag.trim_start_matches("--").split_once('=')).collect();
        let default = MasterConfig::default();
        let config = MasterConfig {
            id: id_of_master(&self.recording.rows[n..]),
            port: 15150,
            agent_ping_timeout: flags.get("agent_ping_timeout").map_or(default.agent_ping_timeout, duration),
            max_agent_ping_timeouts: flags
                .get("max_agent_ping_timeouts")
                .map_or(default.max_agent_ping_timeouts, |count| count.parse().unwrap()),
            allocation_interval: flags
                .get("allocation_interval")
                .map_or(default.allocation_interval, duration),
            offer_freed_resources_at_once: false,
            ..default
        };
        let mut master = Master::new(config, Time::from_epoch(START + at), 1);
        if flags.get("registry") == Some(&"replicated_log") {
            master.recover(std::mem::take(&mut self.registry));
        }
        self.master = Some(master);
        self.stream = None;
        self.links.clear();
    }

    fn handle(&mut self, at: Duration, input: Input) {
        let Some(master) = &mut self.master else { return };
        let output = master.handle(Time::from_epoch(START + at), input);
        if let Some(Reply::Stream(stream)) = output.reply {
            self.stream = Some(stream);
        }
        for effect in output.effects {
            match effect {
                Effect::Agent { link, message } => self.tell(at, link, &message),
                Effect::Registry(entry) => self.registry.push(*entry),
                _ => {}
            }
        }
    }

    fn tell(&mut self, at: Duration, link: AgentLink, message: &ToAgent) {
        match message {
            ToAgent::Ping { observer, .. } if at < self.left_out_until => {
                let message = Box::new(ToMaster::Pong { observer: *observer });
                self.handle(at, Input::Agent { link, message });
            }
            _ if self.agent_runs => {
                let (name, body) = to_agent::encode(message);
                self.said.push(said(at, &to_agent::sender(message), &name, &body));
            }
            _ => {}
        }
    }
}

/// `1secs`, `200ms`.
fn duration(text: &&str) -> Duration {
    match text.strip_suffix("secs") {
        Some(seconds) => Duration::from_secs(seconds.parse().unwrap()),
        None => Duration::from_millis(text.strip_suffix("ms").unwrap().parse().unwrap()),
    }
}

/// All ids that a master gives begin with its own: those of the offers that were answered, or of the agent.
fn id_of_master(rows: &[Row]) -> Option<String> {
    let lives = rows.iter().take_while(|row| !matches!(row.what, What::Happening(Happening::MasterStops)));
    let id = lives.filter_map(|row| match &row.what {
        What::Call(call) => {
            let accepted = call.accept.iter().flat_map(|accept| &accept.offer_ids);
            let declined = call.decline.iter().flat_map(|decline| &decline.offer_ids);
            accepted.chain(declined).next().map(|id| id.to_string())
        }
        What::Message(message) if message.is_from_master() => {
            match to_agent::decode(message.from(), &message.name, &message.body) {
                Ok(ToAgent::Registered { agent_id, .. }) => Some(agent_id.to_string()),
                _ => None,
            }
        }
        _ => None,
    });
    id.filter_map(|id| Some(id.rsplit_once('-')?.0.to_owned())).next()
}
