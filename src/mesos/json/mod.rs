//! The JSON form of messages as Mesos reads and writes it (stout's `protobuf.hpp`, `jsonify.hpp` and `json.hpp`).
//!
//! Written: names as in `proto/`, fields as declared, 64-bit integers as numbers, doubles with a fraction, bytes in
//! base64, enums by name, and what is not set but declares a default. Read: leniently, see [`from_json`].

mod decode;
mod document;
mod encode;

use prost::Name;
use serde_json::Value;
use thiserror::Error;

pub use document::{parse, to_text};

pub use crate::mesos::protobuf::{DecodeError, decode};
use crate::mesos::schema::schema;

/// Why a text is not the message it should be; the text is Mesos' own.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum JsonError {
    /// It is no JSON. Mesos: `Failed to parse body into JSON: ...`.
    #[error("{0}")]
    Syntax(String),
    /// It is JSON, but not of the message. Mesos: `Failed to convert JSON into Call protobuf: ...`.
    #[error("{0}")]
    Convert(String),
}

/// The JSON text of a message, without any whitespace.
pub fn to_json_string<M: prost::Message + Name>(message: &M) -> String {
    let bytes = message.encode_to_vec();
    let mut out = String::with_capacity(bytes.len() * 2);
    encode::write(&mut out, schema().message(&M::full_name()), &bytes);
    out
}

/// The JSON of a message as a value, for those who add to it; [`to_text`] prints it as Mesos would.
pub fn to_json<M: prost::Message + Name>(message: &M) -> Value {
    parse(to_json_string(message)).unwrap_or_default()
}

/// Reads a message from JSON as leniently as Mesos: unknown fields and unknown words of optional enums are ignored,
/// `null` is unset, `"10"` is taken for a number, `"true"` for a truth value, and one value for a list of one.
///
/// # Errors
/// For malformed JSON, values of the wrong kind, and missing required fields.
pub fn from_json<M: prost::Message + Name + Default>(text: impl AsRef<[u8]>) -> Result<M, JsonError> {
    from_value(&parse(text)?)
}

/// Reads a message from a JSON value, see [`from_json`].
///
/// # Errors
/// For values of the wrong kind, and missing required fields.
pub fn from_value<M: prost::Message + Name + Default>(value: &Value) -> Result<M, JsonError> {
    let Value::Object(object) = value else {
        return Err(JsonError::Convert("Expecting a JSON object".into()));
    };
    let bytes = decode::to_wire(schema().message(&M::full_name()), object).map_err(JsonError::Convert)?;
    decode(bytes).map_err(|error| match error {
        DecodeError::Missing(fields) => {
            JsonError::Convert(format!("Missing required fields: {}", fields.join(", ")))
        }
        DecodeError::Malformed | DecodeError::TooMany => JsonError::Convert(error.to_string()),
    })
}

/// Reads a list of messages from a JSON array.
///
/// # Errors
/// For malformed JSON, for what is no array, and as [`from_value`] for each element.
pub fn list_from_json<M: prost::Message + Name + Default>(
    text: impl AsRef<[u8]>,
) -> Result<Vec<M>, JsonError> {
    match parse(text)? {
        Value::Array(values) => values.iter().map(from_value).collect(),
        _ => Err(JsonError::Convert("Expecting a JSON array".into())),
    }
}

#[cfg(test)]
mod tests;
