//! SUBSCRIBE and UPDATE_FRAMEWORK: a framework comes, comes back, takes over, or changes.

use std::collections::BTreeSet;

use super::{
    Effect, Framework, FrameworkState, Master, Reply, StreamId, events,
    validation::framework::validate_update,
};
use crate::{
    engine::{
        allocator::{Constraints, roles_of},
        wire::ToAgent,
    },
    mesos::v1::{
        FrameworkId, FrameworkInfo, OfferId,
        scheduler::{
            OfferConstraints,
            call::{Subscribe, Type, UpdateFramework},
        },
    },
};

impl Master {
    pub(super) fn subscribe_call(&mut self, stream: Option<StreamId>, subscribe: Subscribe) -> Reply {
        if stream.is_some() {
            return Reply::BadRequest(
                "Subscribe calls should not include the 'Mesos-Stream-Id' header".into(),
            );
        }
        let stream = StreamId::from(self.random_uuid());
        if let Err(message) = self.subscribe(&stream, subscribe) {
            self.refuse(&stream, message);
        }
        Reply::Stream(stream)
    }

    fn subscribe(&mut self, stream: &StreamId, subscribe: Subscribe) -> Result<(), String> {
        let mut info = subscribe.framework_info;
        let id = info.id.clone().filter(|id| !id.value.is_empty());
        match id {
            None => self.counters.messages_register_framework += 1,
            Some(_) => self.counters.messages_reregister_framework += 1,
        }
        self.validate_framework(&info, &subscribe.suppressed_roles)?;
        let asked = subscribe.offer_constraints.unwrap_or_default();
        let constraints = Constraints::new(&asked)?;
        let suppressed: BTreeSet<String> = subscribe.suppressed_roles.into_iter().collect();
        let id = match id {
            None => self.subscribe_new(stream, info, suppressed),
            Some(id) => {
                self.recover_framework(&id, &info);
                self.preserve_immutable_fields(&id, &mut info)?;
                self.subscribe_again(stream, &id, info, suppressed);
                id
            }
        };
        self.constrain(&id, asked, constraints);
        Ok(())
    }

    fn constrain(&mut self, id: &FrameworkId, asked: OfferConstraints, constraints: Constraints) {
        self.allocator.constrain(id, constraints);
        if let Some(framework) = self.frameworks.get_mut(id) {
            framework.offer_constraints = asked;
        }
    }

    fn subscribe_new(
        &mut self,
        stream: &StreamId,
        mut info: FrameworkInfo,
        suppressed: BTreeSet<String>,
    ) -> FrameworkId {
        let id = self.new_framework_id();
        info.id = Some(id.clone());
        let framework = Framework {
            stream: Some(stream.clone()),
            state: FrameworkState::Connected,
            active: true,
            suppressed_roles: suppressed,
            ..Framework::new(id.clone(), info, self.now)
        };
        self.add_framework(framework);
        self.welcome(&id, stream);
        self.publish_framework_added(&id);
        id
    }

    /// `user` and `checkpoint` stay what they were, whatever is sent; another principal is refused.
    fn preserve_immutable_fields(&self, id: &FrameworkId, info: &mut FrameworkInfo) -> Result<(), String> {
        let Some(framework) = self.frameworks.get(id) else { return Ok(()) };
        info.user.clone_from(&framework.info.user);
        if info.checkpoint() != framework.info.checkpoint() {
            info.checkpoint = framework.info.checkpoint;
        }
        validate_update(&framework.info, info)
    }

    fn subscribe_again(
        &mut self,
        stream: &StreamId,
        id: &FrameworkId,
        info: FrameworkInfo,
        suppressed: BTreeSet<String>,
    ) {
        self.update_framework(id, info, suppressed);
        let now = self.now;
        let Some(framework) = self.frameworks.get_mut(id) else { return };
        if framework.recovered() {
            framework.registered_at = now;
        }
        framework.reregistered_at = now;
        self.take_over(stream, id);
        self.activate_framework(id);
        self.welcome(id, stream);
        self.publish_framework_update(id);
    }

    /// Ends the stream that the framework may have, and takes back its offers.
    fn take_over(&mut self, stream: &StreamId, id: &FrameworkId) {
        self.close_stream(id, Some("Framework failed over"));
        for offer in self.offers_of(id) {
            self.discard_offer(&offer, None);
        }
        self.withdraw_inverse_offers(id, false);
        let Some(framework) = self.frameworks.get_mut(id) else { return };
        framework.stream = Some(stream.clone());
        framework.state = FrameworkState::Connected;
    }

    fn activate_framework(&mut self, id: &FrameworkId) {
        let Some(framework) = self.frameworks.get_mut(id) else { return };
        if !std::mem::replace(&mut framework.active, true) {
            self.allocator.activate_framework(id);
        }
    }

    fn welcome(&mut self, id: &FrameworkId, stream: &StreamId) {
        self.streams.insert(stream.clone(), id.clone());
        if let Some(framework) = self.frameworks.get_mut(id) {
            *framework.counters.calls.entry(Type::Subscribe).or_default() += 1;
        }
        let seconds = self.config.heartbeat_interval.as_secs_f64();
        self.send(id, events::subscribed(id.clone(), seconds, self.info.clone()));
        self.heartbeat(id);
    }

    /// Says goodbye on the framework's stream, if it has one, and closes it.
    pub(super) fn close_stream(&mut self, id: &FrameworkId, error: Option<&str>) {
        if let (true, Some(error)) = (self.frameworks.get(id).is_some_and(Framework::connected), error) {
            self.send(id, events::error(error));
        }
        let stream = self.frameworks.get_mut(id).and_then(|framework| framework.stream.take());
        if let Some(stream) = stream {
            self.streams.remove(&stream);
            self.effects.push(Effect::Close { stream });
        }
    }

    /// Puts a new `FrameworkInfo` in place and rescinds the offers to roles that it has left.
    fn update_framework(&mut self, id: &FrameworkId, info: FrameworkInfo, suppressed: BTreeSet<String>) {
        self.allocator.update_framework(self.now, id, &info, suppressed.clone());
        let roles = roles_of(&info);
        let left =
            |offer: &OfferId| self.offers.get(offer).is_some_and(|it| !roles.contains(super::role_of(it)));
        let stale: Vec<OfferId> = self.offers_of(id).into_iter().filter(left).collect();
        stale.iter().for_each(|offer| self.rescind_offer(offer));
        if let Some(framework) = self.frameworks.get_mut(id) {
            framework.info = info;
            framework.suppressed_roles = suppressed;
        }
    }

    fn publish_framework_update(&mut self, id: &FrameworkId) {
        self.publish_framework_updated(id);
        if let Some(framework) = self.frameworks.get(id) {
            let framework = Box::new(framework.info.clone());
            self.tell_all(&ToAgent::UpdateFramework { framework });
        }
    }

    pub(super) fn update_framework_call(&mut self, id: &FrameworkId, update: UpdateFramework) -> Reply {
        let info = update.framework_info;
        if let Err(error) = self.validate_framework(&info, &update.suppressed_roles) {
            return Reply::BadRequest(format!("Supplied FrameworkInfo is not valid: {error}"));
        }
        let Some(framework) = self.frameworks.get(id) else {
            return Reply::BadRequest("Framework cannot be found".into());
        };
        if let Err(error) = validate_update(&framework.info, &info) {
            return Reply::BadRequest(format!("FrameworkInfo update is not valid: {error}"));
        }
        let asked = update.offer_constraints.unwrap_or_default();
        let constraints = match Constraints::new(&asked) {
            Ok(constraints) => constraints,
            Err(error) => {
                return Reply::BadRequest(format!(
                    "'UpdateFramework.offer_constraints' are not valid: {error}"
                ));
            }
        };
        let has_changed = framework.info != info;
        self.update_framework(id, info, update.suppressed_roles.into_iter().collect());
        self.constrain(id, asked, constraints);
        if has_changed {
            self.publish_framework_update(id);
        }
        Reply::Ok
    }
}
