//! The resources of the command line: `cpus:4;mem(role):1024;ports:[31000-32000]`, or a JSON array.

use std::collections::BTreeMap;

use serde_json::Value as Json;
use thiserror::Error;

use crate::mesos::{
    json,
    resources::{Resources, validate_one},
    roles,
    v1::{
        Resource, Value,
        resource::{ReservationInfo, reservation_info},
        value::Type,
    },
    values::{self, tokenize},
};

/// Why resources cannot be read; the text is Mesos' own.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct ParseError(String);

impl Resources {
    /// Reads resources from a flag; those that name no role get `default_role`.
    ///
    /// # Errors
    /// For what cannot be read, for invalid resources, and for what no agent may start with: persistent volumes,
    /// revocable resources, dynamic reservations, one name with two types.
    pub fn parse(text: &str, default_role: &str) -> Result<Self, ParseError> {
        let resources = parse_text(text, default_role).map_err(ParseError)?;
        resources.iter().try_for_each(validate_one).map_err(ParseError)?;
        let resources = Self::from_protos(resources);
        validate_for_command_line(&resources).map_err(ParseError)?;
        Ok(resources)
    }
}

fn parse_text(text: &str, default_role: &str) -> Result<Vec<Resource>, String> {
    match json::parse(text) {
        Ok(Json::Array(values)) => parse_json(&values, default_role),
        _ => tokenize(text, ";").into_iter().map(|token| parse_token(token, default_role)).collect(),
    }
}

fn parse_json(values: &[Json], default_role: &str) -> Result<Vec<Resource>, String> {
    let resources: Result<Vec<Resource>, _> = values.iter().map(json::from_value).collect();
    let mut resources =
        resources.map_err(|error| format!("Some JSON resources were not formatted properly: {error}"))?;
    for resource in resources.iter_mut().filter(|resource| resource.reservations.is_empty()) {
        resource.role.get_or_insert_with(|| default_role.to_owned());
    }
    Ok(resources)
}

fn parse_token(token: &str, default_role: &str) -> Result<Resource, String> {
    let [name, value] = tokenize(token, ":")[..] else {
        return Err(format!("Bad value for resources, missing or extra ':' in {token}"));
    };
    let Some((name, rest)) = name.split_once('(') else {
        return parse_one(name.trim(), value, default_role);
    };
    let Some((role, _)) = rest.split_once(')').filter(|_| !name.contains(')')) else {
        return Err(format!("Bad value for resources, mismatched parentheses in {token}"));
    };
    parse_one(name.trim(), value, role.trim())
}

fn parse_one(name: &str, text: &str, role: &str) -> Result<Resource, String> {
    let value = values::parse(text)
        .map_err(|error| format!("Failed to parse resource {name} value {text} error {error}"))?;
    if value.r#type() == Type::Text {
        return Err(format!("Bad type for resource {name} value {text} type TEXT"));
    }
    let Value { r#type, scalar, ranges, set, .. } = value;
    let reservation = (role != roles::ANY).then(|| ReservationInfo {
        r#type: Some(reservation_info::Type::Static.into()),
        role: Some(role.to_owned()),
        ..ReservationInfo::default()
    });
    let reservations = reservation.into_iter().collect();
    Ok(Resource { name: name.into(), r#type, scalar, ranges, set, reservations, ..Resource::default() })
}

fn validate_for_command_line(resources: &Resources) -> Result<(), String> {
    let mut types = BTreeMap::new();
    for resource in resources.iter() {
        if resource.is_persistent_volume() {
            return Err("Persistent volumes cannot be specified at the command line".into());
        }
        if resource.is_revocable() {
            return Err(
                "Revocable resources cannot be specified at the command line; do not include a 'revocable' \
                        key in the resources JSON"
                    .into(),
            );
        }
        if resource.is_dynamically_reserved() {
            return Err(
                "Dynamic reservations cannot be specified at the command line; do not include a reservation \
                        with DYNAMIC type in the resources JSON"
                    .into(),
            );
        }
        if *types.entry(resource.name.as_str()).or_insert(resource.r#type) != resource.r#type {
            return Err(format!(
                "Resources with the same name ('{}') but different types are not allowed",
                resource.name
            ));
        }
    }
    Ok(())
}
