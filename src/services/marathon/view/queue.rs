//! What waits for offers, and why.

use serde_json::{Value, json};

use crate::{
    mesos::v1::{Attribute, Offer, Resource, value},
    services::marathon::{
        core::Marathon,
        launcher::api::{ProcessedOffers, QueueItem, RejectStep, UnusedOffer},
        model::Timestamp,
    },
};

impl Marathon {
    pub(in crate::services::marathon) fn queue_info(&self, with_offers: bool) -> Value {
        let items = self.launcher.queue().into_iter().filter(|item| item.count > 0);
        let items: Vec<Value> = items.map(|item| queue_item(&item, with_offers)).collect();
        json!({"queue": items})
    }
}

fn queue_item(item: &QueueItem, with_offers: bool) -> Value {
    let mut info = json!({
        "app": *item.app,
        "count": item.count,
        "role": item.role,
        "delay": {"timeLeftSeconds": item.time_left_seconds, "overdue": item.overdue},
        "since": item.since,
        "processedOffersSummary": summary(&item.offers),
    });
    if with_offers {
        info["lastUnusedOffers"] = item.last_unused_offers.iter().map(unused).collect();
    }
    info
}

fn summary(offers: &ProcessedOffers) -> Value {
    let mut info = json!({"processedOffersCount": offers.processed, "unusedOffersCount": offers.unused});
    for (name, moment) in
        [("lastUnusedOfferAt", offers.last_unused_at), ("lastUsedOfferAt", offers.last_used_at)]
    {
        if let Some(moment) = moment {
            info[name] = json!(moment);
        }
    }
    info["rejectSummaryLastOffers"] = offers.reject_summary_last_offers.iter().map(reject).collect();
    info["rejectSummaryLaunchAttempt"] = offers.reject_summary_launch_attempt.iter().map(reject).collect();
    info
}

fn reject(step: &RejectStep) -> Value {
    json!({"reason": step.reason.to_string(), "declined": step.declined, "processed": step.processed})
}

fn unused(unused: &UnusedOffer) -> Value {
    let reasons: Vec<String> = unused.reasons.iter().map(ToString::to_string).collect();
    json!({"offer": offer(&unused.offer), "timestamp": Timestamp::from(unused.at), "reason": reasons})
}

fn offer(offer: &Offer) -> Value {
    json!({
        "id": offer.id.as_str(),
        "agentId": offer.agent_id.as_str(),
        "hostname": offer.hostname,
        "resources": offer.resources.iter().map(resource).collect::<Vec<_>>(),
        "attributes": offer.attributes.iter().map(attribute).collect::<Vec<_>>(),
    })
}

fn resource(resource: &Resource) -> Value {
    let role =
        resource.reservations.last().and_then(|reservation| reservation.role.as_deref()).unwrap_or("*");
    let mut info = json!({"name": resource.name, "role": role});
    add_value(&mut info, resource.scalar.as_ref(), resource.ranges.as_ref(), resource.set.as_ref());
    info
}

fn attribute(attribute: &Attribute) -> Value {
    let mut info = json!({"name": attribute.name});
    if let Some(text) = &attribute.text {
        info["text"] = text.value.as_str().into();
    }
    add_value(&mut info, attribute.scalar.as_ref(), attribute.ranges.as_ref(), attribute.set.as_ref());
    info
}

fn add_value(
    info: &mut Value,
    scalar: Option<&value::Scalar>,
    ranges: Option<&value::Ranges>,
    set: Option<&value::Set>,
) {
    if let Some(scalar) = scalar {
        info["scalar"] = scalar.value.into();
    }
    if let Some(ranges) = ranges {
        let ranges = ranges.range.iter().map(|range| json!({"begin": range.begin, "end": range.end}));
        info["ranges"] = ranges.collect();
    }
    if let Some(set) = set {
        info["set"] = json!(set.item);
    }
}
