//! Our custom executor: what a process that speaks the executor API makes of what it hears. Pure; `host/executor` does
//! its IO.
//!
//! ```text
//! LAUNCH, LAUNCH_GROUP > Effect::Launch > Input::Process(Launched) > TASK_STARTING, TASK_RUNNING > Effect::Say(UPDATE)
//! UPDATE > ACKNOWLEDGED > forgotten; what is not acknowledged is said again in the next SUBSCRIBE
//! KILL, SHUTDOWN > TERM, after the grace period KILL > TASK_KILLED > ACKNOWLEDGED > Effect::End
//! ```
//!
//! A task is what Mesos' command executor would make of it: [`CommandExecutor`] runs each of them, with its checks, health
//! checks, kill policy and `max_completion_time`. Its command is a `CommandInfo` in Mesos' JSON form in `TaskInfo.data`, as
//! Mesos lets a task with an executor have no command; a task of a group has `TaskInfo.command`.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use bytes::Bytes;
use rand::{RngCore, SeedableRng, rngs::SmallRng};

use super::{
    agent::{Command, Launch, plain_variables, setup::Setup},
    executor::{self, Action, CommandExecutor, Signal, check::Probe},
};
use crate::mesos::{
    json,
    time::Time,
    v1::{
        CommandInfo, ContainerId, ExecutorId, FrameworkId, FrameworkInfo, TaskId, TaskInfo, TaskStatus,
        executor::{Call, Event, call, event},
        framework_info::capability,
    },
};

/// How much of the time that we have to end the tasks have; in the rest their end is said and heard.
const SHARE_OF_TASKS: f64 = 0.8;

/// What the agent has told the process in its environment.
#[derive(Clone, Debug)]
pub struct Terms {
    pub framework_id: FrameworkId,
    pub executor_id: ExecutorId,
    /// Where the tasks work, and write to: the executor's own sandbox, as under the command executor.
    pub sandbox: String,
    /// What tasks find in their environment beside what is their own.
    pub environment: BTreeMap<String, String>,
    /// `MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD`: the agent kills what still runs that long after SHUTDOWN.
    pub shutdown_grace_period: Duration,
    /// Of the uuids of updates.
    pub seed: u64,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    Event(Box<Event>),
    /// The stream is gone: what is said from now on waits for the next SUBSCRIBE.
    Disconnected,
    /// We are asked to end, or there will never be anybody again to say anything to: as SHUTDOWN.
    Stop,
    /// What has become of the process of a task, or of a probe of it.
    Process {
        container_id: ContainerId,
        input: executor::Input,
    },
    /// Time has passed, see [`OwnExecutor::next_deadline`].
    Tick,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Make this call.
    Say(Box<Call>),
    /// Start this; answered with `Launched` or `Missing`, and in the end with `Exited`.
    Launch(Box<Launch>),
    /// Signal the whole process tree of a task.
    Signal { container_id: ContainerId, signal: Signal },
    /// Make this probe of a task; answered with `Probed`.
    Probe { container_id: ContainerId, probe: Box<Probe> },
    /// For whoever reads the log.
    Log(String),
    /// There is nothing left to do; with an error where something went wrong.
    End(Result<(), String>),
}

#[derive(Debug)]
struct Running {
    task: TaskInfo,
    program: CommandExecutor,
    /// Tasks of one group end together.
    group: Option<u64>,
    is_over: bool,
}

/// The tasks of one executor, and what has been said of them.
#[derive(Debug)]
pub struct OwnExecutor {
    terms: Terms,
    rng: SmallRng,
    is_connected: bool,
    framework: FrameworkInfo,
    /// Also those that are over, until their last update is acknowledged.
    tasks: BTreeMap<ContainerId, Running>,
    groups: u64,
    /// In the order in which they were made.
    unacknowledged: Vec<TaskStatus>,
    /// Those of the unacknowledged that the last SUBSCRIBE has said, by their uuid.
    said: BTreeSet<Bytes>,
    /// Tasks of which no update has been acknowledged: the agent may never have heard that they arrived.
    fresh: BTreeSet<TaskId>,
    /// Since it is to end: when it does so whatever still runs.
    end_by: Option<Time>,
    has_ended: bool,
    effects: Vec<Effect>,
}

impl OwnExecutor {
    pub fn new(terms: Terms) -> Self {
        let rng = SmallRng::seed_from_u64(terms.seed);
        Self {
            terms,
            rng,
            is_connected: false,
            framework: FrameworkInfo::default(),
            tasks: BTreeMap::new(),
            groups: 0,
            unacknowledged: Vec::new(),
            said: BTreeSet::new(),
            fresh: BTreeSet::new(),
            end_by: None,
            has_ended: false,
            effects: Vec::new(),
        }
    }

    /// The call that subscribes, or subscribes again: with all that the agent may not have heard.
    pub fn subscribe(&mut self) -> Call {
        self.said = self.unacknowledged.iter().filter_map(|status| status.uuid.clone()).collect();
        let known = self.tasks.values().map(|running| &running.task);
        let unacknowledged_tasks = known.filter(|task| self.fresh.contains(&task.task_id)).cloned().collect();
        let unacknowledged_updates =
            self.unacknowledged.iter().map(|status| call::Update { status: status.clone() }).collect();
        let subscribe = call::Subscribe { unacknowledged_tasks, unacknowledged_updates };
        Call { subscribe: Some(subscribe), ..self.call(call::Type::Subscribe) }
    }

    pub fn handle(&mut self, now: Time, input: Input) -> Vec<Effect> {
        match input {
            Input::Event(event) => self.event(now, *event),
            Input::Disconnected => self.is_connected = false,
            Input::Stop => self.shut_down(now),
            Input::Process { container_id, input } => self.process(now, &container_id, input),
            Input::Tick => self.tick(now),
        }
        self.end_when_done();
        std::mem::take(&mut self.effects)
    }

    /// When [`Input::Tick`] is due.
    pub fn next_deadline(&self) -> Option<Time> {
        let programs = self.tasks.values().filter_map(|running| running.program.next_deadline());
        programs.chain(self.end_by).min()
    }

    fn event(&mut self, now: Time, event: Event) {
        match event.r#type() {
            event::Type::Subscribed => self.subscribed(event.subscribed.unwrap_or_default()),
            event::Type::Launch => {
                event.launch.into_iter().for_each(|launch| self.launch(now, launch.task, None));
            }
            event::Type::LaunchGroup => {
                self.groups += 1;
                let group = Some(self.groups);
                let tasks = event.launch_group.into_iter().flat_map(|launch| launch.task_group.tasks);
                tasks.for_each(|task| self.launch(now, task, group));
            }
            event::Type::Kill => {
                if let Some(kill) = event.kill {
                    self.log(format!("Asked to kill task {}", kill.task_id));
                    self.kill(now, &kill.task_id, executor::Input::Kill(kill.kill_policy));
                }
            }
            event::Type::Acknowledged => {
                if let Some(event::Acknowledged { task_id, uuid }) = event.acknowledged {
                    self.unacknowledged.retain(|status| status.uuid.as_ref() != Some(&uuid));
                    self.fresh.remove(&task_id);
                    self.forget(&task_id);
                }
            }
            event::Type::Message => {
                let bytes = event.message.map_or(0, |message| message.data.len());
                self.log(format!("A message of {bytes} bytes: this executor knows none"));
            }
            event::Type::Error => {
                let message = event.error.map(|error| error.message).unwrap_or_default();
                self.end(Err(format!("the agent says: {message}")));
            }
            event::Type::Shutdown => {
                self.log("Shutting down".to_owned());
                self.shut_down(now);
            }
            event::Type::Heartbeat | event::Type::Unknown => {}
        }
    }

    fn subscribed(&mut self, subscribed: event::Subscribed) {
        self.is_connected = true;
        self.framework = subscribed.framework_info;
        // What has happened since we asked.
        let said = std::mem::take(&mut self.said);
        let unsaid = |status: &&TaskStatus| status.uuid.as_ref().is_none_or(|uuid| !said.contains(uuid));
        for status in self.unacknowledged.iter().filter(unsaid).cloned().collect::<Vec<_>>() {
            self.say(status);
        }
        self.log(format!("Subscribed with the agent on {}", subscribed.agent_info.hostname));
    }

    /// A task that is known already is no second one.
    fn launch(&mut self, now: Time, task: TaskInfo, group: Option<u64>) {
        let container_id = ContainerId::from(task.task_id.as_str());
        if self.tasks.contains_key(&container_id) {
            return self.log(format!("Task {} has been launched before", task.task_id));
        }
        self.log(format!("Starting task {}", task.task_id));
        let killing_state =
            self.framework.capabilities.iter().any(|own| own.r#type() == capability::Type::TaskKillingState);
        let program = CommandExecutor::of(self.terms.executor_id.clone(), task.clone(), killing_state);
        let command = command(&task);
        self.fresh.insert(task.task_id.clone());
        self.tasks.insert(container_id.clone(), Running { task, program, group, is_over: false });
        match command {
            _ if self.end_by.is_some() => {
                self.missing(now, &container_id, "The executor is ending".to_owned())
            }
            Ok(info) => self.start(&container_id, &info),
            Err(why) => self.missing(now, &container_id, why),
        }
    }

    fn missing(&mut self, now: Time, container_id: &ContainerId, why: String) {
        self.process(now, container_id, executor::Input::Missing(why));
    }

    fn start(&mut self, container_id: &ContainerId, info: &(CommandInfo, Command)) {
        let (info, command) = info;
        let mut environment = self.terms.environment.clone();
        environment.insert("MESOS_TASK_ID".to_owned(), container_id.value.clone());
        environment.extend(info.environment.iter().flat_map(plain_variables));
        self.effects.push(Effect::Launch(Box::new(Launch {
            container_id: container_id.clone(),
            directory: self.terms.sandbox.clone(),
            latest: String::new(),
            command: command.clone(),
            environment,
            survives: false,
            setup: Setup::default(),
        })));
    }

    fn process(&mut self, now: Time, container_id: &ContainerId, input: executor::Input) {
        let Some(running) = self.tasks.get_mut(container_id) else { return };
        let actions = running.program.handle(now, input);
        self.act(now, container_id, actions);
    }

    fn act(&mut self, now: Time, container_id: &ContainerId, actions: Vec<Action>) {
        for action in actions {
            let container_id = container_id.clone();
            match action {
                Action::Update(status) => self.update(now, &container_id, *status),
                Action::Signal(signal) => self.effects.push(Effect::Signal { container_id, signal }),
                Action::Probe(probe) => {
                    self.effects.push(Effect::Probe { container_id, probe: Box::new(probe) });
                }
            }
        }
    }

    fn update(&mut self, now: Time, container_id: &ContainerId, mut status: TaskStatus) {
        let mut bytes = [0; 16];
        self.rng.fill_bytes(&mut bytes);
        let uuid = uuid::Builder::from_random_bytes(bytes).into_uuid();
        status.uuid = Some(Bytes::copy_from_slice(uuid.as_bytes()));
        let message = status.message.as_deref().map(|message| format!(": {message}")).unwrap_or_default();
        self.log(format!("{} of task {}{message}", status.state().as_str_name(), status.task_id));
        let is_end = executor::is_end(status.state());
        self.unacknowledged.push(status.clone());
        if self.is_connected {
            self.say(status);
        }
        if is_end {
            self.over(now, container_id);
        }
    }

    fn say(&mut self, status: TaskStatus) {
        let update = Some(call::Update { status });
        self.effects.push(Effect::Say(Box::new(Call { update, ..self.call(call::Type::Update) })));
    }

    /// What is left of a group ends with the first of its tasks that does not finish.
    fn over(&mut self, now: Time, container_id: &ContainerId) {
        let Some(running) = self.tasks.get_mut(container_id) else { return };
        running.is_over = true;
        let Some(group) = running.group.filter(|_| !running.program.has_finished()) else { return };
        let others = self.tasks.values().filter(|other| other.group == Some(group) && !other.is_over);
        for task_id in others.map(|other| other.task.task_id.clone()).collect::<Vec<_>>() {
            self.kill(now, &task_id, executor::Input::Kill(None));
        }
    }

    fn kill(&mut self, now: Time, task_id: &TaskId, input: executor::Input) {
        self.process(now, &ContainerId::from(task_id.as_str()), input);
    }

    /// Everything gets the time that the agent gives us; whatever is left then dies with us.
    fn shut_down(&mut self, now: Time) {
        if self.end_by.is_some() {
            return;
        }
        self.end_by = Some(now + self.terms.shutdown_grace_period);
        let grace_period = self.terms.shutdown_grace_period.mul_f64(SHARE_OF_TASKS);
        let running: Vec<TaskId> = self.tasks.values().map(|running| running.task.task_id.clone()).collect();
        for task_id in running {
            self.kill(now, &task_id, executor::Input::Shutdown { grace_period });
        }
    }

    fn tick(&mut self, now: Time) {
        if self.end_by.is_some_and(|end| end <= now) {
            return self.end(Ok(()));
        }
        let due: Vec<ContainerId> = self
            .tasks
            .iter()
            .filter(|(_, running)| running.program.next_deadline().is_some_and(|at| at <= now))
            .map(|(container_id, _)| container_id.clone())
            .collect();
        for container_id in due {
            self.process(now, &container_id, executor::Input::Tick);
        }
    }

    /// The last word of a task has been heard.
    fn forget(&mut self, task_id: &TaskId) {
        if self.unacknowledged.iter().all(|status| status.task_id != *task_id) {
            self.tasks.retain(|_, running| !running.is_over || running.task.task_id != *task_id);
        }
        if self.tasks.is_empty() && self.unacknowledged.is_empty() {
            self.end(Ok(()));
        }
    }

    /// One that is to end waits for its tasks, and for their acknowledgements where somebody is there to give them.
    fn end_when_done(&mut self) {
        let all_over = self.tasks.values().all(|running| running.is_over);
        let all_heard = self.unacknowledged.is_empty() || !self.is_connected;
        if self.end_by.is_some() && all_over && all_heard {
            self.end(Ok(()));
        }
    }

    fn end(&mut self, how: Result<(), String>) {
        if !std::mem::replace(&mut self.has_ended, true) {
            self.effects.push(Effect::End(how));
        }
    }

    fn log(&mut self, line: String) {
        self.effects.push(Effect::Log(line));
    }

    fn call(&self, kind: call::Type) -> Call {
        Call {
            r#type: Some(kind.into()),
            framework_id: self.terms.framework_id.clone(),
            executor_id: self.terms.executor_id.clone(),
            ..Call::default()
        }
    }
}

/// What a task is to run.
fn command(task: &TaskInfo) -> Result<(CommandInfo, Command), String> {
    let info = match (&task.command, &task.data) {
        (Some(command), _) => command.clone(),
        (None, Some(data)) => json::from_json::<CommandInfo>(data)
            .map_err(|error| format!("TaskInfo.data is no CommandInfo in JSON: {error}"))?,
        (None, None) => {
            return Err("There is no command: TaskInfo.data is to hold a CommandInfo in JSON".to_owned());
        }
    };
    if let Some(uri) = info.uris.first() {
        return Err(format!(
            "An executor fetches nothing: '{}' belongs to the executor's command",
            uri.value
        ));
    }
    let command = Command::from_info(&info).ok_or("The command has no value")?;
    Ok((info, command))
}

#[cfg(test)]
mod tests;
