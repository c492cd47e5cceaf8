//! One agent of ours from its start to its end.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use bytes::Bytes;
use mesoslab::{
    engine::{
        agent::{Agent, AgentConfig, Container, Effect, Input, Memory},
        executor::exit::Exit,
        wire::{ToAgent, ToMaster, to_agent, to_master},
    },
    mesos::{
        internal::StatusUpdateMessage,
        log::AgentLogEntry,
        protobuf,
        resources::Resources,
        time::Time,
        v1::{AgentId, AgentInfo, ContainerId, TaskState, TaskStatus},
    },
};

use super::recording::{Happening, Message, Row, What};

const START: Duration = Duration::from_secs(1_000_000);

/// `--resources` of all recorded agents.
const RESOURCES: &str = "cpus:4;mem:4096;disk:10240;ports:[31000-32000]";

/// How much earlier than the recorded agent ours may register.
const TOLERANCE: Duration = Duration::from_millis(100);

/// A message to a process of the master.
pub struct Sent {
    pub at: Duration,
    pub to: String,
    pub name: String,
    pub body: Vec<u8>,
}

/// What is left when an agent's process is gone.
#[derive(Clone, Default)]
pub struct Legacy {
    id: Option<AgentId>,
    log: Vec<AgentLogEntry>,
    containers: BTreeMap<ContainerId, Container>,
    of_task: BTreeMap<String, ContainerId>,
}

/// One agent from its start to its end.
pub struct Life {
    agent: Agent,
    pub legacy: Legacy,
    /// When the recorded agent registers.
    registrations: Vec<Duration>,
    registered: usize,
    /// Whether ours has to do so at these times.
    is_timed: bool,
    fits: bool,
    /// Messages that wait, for as long as the process is stopped.
    frozen: Option<Vec<ToAgent>>,
    /// Pings that the recorder has left out.
    pings: VecDeque<Duration>,
    left_out_until: Duration,
    resource_version: Option<Bytes>,
    /// The updates that were acknowledged to the recorded agent, by their uuid.
    recorded_updates: BTreeMap<Bytes, Update>,
    updates: BTreeMap<Update, Bytes>,
    pub sent: Vec<Sent>,
}

/// A task and its state: no recorded task was twice in the same.
type Update = (String, i32);

impl Life {
    /// None when it does not register as the recorded one.
    pub fn play(rows: &[Row], legacy: &Legacy, seed: u64, is_timed: bool) -> Option<Self> {
        let at = rows[0].at;
        let mut life = Self {
            agent: Agent::new(config(), time(at), seed),
            legacy: Legacy { log: Vec::new(), ..legacy.clone() },
            registrations: registrations(rows),
            registered: 0,
            is_timed,
            fits: true,
            frozen: None,
            pings: VecDeque::new(),
            left_out_until: Duration::ZERO,
            resource_version: None,
            recorded_updates: recorded_updates(rows),
            updates: BTreeMap::new(),
            sent: Vec::new(),
        };
        life.begin(at, legacy);
        for row in &rows[1..] {
            if matches!(row.what, What::Happening(Happening::AgentStops)) {
                break;
            }
            life.wait(row.at);
            life.hear(row);
            if !life.fits {
                return None;
            }
        }
        (life.registered == life.registrations.len()).then_some(life)
    }

    fn begin(&mut self, at: Duration, legacy: &Legacy) {
        if let Some(id) = legacy.id.clone() {
            let effects = self.agent.recover(time(at), id, legacy.log.clone(), &legacy.containers);
            self.legacy.log.clone_from(&legacy.log);
            self.perform(at, effects);
        }
        self.handle(at, Input::MasterConnected);
    }

    /// Lets timers fire until then.
    fn wait(&mut self, until: Duration) {
        while self.fits {
            let ping = self.pings.front().copied().filter(|at| *at <= until);
            let due = self.agent.next_deadline().map(|due| due.since(Time::from_epoch(START)));
            let due = due.filter(|due| self.frozen.is_none() && *due < ping.unwrap_or(until));
            match (due, ping) {
                (Some(due), _) => self.handle(due, Input::Tick),
                (None, Some(at)) => {
                    self.pings.pop_front();
                    self.handle(at, Input::Master(ToAgent::Ping { observer: 1, connected: true }));
                }
                (None, None) => return,
            }
        }
    }

    fn hear(&mut self, row: &Row) {
        match &row.what {
            What::Message(message) if message.is_from_master() => {
                let heard = self.translated(message);
                match &mut self.frozen {
                    Some(waiting) => waiting.push(heard),
                    None => self.handle(row.at, Input::Master(heard)),
                }
            }
            What::Message(message) if message.is_from_executor() => self.hear_executor(row.at, message),
            What::LeftOut { until } => {
                self.left_out_until = *until;
                let times = (0..).map(|n| row.at + Duration::from_secs(n));
                self.pings = times.take_while(|at| at < until).collect();
            }
            What::Happening(Happening::AgentUnregisters) => self.handle(row.at, Input::Stop),
            What::Happening(Happening::AgentFreezes) => self.frozen = Some(Vec::new()),
            What::Happening(Happening::AgentThaws) => self.thaw(row.at),
            _ => {}
        }
    }

    /// A message as the master would have said it to our agent: it acknowledges the update that ours has drawn a uuid for.
    fn translated(&self, message: &Message) -> ToAgent {
        let mut heard = to_agent::decode(message.from(), &message.name, &message.body).unwrap();
        if let ToAgent::Acknowledge { uuid, .. } = &mut heard
            && let Some(ours) = self.updates.get(&self.recorded_updates[uuid])
        {
            uuid.clone_from(ours);
        }
        heard
    }

    /// All that was due or said in the meantime comes at once.
    fn thaw(&mut self, at: Duration) {
        let waiting = self.frozen.take().unwrap_or_default();
        self.handle(at, Input::Tick);
        for message in waiting {
            self.handle(at, Input::Master(message));
        }
    }

    /// The executor is in our agent: what the recorded one said tells when its process began and ended.
    fn hear_executor(&mut self, at: Duration, message: &Message) {
        if !message.is("StatusUpdateMessage") {
            return;
        }
        let status = protobuf::decode::<StatusUpdateMessage>(&message.body).unwrap().update.status;
        let container_id = self.legacy.of_task[status.task_id.as_str()].clone();
        if status.state() == TaskState::TaskStarting {
            let pid = 4711;
            self.legacy
                .containers
                .insert(container_id.clone(), Container { pid: Some(pid), ..Container::default() });
            self.handle(at, Input::Launched { container_id, pid });
        } else if let Some(exit) = exit(&status) {
            self.legacy.containers.remove(&container_id);
            self.handle(at, Input::Exited { container_id, exit });
        }
    }

    fn handle(&mut self, at: Duration, input: Input) {
        let effects = self.agent.handle(time(at), input);
        self.perform(at, effects);
    }

    fn perform(&mut self, at: Duration, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Master(message) => self.send(at, &message),
                Effect::Remember(memory) => match memory {
                    Memory::Agent(info) => self.legacy.id = info.id,
                    Memory::Entry(entry) => self.legacy.log.push(*entry),
                },
                Effect::Launch(launch) => {
                    let task = launch.environment["MESOS_TASK_ID"].clone();
                    self.legacy.of_task.insert(task, launch.container_id);
                }
                Effect::Run(_)
                | Effect::Sandbox(_)
                | Effect::Signal { .. }
                | Effect::Probe { .. }
                | Effect::Attend(_)
                | Effect::Answer { .. }
                | Effect::Kill { .. }
                | Effect::RemoveSandbox(_)
                | Effect::ExecutorAnswer { .. }
                | Effect::Event { .. }
                | Effect::Close(_)
                | Effect::Stopped => {}
            }
        }
    }

    fn send(&mut self, at: Duration, message: &ToMaster) {
        match message {
            ToMaster::Register(registration) | ToMaster::Reregister { registration, .. } => {
                self.resource_version.clone_from(&registration.resource_version);
                self.registers(at);
            }
            ToMaster::Pong { .. } if at < self.left_out_until => return,
            ToMaster::StatusUpdate(update) => {
                self.updates.insert(update_of(&update.status), update.status.uuid().to_vec().into());
            }
            _ => {}
        }
        let pid = config().pid();
        let sender = to_master::Sender {
            agent_id: self.agent.id(),
            pid: &pid,
            resource_version: self.resource_version.as_ref(),
        };
        let (name, body) = to_master::encode(message, &sender);
        self.sent.push(Sent { at, to: to_master::receiver(message), name, body });
    }

    fn registers(&mut self, at: Duration) {
        let recorded = self.registrations.get(self.registered);
        self.registered += 1;
        self.fits &= recorded
            .is_some_and(|recorded| !self.is_timed || (at <= *recorded && at + TOLERANCE >= *recorded));
    }
}

fn time(at: Duration) -> Time {
    Time::from_epoch(START + at)
}

fn config() -> AgentConfig {
    let info = AgentInfo {
        hostname: "localhost".to_owned(),
        port: Some(15151),
        resources: Resources::parse(RESOURCES, "*").unwrap().to_protos(),
        ..AgentInfo::default()
    };
    AgentConfig {
        checkpoints: true,
        registration_backoff_factor: Duration::from_secs(1),
        ..AgentConfig::new(info, "/agent")
    }
}

fn registrations(rows: &[Row]) -> Vec<Duration> {
    let registers = |row: &&Row| match &row.what {
        What::Message(message) => message.is("RegisterSlaveMessage") || message.is("ReregisterSlaveMessage"),
        _ => false,
    };
    rows.iter().filter(registers).map(|row| row.at).collect()
}

fn update_of(status: &TaskStatus) -> Update {
    (status.task_id.to_string(), status.state)
}

fn recorded_updates(rows: &[Row]) -> BTreeMap<Bytes, Update> {
    let statuses = rows.iter().filter_map(|row| match &row.what {
        What::Message(message) if message.is_from_agent() && message.is("StatusUpdateMessage") => {
            Some(protobuf::decode::<StatusUpdateMessage>(&message.body).unwrap().update.status)
        }
        _ => None,
    });
    statuses.map(|status| (status.uuid.clone().unwrap_or_default(), update_of(&status))).collect()
}

/// How the process of the task must have ended. What the update says of it is compared later.
fn exit(status: &TaskStatus) -> Option<Exit> {
    match status.state() {
        TaskState::TaskFinished => Some(Exit::Code(0)),
        TaskState::TaskKilled => Some(Exit::signal(15)),
        _ => None,
    }
}
