//! The formats of a reservation on the wire: `role` and `reservation` (frameworks without RESERVATION_REFINEMENT), the
//! stack `reservations` (all others), and both at once (endpoints).

use crate::mesos::{
    roles,
    v1::{
        Resource,
        resource::{ReservationInfo, reservation_info::Type},
    },
};

impl Resource {
    /// The format with a stack of reservations, which all arithmetic expects.
    pub fn into_refined_format(mut self) -> Self {
        let role = self.role.take();
        let reservation = self.reservation.take();
        if !self.reservations.is_empty() {
            return self;
        }
        let Some(role) = role.filter(|role| role != roles::ANY) else {
            return self;
        };
        let r#type = if reservation.is_some() { Type::Dynamic } else { Type::Static };
        self.reservations.push(ReservationInfo {
            r#type: Some(r#type.into()),
            role: Some(role),
            ..reservation.unwrap_or_default()
        });
        self
    }

    /// The format before reservations could be refined. A resource with more than one reservation has no such form and
    /// stays as it is.
    pub fn into_unrefined_format(self) -> Self {
        let mut resource = self.into_endpoint_format();
        if resource.role.is_some() {
            resource.reservations.clear();
        }
        resource
    }

    /// Both formats at once; of a resource with more than one reservation only the stack.
    pub fn into_endpoint_format(self) -> Self {
        let mut resource = self.into_refined_format();
        match resource.reservations.as_slice() {
            [] => resource.role = Some(roles::ANY.into()),
            [only] => {
                resource.reservation = (only.r#type() == Type::Dynamic).then(|| ReservationInfo {
                    principal: only.principal.clone(),
                    labels: only.labels.clone(),
                    ..ReservationInfo::default()
                });
                resource.role = Some(only.role().to_owned());
            }
            _ => {}
        }
        resource
    }
}
