//! Marathon as a framework: its subscription, and what the master says.

use super::{
    core::{Effect, Marathon},
    events,
    launcher::api::Input,
    saved,
};
use crate::mesos::v1::{
    FrameworkId, FrameworkInfo,
    framework_info::{Capability, capability},
    scheduler::{Call, Event, call, event},
};

const CAPABILITIES: [capability::Type; 4] = [
    capability::Type::PartitionAware,
    capability::Type::TaskKillingState,
    capability::Type::RegionAware,
    capability::Type::MultiRole,
];

impl Marathon {
    /// The SUBSCRIBE call for the next connection.
    pub fn subscribe(&self) -> Call {
        let subscribe = self.subscription();
        Call {
            framework_id: self.framework_id.clone(),
            r#type: Some(call::Type::Subscribe.into()),
            subscribe: Some(subscribe),
            ..Call::default()
        }
    }

    fn subscription(&self) -> call::Subscribe {
        let options = &self.options;
        let info = FrameworkInfo {
            user: options.user.clone(),
            name: options.framework_name.clone(),
            id: self.framework_id.clone(),
            failover_timeout: Some(options.failover_timeout.as_secs_f64()),
            checkpoint: Some(options.checkpoint),
            hostname: Some(options.hostname.clone()),
            principal: options.principal.clone(),
            webui_url: Some(options.webui()),
            roles: self.launcher.roles().into_iter().collect(),
            capabilities: self.capabilities(),
            ..FrameworkInfo::default()
        };
        call::Subscribe { framework_info: info, ..call::Subscribe::default() }
    }

    fn capabilities(&self) -> Vec<Capability> {
        let gpus = self.options.features.iter().any(|feature| feature == "gpu_resources");
        let kinds = CAPABILITIES.into_iter().chain(gpus.then_some(capability::Type::GpuResources));
        kinds.map(|kind| Capability { r#type: Some(kind.into()) }).collect()
    }

    /// The roles that are wanted have changed.
    pub(super) fn update_framework(&mut self) {
        if !self.link.subscribed {
            return;
        }
        let subscription = self.subscription();
        let update = call::UpdateFramework {
            framework_info: subscription.framework_info,
            suppressed_roles: subscription.suppressed_roles,
            ..call::UpdateFramework::default()
        };
        let call = Call {
            framework_id: self.framework_id.clone(),
            r#type: Some(call::Type::UpdateFramework.into()),
            update_framework: Some(update),
            ..Call::default()
        };
        self.effects.push(Effect::Call(Box::new(call)));
    }

    pub(super) fn event(&mut self, event: Event) {
        match event.r#type() {
            event::Type::Subscribed => event.subscribed.map_or((), |subscribed| self.subscribed(subscribed)),
            event::Type::Offers => self.feed(Input::Offers(event.offers.unwrap_or_default().offers)),
            event::Type::Rescind => {
                if let Some(rescind) = event.rescind {
                    self.feed(Input::Rescinded(rescind.offer_id));
                }
            }
            event::Type::Update => {
                if let Some(update) = event.update {
                    self.feed(Input::Update(Box::new(update.status)));
                }
            }
            event::Type::Error => self.error(event.error.map(|error| error.message).unwrap_or_default()),
            event::Type::Failure
            | event::Type::Heartbeat
            | event::Type::InverseOffers
            | event::Type::RescindInverseOffer
            | event::Type::UpdateOperationStatus
            | event::Type::Message
            | event::Type::Unknown => {}
        }
    }

    fn subscribed(&mut self, subscribed: event::Subscribed) {
        let framework_id = subscribed.framework_id;
        self.keep_id(&framework_id);
        let info = subscribed.master_info;
        let domain = info.as_ref().and_then(|info| info.domain.as_ref());
        let region =
            domain.and_then(|domain| domain.fault_domain.as_ref()).map(|fault| fault.region.name.clone());
        let master = self.link.master.clone().unwrap_or_default();
        let now = self.timestamp();
        self.tell(if self.link.known {
            events::reregistered(now, &master)
        } else {
            events::registered(now, framework_id.as_str(), &master)
        });
        (self.link.subscribed, self.link.known, self.link.problem) = (true, true, None);
        self.feed(Input::Subscribed { framework_id, region });
    }

    fn keep_id(&mut self, id: &FrameworkId) {
        if self.framework_id.as_ref() != Some(id) {
            self.framework_id = Some(id.clone());
            self.save(saved::FRAMEWORK.to_owned(), &id.as_str());
        }
    }

    /// The master ends the subscription after it. A framework that was removed has lost its tasks: the next one finds out
    /// which by asking for them.
    fn error(&mut self, message: String) {
        if message == "Framework has been removed" {
            self.framework_id = None;
            self.delete(saved::FRAMEWORK.to_owned());
        }
        self.disconnected(message);
        self.effects.push(Effect::Resubscribe);
    }

    pub(super) fn disconnected(&mut self, reason: String) {
        self.link.problem = Some(reason);
        if self.link.subscribed {
            self.link.subscribed = false;
            let now = self.timestamp();
            self.tell(events::disconnected(now));
            self.feed(Input::Disconnected);
        }
    }

    pub(super) fn call_failed(&mut self, call: Box<Call>, certain: bool, stale: bool) {
        if certain {
            self.feed(Input::CallFailed(call));
        }
        if stale && self.link.subscribed {
            self.effects.push(Effect::Resubscribe);
        }
    }
}
