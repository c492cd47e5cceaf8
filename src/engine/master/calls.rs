//! Calls of the scheduler API: who may call, and which part answers.

use super::{Master, Reply, StreamId, validation};
use crate::mesos::v1::{
    FrameworkId,
    allocator::inverse_offer_status::Status,
    scheduler::{Call, call::Type},
};

impl Master {
    pub(super) fn call(&mut self, stream: Option<StreamId>, call: Call) -> Reply {
        let kind = match validation::call::scheduler(&call) {
            Ok(kind) => kind,
            Err(error) => {
                self.count_invalid_call(&call);
                return Reply::BadRequest(format!("Failed to validate scheduler::Call: {error}"));
            }
        };
        match call.subscribe {
            Some(subscribe) if kind == Type::Subscribe => self.subscribe_call(stream, subscribe),
            _ => self.caller(kind, stream, &call).unwrap_or_else(|id| self.dispatch(&id, kind, call)),
        }
    }

    fn count_invalid_call(&mut self, call: &Call) {
        let counters = &mut self.counters;
        match call.r#type() {
            Type::Acknowledge => counters.invalid_status_update_acknowledgements += 1,
            Type::AcknowledgeOperationStatus => {
                counters.invalid_operation_status_update_acknowledgements += 1
            }
            Type::Message => counters.invalid_framework_to_executor_messages += 1,
            _ => {}
        }
    }

    /// The framework that calls, in `Err`; or the reply to one that may not.
    fn caller(&mut self, kind: Type, stream: Option<StreamId>, call: &Call) -> Result<Reply, FrameworkId> {
        let id = call.framework_id.clone().unwrap_or_default();
        let Some(framework) = self.frameworks.get_mut(&id) else {
            return Ok(Reply::BadRequest("Framework cannot be found".into()));
        };
        *framework.counters.calls.entry(kind).or_default() += 1;
        let Some(own) = &framework.stream else {
            return Ok(Reply::Forbidden("Framework is not subscribed".into()));
        };
        match stream {
            None => Ok(Reply::BadRequest(
                "All non-subscribe calls should include the 'Mesos-Stream-Id' header".into(),
            )),
            Some(stream) if stream != *own => Ok(Reply::BadRequest(format!(
                "The stream ID '{stream}' included in this request didn't match the stream ID currently \
                 associated with framework ID {id}"
            ))),
            Some(_) => Err(id),
        }
    }

    fn dispatch(&mut self, id: &FrameworkId, kind: Type, call: Call) -> Reply {
        match kind {
            Type::Teardown => self.remove_framework(id),
            Type::Accept => self.accept(id, call.accept.unwrap_or_default()),
            Type::Decline => self.decline(id, call.decline.unwrap_or_default()),
            Type::Revive => self.revive(id, &call.revive.unwrap_or_default().roles),
            Type::Suppress => self.suppress(id, &call.suppress.unwrap_or_default().roles),
            Type::Kill => self.kill(id, call.kill.unwrap_or_default()),
            Type::Shutdown => self.shutdown(id, call.shutdown.unwrap_or_default()),
            Type::Acknowledge => self.acknowledge(id, call.acknowledge.unwrap_or_default()),
            Type::Reconcile => self.reconcile(id, call.reconcile.unwrap_or_default()),
            Type::ReconcileOperations => {
                self.reconcile_operations(id, call.reconcile_operations.unwrap_or_default());
            }
            Type::Message => self.message(id, call.message.unwrap_or_default()),
            Type::Request => self.counters.messages_resource_request += 1,
            Type::AcknowledgeOperationStatus => self.acknowledge_operation_status(),
            Type::AcceptInverseOffers => {
                let accept = call.accept_inverse_offers.unwrap_or_default();
                self.answer_inverse_offers(
                    &accept.inverse_offer_ids,
                    Status::Accept,
                    accept.filters.as_ref(),
                );
            }
            Type::DeclineInverseOffers => {
                let decline = call.decline_inverse_offers.unwrap_or_default();
                self.answer_inverse_offers(
                    &decline.inverse_offer_ids,
                    Status::Decline,
                    decline.filters.as_ref(),
                );
            }
            Type::UpdateFramework => {
                return self.update_framework_call(id, call.update_framework.unwrap_or_default());
            }
            Type::Subscribe | Type::Unknown => return Reply::NotImplemented("501 Not Implemented.".into()),
        }
        Reply::Accepted
    }

    /// There are no operations to acknowledge.
    fn acknowledge_operation_status(&mut self) {
        self.counters.messages_operation_status_update_acknowledgement += 1;
        self.counters.invalid_operation_status_update_acknowledgements += 1;
    }
}
