//! The events of the scheduler API, built from their parts.

use bytes::Bytes;

use crate::mesos::v1::{
    AgentId, ExecutorId, FrameworkId, InverseOffer, MasterInfo, Offer, OfferId, OperationStatus, TaskStatus,
    scheduler::{
        Event,
        event::{self, Type},
    },
};

pub(super) fn subscribed(framework_id: FrameworkId, heartbeat_seconds: f64, master: MasterInfo) -> Event {
    let subscribed = event::Subscribed {
        framework_id,
        heartbeat_interval_seconds: Some(heartbeat_seconds),
        master_info: Some(master),
    };
    Event { subscribed: Some(subscribed), ..of(Type::Subscribed) }
}

pub(super) fn heartbeat() -> Event {
    of(Type::Heartbeat)
}

pub(super) fn offers(offers: Vec<Offer>) -> Event {
    Event { offers: Some(event::Offers { offers }), ..of(Type::Offers) }
}

pub(super) fn rescind(offer_id: OfferId) -> Event {
    Event { rescind: Some(event::Rescind { offer_id }), ..of(Type::Rescind) }
}

pub(super) fn inverse_offers(inverse_offers: Vec<InverseOffer>) -> Event {
    Event { inverse_offers: Some(event::InverseOffers { inverse_offers }), ..of(Type::InverseOffers) }
}

pub(super) fn rescind_inverse_offer(inverse_offer_id: OfferId) -> Event {
    let rescind_inverse_offer = Some(event::RescindInverseOffer { inverse_offer_id });
    Event { rescind_inverse_offer, ..of(Type::RescindInverseOffer) }
}

pub(super) fn update(status: TaskStatus) -> Event {
    Event { update: Some(event::Update { status }), ..of(Type::Update) }
}

pub(super) fn update_operation_status(status: OperationStatus) -> Event {
    let update_operation_status = Some(event::UpdateOperationStatus { status });
    Event { update_operation_status, ..of(Type::UpdateOperationStatus) }
}

pub(super) fn message(agent_id: AgentId, executor_id: ExecutorId, data: Bytes) -> Event {
    Event { message: Some(event::Message { agent_id, executor_id, data }), ..of(Type::Message) }
}

/// An executor has exited (with the status of `waitpid(2)`), or an agent is lost (without an executor).
pub(super) fn failure(agent_id: AgentId, executor: Option<(ExecutorId, i32)>) -> Event {
    let (executor_id, status) = executor.unzip();
    let failure = event::Failure { agent_id: Some(agent_id), executor_id, status };
    Event { failure: Some(failure), ..of(Type::Failure) }
}

pub(super) fn error(message: impl Into<String>) -> Event {
    Event { error: Some(event::Error { message: message.into() }), ..of(Type::Error) }
}

fn of(kind: Type) -> Event {
    Event { r#type: Some(kind.into()), ..Event::default() }
}
