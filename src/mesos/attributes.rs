//! Attributes of agents: the flag syntax `rack:abc;level:10`, and how Mesos prints them.

use std::fmt;

use serde_json::{Map, Value as Json};
use thiserror::Error;

use crate::mesos::{
    v1::{Attribute, value::Type},
    values::{self, tokenize},
};

/// Why a list of attributes cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct ParseError(String);

/// Reads the flag syntax, `name:value;name:value`; a value is a scalar, a list of ranges or a text.
///
/// # Errors
/// Mesos' own text for a pair without a name or a value, for unreadable values, and for sets, which attributes
/// do not support.
pub fn parse(text: &str) -> Result<Vec<Attribute>, ParseError> {
    tokenize(text, ";\n").into_iter().map(parse_pair).collect()
}

fn parse_pair(pair: &str) -> Result<Attribute, ParseError> {
    let Some((name, text)) = pair.split_once(':').filter(|(name, text)| !name.is_empty() && !text.is_empty())
    else {
        return Err(ParseError(format!("Invalid attribute key:value pair '{pair}'")));
    };
    let value = values::parse(text)
        .map_err(|error| ParseError(format!("Failed to parse attribute {name} text {text} error {error}")))?;
    if value.r#type() == Type::Set {
        return Err(ParseError(format!("Bad type for attribute {name} text {text} type SET")));
    }
    Ok(Attribute {
        name: name.to_owned(),
        r#type: value.r#type,
        scalar: value.scalar,
        ranges: value.ranges,
        set: None,
        text: value.text,
    })
}

/// The form of the endpoints before v1: one member per attribute, `{"rack":"abc","level":10.0}`.
pub fn model(attributes: &[Attribute]) -> Json {
    let member = |attribute: &Attribute| (attribute.name.clone(), model_value(attribute));
    Json::Object(attributes.iter().map(member).collect::<Map<_, _>>())
}

fn model_value(attribute: &Attribute) -> Json {
    match attribute.r#type() {
        Type::Scalar => Json::from(attribute.scalar.map(|scalar| scalar.value)),
        Type::Ranges => Json::from(attribute.ranges.clone().unwrap_or_default().to_string()),
        Type::Set => Json::from(attribute.set.clone().unwrap_or_default().to_string()),
        Type::Text => Json::from(attribute.text.clone().unwrap_or_default().value),
    }
}

impl fmt::Display for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}=", self.name)?;
        match self.r#type() {
            Type::Scalar => self.scalar.unwrap_or_default().fmt(f),
            Type::Ranges => self.ranges.clone().unwrap_or_default().fmt(f),
            Type::Set => self.set.clone().unwrap_or_default().fmt(f),
            Type::Text => f.write_str(self.text.as_ref().map_or("", |text| &text.value)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_texts_scalars_and_ranges() {
        let attributes = parse("rack:abc;level:10;ports:[1-3];url:http://x").unwrap();
        let printed: Vec<_> = attributes.iter().map(ToString::to_string).collect();
        assert_eq!(printed, ["rack=abc", "level=10", "ports=[1-3]", "url=http://x"]);
        assert_eq!(
            model(&attributes).to_string(),
            r#"{"rack":"abc","level":10.0,"ports":"[1-3]","url":"http://x"}"#
        );
        assert_eq!(parse("").unwrap(), []);
    }

    #[test]
    fn says_what_is_wrong() {
        for (text, error) in [
            ("rack", "Invalid attribute key:value pair 'rack'"),
            ("rack:", "Invalid attribute key:value pair 'rack:'"),
            ("a:{b}", "Bad type for attribute a text {b} type SET"),
            (
                "a:-1",
                "Failed to parse attribute a text -1 error Invalid scalar value '-1':Negative values not supported",
            ),
        ] {
            assert_eq!(parse(text).unwrap_err().to_string(), error);
        }
    }
}
