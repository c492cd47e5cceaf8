//! The event stream of the operator API: the state first, then every change of it.

use std::sync::Arc;

use super::{Effect, Master, SubscriberId, events_of_operators as events, timers::Timer, view};
use crate::mesos::v1::{AgentId, FrameworkId, FrameworkInfo, TaskId, TaskState, TaskStatus, master::Event};

impl Master {
    pub(super) fn operator_subscribe(&mut self) -> SubscriberId {
        let subscriber = SubscriberId(self.next_subscriber);
        self.next_subscriber += 1;
        let seconds = self.config.heartbeat_interval.as_secs_f64();
        let event = events::subscribed(view::v1::state(self), seconds);
        self.subscribers.insert(subscriber);
        self.effects.push(Effect::OperatorEvent { subscriber, event: Arc::new(event) });
        self.subscriber_heartbeat(subscriber);
        subscriber
    }

    pub(super) fn subscriber_heartbeat(&mut self, subscriber: SubscriberId) {
        if self.subscribers.contains(&subscriber) {
            self.effects.push(Effect::OperatorEvent { subscriber, event: Arc::new(events::heartbeat()) });
            self.set_timer(self.interval(), Timer::SubscriberHeartbeat(subscriber));
        }
    }

    /// Builds the event only when somebody listens.
    fn publish(&mut self, event: impl FnOnce(&Self) -> Option<Event>) {
        if self.subscribers.is_empty() {
            return;
        }
        let Some(event) = event(self).map(Arc::new) else { return };
        for subscriber in &self.subscribers {
            self.effects.push(Effect::OperatorEvent { subscriber: *subscriber, event: Arc::clone(&event) });
        }
    }

    pub(super) fn publish_task_added(&mut self, id: &FrameworkId, task: &TaskId) {
        self.publish(|master| Some(events::task_added(master.frameworks.get(id)?.tasks.get(task)?.clone())));
    }

    pub(super) fn publish_task_updated(&mut self, id: &FrameworkId, status: &TaskStatus, state: TaskState) {
        self.publish(|_| Some(events::task_updated(id.clone(), status.clone(), state)));
    }

    pub(super) fn publish_framework_added(&mut self, id: &FrameworkId) {
        self.publish(|master| {
            Some(events::framework_added(view::v1::framework_event(master.frameworks.get(id)?)))
        });
    }

    pub(super) fn publish_framework_updated(&mut self, id: &FrameworkId) {
        self.publish(|master| {
            Some(events::framework_updated(view::v1::framework_event(master.frameworks.get(id)?)))
        });
    }

    pub(super) fn publish_framework_removed(&mut self, info: FrameworkInfo) {
        self.publish(|_| Some(events::framework_removed(info)));
    }

    pub(super) fn publish_agent_added(&mut self, id: &AgentId) {
        self.publish(|master| Some(events::agent_added(view::v1::agent(master.agents.get(id)?))));
    }

    pub(super) fn publish_agent_removed(&mut self, id: &AgentId) {
        self.publish(|_| Some(events::agent_removed(id.clone())));
    }
}
