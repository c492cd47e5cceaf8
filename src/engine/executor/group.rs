//! The default executor: groups of tasks, each task a process in a container nested in the executor's own. Pure, as the
//! command executor that runs each of the tasks.
//!
//! ```text
//! group -- launch --> TASK_STARTING -- every process is there --> TASK_RUNNING -- each ends --> nothing left: done
//!                                                                      `-- one fails or is killed: the others too
//! ```

use super::{
    Action, CommandExecutor, DEFAULT_KILL_GRACE_PERIOD, Input, Phase, Signal, addressed, exit::Exit, is_end,
};
use crate::mesos::{
    time::Time,
    v1::{ContainerId, ExecutorId, TaskId, TaskInfo, TaskState, TaskStatus},
};

/// What is said of a task whose process has ended while nobody saw it.
const UNSEEN: &str = "Unable to retrieve command's termination information";

/// Groups of tasks in one executor.
#[derive(Clone, Debug)]
pub struct DefaultExecutor {
    id: ExecutorId,
    /// The framework has the capability TASK_KILLING_STATE.
    killing_state: bool,
    groups: Vec<Group>,
    /// A task is or was killed for its health: from then on every end is told to be unhealthy.
    unhealthy: bool,
    shutting_down: bool,
}

#[derive(Clone, Debug)]
struct Group {
    /// In the order in which they were given; those that are over have left.
    members: Vec<Member>,
    /// One has failed or was killed.
    doomed: bool,
}

#[derive(Clone, Debug)]
struct Member {
    container_id: ContainerId,
    run: CommandExecutor,
    process: Process,
    /// A kill that came before the process did. Mesos forgets it.
    kill: Option<Input>,
}

#[derive(Clone, Debug, PartialEq)]
enum Process {
    Starting,
    Runs,
    Ended(Exit),
    Missing(String),
}

/// What is left of a process that an earlier agent has started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    Starting,
    Runs,
    Nothing,
}

impl DefaultExecutor {
    pub fn new(id: ExecutorId, killing_state: bool) -> Self {
        Self { id, killing_state, groups: Vec::new(), unhealthy: false, shutting_down: false }
    }

    /// Takes a group whose processes are about to be started.
    pub fn launch(&mut self, now: Time, tasks: Vec<(ContainerId, TaskInfo)>) -> Vec<(ContainerId, Action)> {
        self.adopt(tasks);
        let members = self.groups.last_mut().into_iter().flat_map(|group| &mut group.members);
        members.flat_map(|member| member.handle(now, Input::Starting)).collect()
    }

    /// Takes a group of which an earlier agent has told, until [`DefaultExecutor::resume`].
    pub fn adopt(&mut self, tasks: Vec<(ContainerId, TaskInfo)>) {
        let member = |(container_id, task)| Member {
            container_id,
            run: CommandExecutor::of(self.id.clone(), task, self.killing_state),
            process: Process::Starting,
            kill: None,
        };
        let members = tasks.into_iter().map(member).collect();
        self.groups.push(Group { members, doomed: false });
    }

    /// Goes on with all adopted groups, from what there is of their processes and what was said of their tasks.
    pub fn resume(
        &mut self,
        now: Time,
        found: impl Fn(&ContainerId) -> Found,
        said: impl Fn(&TaskId) -> Vec<TaskStatus>,
    ) -> Vec<(ContainerId, Action)> {
        let mut actions = Vec::new();
        for group in &mut self.groups {
            actions.extend(group.resume(now, &found, &said));
        }
        self.settle(now, actions)
    }

    /// The nested container of a task that is not over.
    pub fn container_of(&self, task_id: &TaskId) -> Option<&ContainerId> {
        self.members().find(|member| member.run.task_id() == task_id).map(|member| &member.container_id)
    }

    /// Whether the task in this nested container is not over.
    pub fn has(&self, container_id: &ContainerId) -> bool {
        self.members().any(|member| member.container_id == *container_id)
    }

    /// Every task is over. Mesos' executor then ends too, as soon as its agent has noted the last update.
    pub fn is_done(&self) -> bool {
        self.groups.is_empty()
    }

    pub(super) fn next_deadline(&self) -> Option<Time> {
        self.members().filter_map(|member| member.run.next_deadline()).min()
    }

    fn members(&self) -> impl Iterator<Item = &Member> {
        self.groups.iter().flat_map(|group| &group.members)
    }

    fn members_mut(&mut self) -> impl Iterator<Item = &mut Member> {
        self.groups.iter_mut().flat_map(|group| &mut group.members)
    }

    pub(super) fn handle(
        &mut self,
        now: Time,
        container_id: &ContainerId,
        input: Input,
    ) -> Vec<(ContainerId, Action)> {
        let actions = match input {
            Input::Tick => self.tick(now),
            Input::Shutdown { .. } => self.shutdown(now),
            input => self.hand_on(now, container_id, input),
        };
        self.settle(now, actions)
    }

    fn tick(&mut self, now: Time) -> Vec<(ContainerId, Action)> {
        let due = |member: &&mut Member| member.run.next_deadline().is_some_and(|at| at <= now);
        self.members_mut().filter(due).flat_map(|member| member.handle(now, Input::Tick)).collect()
    }

    /// The grace period is always the default one, whatever the kill policies of the tasks say, as in Mesos.
    fn shutdown(&mut self, now: Time) -> Vec<(ContainerId, Action)> {
        self.shutting_down = true;
        self.members_mut().flat_map(|member| member.kill(now, by_default())).collect()
    }

    fn hand_on(&mut self, now: Time, container_id: &ContainerId, input: Input) -> Vec<(ContainerId, Action)> {
        let Some(member) = self.members_mut().find(|member| member.container_id == *container_id) else {
            return Vec::new();
        };
        let actions = match input {
            Input::Launched => member.becomes(Process::Runs),
            Input::Missing(why) => member.becomes(Process::Missing(why)),
            Input::Exited(exit) => member.becomes(Process::Ended(exit)),
            Input::Kill(_) => member.kill(now, input),
            other => member.handle(now, other),
        };
        let unhealthy = member.run.is_killed_for_its_health();
        self.unhealthy |= unhealthy;
        actions
    }

    /// Says what can be said now: that whole groups run, which tasks are over, and who has to go with them.
    fn settle(&mut self, now: Time, mut actions: Vec<(ContainerId, Action)>) -> Vec<(ContainerId, Action)> {
        for group in &mut self.groups {
            actions.extend(group.settle(now, self.shutting_down));
        }
        self.groups.retain(|group| !group.members.is_empty());
        if self.unhealthy {
            actions.iter_mut().for_each(|(_, action)| mark_unhealthy(action));
        }
        actions
    }
}

impl Group {
    fn settle(&mut self, now: Time, shutting_down: bool) -> Vec<(ContainerId, Action)> {
        if self.members.iter().any(|member| member.process == Process::Starting) {
            return Vec::new();
        }
        let mut actions: Vec<_> = self.members.iter_mut().flat_map(|member| member.run_now(now)).collect();
        let ended: Vec<_> = self.members.iter_mut().flat_map(|member| member.end(now)).collect();
        self.members.retain(|member| !member.run.is_over());
        let dooms = !shutting_down && ended.iter().any(|(_, action)| is_failure(action));
        actions.extend(ended);
        if dooms && !self.doomed {
            actions.extend(self.doom(now));
        }
        actions
    }

    fn doom(&mut self, now: Time) -> Vec<(ContainerId, Action)> {
        self.doomed = true;
        self.members.iter_mut().flat_map(|member| member.kill(now, by_default())).collect()
    }

    fn resume(
        &mut self,
        now: Time,
        found: impl Fn(&ContainerId) -> Found,
        said: impl Fn(&TaskId) -> Vec<TaskStatus>,
    ) -> Vec<(ContainerId, Action)> {
        let mut actions = Vec::new();
        let mut dooms = false;
        for member in &mut self.members {
            let statuses = said(member.run.task_id());
            dooms |= statuses.last().is_some_and(|last| fails(last.state()));
            actions.extend(member.resume(now, found(&member.container_id), statuses));
        }
        self.members.retain(|member| !member.run.is_over());
        if dooms {
            actions.extend(self.doom(now));
        }
        actions
    }
}

impl Member {
    fn handle(&mut self, now: Time, input: Input) -> Vec<(ContainerId, Action)> {
        let actions = self.run.handle(now, input);
        addressed(&self.container_id, actions)
    }

    fn becomes(&mut self, process: Process) -> Vec<(ContainerId, Action)> {
        self.process = process;
        Vec::new()
    }

    /// Unlike the command executor, the default one never shortens a kill that is under way.
    fn kill(&mut self, now: Time, input: Input) -> Vec<(ContainerId, Action)> {
        match self.run.phase {
            Phase::Running => self.handle(now, input),
            Phase::Launching => {
                self.kill.get_or_insert(input);
                self.break_off()
            }
            Phase::Killing { .. } | Phase::Terminated => Vec::new(),
        }
    }

    /// What is fetched for a task that is killed is fetched for nobody.
    fn break_off(&self) -> Vec<(ContainerId, Action)> {
        let command = self.run.task.command.as_ref();
        let fetches = self.process == Process::Starting && command.is_some_and(|it| !it.uris.is_empty());
        let action = fetches.then_some(Action::Signal(Signal::Kill));
        addressed(&self.container_id, action.into_iter().collect())
    }

    fn run_now(&mut self, now: Time) -> Vec<(ContainerId, Action)> {
        if self.run.phase != Phase::Launching || matches!(self.process, Process::Missing(_)) {
            return Vec::new();
        }
        let mut actions = self.handle(now, Input::Launched);
        if let Some(kill) = self.kill.take() {
            actions.extend(self.handle(now, kill));
        }
        actions
    }

    fn end(&mut self, now: Time) -> Vec<(ContainerId, Action)> {
        match self.process.clone() {
            Process::Starting | Process::Runs => Vec::new(),
            Process::Ended(exit) => self.handle(now, Input::Exited(exit)),
            Process::Missing(_) if self.kill.is_some() => {
                let update = self.run.never_ran(now);
                addressed(&self.container_id, vec![update])
            }
            Process::Missing(why) => self.handle(now, Input::Missing(why)),
        }
    }

    fn resume(&mut self, now: Time, found: Found, statuses: Vec<TaskStatus>) -> Vec<(ContainerId, Action)> {
        self.process = match found {
            Found::Starting => Process::Starting,
            Found::Runs => Process::Runs,
            Found::Nothing => Process::Missing(UNSEEN.to_owned()),
        };
        let Some(last) = statuses.last() else { return Vec::new() };
        self.run.recall(last);
        match (found, last.state()) {
            (Found::Runs, state) if state != TaskState::TaskStarting && !self.run.is_over() => {
                self.handle(now, Input::Resumed { statuses })
            }
            _ => Vec::new(),
        }
    }
}

fn by_default() -> Input {
    Input::Shutdown { grace_period: DEFAULT_KILL_GRACE_PERIOD }
}

/// Whether a task that ends so takes its group along.
fn fails(state: TaskState) -> bool {
    matches!(state, TaskState::TaskFailed | TaskState::TaskKilled)
}

fn is_failure(action: &Action) -> bool {
    matches!(action, Action::Update(status) if fails(status.state()))
}

fn mark_unhealthy(action: &mut Action) {
    if let Action::Update(status) = action
        && is_end(status.state())
    {
        status.healthy = Some(false);
    }
}
