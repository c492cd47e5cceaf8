//! Where an offer is from and where an instance runs, as far as constraints look at it.

use std::collections::BTreeMap;

use crate::{
    mesos::v1::{Attribute, DomainInfo, Offer, value::Type},
    services::marathon::model::Instance,
};

/// Values of fields; all values are texts.
#[derive(Clone, Copy, Debug)]
pub struct Site<'a> {
    pub host: &'a str,
    pub region: Option<&'a str>,
    pub zone: Option<&'a str>,
    pub attributes: &'a BTreeMap<String, String>,
}

impl<'a> Site<'a> {
    /// Of an offer; `attributes` are the offer's by [`texts`].
    pub fn of_offer(offer: &'a Offer, attributes: &'a BTreeMap<String, String>) -> Self {
        Self { host: &offer.hostname, region: region(offer.domain.as_ref()), zone: zone(offer), attributes }
    }

    pub fn of_instance(instance: &'a Instance) -> Self {
        Self {
            host: &instance.host,
            region: instance.region.as_deref(),
            zone: instance.zone.as_deref(),
            attributes: &instance.attributes,
        }
    }

    /// The value of `hostname`, `@hostname`, `@region`, `@zone` or an attribute.
    pub fn value(&self, field: &str) -> Option<&'a str> {
        match field {
            "hostname" | "@hostname" => Some(self.host),
            "@region" => self.region,
            "@zone" => self.zone,
            _ => self.attributes.get(field).map(String::as_str),
        }
    }
}

/// The region of an agent or a master.
pub fn region(domain: Option<&DomainInfo>) -> Option<&str> {
    Some(&domain?.fault_domain.as_ref()?.region.name)
}

pub fn zone(offer: &Offer) -> Option<&str> {
    Some(&offer.domain.as_ref()?.fault_domain.as_ref()?.zone.name)
}

/// The attributes of an agent as Marathon compares them; of a name that comes twice the first one.
pub fn texts(attributes: &[Attribute]) -> BTreeMap<String, String> {
    attributes.iter().rev().map(|attribute| (attribute.name.clone(), text(attribute))).collect()
}

/// Scalars without superfluous zeros, ranges as `[1-2,5-6]`, sets as `{a,b}`, both sorted.
fn text(attribute: &Attribute) -> String {
    match attribute.r#type() {
        Type::Scalar => decimal(attribute.scalar.unwrap_or_default().value),
        Type::Text => attribute.text.clone().unwrap_or_default().value,
        Type::Ranges => {
            let mut ranges = attribute.ranges.clone().unwrap_or_default().range;
            ranges.sort_by_key(|range| range.begin);
            let ranges: Vec<_> =
                ranges.iter().map(|range| format!("{}-{}", range.begin, range.end)).collect();
            format!("[{}]", ranges.join(","))
        }
        Type::Set => {
            let mut items = attribute.set.clone().unwrap_or_default().item;
            items.sort();
            format!("{{{}}}", items.join(","))
        }
    }
}

/// At most three digits after the point, rounded half to even, as Java's `0.###`.
pub fn decimal(value: f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mesos::{attributes, v1::value};

    #[test]
    fn numbers_are_rounded_to_thousandths() {
        for (value, text) in
            [(1.0, "1"), (0.8, "0.8"), (1.0005, "1"), (1.00051, "1.001"), (1.1005, "1.101"), (10.0, "10")]
        {
            assert_eq!(decimal(value), text, "{value}");
        }
    }

    #[test]
    fn attributes_are_texts_of_one_form() {
        let mut parsed = attributes::parse("rack:r-1;level:7.50;ports:[5-6,1-2];rack:other").unwrap();
        parsed.push(Attribute {
            name: "gpu".to_owned(),
            r#type: Type::Set.into(),
            set: Some(value::Set { item: vec!["1".to_owned(), "0".to_owned()] }),
            ..Attribute::default()
        });
        let texts = texts(&parsed);
        assert_eq!(texts["rack"], "r-1");
        assert_eq!(texts["level"], "7.5");
        assert_eq!(texts["ports"], "[1-2,5-6]");
        assert_eq!(texts["gpu"], "{0,1}");
    }
}
