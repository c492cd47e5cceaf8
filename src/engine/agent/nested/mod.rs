//! Containers that clients of the agent API launch: nested in those of tasks and executors, or standing alone. Here they
//! are guests.
//!
//! ```text
//! call > Order > Input::Order > Effect::Attend > process > Input::Launched > Effect::Answer
//!                              Effect::Kill, Effect::Signal > Input::Exited > Effect::Answer to who waits
//! ```
//!
//! A guest ends with the container that it is in, and with the agent: nothing of it is remembered. Source: Mesos'
//! `slave/http.cpp` and `slave/containerizer/mesos/containerizer.cpp`.

mod orders;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

pub use orders::{Answer, Attended, GuestInfo, Order, Streams, cells, full_name, root};

use super::{
    Agent, AgentState, Command, Effect, Executor, ExecutorState, Launch,
    environment::{DEFAULT_PATH, plain_variables},
    launch::{Unsupported, path_component},
    setup::{self, Setup},
};
use crate::{
    engine::executor::{Signal, exit::Exit},
    mesos::v1::{ContainerId, Resource, container_info},
};

/// How many ends are kept for those who ask later; the oldest are forgotten.
const MAX_ENDS: usize = 10_000;

/// The largest number of a signal that has a name; those of real time are for nobody to send.
const LAST_SIGNAL: i32 = 31;

/// A container that a client has launched.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Guest {
    /// The sandbox.
    pub directory: String,
    pub resources: Vec<Resource>,
    /// Whom its process runs as, where the agent switches users.
    pub user: Option<String>,
    /// The process, as soon as it runs.
    pub pid: Option<u32>,
    /// It is to be killed, or has been.
    going: bool,
    /// Something is fetched for it before its process begins.
    fetches: bool,
    /// Who waits for its launch.
    launching: Option<u64>,
}

/// All guests of an agent, and how those ended that are no more.
#[derive(Clone, Debug, Default)]
pub struct Guests {
    pub containers: BTreeMap<ContainerId, Guest>,
    /// Of nested containers, those of tasks too, as long as the container is there that they were in.
    ends: BTreeMap<ContainerId, (u64, Exit)>,
    /// Counts the ends.
    ended: u64,
    waiting: BTreeMap<u64, (ContainerId, Option<Exit>)>,
}

impl Guests {
    fn keep_end(&mut self, container_id: &ContainerId, exit: Exit) {
        self.ended += 1;
        self.ends.insert(container_id.clone(), (self.ended, exit));
        if self.ends.len() > MAX_ENDS {
            let oldest = self.ends.iter().min_by_key(|(_, (number, _))| *number);
            if let Some(oldest) = oldest.map(|(id, _)| id.clone()) {
                self.ends.remove(&oldest);
            }
        }
    }

    fn is_idle(&self) -> bool {
        self.containers.is_empty() && self.ends.is_empty() && self.waiting.is_empty()
    }
}

impl Agent {
    /// Whether it is a guest.
    pub fn has_guest(&self, container_id: &ContainerId) -> bool {
        self.guests.containers.contains_key(container_id)
    }

    /// Why nobody can attach to a container; none where its streams, if there are any, may be had.
    pub fn attach_refusal(&self, container_id: &ContainerId) -> Option<Answer> {
        let name = full_name(container_id);
        let executors = self.frameworks.values().flat_map(|framework| framework.executors.values());
        let executor = executors.into_iter().find(|it| it.container_id == *root(container_id));
        let Some(executor) = executor else {
            return Some(Answer::NotFound(format!("Container {name} cannot be found")));
        };
        executor.is_docker().then(|| Answer::Failed("Unsupported".to_owned()))
    }

    /// Why a container has no streams to attach to.
    pub fn no_streams(&self, container_id: &ContainerId) -> Answer {
        Answer::Failed(if self.knows(container_id) {
            "I/O switchboard server was disabled for this container".to_owned()
        } else {
            format!("Unknown container {}", full_name(container_id))
        })
    }

    pub(super) fn order(&mut self, request: u64, order: Order) {
        match order {
            Order::Launch(info) => self.launch_guest(request, *info),
            Order::Wait(container_id) => self.wait_for(request, container_id),
            Order::Kill { container_id, signal } => self.kill_container(request, &container_id, signal),
            Order::Remove(container_id) => self.remove_container(request, &container_id),
        }
    }

    /// Nobody waits for this answer any more.
    pub(super) fn abandon_order(&mut self, request: u64) {
        self.guests.waiting.remove(&request);
    }

    fn answer(&mut self, request: u64, answer: Answer) {
        self.effects.push(Effect::Answer { request, answer });
    }

    fn launch_guest(&mut self, request: u64, info: GuestInfo) {
        if self.knows(&info.container_id) {
            return self.answer(request, Answer::AlreadyThere);
        }
        match self.prepare_guest(&info) {
            Ok(attended) => {
                let parent = info.container_id.parent.as_deref().and_then(|parent| self.user_in(parent));
                let user = info.command.user.clone().or_else(|| parent.map(str::to_owned));
                let guest = Guest {
                    directory: attended.launch.directory.clone(),
                    resources: info.resources,
                    user,
                    fetches: !attended.launch.setup.uris.is_empty(),
                    launching: Some(request),
                    ..Guest::default()
                };
                self.guests.ends.remove(&info.container_id);
                self.guests.containers.insert(info.container_id, guest);
                self.effects.push(Effect::Attend(Box::new(attended)));
            }
            Err(refusal) => self.answer(request, refusal),
        }
    }

    fn prepare_guest(&self, info: &GuestInfo) -> Result<Attended, Answer> {
        let container_id = &info.container_id;
        if info.container.as_ref().is_some_and(|it| it.r#type() == container_info::Type::Docker) {
            return Err(Answer::Refused("The provided ContainerInfo is not supported".to_owned()));
        }
        if self.state == AgentState::Terminating {
            return Err(Answer::Refused("The agent is going".to_owned()));
        }
        let directory = match &container_id.parent {
            Some(parent) => self.place_in(parent, container_id).map_err(Answer::Refused)?,
            None => format!("{}/{}", self.config.work_dir, below(container_id)),
        };
        let account =
            self.nested_account(&info.command, container_id).map_err(|why| match &container_id.parent {
                Some(_) => Answer::Refused(format!("Failed to create nested sandbox '{directory}': {why}")),
                None => Answer::Failed(format!("Failed to create sandbox: {why}")),
            })?;
        let setup = guest_setup(info, &directory).map_err(Answer::Refused)?;
        let command = Command::or_complaint(&info.command);
        let mut environment: BTreeMap<String, String> = BTreeMap::new();
        if !info.session {
            environment.insert("PATH".to_owned(), DEFAULT_PATH.to_owned());
            environment.insert("MESOS_SANDBOX".to_owned(), directory.clone());
        }
        environment.extend(info.command.environment.iter().flat_map(plain_variables));
        let launch = Launch {
            container_id: container_id.clone(),
            latest: String::new(),
            directory,
            command,
            environment,
            survives: false,
            setup: Setup { account, ..setup },
        };
        let inherits = container_id.parent.as_deref().filter(|_| info.session).cloned();
        Ok(Attended { launch, streams: Streams::of(info.container.as_ref(), info.session), inherits })
    }

    /// The sandbox of a container in another, which has to be there.
    fn place_in(&self, parent: &ContainerId, container_id: &ContainerId) -> Result<String, String> {
        if !self.knows(parent) {
            return Err(format!("Parent container {} does not exist", full_name(parent)));
        }
        let executor = self.executor_at(parent);
        if executor.is_some_and(Executor::is_docker) {
            return Err("Nested containers are not supported".to_owned());
        }
        if self.guests.containers.get(parent).is_some_and(|guest| guest.going) {
            return Err(format!("Parent container {} is in 'DESTROYING' state", full_name(parent)));
        }
        let root = self.root_directory(container_id).unwrap_or_default();
        Ok(format!("{root}/{}", below_root(container_id)))
    }

    fn executor_at(&self, container_id: &ContainerId) -> Option<&Executor> {
        let (framework_id, executor_id) = self.containers.get(container_id)?;
        self.frameworks.get(framework_id)?.executors.get(executor_id)
    }

    /// Whether a container runs, or is about to: an executor's, a task's, or a guest.
    fn knows(&self, container_id: &ContainerId) -> bool {
        let executor = self.executor_at(container_id);
        self.has_guest(container_id) || executor.is_some_and(|it| it.state != ExecutorState::Terminated)
    }

    fn root_directory(&self, container_id: &ContainerId) -> Option<&str> {
        let root = root(container_id);
        let guest = self.guests.containers.get(root).map(|guest| guest.directory.as_str());
        guest.or_else(|| self.executor_at(root).map(|executor| executor.directory.as_str()))
    }

    fn wait_for(&mut self, request: u64, container_id: ContainerId) {
        if self.knows(&container_id) {
            self.guests.waiting.insert(request, (container_id, None));
            return;
        }
        let answer = match self.guests.ends.get(&container_id) {
            Some((_, exit)) => Answer::Ended(Some(*exit)),
            None => Answer::NotFound(format!("Container {} cannot be found", full_name(&container_id))),
        };
        self.answer(request, answer);
    }

    fn kill_container(&mut self, request: u64, container_id: &ContainerId, signal: i32) {
        if !self.knows(container_id) {
            let name = full_name(container_id);
            let text = format!("Container '{name}' cannot be found (or is already killed)");
            return self.answer(request, Answer::NotFound(text));
        }
        if self.executor_at(container_id).is_some_and(Executor::is_docker) {
            return self.answer(request, Answer::Failed("Unsupported".to_owned()));
        }
        if !(0..=LAST_SIGNAL).contains(&signal) {
            let text = "Unable to send signal to container: Invalid argument".to_owned();
            return self.answer(request, Answer::Failed(text));
        }
        let unborn = self.guests.containers.get(container_id).is_some_and(|guest| guest.pid.is_none());
        if unborn {
            self.destroy(container_id);
        } else {
            self.effects.push(Effect::Kill { container_id: container_id.clone(), signal });
        }
        self.answer(request, Answer::Done);
    }

    fn remove_container(&mut self, request: u64, container_id: &ContainerId) {
        if self.knows(container_id) {
            let text = "Nested container has not terminated yet".to_owned();
            return self.answer(request, Answer::Failed(text));
        }
        let directory = match &container_id.parent {
            None => Some(format!("{}/{}", self.config.work_dir, below(container_id))),
            Some(_) if !self.knows(root(container_id)) => None,
            Some(_) => {
                self.root_directory(container_id).map(|root| format!("{root}/{}", below_root(container_id)))
            }
        };
        let Some(directory) = directory else {
            return self.answer(request, Answer::Failed("Unknown root container".to_owned()));
        };
        self.guests.ends.remove(container_id);
        self.effects.push(Effect::RemoveSandbox(directory));
        self.answer(request, Answer::Done);
    }

    /// Ends a guest and all in it; one that is going already goes on going.
    pub(super) fn destroy(&mut self, container_id: &ContainerId) {
        let Some(guest) = self.guests.containers.get_mut(container_id).filter(|guest| !guest.going) else {
            return;
        };
        guest.going = true;
        if guest.pid.is_some() || guest.fetches {
            self.signal(container_id, Signal::Kill);
        }
    }

    pub(super) fn guest_launched(&mut self, container_id: &ContainerId, pid: u32) {
        let Some(guest) = self.guests.containers.get_mut(container_id) else { return };
        guest.pid = Some(pid);
        let (going, launching) = (guest.going, guest.launching.take());
        if going {
            self.signal(container_id, Signal::Kill);
        }
        if let Some(request) = launching {
            self.answer(request, Answer::Done);
        }
    }

    pub(super) fn guest_failed(&mut self, container_id: &ContainerId, message: &str) {
        let Some(guest) = self.guests.containers.remove(container_id) else { return };
        if let Some(request) = guest.launching {
            self.answer(request, Answer::Refused(message.to_owned()));
        }
    }

    pub(super) fn guest_exited(&mut self, container_id: &ContainerId, exit: Exit) {
        let guest = self.guests.containers.remove(container_id);
        if let Some(request) = guest.and_then(|guest| guest.launching) {
            self.answer(request, Answer::Done);
        }
        self.note_end(container_id, exit);
    }

    /// How a container has ended, for those who wait for it, now or later.
    pub(super) fn note_end(&mut self, container_id: &ContainerId, exit: Exit) {
        let of_command = self.executor_at(container_id).is_some_and(|it| it.generated_for_command_task);
        let exit = if of_command && container_id.parent.is_none() { Exit::Code(0) } else { exit };
        for (_, seen) in self.guests.waiting.values_mut().filter(|(id, _)| id == container_id) {
            *seen = Some(exit);
        }
        if container_id.parent.is_some() {
            self.guests.keep_end(container_id, exit);
        }
    }

    /// After anything has happened: guests whose place is gone go, and who waits for what is no more is answered.
    pub(super) fn settle_guests(&mut self) {
        if self.guests.is_idle() {
            return;
        }
        let all_go = self.state == AgentState::Terminating;
        let homeless: Vec<ContainerId> = self
            .guests
            .containers
            .keys()
            .filter(|id| all_go || id.parent.as_deref().is_some_and(|parent| !self.knows(parent)))
            .cloned()
            .collect();
        homeless.iter().for_each(|id| self.destroy(id));
        let over: Vec<u64> = self
            .guests
            .waiting
            .iter()
            .filter(|(_, (id, _))| !self.knows(id))
            .map(|(request, _)| *request)
            .collect();
        for request in over {
            if let Some((_, exit)) = self.guests.waiting.remove(&request) {
                self.answer(request, Answer::Ended(exit));
            }
        }
        let ends = std::mem::take(&mut self.guests.ends);
        self.guests.ends = ends.into_iter().filter(|(id, _)| self.knows(root(id))).collect();
    }
}

/// `containers/ID` for each container down from the outermost, as Mesos lays sandboxes out.
fn below(container_id: &ContainerId) -> String {
    let own = format!("containers/{}", path_component(&container_id.value));
    match &container_id.parent {
        Some(parent) => format!("{}/{own}", below(parent)),
        None => own,
    }
}

/// As [`below`], from the sandbox of the outermost.
fn below_root(container_id: &ContainerId) -> String {
    let own = format!("containers/{}", path_component(&container_id.value));
    match container_id.parent.as_deref().filter(|parent| parent.parent.is_some()) {
        Some(parent) => format!("{}/{own}", below_root(parent)),
        None => own,
    }
}

/// What a guest needs. The sandbox of its parent is two directories up.
fn guest_setup(info: &GuestInfo, directory: &str) -> Result<Setup, String> {
    let mut parents = std::path::Path::new(directory).ancestors().skip(2);
    let parent = info.container_id.parent.as_ref().and_then(|_| parents.next()?.to_str());
    match setup::setup(&info.command, info.container.as_ref(), parent) {
        Ok(setup) if info.session && !setup.links.is_empty() => {
            Err("SANDBOX_PATH volume is not supported for DEBUG containers".to_owned())
        }
        Ok(setup) => Ok(setup),
        Err(Unsupported::Here(message)) => Err(message),
        Err(Unsupported::Container | Unsupported::Options(_) | Unsupported::NoCommand) => {
            Err("The provided ContainerInfo is not supported".to_owned())
        }
    }
}
