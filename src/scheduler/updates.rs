//! Status updates: each that has a uuid is acknowledged, whatever it says. Then the task is seen as it is now:
//! what ended is replaced, what cannot be reached gives up its place, what returns is adopted or killed.

use crate::{
    mesos::v1::{TaskId, TaskState, TaskStatus, scheduler::Call, task_status::Reason},
    scheduler::{
        Effect, Scheduler,
        api::{self, KillReason},
        calls,
        config::RestartPolicy,
        fleet::Exit,
        task::{Place, Standing, Task},
    },
};

impl Scheduler {
    pub(super) fn update(&mut self, status: &TaskStatus) {
        self.counters.update(status.state());
        self.acknowledge(status);
        let standing = Standing::of(status.state());
        let id = &status.task_id;
        if self.fleet.task(id).is_none() && !self.find(status, standing) {
            return;
        }
        if standing == Standing::Unknown && self.now < self.grace_until {
            self.reconciler.ask(self.grace_until, id.clone());
            return;
        }
        self.reconciler.answered(id);
        match standing {
            Standing::Present => self.present(status),
            Standing::Unreachable => self.unreachable(status),
            Standing::Unknown | Standing::Ended | Standing::Lost => self.ended(status, standing),
        }
        self.effects.push(Effect::SaveSoon);
    }

    fn acknowledge(&mut self, status: &TaskStatus) {
        let call = self.framework_id.as_ref().and_then(|id| calls::acknowledge(id, status));
        if let Some(call) = call {
            self.counters.acknowledgements += 1;
            self.effects.push(Effect::Acknowledge(Box::new(call)));
        }
    }

    /// Takes in a task we did not know, if it is alive: an earlier life of this framework has launched it.
    fn find(&mut self, status: &TaskStatus, standing: Standing) -> bool {
        let is_over = |task: &Task| task.id == status.task_id && Standing::of(task.state) == Standing::Ended;
        if standing != Standing::Present || self.fleet.ended().any(is_over) {
            return false;
        }
        let agent = status.agent_id.as_ref().map(|id| {
            self.market
                .agent(id)
                .map_or_else(|| Place { id: Some(id.clone()), ..Place::default() }, |seen| seen.place.clone())
        });
        let task = Task { agent: agent.unwrap_or_default(), ..Task::found(status.task_id.clone(), self.now) };
        self.fleet.insert(task);
        true
    }

    fn present(&mut self, status: &TaskStatus) {
        let id = &status.task_id;
        let Some(task) = self.fleet.task(id) else { return };
        let first_run = status.state() == TaskState::TaskRunning && task.running_since.is_none();
        if first_run && task.version > 0 {
            self.counters.launched_in(self.now.since(task.launched_at));
        }
        let homeless = task.slot.is_none() && task.kill.is_none();
        self.fleet.update(id, |task| task.observe(self.now, status));
        if homeless {
            self.adopt_or_kill(id);
        }
        self.task_news(id);
    }

    /// A task that came back: it fills an empty place, or is one too many.
    fn adopt_or_kill(&mut self, id: &TaskId) {
        if self.fleet.occupy(self.now, id) {
            self.rolling = true;
        } else {
            self.kill(id, KillReason::Surplus);
        }
    }

    fn unreachable(&mut self, status: &TaskStatus) {
        self.fleet.update(&status.task_id, |task| task.observe(self.now, status));
        self.fleet.give_up_place(self.now, &status.task_id);
        self.task_news(&status.task_id);
    }

    fn ended(&mut self, status: &TaskStatus, standing: Standing) {
        let Some(task) = self.fleet.task(&status.task_id) else { return };
        let exit = exit_of(task, status, standing, self.config.restart);
        self.fleet.update(&status.task_id, |task| task.observe(self.now, status));
        self.remove(&status.task_id, exit);
    }

    /// The task is no more: tells so, and lets its place be filled again.
    pub(super) fn remove(&mut self, id: &TaskId, exit: Exit) {
        self.reconciler.answered(id);
        let (restart, backoff) = (self.config.restart, self.config.backoff);
        let Some(task) = self.fleet.remove(self.now, id, exit, restart, &backoff).cloned() else { return };
        let news = api::Event::Task { task: Box::new(self.task_view(&task)), ended: true };
        self.effects.push(Effect::News(Box::new(news)));
    }

    /// An ACCEPT failed: certainly, or nobody knows.
    pub(super) fn accept_failed(&mut self, call: &Call, certain: bool) {
        for id in launched_by(call) {
            if certain && self.fleet.task(&id).is_some_and(|task| task.running_since.is_none()) {
                self.fleet.update(&id, |task| task.state = TaskState::TaskDropped);
                self.remove(&id, Exit::NeverRan);
            } else {
                self.reconciler.ask(self.now, id);
            }
        }
    }

    pub(super) fn task_news(&mut self, id: &TaskId) {
        if let Some(task) = self.fleet.task(id) {
            let news = api::Event::Task { task: Box::new(self.task_view(task)), ended: false };
            self.effects.push(Effect::News(Box::new(news)));
        }
    }
}

fn launched_by(call: &Call) -> Vec<TaskId> {
    let operations = call.accept.iter().flat_map(|accept| &accept.operations);
    let tasks = operations.flat_map(|operation| {
        let alone = operation.launch.iter().flat_map(|launch| &launch.task_infos);
        alone.chain(operation.launch_group.iter().flat_map(|launch| &launch.task_group.tasks))
    });
    tasks.map(|task| task.task_id.clone()).collect()
}

fn exit_of(task: &Task, status: &TaskStatus, standing: Standing, restart: RestartPolicy) -> Exit {
    let state = status.state();
    let killed = state == TaskState::TaskKilled;
    let asked = task.kill.as_ref().map(|kill| kill.why);
    if asked == Some(KillReason::Requested) && restart == RestartPolicy::Never {
        return Exit::Itself { success: false };
    }
    if asked.is_some() || (killed && status.reason == Some(Reason::AgentDraining.into())) {
        return Exit::Wanted;
    }
    match standing {
        Standing::Ended => Exit::Itself { success: state == TaskState::TaskFinished },
        _ if task.running_since.is_none() => Exit::NeverRan,
        _ => Exit::Lost,
    }
}
