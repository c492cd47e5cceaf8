//! Quotas as operators set them: UPDATE_QUOTA, and SET_QUOTA and REMOVE_QUOTA of old.

use std::collections::BTreeMap;

use super::{
    Agent, Master, Reply, Resources, offers::role_of, validation::quota as validation, view::roles::Role,
};
use crate::{
    engine::allocator::{Quantities, Quota},
    mesos::{
        resources::validate,
        roles,
        v1::{
            Offer, OfferId, Resource,
            master::call::UpdateQuota,
            quota::{QuotaConfig, QuotaRequest},
        },
    },
};

impl Master {
    pub(super) fn update_quota(&mut self, update: &UpdateQuota) -> Reply {
        let configs = &update.quota_configs;
        let valid = configs
            .iter()
            .try_for_each(|config| self.check_config(config))
            .and_then(|()| {
                configs.iter().try_for_each(|config| self.check_consumption(config, update.force()))
            })
            .and_then(|()| self.check_promises(configs, update.force()));
        if let Err(error) = valid {
            return Reply::BadRequest(error);
        }
        for config in configs {
            self.settle_quota(&config.role, config.into());
        }
        self.register_quotas();
        configs.iter().for_each(|config| self.make_room(config));
        Reply::Ok
    }

    fn check_config(&self, config: &QuotaConfig) -> Result<(), String> {
        let role = &config.role;
        if !self.is_whitelisted(role) {
            return Err(format!("Invalid QuotaConfig: '{role}' is not on the roles whitelist"));
        }
        if role.contains('/') {
            return Err(format!("Updating quota on nested role '{role}' is not supported yet"));
        }
        validation::config(config).map_err(|error| format!("Invalid QuotaConfig: {error}"))
    }

    fn check_consumption(&self, config: &QuotaConfig, force: bool) -> Result<(), String> {
        let consumed = self.role(&config.role).consumed;
        let limits = Quota::from(config).limits;
        if force || limits.contain(&consumed) {
            return Ok(());
        }
        Err(format!(
            "Invalid QuotaConfig: Role '{}' is already consuming '{consumed}'; this is more than the requested limits \
             '{limits}' (use 'force' flag to bypass this check)",
            config.role
        ))
    }

    /// Whether the cluster could keep all promises at once.
    fn check_promises(&self, configs: &[QuotaConfig], force: bool) -> Result<(), String> {
        let mut quotas = self.quotas.clone();
        quotas.extend(configs.iter().map(|config| (config.role.clone(), config.into())));
        validation::tree(&quotas).map_err(|error| format!("Invalid QuotaConfig: {error}"))?;
        let (total, capacity) = (validation::total(&quotas), self.capacity());
        if force || capacity.contains(&total) {
            return Ok(());
        }
        Err(format!(
            "Invalid QuotaConfig: total quota guarantees '{total}' exceed cluster capacity '{capacity}' (use 'force' \
             flag to bypass this check)"
        ))
    }

    /// Of all registered agents, also of those that are not connected.
    fn capacity(&self) -> Quantities {
        self.agents.values().fold(Quantities::default(), |mut sum, agent| {
            sum += &Quantities::of(&agent.total.non_revocable());
            sum
        })
    }

    fn settle_quota(&mut self, role: &str, quota: Quota) {
        self.quotas.insert(role.to_owned(), quota.clone());
        self.allocator.update_quota(self.now, role, quota);
    }

    fn role(&self, name: &str) -> Role {
        super::view::roles::all(self).into_iter().find(|role| role.name == name).unwrap_or_default()
    }

    /// Takes back as many offers as the new quota needs: those of the role that are beyond its limits, and those of
    /// others where its guarantees are not met.
    fn make_room(&mut self, config: &QuotaConfig) {
        let Quota { guarantees, limits } = config.into();
        let role = self.role(&config.role);
        let mut held = role.consumed;
        held += &role.offered;
        for offer in self.offers_by(&config.role, true) {
            if limits.contain(&held) {
                break;
            }
            held = held.minus(&self.rescind(&offer));
        }
        for offer in self.offers_by(&config.role, false) {
            if held.contains(&guarantees) {
                break;
            }
            held += &self.rescind(&offer);
        }
    }

    /// The offers to a role and those below it, by framework; or the offers to all others, by agent.
    fn offers_by(&self, role: &str, own: bool) -> Vec<OfferId> {
        let is_wanted = |offer: &&OfferId| {
            self.offers
                .get(*offer)
                .map(role_of)
                .is_some_and(|to| own == (to == role || roles::is_strict_subrole_of(to, role)))
        };
        if own {
            let offers = self.frameworks.values().flat_map(|framework| &framework.offers);
            offers.filter(is_wanted).cloned().collect()
        } else {
            let offers = self.agents.values().flat_map(|agent| &agent.offers);
            offers.filter(is_wanted).cloned().collect()
        }
    }

    /// Takes an offer back; gives what was in it.
    fn rescind(&mut self, id: &OfferId) -> Quantities {
        let offered = self.offers.get(id).map(|offer: &Offer| Quantities::of_any_kind(&offer.resources));
        self.rescind_offer(id);
        offered.unwrap_or_default()
    }

    pub(super) fn set_quota(&mut self, request: QuotaRequest) -> Reply {
        if let Err(error) = validate(&request.guarantee) {
            let error = format!("QuotaInfo with invalid resource: {error}");
            return Reply::BadRequest(format!("Failed to validate set quota request: {error}"));
        }
        let guarantee: Vec<_> =
            request.guarantee.iter().cloned().map(Resource::into_refined_format).collect();
        if let Err(error) = self.check_request(&request, &guarantee) {
            return Reply::BadRequest(error);
        }
        let role = request.role();
        let quota = both(role, &guarantee);
        if let Some(error) = self.overcommitment(role, &quota).filter(|_| !request.force()) {
            return Reply::Conflict(error);
        }
        self.settle_quota(role, quota);
        self.register_quotas();
        self.make_room_of_old(role, &Resources::from(guarantee));
        Reply::Ok
    }

    fn check_request(&self, request: &QuotaRequest, guarantee: &[Resource]) -> Result<(), String> {
        let role = request.role();
        let invalid = |error| format!("Failed to validate set quota request: {error}");
        validation::request(request.role.as_deref(), guarantee).map_err(invalid)?;
        if !self.is_whitelisted(role) {
            return Err(invalid(format!("Unknown role '{role}'")));
        }
        if self.quotas.contains_key(role) {
            return Err(invalid(format!("Cannot set quota for role '{role}' which already has quota")));
        }
        let mut quotas = self.quotas.clone();
        quotas.insert(role.to_owned(), both(role, guarantee));
        validation::tree(&quotas).map_err(invalid)?;
        if role.contains('/') {
            return Err(format!("Setting quota on nested role '{role}' is not supported yet"));
        }
        Ok(())
    }

    fn overcommitment(&self, role: &str, quota: &Quota) -> Option<String> {
        let mut quotas = self.quotas.clone();
        quotas.insert(role.to_owned(), quota.clone());
        let (total, capacity) = (validation::total(&quotas), self.capacity());
        let fits = capacity.contains(&total);
        (!fits).then(|| {
            format!(
                "Quota guarantees overcommit the cluster (use 'force' to bypass this check): Total quota guarantees \
                 '{total}' exceed cluster capacity '{capacity}'"
            )
        })
    }

    /// Takes back the offers of one agent after the other until there is enough for the guarantee, and something for
    /// each framework of the role.
    fn make_room_of_old(&mut self, role: &str, guarantee: &Resources) {
        let is_served = |id| self.frameworks.get(id).is_some_and(|it| it.connected() && it.active);
        let frameworks = self.role(role).frameworks.iter().filter(|id| is_served(id)).count();
        let is_visited = |agent: &&Agent| agent.connected && agent.active && !agent.offers.is_empty();
        let agents: Vec<_> = self.agents.values().filter(is_visited).map(|agent| agent.id.clone()).collect();
        let mut rescinded = Resources::default();
        for (visited, agent) in agents.iter().enumerate() {
            if rescinded.contains(guarantee) && visited >= frameworks {
                break;
            }
            let offered = self.agents.get(agent).map(|agent| agent.offered.unallocated());
            rescinded += offered.unwrap_or_default();
            self.rescind_offers_on(agent);
        }
    }

    pub(super) fn remove_quota(&mut self, role: &str) -> Reply {
        if self.quotas.remove(role).is_none() {
            let error = format!("Failed to remove quota: Role '{role}' has no quota set");
            return Reply::BadRequest(error);
        }
        self.allocator.update_quota(self.now, role, Quota::default());
        self.register_quotas();
        Reply::Ok
    }

    /// Whether `DELETE` of a path may take the role's quota away: it says more than REMOVE_QUOTA.
    ///
    /// # Errors
    /// Mesos' text.
    pub fn check_quota_removal(&self, path: &str, role: &str) -> Result<(), String> {
        if !self.is_whitelisted(role) {
            return Err(format!(
                "Failed to validate remove quota request for path '{path}': Unknown role '{role}'"
            ));
        }
        let failed = |error| format!("Failed to remove quota for path '{path}': {error}");
        let mut quotas: BTreeMap<_, _> = self.quotas.clone();
        if quotas.remove(role).is_none() {
            return Err(failed(format!("Role '{role}' has no quota set")));
        }
        validation::tree(&quotas).map_err(failed)
    }
}

/// A guarantee that is the limit as well.
fn both(role: &str, guarantee: &[Resource]) -> Quota {
    let amounts = guarantee.iter().filter_map(|resource| Some((resource.name.clone(), resource.scalar?)));
    let amounts: BTreeMap<_, _> = amounts.collect();
    Quota::from(&QuotaConfig { role: role.to_owned(), guarantees: amounts.clone(), limits: amounts })
}
