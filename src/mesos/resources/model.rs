//! Resources in the JSON of the endpoints before v1: `{"disk":0.0,"mem":32.0,"gpus":0.0,"cpus":0.1,"ports":"[1-2]"}`.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};

use crate::mesos::{
    resources::Resources,
    v1::{
        Resource,
        value::{Ranges, Set, Type},
    },
};

/// Always there, in the order in which Mesos writes them.
const FIRST_CLASS: [&str; 4] = ["disk", "mem", "gpus", "cpus"];

impl Resources {
    /// The form of the endpoints: all roles together, revocable ones under a name of their own.
    pub fn model(&self) -> Json {
        model(self.iter())
    }

    /// The form of roles and quota: how much there is, ranges counted, by name: `{"cpus":4.0,"ports":1001.0}`.
    pub fn model_quantities(&self) -> Json {
        self.quantities().into_iter().map(|(name, quantity)| (name, Json::from(quantity))).collect()
    }
}

/// The form of the endpoints, for the resources of a message, which it takes as they are.
pub fn model<'a>(resources: impl Iterator<Item = &'a Resource>) -> Json {
    let mut scalars: Map<String, Json> =
        FIRST_CLASS.map(|name| (name.to_owned(), Json::from(0.0))).into_iter().collect();
    let mut ranges = BTreeMap::<String, Ranges>::new();
    let mut sets = BTreeMap::<String, Set>::new();
    for resource in resources {
        let suffix = if resource.is_revocable() { "_revocable" } else { "" };
        let name = format!("{}{suffix}", resource.name);
        match resource.r#type() {
            Type::Scalar => {
                let sum = scalars.entry(name).or_insert_with(|| Json::from(0.0));
                *sum =
                    Json::from(sum.as_f64().unwrap_or_default() + resource.scalar.unwrap_or_default().value);
            }
            Type::Ranges => ranges.entry(name).or_default().add(&resource.ranges.clone().unwrap_or_default()),
            Type::Set => sets.entry(name).or_default().add(&resource.set.clone().unwrap_or_default()),
            Type::Text => {}
        }
    }
    scalars.extend(ranges.into_iter().map(|(name, ranges)| (name, Json::from(ranges.to_string()))));
    scalars.extend(sets.into_iter().map(|(name, set)| (name, Json::from(set.to_string()))));
    Json::Object(scalars)
}
