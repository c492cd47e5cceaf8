//! The ways out: to a scheduler, to an agent.

use super::{Effect, Framework, Master, StreamId, events};
use crate::{
    engine::wire::ToAgent,
    mesos::v1::{
        AgentId, FrameworkId, TaskState, TaskStatus,
        scheduler::{Event, event},
    },
};

impl Master {
    /// Writes to the framework's stream; to nowhere when it has none.
    pub(super) fn send(&mut self, id: &FrameworkId, event: Event) {
        let Some(framework) = self.frameworks.get_mut(id) else { return };
        framework.count_event(&event);
        if let Some(stream) = framework.stream.clone() {
            self.effects.push(Effect::Event { stream, event: Box::new(event) });
        }
    }

    pub(super) fn send_to_connected(&mut self, event: &Event) {
        let connected: Vec<FrameworkId> =
            self.frameworks.values().filter(|it| it.connected()).map(|it| it.id.clone()).collect();
        connected.iter().for_each(|id| self.send(id, event.clone()));
    }

    /// Sends when there is somebody to read it; whether there was.
    pub(super) fn send_if_connected(&mut self, id: &FrameworkId, event: Event) -> bool {
        let is_connected = self.frameworks.get(id).is_some_and(Framework::connected);
        if is_connected {
            self.send(id, event);
        }
        is_connected
    }

    /// An ERROR event and the end of the stream, for one that never belonged to a framework.
    pub(super) fn refuse(&mut self, stream: &StreamId, message: impl Into<String>) {
        let event = Box::new(events::error(message));
        self.effects.push(Effect::Event { stream: stream.clone(), event });
        self.effects.push(Effect::Close { stream: stream.clone() });
    }

    /// Sends a status to the framework; one with a uuid is what the framework will acknowledge next.
    pub(super) fn forward(&mut self, id: &FrameworkId, status: TaskStatus) {
        let Some(framework) = self.frameworks.get_mut(id) else { return };
        if let Some(task) = framework.tasks.get_mut(&status.task_id)
            && status.uuid.is_some()
        {
            task.status_update_state = Some(status.state);
            task.status_update_uuid.clone_from(&status.uuid);
        }
        self.send(id, events::update(status));
    }

    pub(super) fn tell(&mut self, agent: &AgentId, message: ToAgent) {
        if let Some(link) = self.agents.get(agent).and_then(|agent| agent.link) {
            self.effects.push(Effect::Agent { link, message: Box::new(message) });
        }
    }

    pub(super) fn tell_all(&mut self, message: &ToAgent) {
        let links: Vec<_> = self.agents.values().filter_map(|agent| agent.link).collect();
        let effects =
            links.into_iter().map(|link| Effect::Agent { link, message: Box::new(message.clone()) });
        self.effects.extend(effects);
    }
}

impl Framework {
    fn count_event(&mut self, event: &Event) {
        *self.counters.events.entry(event.r#type()).or_default() += 1;
        if event.r#type() == event::Type::Update
            && let Some(update) = &event.update
        {
            let state: TaskState = update.status.state();
            *self.counters.updates.entry(state).or_default() += 1;
        }
    }
}
