//! What an agent may have become when it starts again under its old id (`--reconfiguration_policy`).

use std::{fmt, str::FromStr};

use crate::mesos::{
    resources::Resources,
    v1::{AgentInfo, Attribute, Resource, value::Type},
};

/// `--reconfiguration_policy`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReconfigurationPolicy {
    /// Nothing may have changed.
    #[default]
    Equal,
    /// There may be more resources and more attributes.
    Additive,
    /// Anything may have changed.
    Any,
}

impl FromStr for ReconfigurationPolicy {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "equal" => Ok(Self::Equal),
            "additive" => Ok(Self::Additive),
            "any" => Ok(Self::Any),
            _ => Err(format!("knows equal, additive and any, not `{text}`")),
        }
    }
}

impl fmt::Display for ReconfigurationPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Equal => "equal",
            Self::Additive => "additive",
            Self::Any => "any",
        })
    }
}

/// Whether an agent that was `old` may be `new`; the id of `new` does not count.
///
/// # Errors
/// What has changed that the policy does not permit, in Mesos' words.
pub fn check(policy: ReconfigurationPolicy, old: &AgentInfo, new: &AgentInfo) -> Result<(), String> {
    match policy {
        ReconfigurationPolicy::Any => Ok(()),
        ReconfigurationPolicy::Equal if is_same(old, new) => Ok(()),
        ReconfigurationPolicy::Equal => Err(format!(
            "Incompatible agent info detected.\n\
             ------------------------------------------------------------\n\
             Old agent info:\n{}\n\
             ------------------------------------------------------------\n\
             New agent info:\n{}\n\
             ------------------------------------------------------------",
            described(old),
            described(new),
        )),
        ReconfigurationPolicy::Additive => additive(old, new),
    }
}

fn is_same(old: &AgentInfo, new: &AgentInfo) -> bool {
    let resources = |info: &AgentInfo| Resources::from(info.resources.clone());
    let rest = |info: &AgentInfo| AgentInfo { id: None, resources: Vec::new(), ..info.clone() };
    resources(old) == resources(new) && rest(old) == rest(new)
}

fn described(info: &AgentInfo) -> String {
    crate::mesos::json::to_json_string(info)
}

fn additive(old: &AgentInfo, new: &AgentInfo) -> Result<(), String> {
    const NOT_PERMITTED: &str = "Configuration change not permitted under `additive` policy: ";
    if old.hostname != new.hostname {
        return Err(format!("{NOT_PERMITTED}Hostname changed from {} to {}", old.hostname, new.hostname));
    }
    if old.port() != new.port() {
        return Err(format!("{NOT_PERMITTED}Port changed from {} to {}", old.port(), new.port()));
    }
    if old.domain.is_some() && old.domain != new.domain {
        return Err(format!("{NOT_PERMITTED}Domain changed"));
    }
    let resources = Resources::from(new.resources.clone()).to_protos();
    Resources::from(old.resources.clone())
        .to_protos()
        .iter()
        .try_for_each(|it| still_there(it, &resources))?;
    old.attributes.iter().try_for_each(|attribute| same_attribute(attribute, &new.attributes))
}

fn still_there(old: &Resource, all: &[Resource]) -> Result<(), String> {
    const NOT_PERMITTED: &str = "Configuration change not permitted under 'additive' policy";
    let is_kind = |new: &&Resource| {
        new.name == old.name && new.r#type == old.r#type && new.reservations == old.reservations
    };
    let Some(new) = all.iter().find(is_kind) else {
        return Err(format!("{NOT_PERMITTED}. Resource not found: {old}"));
    };
    let holds = Resources::from(vec![new.clone()]).contains(&Resources::from(vec![old.clone()]));
    match (holds, old.r#type()) {
        (true, _) => Ok(()),
        (false, Type::Scalar) => Err(format!(
            "{NOT_PERMITTED}: Value of scalar resource '{}' decreased from {} to {}",
            old.name,
            old.scalar.map(|scalar| scalar.value).unwrap_or_default(),
            new.scalar.map(|scalar| scalar.value).unwrap_or_default(),
        )),
        (false, kind) => Err(format!(
            "{NOT_PERMITTED}: Previous value of {} resource '{}' ({old}) not included in current {new}",
            if kind == Type::Set { "set" } else { "range" },
            old.name,
        )),
    }
}

fn same_attribute(old: &Attribute, all: &[Attribute]) -> Result<(), String> {
    const NOT_PERMITTED: &str = "Configuration change not permitted under 'additive' policy";
    let Some(new) = all.iter().find(|new| new.name == old.name) else {
        return Err(format!("{NOT_PERMITTED}: Couldn't find attribute {}", old.name));
    };
    if new.r#type != old.r#type {
        return Err(format!("{NOT_PERMITTED}: Type of attribute '{}' changed", old.name));
    }
    match new == old {
        true => Ok(()),
        false => Err(format!("{NOT_PERMITTED}: Value of attribute '{}' changed", old.name)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mesos::attributes;

    fn info(resources: &str, text: &str) -> AgentInfo {
        AgentInfo {
            hostname: "localhost".to_owned(),
            resources: Resources::parse(resources, "*").unwrap().to_protos(),
            attributes: attributes::parse(text).unwrap(),
            ..AgentInfo::default()
        }
    }

    fn error(policy: ReconfigurationPolicy, new: &AgentInfo) -> Option<String> {
        check(policy, &info("cpus:4;mem:64;ports:[1-9]", "rack:a"), new).err()
    }

    #[test]
    fn equal_is_equal_in_any_order_and_with_any_id() {
        let same = AgentInfo { id: Some("S1".into()), ..info("mem:64;ports:[1-9];cpus:4", "rack:a") };
        assert_eq!(error(ReconfigurationPolicy::Equal, &same), None);
        let more = error(ReconfigurationPolicy::Equal, &info("cpus:5;mem:64;ports:[1-9]", "rack:a")).unwrap();
        assert!(more.starts_with("Incompatible agent info detected."), "{more}");
    }

    #[test]
    fn additive_takes_more_and_never_less() {
        let error = |resources, text| error(ReconfigurationPolicy::Additive, &info(resources, text));
        assert_eq!(error("cpus:5;mem:64;ports:[1-19];gpus:1", "rack:a;zone:z"), None);
        let decreased = "Configuration change not permitted under 'additive' policy: \
                         Value of scalar resource 'cpus' decreased from 4 to 3";
        assert_eq!(error("cpus:3;mem:64;ports:[1-9]", "rack:a").as_deref(), Some(decreased));
        assert!(error("cpus:4;mem:64;ports:[2-9]", "rack:a").unwrap().contains("not included in current"));
        assert!(error("cpus:4;ports:[1-9]", "rack:a").unwrap().contains("Resource not found"));
        assert!(error("cpus:4;mem:64;ports:[1-9]", "rack:b").unwrap().contains("attribute 'rack' changed"));
        assert!(error("cpus:4;mem:64;ports:[1-9]", "").unwrap().contains("Couldn't find attribute rack"));
    }

    #[test]
    fn any_takes_anything() {
        assert_eq!(error(ReconfigurationPolicy::Any, &info("cpus:1", "")), None);
    }
}
