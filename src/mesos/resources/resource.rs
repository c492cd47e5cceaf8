//! One resource: what it is, which others it can be added to or taken from, and its value's arithmetic.

use crate::mesos::{
    roles,
    v1::{
        Labels, Resource,
        resource::{DiskInfo, ReservationInfo, disk_info::Source, disk_info::source, reservation_info},
        value::Type,
    },
    values,
};

impl Resource {
    pub fn is_empty(&self) -> bool {
        match self.r#type() {
            Type::Scalar => self.thousandths() == 0,
            Type::Ranges => self.ranges.as_ref().is_none_or(|ranges| ranges.range.is_empty()),
            Type::Set => self.set.as_ref().is_none_or(|set| set.item.is_empty()),
            Type::Text => false,
        }
    }

    /// The role of the topmost reservation.
    pub fn reservation_role(&self) -> Option<&str> {
        self.reservations.last().map(ReservationInfo::role)
    }

    pub fn allocation_role(&self) -> Option<&str> {
        self.allocation_info.as_ref()?.role.as_deref()
    }

    pub fn is_unreserved(&self) -> bool {
        self.reservations.is_empty()
    }

    pub fn is_dynamically_reserved(&self) -> bool {
        self.reservations.last().is_some_and(|last| last.r#type() == reservation_info::Type::Dynamic)
    }

    pub fn is_allocatable_to(&self, role: &str) -> bool {
        self.reservation_role().is_none_or(|own| own == role || roles::is_strict_subrole_of(role, own))
    }

    pub fn is_revocable(&self) -> bool {
        self.revocable.is_some()
    }

    pub fn is_shared(&self) -> bool {
        self.shared.is_some()
    }

    pub fn is_persistent_volume(&self) -> bool {
        self.disk.as_ref().is_some_and(|disk| disk.persistence.is_some())
    }

    /// The value of a scalar, rounded to thousandths; 0 of other kinds.
    pub fn amount(&self) -> f64 {
        values::from_thousandths(self.thousandths())
    }

    pub(super) fn thousandths(&self) -> i64 {
        match self.r#type() {
            Type::Scalar => self.scalar.unwrap_or_default().thousandths(),
            Type::Ranges | Type::Set | Type::Text => 0,
        }
    }

    /// How much it is, in thousandths: ranges and sets count their values.
    pub(super) fn quantity(&self) -> i64 {
        let whole = |count: u64| i64::try_from(count).unwrap_or(i64::MAX).saturating_mul(1000);
        match self.r#type() {
            Type::Scalar => self.thousandths(),
            Type::Ranges => whole(self.ranges.as_ref().map_or(0, |ranges| ranges.count())),
            Type::Set => whole(self.set.as_ref().map_or(0, |set| set.item.len() as u64)),
            Type::Text => 0,
        }
    }

    /// Whether both are the same resource with the same value, however written. The volume of a disk does not count:
    /// it says how the disk is used.
    pub fn same(&self, other: &Self) -> bool {
        self.is_shared() == other.is_shared() && self.is_alike(other) && self.same_value(other)
    }

    fn same_value(&self, other: &Self) -> bool {
        match self.r#type() {
            Type::Scalar => self.thousandths() == other.thousandths(),
            Type::Ranges => {
                self.ranges.clone().unwrap_or_default().same(&other.ranges.clone().unwrap_or_default())
            }
            Type::Set => self.set.clone().unwrap_or_default().same(&other.set.clone().unwrap_or_default()),
            Type::Text => false,
        }
    }

    /// Whether all but the value and sharedness agrees.
    fn is_alike(&self, other: &Self) -> bool {
        self.name == other.name
            && self.r#type == other.r#type
            && self.allocation_info == other.allocation_info
            && same_reservations(&self.reservations, &other.reservations)
            && same_disk(self.disk.as_ref(), other.disk.as_ref())
            && self.is_revocable() == other.is_revocable()
            && self.provider_id == other.provider_id
    }

    pub(super) fn is_addable(&self, other: &Self) -> bool {
        match (self.is_shared(), other.is_shared()) {
            (true, true) => self.same(other),
            (false, false) => self.is_alike(other) && self.disk.as_ref().is_none_or(is_divisible),
            _ => false,
        }
    }

    pub(super) fn is_subtractable(&self, other: &Self) -> bool {
        match (self.is_shared(), other.is_shared()) {
            (true, true) => self.same(other),
            (false, false) => {
                self.is_alike(other)
                    && (self.disk.as_ref().is_none_or(is_divisible) || self.same_value(other))
            }
            _ => false,
        }
    }

    /// Whether `other`, not shared, lies within.
    pub(super) fn contains(&self, other: &Self) -> bool {
        self.is_subtractable(other)
            && match self.r#type() {
                Type::Scalar => other.thousandths() <= self.thousandths(),
                Type::Ranges => other
                    .ranges
                    .clone()
                    .unwrap_or_default()
                    .is_within(&self.ranges.clone().unwrap_or_default()),
                Type::Set => {
                    other.set.clone().unwrap_or_default().is_within(&self.set.clone().unwrap_or_default())
                }
                Type::Text => false,
            }
    }

    pub(super) fn add_value(&mut self, other: &Self) {
        match self.r#type() {
            Type::Scalar => self.set_thousandths(self.thousandths().saturating_add(other.thousandths())),
            Type::Ranges => {
                self.ranges.get_or_insert_default().add(&other.ranges.clone().unwrap_or_default());
            }
            Type::Set => self.set.get_or_insert_default().add(&other.set.clone().unwrap_or_default()),
            Type::Text => {}
        }
    }

    pub(super) fn subtract_value(&mut self, other: &Self) {
        match self.r#type() {
            Type::Scalar => self.set_thousandths(self.thousandths().saturating_sub(other.thousandths())),
            Type::Ranges => {
                self.ranges.get_or_insert_default().subtract(&other.ranges.clone().unwrap_or_default());
            }
            Type::Set => self.set.get_or_insert_default().subtract(&other.set.clone().unwrap_or_default()),
            Type::Text => {}
        }
    }

    fn set_thousandths(&mut self, thousandths: i64) {
        self.scalar.get_or_insert_default().value = values::from_thousandths(thousandths);
    }

    /// Cuts a scalar down to `target`; `false` when it is a disk that cannot be divided.
    pub fn shrink(&mut self, target: f64) -> bool {
        let wanted = values::thousandths(target);
        if self.thousandths() <= wanted {
            return true;
        }
        let divisible = self.disk.as_ref().is_none_or(is_divisible);
        if divisible {
            self.set_thousandths(wanted);
        }
        divisible
    }
}

/// Persistent volumes, whole disks (MOUNT, BLOCK) and RAW disks with an identity exist only in one piece.
fn is_divisible(disk: &DiskInfo) -> bool {
    let source_divides = disk.source.as_ref().is_none_or(|source| match source.r#type() {
        source::Type::Unknown | source::Type::Path => true,
        source::Type::Mount | source::Type::Block => false,
        source::Type::Raw => source.id.is_none(),
    });
    source_divides && disk.persistence.is_none()
}

fn same_reservations(left: &[ReservationInfo], right: &[ReservationInfo]) -> bool {
    let same = |(left, right): (&ReservationInfo, &ReservationInfo)| {
        left.r#type() == right.r#type()
            && left.role() == right.role()
            && left.principal == right.principal
            && same_labels(left.labels.as_ref(), right.labels.as_ref())
    };
    left.len() == right.len() && left.iter().zip(right).all(same)
}

fn same_disk(left: Option<&DiskInfo>, right: Option<&DiskInfo>) -> bool {
    let id = |disk: &DiskInfo| disk.persistence.as_ref().map(|persistence| persistence.id.clone());
    both(left, right, |left, right| {
        both(left.source.as_ref(), right.source.as_ref(), same_source) && id(left) == id(right)
    })
}

fn same_source(left: &Source, right: &Source) -> bool {
    left.r#type == right.r#type
        && left.path == right.path
        && left.mount == right.mount
        && left.vendor == right.vendor
        && left.id == right.id
        && left.profile == right.profile
        && same_labels(left.metadata.as_ref(), right.metadata.as_ref())
}

/// Labels in any order.
pub(super) fn same_labels(left: Option<&Labels>, right: Option<&Labels>) -> bool {
    both(left, right, |left, right| {
        left.labels.len() == right.labels.len()
            && left.labels.iter().all(|label| right.labels.contains(label))
    })
}

fn both<T>(left: Option<&T>, right: Option<&T>, same: impl Fn(&T, &T) -> bool) -> bool {
    match (left, right) {
        (Some(left), Some(right)) => same(left, right),
        (left, right) => left.is_none() && right.is_none(),
    }
}
