//! Offer constraints: which agents a role of a framework is not to be offered, whatever is free there. Texts and order
//! of the checks are those of Mesos' `offer_constraints_filter.cpp`.

use std::collections::BTreeMap;

use regex::bytes::{Regex, RegexBuilder};

use crate::mesos::v1::{
    AgentInfo, Attribute, DomainInfo,
    scheduler::{
        AttributeConstraint, OfferConstraints,
        attribute_constraint::{Predicate, Selector, predicate, selector},
        offer_constraints::role_constraints::Group,
    },
    value::Type,
};

/// How large a pattern may become, in bytes: about what the 100 instructions are that Mesos allows.
const PATTERN_SIZE: usize = 16 * 1024;

/// The constraints of one framework, by role. An agent is offered when one group of its role holds as a whole; a role
/// without groups is offered all.
#[derive(Clone, Debug, Default)]
pub struct Constraints(BTreeMap<String, Vec<Vec<Constraint>>>);

#[derive(Clone, Debug)]
struct Constraint {
    of: Subject,
    is: Test,
}

#[derive(Clone, Debug)]
enum Subject {
    Attribute(String),
    Hostname,
    Region,
    Zone,
}

#[derive(Clone, Debug)]
enum Test {
    Exists,
    NotExists,
    Equals(String),
    NotEquals(String),
    Matches(Regex),
    NotMatches(Regex),
}

/// What an agent has at a place that a constraint looks at.
enum Found<'a> {
    Nothing,
    Text(&'a str),
    /// An attribute that is no text: whatever is asked of its text holds.
    Other,
}

/// What constraints look at.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    hostname: String,
    attributes: Vec<Attribute>,
    domain: Option<DomainInfo>,
}

impl From<&AgentInfo> for Facts {
    fn from(info: &AgentInfo) -> Self {
        let (hostname, attributes) = (info.hostname.clone(), info.attributes.clone());
        Self { hostname, attributes, domain: info.domain.clone() }
    }
}

impl Facts {
    fn find(&self, subject: &Subject) -> Found<'_> {
        let fault = self.domain.as_ref().and_then(|domain| domain.fault_domain.as_ref());
        match subject {
            Subject::Hostname => Found::Text(&self.hostname),
            Subject::Region => fault.map_or(Found::Nothing, |fault| Found::Text(&fault.region.name)),
            Subject::Zone => fault.map_or(Found::Nothing, |fault| Found::Text(&fault.zone.name)),
            Subject::Attribute(name) => match self.attributes.iter().find(|it| it.name == *name) {
                Some(attribute) if attribute.r#type != Type::Text as i32 => Found::Other,
                attribute => attribute
                    .and_then(|it| it.text.as_ref())
                    .map_or(Found::Nothing, |text| Found::Text(&text.value)),
            },
        }
    }
}

impl Constraints {
    /// Reads what a framework has sent with SUBSCRIBE or UPDATE_FRAMEWORK.
    ///
    /// # Errors
    /// Mesos' text: for a role without groups, an empty group, a selector or predicate that is unknown, a pattern that
    /// is wrong or too large.
    pub fn new(constraints: &OfferConstraints) -> Result<Self, String> {
        let mut roles = BTreeMap::new();
        for (role, wanted) in &constraints.role_constraints {
            if wanted.groups.is_empty() {
                return Err(format!(
                    "'OfferConstraints::role_constraints' has an empty 'RoleConstraints::groups' for role {role}"
                ));
            }
            let groups: Result<_, String> =
                wanted.groups.iter().map(|group| read_group(role, group)).collect();
            roles.insert(role.clone(), groups?);
        }
        Ok(Self(roles))
    }

    /// Whether the role is not to be offered this agent.
    pub fn exclude(&self, role: &str, agent: &Facts) -> bool {
        let holds = |group: &Vec<Constraint>| group.iter().all(|constraint| constraint.holds(agent));
        self.0.get(role).is_some_and(|groups| !groups.iter().any(holds))
    }
}

/// Mesos' text has no space before `contains`.
fn read_group(role: &str, group: &Group) -> Result<Vec<Constraint>, String> {
    if group.attribute_constraints.is_empty() {
        return Err(format!(
            "'OfferConstraints::RoleConstraints::groups' for role {role}contains an empty RoleConstraints::Group"
        ));
    }
    let read = |constraint| {
        Constraint::new(constraint)
            .map_err(|error| format!("A role {role} has an invalid 'AttributeConstraint': {error}"))
    };
    group.attribute_constraints.iter().map(read).collect()
}

impl Constraint {
    fn new(constraint: &AttributeConstraint) -> Result<Self, String> {
        Ok(Self { of: subject(&constraint.selector)?, is: test(&constraint.predicate)? })
    }

    fn holds(&self, agent: &Facts) -> bool {
        match (&self.is, agent.find(&self.of)) {
            (Test::Exists, found) => !matches!(found, Found::Nothing),
            (Test::NotExists, found) => matches!(found, Found::Nothing),
            (_, Found::Other) => true,
            (Test::Equals(value), Found::Text(text)) => text == value,
            (Test::NotEquals(value), Found::Text(text)) => text != value,
            (Test::Matches(pattern), Found::Text(text)) => pattern.is_match(text.as_bytes()),
            (Test::NotMatches(pattern), Found::Text(text)) => !pattern.is_match(text.as_bytes()),
            (Test::Equals(_) | Test::Matches(_), Found::Nothing) => false,
            (Test::NotEquals(_) | Test::NotMatches(_), Found::Nothing) => true,
        }
    }
}

fn subject(selector: &Selector) -> Result<Subject, String> {
    use selector::{PseudoattributeType as Kind, Selector as Selected};
    match &selector.selector {
        Some(Selected::AttributeName(name)) => Ok(Subject::Attribute(name.clone())),
        Some(Selected::PseudoattributeType(kind)) => match Kind::try_from(*kind) {
            Ok(Kind::Hostname) => Ok(Subject::Hostname),
            Ok(Kind::Region) => Ok(Subject::Region),
            Ok(Kind::Zone) => Ok(Subject::Zone),
            Ok(Kind::Unknown) | Err(_) => Err("Unknown pseudoattribute type".into()),
        },
        None => Err("Exactly one of 'AttributeConstraint::Selector::name' or \
                     'AttributeConstraint::Selector::pseudoattribute_type' must be set"
            .into()),
    }
}

fn test(predicate: &Predicate) -> Result<Test, String> {
    use predicate::Predicate as Asked;
    match &predicate.predicate {
        Some(Asked::Exists(_)) => Ok(Test::Exists),
        Some(Asked::NotExists(_)) => Ok(Test::NotExists),
        Some(Asked::TextEquals(text)) => Ok(Test::Equals(text.value.clone())),
        Some(Asked::TextNotEquals(text)) => Ok(Test::NotEquals(text.value.clone())),
        Some(Asked::TextMatches(text)) => pattern(&text.regex).map(Test::Matches),
        Some(Asked::TextNotMatches(text)) => pattern(&text.regex).map(Test::NotMatches),
        None => Err("Unknown predicate type".into()),
    }
}

/// A pattern that the whole text has to match. It must be one by itself, lest its parentheses close ours.
fn pattern(text: &str) -> Result<Regex, String> {
    compile(text, text)?;
    compile(text, &format!(r"\A(?:{text})\z"))
}

fn compile(text: &str, pattern: &str) -> Result<Regex, String> {
    let mut builder = RegexBuilder::new(pattern);
    builder.unicode(false).size_limit(PATTERN_SIZE).dfa_size_limit(PATTERN_SIZE);
    builder.build().map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => format!("Regex '{text}' is too complex"),
        error => {
            let error = error.to_string();
            let reason = error.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
            format!("Failed to construct regex from pattern '{text}': {reason}")
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mesos::{attributes, json};

    fn agent() -> Facts {
        let domain = r#"{"fault_domain": {"region": {"name": "eu"}, "zone": {"name": "eu-1"}}}"#;
        Facts::from(&AgentInfo {
            hostname: "web-12.example".into(),
            attributes: attributes::parse("rack:a;level:10").unwrap(),
            domain: Some(json::from_json(domain).unwrap()),
            ..AgentInfo::default()
        })
    }

    fn read(groups: &str) -> Result<Constraints, String> {
        let text = format!(r#"{{"role_constraints": {{"r": {{"groups": [{groups}]}}}}}}"#);
        Constraints::new(&json::from_json(&text).unwrap())
    }

    fn group(selector: &str, predicate: &str) -> String {
        format!(
            r#"{{"attribute_constraints": [{{"selector": {{{selector}}}, "predicate": {{{predicate}}}}}]}}"#
        )
    }

    fn holds(selector: &str, predicate: &str) -> bool {
        !read(&group(selector, predicate)).unwrap().exclude("r", &agent())
    }

    #[test]
    fn hold_for_what_the_agent_has() {
        let rack = r#""attribute_name": "rack""#;
        assert!(holds(rack, r#""exists": {}"#));
        assert!(!holds(rack, r#""not_exists": {}"#));
        assert!(holds(rack, r#""text_equals": {"value": "a"}"#));
        assert!(!holds(rack, r#""text_equals": {"value": "b"}"#));
        assert!(holds(rack, r#""text_not_equals": {"value": "b"}"#));
        assert!(holds(rack, r#""text_matches": {"regex": "[ab]"}"#));
        assert!(!holds(rack, r#""text_not_matches": {"regex": "[ab]"}"#));
        let host = r#""pseudoattribute_type": "HOSTNAME""#;
        assert!(holds(host, r#""text_matches": {"regex": "web-[0-9]+\\.example"}"#));
        assert!(!holds(host, r#""text_matches": {"regex": "web"}"#), "the whole name, not a part");
        assert!(holds(host, r#""text_matches": {"regex": "db|web.*"}"#));
        assert!(holds(r#""pseudoattribute_type": "REGION""#, r#""text_equals": {"value": "eu"}"#));
        assert!(holds(r#""pseudoattribute_type": "ZONE""#, r#""text_equals": {"value": "eu-1"}"#));
    }

    #[test]
    fn what_is_not_there_equals_nothing_and_what_is_no_text_everything() {
        let none = r#""attribute_name": "none""#;
        assert!(!holds(none, r#""exists": {}"#));
        assert!(holds(none, r#""text_not_equals": {"value": "b"}"#));
        assert!(!holds(none, r#""text_matches": {"regex": ".*"}"#));
        let level = r#""attribute_name": "level""#;
        assert!(holds(level, r#""text_equals": {"value": "b"}"#));
        assert!(holds(level, r#""text_not_matches": {"regex": ".*"}"#));
    }

    #[test]
    fn one_group_suffices_and_other_roles_are_free() {
        let (no, yes) = (
            group(r#""attribute_name": "x""#, r#""exists": {}"#),
            group(r#""attribute_name": "rack""#, r#""exists": {}"#),
        );
        assert!(!read(&format!("{no},{yes}")).unwrap().exclude("r", &agent()));
        assert!(read(&no).unwrap().exclude("r", &agent()));
        assert!(!read(&no).unwrap().exclude("other", &agent()));
    }

    #[test]
    fn what_is_wrong_is_said_as_mesos_says_it() {
        let refused = |groups: &str| read(groups).unwrap_err();
        assert_eq!(
            refused(""),
            "'OfferConstraints::role_constraints' has an empty 'RoleConstraints::groups' for role r"
        );
        assert_eq!(
            refused("{}"),
            "'OfferConstraints::RoleConstraints::groups' for role rcontains an empty RoleConstraints::Group"
        );
        assert!(refused(&group("", r#""exists": {}"#)).ends_with("pseudoattribute_type' must be set"));
        assert!(refused(&group(r#""attribute_name": "x""#, "")).ends_with(": Unknown predicate type"));
        let regex = |regex: &str| {
            refused(&group(r#""attribute_name": "x""#, &format!(r#""text_matches": {{"regex": "{regex}"}}"#)))
        };
        assert!(regex("(").contains("Failed to construct regex from pattern '(': "), "{}", regex("("));
        assert!(regex("a)|(b").contains("Failed to construct regex"));
        assert!(regex("((a{100}){100}){100}").ends_with(" is too complex"));
    }
}
