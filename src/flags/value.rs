//! The values of flags: how each kind is read, and how Mesos prints it in `/flags`.

use std::{fmt, time::Duration};

use serde_json::Value as Json;

use crate::{
    engine::legacy::DurationText,
    mesos::{bytes, duration, json},
};

/// What a flag takes: the types that Mesos itself tells apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Bool,
    Whole,
    Port,
    Number,
    Duration,
    Bytes,
    Text,
    /// The name of a file, which `file://` may precede; the file is not read in place of the value.
    Path,
    /// A JSON object, or the name of a file that holds one.
    Json,
    /// A text; when it comes from a file, the file's name is what is shown.
    Secure,
}

/// A value that has been read.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Bool(bool),
    Whole(u64),
    Number(f64),
    Duration(Duration),
    Bytes(u64),
    Text(String),
    Json(Json),
}

impl Kind {
    /// The placeholder in the help.
    pub fn word(self) -> &'static str {
        match self {
            Self::Bool => "BOOL",
            Self::Whole | Self::Number => "N",
            Self::Port => "PORT",
            Self::Duration => "DURATION",
            Self::Bytes => "BYTES",
            Self::Text | Self::Secure => "TEXT",
            Self::Path => "PATH",
            Self::Json => "JSON",
        }
    }

    /// # Errors
    /// Mesos' own text.
    pub fn parse(self, text: &str) -> Result<Value, String> {
        match self {
            Self::Bool => boolean(text).map(Value::Bool),
            Self::Whole => number(text).map(Value::Whole),
            Self::Port => number::<u16>(text).map(|port| Value::Whole(port.into())),
            Self::Number => number(text).map(Value::Number),
            Self::Duration => duration::parse(text).map(Value::Duration),
            Self::Bytes => bytes::parse(text).map(Value::Bytes),
            Self::Text | Self::Path | Self::Secure => Ok(Value::Text(text.to_owned())),
            Self::Json => object(text).map(Value::Json),
        }
    }
}

fn boolean(text: &str) -> Result<bool, String> {
    match text {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err("Expecting a boolean (e.g., true or false)".to_owned()),
    }
}

fn number<T: std::str::FromStr>(text: &str) -> Result<T, String> {
    text.trim().parse().map_err(|_| "Failed to convert into required type".to_owned())
}

fn object(text: &str) -> Result<Json, String> {
    match json::parse(text) {
        Ok(Json::Object(mut members)) => {
            members.sort_keys();
            Ok(Json::Object(members))
        }
        Ok(_) => Err("Unexpected JSON type parsed".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => value.fmt(f),
            Self::Whole(value) => value.fmt(f),
            Self::Number(value) => value.fmt(f),
            Self::Duration(value) => DurationText(*value).fmt(f),
            Self::Bytes(value) => f.write_str(&bytes::text(*value)),
            Self::Text(value) => f.write_str(value),
            Self::Json(value) => value.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_print_as_in_flags_of_mesos() {
        for (kind, read, printed) in [
            (Kind::Bool, "1", "true"),
            (Kind::Whole, "07", "7"),
            (Kind::Port, "5050", "5050"),
            (Kind::Number, "0.80", "0.8"),
            (Kind::Duration, "60secs", "1mins"),
            (Kind::Bytes, "2048MB", "2GB"),
            (Kind::Text, "60secs", "60secs"),
            (Kind::Json, r#"{ "B": "2", "A": "1" }"#, r#"{"A":"1","B":"2"}"#),
        ] {
            assert_eq!(kind.parse(read).unwrap().to_string(), printed);
        }
    }

    #[test]
    fn what_cannot_be_read_gets_the_text_of_mesos() {
        for (kind, read, error) in [
            (Kind::Bool, "yes", "Expecting a boolean (e.g., true or false)"),
            (Kind::Whole, "-1", "Failed to convert into required type"),
            (Kind::Port, "65536", "Failed to convert into required type"),
            (Kind::Duration, "10", "Invalid duration '10'"),
            (Kind::Bytes, "1.5GB", "Fractional bytes '1.5GB'"),
            (Kind::Json, "[]", "Unexpected JSON type parsed"),
        ] {
            assert_eq!(kind.parse(read).unwrap_err(), error);
        }
    }
}
