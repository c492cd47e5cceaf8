//! Resources summed by name, attributes by name, and the domain of a machine.

use std::{borrow::Cow, collections::BTreeMap};

use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::Value;

use crate::mesos::{
    json,
    v1::{self, value::Type},
};

/// Resources of any role summed by name: the four well-known scalars always (in the order of Mesos' hash map), other
/// scalars before them, then ranges and sets as text.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Resources {
    disk: f64,
    mem: f64,
    gpus: f64,
    cpus: f64,
    others: Vec<(String, f64)>,
    ranges: Vec<(String, v1::value::Ranges)>,
    sets: Vec<(String, v1::value::Set)>,
}

impl<'a> FromIterator<&'a v1::Resource> for Resources {
    fn from_iter<I: IntoIterator<Item = &'a v1::Resource>>(resources: I) -> Self {
        let mut sum = Self::default();
        resources.into_iter().for_each(|resource| sum.add(resource));
        sum
    }
}

impl Resources {
    fn add(&mut self, resource: &v1::Resource) {
        match resource.r#type() {
            Type::Scalar => {
                let value = resource.scalar.map_or(0.0, |scalar| scalar.value);
                *self.scalar(shown_name(resource)) += value;
            }
            Type::Ranges => {
                let sum = entry(&mut self.ranges, &shown_name(resource));
                resource.ranges.iter().for_each(|ranges| sum.add(ranges));
            }
            Type::Set => {
                let sum = entry(&mut self.sets, &shown_name(resource));
                resource.set.iter().for_each(|set| sum.add(set));
            }
            Type::Text => {}
        }
    }

    fn scalar(&mut self, name: Cow<'_, str>) -> &mut f64 {
        match name.as_ref() {
            "disk" => &mut self.disk,
            "mem" => &mut self.mem,
            "gpus" => &mut self.gpus,
            "cpus" => &mut self.cpus,
            other => entry(&mut self.others, other),
        }
    }
}

fn shown_name(resource: &v1::Resource) -> Cow<'_, str> {
    match resource.revocable {
        Some(_) => Cow::Owned(format!("{}_revocable", resource.name)),
        None => Cow::Borrowed(&resource.name),
    }
}

fn entry<'a, T: Default>(entries: &'a mut Vec<(String, T)>, name: &str) -> &'a mut T {
    let at = entries.iter().position(|(known, _)| known == name).unwrap_or_else(|| {
        entries.insert(0, (name.to_owned(), T::default()));
        0
    });
    &mut entries[at].1
}

impl Serialize for Resources {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, value) in &self.others {
            map.serialize_entry(name, value)?;
        }
        for (name, value) in
            [("disk", self.disk), ("mem", self.mem), ("gpus", self.gpus), ("cpus", self.cpus)]
        {
            map.serialize_entry(name, &value)?;
        }
        for (name, ranges) in &self.ranges {
            map.serialize_entry(name, &ranges.to_string())?;
        }
        for (name, set) in &self.sets {
            map.serialize_entry(name, &set.to_string())?;
        }
        map.end()
    }
}

/// Resources in the format of the endpoints.
pub fn endpoint_format<'a>(resources: impl IntoIterator<Item = &'a v1::Resource>) -> Vec<v1::Resource> {
    resources.into_iter().cloned().map(v1::Resource::into_endpoint_format).collect()
}

/// Reserved resources by role.
pub fn reservations<'a>(
    resources: impl IntoIterator<Item = &'a v1::Resource>,
) -> BTreeMap<&'a str, Vec<&'a v1::Resource>> {
    let mut by_role = BTreeMap::<_, Vec<_>>::new();
    for resource in resources {
        resource
            .reservation_role()
            .into_iter()
            .for_each(|role| by_role.entry(role).or_default().push(resource));
    }
    by_role
}

/// Resources that are not reserved.
pub fn unreserved<'a>(
    resources: impl IntoIterator<Item = &'a v1::Resource>,
) -> impl Iterator<Item = &'a v1::Resource> {
    resources.into_iter().filter(|resource| resource.is_unreserved())
}

/// Each resource with all its details.
pub fn full_resources<'a>(resources: impl IntoIterator<Item = &'a v1::Resource>) -> Vec<Value> {
    endpoint_format(resources).iter().map(json::to_json).collect()
}

/// Attributes as an object from name to value.
#[derive(Clone, Copy, Debug)]
pub struct Attributes<'a>(pub &'a [v1::Attribute]);

impl Serialize for Attributes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for attribute in self.0 {
            let name = &attribute.name;
            match attribute.r#type() {
                Type::Scalar => {
                    map.serialize_entry(name, &attribute.scalar.map_or(0.0, |scalar| scalar.value))?
                }
                Type::Ranges => {
                    map.serialize_entry(name, &attribute.ranges.as_ref().map(ToString::to_string))?
                }
                Type::Set => map.serialize_entry(name, &attribute.set.as_ref().map(ToString::to_string))?,
                Type::Text => {
                    map.serialize_entry(name, &attribute.text.as_ref().map_or("", |text| &text.value))?
                }
            }
        }
        map.end()
    }
}

/// Region and zone of a machine.
#[derive(Debug, Serialize)]
pub struct Domain<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    fault_domain: Option<FaultDomain<'a>>,
}

#[derive(Debug, Serialize)]
struct FaultDomain<'a> {
    region: Place<'a>,
    zone: Place<'a>,
}

#[derive(Debug, Serialize)]
struct Place<'a> {
    name: &'a str,
}

impl<'a> From<&'a v1::DomainInfo> for Domain<'a> {
    fn from(domain: &'a v1::DomainInfo) -> Self {
        let fault_domain = domain.fault_domain.as_ref().map(|fault| FaultDomain {
            region: Place { name: &fault.region.name },
            zone: Place { name: &fault.zone.name },
        });
        Self { fault_domain }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scalar(name: &str, value: f64) -> v1::Resource {
        v1::Resource {
            name: name.into(),
            r#type: Type::Scalar.into(),
            scalar: Some(v1::value::Scalar { value }),
            ..Default::default()
        }
    }

    fn ports(begin: u64, end: u64) -> v1::Resource {
        v1::Resource {
            name: "ports".into(),
            r#type: Type::Ranges.into(),
            ranges: Some(v1::value::Ranges { range: vec![v1::value::Range { begin, end }] }),
            ..Default::default()
        }
    }

    fn text(resources: &[v1::Resource]) -> String {
        serde_json::to_string(&resources.iter().collect::<Resources>()).unwrap()
    }

    #[test]
    fn the_four_scalars_are_always_there() {
        assert_eq!(text(&[]), r#"{"disk":0.0,"mem":0.0,"gpus":0.0,"cpus":0.0}"#);
        assert_eq!(
            text(&[scalar("cpus", 0.1), ports(31000, 31000), scalar("mem", 32.0), ports(31001, 31001)]),
            r#"{"disk":0.0,"mem":32.0,"gpus":0.0,"cpus":0.1,"ports":"[31000-31001]"}"#
        );
    }

    #[test]
    fn revocable_resources_are_counted_apart() {
        let revocable = v1::Resource { revocable: Some(Default::default()), ..scalar("cpus", 2.0) };
        assert_eq!(
            text(&[scalar("cpus", 1.0), revocable]),
            r#"{"cpus_revocable":2.0,"disk":0.0,"mem":0.0,"gpus":0.0,"cpus":1.0}"#
        );
    }

    #[test]
    fn attributes_keep_their_order_and_kinds() {
        let rack = v1::Attribute {
            name: "rack".into(),
            r#type: Type::Text.into(),
            text: Some(v1::value::Text { value: "abc".into() }),
            ..Default::default()
        };
        let level = v1::Attribute {
            name: "level".into(),
            r#type: Type::Scalar.into(),
            scalar: Some(v1::value::Scalar { value: 10.0 }),
            ..Default::default()
        };
        assert_eq!(
            serde_json::to_string(&Attributes(&[rack, level])).unwrap(),
            r#"{"rack":"abc","level":10.0}"#
        );
    }
}
