//! The scheduler as a framework that is to be kept subscribed.

use std::sync::Arc;

use super::Shared;
use crate::{
    host::framework::{Framework, Link},
    mesos::v1::scheduler::{Call, Event, event},
    scheduler::Input,
};

impl Framework for Shared {
    fn subscribe(&self) -> Option<Call> {
        self.core().scheduler.subscribe()
    }

    fn connecting(self: &Arc<Self>, master: String) {
        self.input(Input::Connecting { master });
    }

    fn event(self: &Arc<Self>, event: Box<Event>) {
        let subscribed = event.r#type() == event::Type::Subscribed;
        self.input(Input::Event(event));
        if subscribed {
            self.subscribed.send_replace(true);
        }
    }

    fn disconnected(self: &Arc<Self>, reason: String) {
        self.input(Input::Disconnected { reason });
    }

    fn connection(&self) -> &Link {
        &self.connection
    }
}
