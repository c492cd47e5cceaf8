//! Whether an app can use an offer: what its next instance would take, or all that stands against it.

mod constraint;
mod pool;
mod ports;
mod reason;
pub mod site;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

pub use pool::{Pool, Share};
use ports::PortRequest;
use rand::Rng;
pub use reason::Reason;
use site::Site;

use crate::{
    mesos::{roles, time::Time, v1::Offer},
    services::marathon::model::{AppDefinition, Ports},
};

/// An offer while it is looked at.
#[derive(Clone, Debug)]
pub struct Candidate {
    pub offer: Offer,
    pub attributes: BTreeMap<String, String>,
    pub pool: Pool,
}

/// What decides beside the offer and the app.
#[derive(Clone, Copy, Debug)]
pub struct Surroundings<'a> {
    pub now: Time,
    /// Where the app's instances run.
    pub placed: &'a [Site<'a>],
    /// The master's region.
    pub region: Option<&'a str>,
    pub draining: Duration,
}

impl Candidate {
    pub fn new(offer: Offer) -> Self {
        Self { attributes: site::texts(&offer.attributes), pool: Pool::new(&offer), offer }
    }

    /// What an instance of `app` would take.
    ///
    /// # Errors
    /// Why the app cannot use the offer. Ports are looked at only when all else does.
    pub fn match_app(
        &self,
        app: &AppDefinition,
        around: &Surroundings<'_>,
        rng: &mut impl Rng,
    ) -> Result<Share, Vec<Reason>> {
        let accepted = accepted_roles(app);
        let mut share = Share::default();
        let mut reasons = self.draw_scalars(app, &accepted, &mut share);
        if !self.pool.serves(&accepted) {
            reasons.push(Reason::UnfulfilledRole);
        }
        let elsewhere = !self.is_in_region(app, around.region);
        if !self.meets_constraints(app, around) {
            reasons.push(Reason::UnfulfilledConstraint);
        }
        if self.is_draining(around) {
            reasons.extend([Reason::UnfulfilledConstraint, Reason::AgentMaintenance]);
        }
        if self.wastes_gpus(app) {
            reasons.push(Reason::DeclinedScarceResources);
        }
        if elsewhere || !reasons.is_empty() {
            return Err(reasons);
        }
        let offered = self.pool.port_ranges(&accepted);
        let places =
            ports::assign(&port_requests(app), &offered, rng).ok_or(vec![Reason::InsufficientPorts])?;
        self.pool.draw_ports(&places, &mut share);
        Ok(share)
    }

    fn draw_scalars(
        &self,
        app: &AppDefinition,
        accepted: &BTreeSet<String>,
        share: &mut Share,
    ) -> Vec<Reason> {
        let wants = [
            ("cpus", app.cpus, Reason::InsufficientCpus),
            ("mem", app.mem, Reason::InsufficientMemory),
            ("gpus", f64::from(app.gpus), Reason::InsufficientGpus),
            ("disk", app.disk, Reason::InsufficientDisk),
        ];
        let mut short = Vec::new();
        for (name, wanted, reason) in wants {
            if !self.pool.draw(name, wanted, accepted, share) {
                short.push(reason);
            }
        }
        short
    }

    /// Other regions than the master's are for apps that name region or zone.
    fn is_in_region(&self, app: &AppDefinition, local: Option<&str>) -> bool {
        let region = site::region(self.offer.domain.as_ref());
        region.is_none()
            || region == local
            || app.constraints.iter().any(|constraint| matches!(&constraint.field[..], "@region" | "@zone"))
    }

    fn meets_constraints(&self, app: &AppDefinition, around: &Surroundings<'_>) -> bool {
        let site = Site::of_offer(&self.offer, &self.attributes);
        let wanted = app.instances as usize;
        app.constraints.iter().all(|each| constraint::meets(each, &site, around.placed, wanted))
    }

    /// A maintenance of the agent is on, or near.
    fn is_draining(&self, around: &Surroundings<'_>) -> bool {
        let Some(unavailability) = &self.offer.unavailability else { return false };
        let start = Time::from_nanos(unavailability.start.nanoseconds);
        let is_over = unavailability.duration.is_some_and(|duration| {
            let duration = Duration::from_nanos(u64::try_from(duration.nanoseconds).unwrap_or_default());
            around.now > start + duration
        });
        around.now > start - around.draining && !is_over
    }

    /// Agents with GPUs are kept for apps that want them, unless the app says otherwise by a label.
    fn wastes_gpus(&self, app: &AppDefinition) -> bool {
        let behavior = app.labels.get("GPU_SCHEDULING_BEHAVIOR").map_or("restricted", String::as_str);
        behavior != "unrestricted" && app.gpus == 0 && self.pool.total("gpus") > 0.0
    }
}

/// The roles of the resources that the app may use.
fn accepted_roles(app: &AppDefinition) -> BTreeSet<String> {
    if app.accepted_resource_roles.is_empty() {
        [app.role.clone(), roles::ANY.to_owned()].into()
    } else {
        app.accepted_resource_roles.iter().cloned().collect()
    }
}

fn port_requests(app: &AppDefinition) -> Vec<PortRequest> {
    match app.ports() {
        Ports::Definitions(definitions) => definitions
            .iter()
            .map(|definition| match app.require_ports {
                true => PortRequest::Fixed(definition.port.into()),
                false => PortRequest::Dynamic,
            })
            .collect(),
        Ports::Mappings(mappings) => mappings
            .iter()
            .map(|mapping| match mapping.host_port {
                None => PortRequest::Unmapped,
                Some(0) => PortRequest::Dynamic,
                Some(port) => PortRequest::Fixed(port.into()),
            })
            .collect(),
    }
}
