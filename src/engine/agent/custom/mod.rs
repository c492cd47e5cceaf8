//! Custom executors: processes of their own that speak the executor API (`/api/v1/executor`) to this agent.
//!
//! ```text
//! RunTask > launch the process, queue the task > SUBSCRIBE > SUBSCRIBED, LAUNCH... > UPDATE > ACKNOWLEDGED
//!                             `- no SUBSCRIBE in time -> KILL              KILL, MESSAGE, SHUTDOWN, HEARTBEAT
//! ```
//!
//! `calls` has what an executor says, `launch` what it is given, `ending` how it goes.

mod calls;
mod ending;
mod launch;
mod validation;

use std::time::Duration;

pub use validation::validate as validate_call;

use super::{Agent, Effect};
use crate::{
    engine::executor::custom::{CustomExecutor, ExecutorStream},
    mesos::v1::{
        ContainerId,
        executor::{Event, event},
    },
};

/// From one HEARTBEAT to the next.
const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(30 * 60);

/// What an executor hears of its call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExecutorAnswer {
    /// 200: the request is an event stream now.
    Subscribed,
    /// 202.
    Accepted,
    /// 400.
    BadRequest(String),
    /// 403.
    Forbidden(String),
    /// 501.
    NotImplemented,
}

impl Agent {
    fn custom_mut(&mut self, container_id: &ContainerId) -> Option<&mut CustomExecutor> {
        self.executor_mut(container_id)?.custom_mut()
    }

    /// What is sent to an executor that is not connected is lost, as in Mesos.
    fn tell_executor(&mut self, container_id: &ContainerId, event: Event) {
        if let Some(stream) = self.custom_mut(container_id).and_then(|custom| custom.stream) {
            self.event(stream, event);
        }
    }

    fn event(&mut self, stream: ExecutorStream, event: Event) {
        self.effects.push(Effect::Event { stream, event: Box::new(event) });
    }

    /// Ends the stream of an executor, if there is one.
    fn hang_up(&mut self, container_id: &ContainerId) {
        let Some(custom) = self.custom_mut(container_id) else { return };
        custom.heartbeat_at = None;
        if let Some(stream) = custom.stream.take() {
            self.effects.push(Effect::Close(stream));
        }
    }
}

/// An event that has nothing but its type.
fn bare(kind: event::Type) -> Event {
    Event { r#type: Some(kind.into()), ..Event::default() }
}
