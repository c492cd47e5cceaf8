//! What goes into a master and what comes out of it.

use std::{fmt, sync::Arc};

use crate::{
    engine::wire::{AgentLink, ToAgent, ToMaster},
    mesos::{log::RegistryEntry, v1},
};

/// The value of `Mesos-Stream-Id`: names one subscription of one scheduler. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StreamId(Arc<str>);

impl StreamId {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for StreamId {
    fn from(value: &str) -> Self {
        Self(value.into())
    }
}

impl From<String> for StreamId {
    fn from(value: String) -> Self {
        Self(value.into())
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One reader of the operator event stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SubscriberId(pub u64);

/// Everything that can happen to a master.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// A call of the v1 scheduler API; `stream` is the text of its `Mesos-Stream-Id` header. Always answered.
    Call { stream: Option<StreamId>, call: Box<v1::scheduler::Call> },
    /// The connection of a scheduler's event stream is gone.
    Disconnected(StreamId),
    /// A message of an agent.
    Agent { link: AgentLink, message: Box<ToMaster> },
    /// The connection of an agent is gone; its link may still serve, see [`Effect::AgentGone`].
    AgentLost(AgentLink),
    /// An operator call that changes something (`TEARDOWN`, `MARK_AGENT_GONE`, `UPDATE_WEIGHTS`, ...). Always answered.
    Operator(Box<v1::master::Call>),
    /// Opens an operator event stream. Answered with [`Reply::Subscriber`].
    OperatorSubscribe,
    /// The reader of an operator event stream is gone.
    OperatorGone(SubscriberId),
    /// Who leads now, as far as it is known. When it is this master, [`super::Master::recover`] has to follow.
    Leading(Option<Box<v1::MasterInfo>>),
    /// Time has passed; wanted at [`super::Master::next_deadline`].
    Tick,
}

/// The answer to a call, as an HTTP status in all but name.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// 202, no body.
    Accepted,
    /// 200, no body.
    Ok,
    /// 400 with the text.
    BadRequest(String),
    /// 403 with the text.
    Forbidden(String),
    /// 404 with the text.
    NotFound(String),
    /// 409 with the text.
    Conflict(String),
    /// 501 with the text.
    NotImplemented(String),
    /// 503 with the text.
    Unavailable(String),
    /// 200, an endless body, and this id in `Mesos-Stream-Id`; its events are effects of the same output and of later ones.
    Stream(StreamId),
    /// 200, an endless body of operator events for this reader.
    Subscriber(SubscriberId),
    /// 200 and a response of the operator API.
    Operator(Box<v1::master::Response>),
}

/// What the world has to do, in this order.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Write one event to a scheduler.
    Event { stream: StreamId, event: Box<v1::scheduler::Event> },
    /// End a scheduler's stream properly, after what was written before.
    Close { stream: StreamId },
    /// Send to an agent.
    Agent { link: AgentLink, message: Box<ToAgent> },
    /// No agent is at this link any more: close it, after what was sent before.
    AgentGone { link: AgentLink },
    /// Write this down: a master that comes after us has to know it.
    Registry(Box<RegistryEntry>),
    /// Tell whoever reads the log: there is nobody else to hear it.
    Log(String),
    /// Write one event to a reader of the operator stream.
    OperatorEvent { subscriber: SubscriberId, event: Arc<v1::master::Event> },
}

/// The answer, if the input was a call, and what is to be done after it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Output {
    pub reply: Option<Reply>,
    pub effects: Vec<Effect>,
}
