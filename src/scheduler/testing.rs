//! Shorthands for tests.

use crate::mesos::v1::{AgentId, FrameworkId, Offer, OfferId, Resource, resource, value};

pub fn scalar(name: &str, value: f64) -> Resource {
    let mut resource = Resource { name: name.to_owned(), ..Resource::default() };
    resource.set_type(value::Type::Scalar);
    resource.scalar = Some(value::Scalar { value });
    resource
}

pub fn ports(ranges: &[(u64, u64)]) -> Resource {
    let mut resource = Resource { name: "ports".to_owned(), ..Resource::default() };
    resource.set_type(value::Type::Ranges);
    let range = ranges.iter().map(|(begin, end)| value::Range { begin: *begin, end: *end }).collect();
    resource.ranges = Some(value::Ranges { range });
    resource
}

pub fn reserved(resource: Resource, role: &str) -> Resource {
    let reservation = resource::ReservationInfo { role: Some(role.to_owned()), ..Default::default() };
    Resource { reservations: vec![reservation], ..resource }
}

/// An offer of the agent `agent-HOST` on `HOST`.
pub fn offer(host: &str, resources: &[Resource]) -> Offer {
    Offer {
        id: OfferId::new(format!("offer-{host}")),
        framework_id: FrameworkId::new("f"),
        agent_id: AgentId::new(format!("agent-{host}")),
        hostname: host.to_owned(),
        resources: resources.to_vec(),
        ..Offer::default()
    }
}
