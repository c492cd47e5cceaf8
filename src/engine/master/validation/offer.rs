//! The offers named by an ACCEPT.

use std::collections::{BTreeMap, BTreeSet};

use super::{Checked, ensure};
use crate::mesos::v1::{FrameworkId, Offer, OfferId, resource::AllocationInfo};

/// Checks the offers of an ACCEPT. What is wrong makes its tasks TASK_LOST (TASK_DROPPED for PARTITION_AWARE
/// frameworks) with REASON_INVALID_OFFERS and `Task launched with invalid offers: ` before the text.
///
/// # Errors
/// The text of Mesos' `offer::validate`.
pub fn validate(ids: &[OfferId], offers: &BTreeMap<OfferId, Offer>, framework_id: &FrameworkId) -> Checked {
    ensure(!ids.is_empty(), "No offers specified")?;
    let mut seen = BTreeSet::new();
    let twice = ids.iter().find(|id| !seen.insert(*id));
    twice.map_or(Ok(()), |id| Err(format!("Duplicate offer {id} in offer list")))?;
    let find = |id| offers.get(id).ok_or_else(|| format!("Offer {id} is no longer valid"));
    let offers = ids.iter().map(find).collect::<Result<Vec<&Offer>, String>>()?;
    offers.iter().try_for_each(|offer| validate_framework(offer, framework_id))?;
    let Some(first) = offers.first() else { return Ok(()) };
    offers.iter().try_for_each(|offer| validate_role(offer, first))?;
    offers.iter().try_for_each(|offer| validate_agent(offer, first))
}

fn validate_framework(offer: &Offer, expected: &FrameworkId) -> Checked {
    let (id, actual) = (&offer.id, &offer.framework_id);
    ensure(
        actual == expected,
        format!("Offer {id} has invalid framework {actual} while framework {expected} is expected"),
    )
}

fn validate_role(offer: &Offer, first: &Offer) -> Checked {
    let (role, other) = (role_of(offer), role_of(first));
    ensure(
        role == other,
        format!(
            "Aggregated offers must be allocated to the same role. Offer {} uses role '{role} but another is using \
             role '{other}",
            offer.id
        ),
    )
}

fn validate_agent(offer: &Offer, first: &Offer) -> Checked {
    let (agent, other) = (&offer.agent_id, &first.agent_id);
    ensure(
        agent == other,
        format!(
            "Aggregated offers must belong to one single agent. Offer {} uses agent {agent} and agent {other}",
            offer.id
        ),
    )
}

fn role_of(offer: &Offer) -> &str {
    offer.allocation_info.as_ref().map_or("*", AllocationInfo::role)
}
