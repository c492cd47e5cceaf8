//! What a custom executor says, and what its framework says to it.

use bytes::Bytes;

use super::super::{
    Agent, AgentState, Effect, ExecutorState, FrameworkState, frameworks::is_terminal, launch::has_capability,
};
use super::{ExecutorAnswer, HEARTBEAT_INTERVAL, bare};
use crate::{
    engine::{
        executor::custom::ExecutorStream,
        wire::{StatusUpdate, ToMaster},
    },
    mesos::{
        time::Time,
        v1::{
            ContainerId, ContainerStatus, ExecutorId, FrameworkId, TaskId, TaskState, TaskStatus,
            executor::{
                Call, Event,
                call::{Subscribe, Type},
                event,
            },
            framework_info::capability,
            task_status::{Reason, Source},
        },
    },
};

impl Agent {
    /// A call that [`super::validate`] has found right.
    pub(in super::super) fn executor_call(&mut self, now: Time, request: ExecutorStream, call: Call) {
        let kind = call.r#type();
        let found = match kind {
            Type::Heartbeat => Err(ExecutorAnswer::Accepted),
            _ => self.caller(&call),
        };
        let answer = match (&found, kind) {
            (Err(refusal), _) => refusal.clone(),
            (Ok(_), Type::Subscribe) => ExecutorAnswer::Subscribed,
            (Ok(_), Type::Unknown) => ExecutorAnswer::NotImplemented,
            (Ok(_), _) => ExecutorAnswer::Accepted,
        };
        self.effects.push(Effect::ExecutorAnswer { request, answer });
        let Ok(container_id) = found else { return };
        let Call { framework_id, executor_id, subscribe, update, message, .. } = call;
        match kind {
            Type::Subscribe => self.subscribe(now, &container_id, request, subscribe.unwrap_or_default()),
            Type::Update => {
                let statuses = update.into_iter().map(|update| update.status);
                statuses.for_each(|status| self.custom_update(now, &framework_id, status));
            }
            Type::Message => {
                let data = message.map(|message| message.data).unwrap_or_default();
                self.executor_message(framework_id, executor_id, data);
            }
            Type::Heartbeat | Type::Unknown => {}
        }
    }

    /// The container of whoever calls.
    fn caller(&self, call: &Call) -> Result<ContainerId, ExecutorAnswer> {
        let framework = self.frameworks.get(&call.framework_id);
        let framework =
            framework.ok_or(ExecutorAnswer::BadRequest("Framework cannot be found".to_owned()))?;
        let executor = framework.executors.get(&call.executor_id).filter(|executor| executor.is_custom());
        let executor = executor.ok_or(ExecutorAnswer::BadRequest("Executor cannot be found".to_owned()))?;
        if executor.state == ExecutorState::Registering && call.r#type() != Type::Subscribe {
            return Err(ExecutorAnswer::Forbidden("Executor is not subscribed".to_owned()));
        }
        Ok(executor.container_id.clone())
    }

    fn subscribe(
        &mut self,
        now: Time,
        container_id: &ContainerId,
        stream: ExecutorStream,
        subscribe: Subscribe,
    ) {
        let Some((framework_id, executor_id)) = self.containers.get(container_id).cloned() else { return };
        if !self.takes_subscriptions(&framework_id, container_id) {
            self.event(stream, bare(event::Type::Shutdown));
            return self.effects.push(Effect::Close(stream));
        }
        self.hang_up(container_id);
        let Some(executor) = self.executor_mut(container_id) else { return };
        executor.state = ExecutorState::Running;
        if let Some(custom) = executor.custom_mut() {
            custom.stream = Some(stream);
            custom.subscribe_by = None;
            custom.is_recovered = false;
            custom.heartbeat_at = Some(now + HEARTBEAT_INTERVAL);
        }
        for update in subscribe.unacknowledged_updates {
            self.custom_update(now, &framework_id, update.status);
        }
        let known: Vec<TaskId> =
            subscribe.unacknowledged_tasks.into_iter().map(|task| task.task_id).collect();
        self.lose_unknown_tasks(now, &framework_id, &executor_id, &known);
        let Some(executor) = self.executor_mut(container_id) else { return };
        if !executor.ever_sent_task() && executor.queued_tasks.is_empty() {
            return self.shutdown_container(now, container_id);
        }
        if let Some(subscribed) = self.subscribed(&framework_id, container_id) {
            let event = Event { subscribed: Some(subscribed), ..bare(event::Type::Subscribed) };
            self.tell_executor(container_id, event);
        }
        self.deliver(&framework_id, container_id);
    }

    fn takes_subscriptions(&mut self, framework_id: &FrameworkId, container_id: &ContainerId) -> bool {
        let framework = self.frameworks.get(framework_id);
        let runs = framework.is_some_and(|framework| framework.state == FrameworkState::Running);
        let executor = self.executor_mut(container_id).map(|executor| executor.state);
        let takes = matches!(executor, Some(ExecutorState::Registering | ExecutorState::Running));
        self.state != AgentState::Terminating && runs && takes
    }

    fn subscribed(
        &self,
        framework_id: &FrameworkId,
        container_id: &ContainerId,
    ) -> Option<event::Subscribed> {
        let framework = self.frameworks.get(framework_id)?;
        let executors = framework.executors.values();
        let executor = executors.into_iter().find(|executor| executor.container_id == *container_id)?;
        // As in Mesos, executors are not told what only the master needs to know.
        let agent_info = crate::mesos::v1::AgentInfo { checkpoint: None, ..self.info.clone() };
        Some(event::Subscribed {
            executor_info: executor.info.clone(),
            framework_info: framework.info.clone(),
            agent_info,
            container_id: Some(container_id.clone()),
        })
    }

    /// A task that was sent and that the executor does not know was on its way when an agent or a connection ended.
    fn lose_unknown_tasks(
        &mut self,
        now: Time,
        framework_id: &FrameworkId,
        executor_id: &ExecutorId,
        known: &[TaskId],
    ) {
        let Some(framework) = self.frameworks.get(framework_id) else { return };
        let Some(executor) = framework.executors.get(executor_id) else { return };
        let aware = has_capability(&framework.info, capability::Type::PartitionAware);
        let state = if aware { TaskState::TaskDropped } else { TaskState::TaskLost };
        let staging = executor.launched_tasks.values();
        let staging = staging.filter(|task| task.state() == TaskState::TaskStaging);
        let lost: Vec<TaskId> =
            staging.map(|task| task.task_id.clone()).filter(|id| !known.contains(id)).collect();
        for task_id in lost {
            let why = (state, Reason::AgentRestarted, "Task launched during agent restart");
            self.agent_update(now, framework_id, executor_id, &task_id, why);
        }
    }

    /// What an executor says of a task, which need not be its own. Whatever was said before is acknowledged again, and
    /// what says something else than was said last is not passed on.
    fn custom_update(&mut self, now: Time, framework_id: &FrameworkId, mut status: TaskStatus) {
        let is_ours = status.agent_id.is_none() || status.agent_id == self.info.id;
        let framework = self.frameworks.get(framework_id);
        let framework = framework.filter(|it| is_ours && it.state == FrameworkState::Running);
        let Some(info) = framework.map(|framework| framework.info.clone()) else {
            self.counters.invalid_status_updates += 1;
            return;
        };
        self.counters.valid_status_updates += 1;
        status.agent_id.clone_from(&self.info.id);
        status.set_source(Source::Executor);
        status.timestamp.get_or_insert(now.as_secs_f64());
        self.explain_by_draining(&info, &mut status);
        let executor = self.frameworks.get(framework_id).and_then(|it| it.executor_of(&status.task_id));
        let Some(executor) = executor.map(|executor| executor.container_id.clone()) else {
            return self.unknown_update(now, framework_id, status);
        };
        let (task_id, uuid) = (status.task_id.clone(), status.uuid.clone().unwrap_or_default());
        self.take_update(now, framework_id, &executor, status);
        self.tell_executor(
            &executor,
            Event {
                acknowledged: Some(event::Acknowledged { task_id, uuid }),
                ..bare(event::Type::Acknowledged)
            },
        );
    }

    /// Of a task that is complete here, or has never been here: for its framework to judge.
    fn unknown_update(&mut self, now: Time, framework_id: &FrameworkId, status: TaskStatus) {
        if self.streams.waits(framework_id, &status.task_id, status.uuid()) {
            return;
        }
        let (framework_id, executor_id) = (framework_id.clone(), status.executor_id.clone());
        self.enqueue(now, StatusUpdate { framework_id, executor_id, status, latest_state: None });
    }

    fn take_update(
        &mut self,
        now: Time,
        framework_id: &FrameworkId,
        container_id: &ContainerId,
        mut status: TaskStatus,
    ) {
        let ip = self.config.ip;
        let Some(executor) = self.executor_mut(container_id) else { return };
        let is_queued = executor.queued_tasks.contains_key(&status.task_id);
        if is_queued && !is_terminal(status.state()) {
            return;
        }
        if !is_queued {
            let own = status.container_status.take().unwrap_or_default();
            let inside = own.container_id.as_ref().filter(|id| executor.nested.contains_key(*id)).cloned();
            let inside = inside.unwrap_or_else(|| container_id.clone());
            let known = executor.container_status(&inside, status.state(), ip);
            status.container_status = Some(merged(own, known));
        }
        let (task_id, uuid) = (&status.task_id, status.uuid.clone().unwrap_or_default());
        let is_news = executor.custom_mut().is_none_or(|custom| custom.receive(task_id, &uuid));
        if !is_news {
            return;
        }
        let Some(state) = executor.update_task(&status, framework_id) else { return };
        self.count(state);
        let (framework_id, executor_id) = (framework_id.clone(), status.executor_id.clone());
        self.enqueue(now, StatusUpdate { framework_id, executor_id, status, latest_state: None });
    }

    fn executor_message(&mut self, framework_id: FrameworkId, executor_id: ExecutorId, data: Bytes) {
        let framework = self.frameworks.get(&framework_id);
        let runs = framework.is_some_and(|framework| framework.state == FrameworkState::Running);
        if self.state != AgentState::Running || !runs {
            self.counters.invalid_framework_messages += 1;
            return;
        }
        self.counters.valid_framework_messages += 1;
        self.send(ToMaster::ExecutorMessage { framework_id, executor_id, data });
    }

    /// What a framework says to an executor that runs; for any other it is lost.
    pub(in super::super) fn framework_message(
        &mut self,
        framework_id: &FrameworkId,
        executor_id: &ExecutorId,
        data: Bytes,
    ) {
        let framework = self.frameworks.get(framework_id);
        let framework = framework.filter(|framework| framework.state == FrameworkState::Running);
        let executor = framework.and_then(|framework| framework.executors.get(executor_id));
        let runs = executor.filter(|it| it.is_custom() && it.state == ExecutorState::Running);
        let Some(container_id) =
            runs.filter(|_| self.state == AgentState::Running).map(|executor| executor.container_id.clone())
        else {
            self.counters.invalid_framework_messages += 1;
            return;
        };
        self.counters.valid_framework_messages += 1;
        let message = Some(event::Message { data });
        self.tell_executor(&container_id, Event { message, ..bare(event::Type::Message) });
    }

    /// The stream of an executor has ended; it may come back.
    pub(in super::super) fn executor_gone(&mut self, stream: ExecutorStream) {
        let executors = self.frameworks.values_mut().flat_map(|framework| framework.executors.values_mut());
        for custom in executors.filter_map(super::super::Executor::custom_mut) {
            if custom.stream == Some(stream) {
                custom.stream = None;
                custom.heartbeat_at = None;
            }
        }
    }
}

/// What the agent knows of a container goes before what its executor says, but for the network.
fn merged(own: ContainerStatus, known: ContainerStatus) -> ContainerStatus {
    let network_infos = if own.network_infos.is_empty() { known.network_infos } else { own.network_infos };
    ContainerStatus {
        container_id: known.container_id,
        executor_pid: known.executor_pid.or(own.executor_pid),
        network_infos,
        ..own
    }
}
