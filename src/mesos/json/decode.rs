//! From JSON to protobuf bytes, guided by the schema and as lenient as Mesos, whose texts the errors are.

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use prost::encoding::encode_varint;
use serde_json::{Map, Number, Value};

use crate::mesos::{
    json::document::parse,
    protobuf::{write_bytes, write_fixed32, write_fixed64, write_varint},
    schema::{Field, Kind, Message, Shape, schema},
};

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The bytes of the message that `object` describes; required fields may be missing.
pub fn to_wire(message: &Message, object: &Map<String, Value>) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    write_message(&mut out, message, object)?;
    Ok(out)
}

/// Members in the order of their names, which decides about the error of a document with several.
fn sorted(object: &Map<String, Value>) -> Vec<(&String, &Value)> {
    let mut members: Vec<_> = object.iter().collect();
    members.sort_by_key(|(name, _)| *name);
    members
}

fn write_message(out: &mut Vec<u8>, message: &Message, object: &Map<String, Value>) -> Result<(), String> {
    for (name, value) in sorted(object) {
        if let Some(field) = message.named(name) {
            write_field(out, field, value)?;
        }
    }
    Ok(())
}

fn write_field(out: &mut Vec<u8>, field: &Field, value: &Value) -> Result<(), String> {
    match value {
        Value::Null => Ok(()),
        Value::Array(values) if field.is_repeated() => {
            values.iter().try_for_each(|value| write_field(out, field, value))
        }
        Value::Array(_) => Err(unexpected("array", field)),
        Value::Object(object) => write_object(out, field, object),
        Value::String(text) => write_text(out, field, text),
        Value::Number(number) => write_number(out, field, number),
        Value::Bool(value) if field.kind == Kind::Bool => {
            write_varint(out, field.number, u64::from(*value));
            Ok(())
        }
        Value::Bool(_) => Err(unexpected("boolean", field)),
    }
}

fn unexpected(kind: &str, field: &Field) -> String {
    format!("Not expecting a JSON {kind} for field '{}'", field.name)
}

fn write_object(out: &mut Vec<u8>, field: &Field, object: &Map<String, Value>) -> Result<(), String> {
    let Kind::Message(place) = field.kind else {
        return Err(unexpected("object", field));
    };
    let message = schema().message_at(place);
    match field.shape {
        Shape::Map => sorted(object).into_iter().try_for_each(|(key, value)| {
            write_inner(out, field, |out| write_entry(out, message, key, value))
        }),
        Shape::Optional | Shape::Required | Shape::Repeated => {
            write_inner(out, field, |out| write_message(out, message, object))
        }
    }
}

fn write_entry(out: &mut Vec<u8>, entry: &Message, key: &str, value: &Value) -> Result<(), String> {
    let [key_field, value_field] = entry.fields.as_slice() else {
        return Ok(());
    };
    write_text(out, key_field, key)?;
    write_field(out, value_field, value)
}

/// Writes a message with its length before it, which is known only afterwards.
fn write_inner(
    out: &mut Vec<u8>,
    field: &Field,
    write: impl FnOnce(&mut Vec<u8>) -> Result<(), String>,
) -> Result<(), String> {
    write_bytes(out, field.number, &[]);
    out.pop();
    let start = out.len();
    write(out)?;
    let mut length = Vec::with_capacity(5);
    encode_varint((out.len() - start) as u64, &mut length);
    out.splice(start..start, length);
    Ok(())
}

fn write_text(out: &mut Vec<u8>, field: &Field, text: &str) -> Result<(), String> {
    let number = |kind| format!("Failed to parse '{text}' as a JSON {kind} for field '{}': ", field.name);
    match field.kind {
        Kind::String => write_bytes(out, field.number, text.as_bytes()),
        Kind::Bytes => {
            let bytes = decode_base64(text)
                .map_err(|error| format!("Failed to base64 decode bytes field '{}': {error}", field.name))?;
            write_bytes(out, field.number, &bytes);
        }
        Kind::Enum(place) => match schema().enum_number(place, text) {
            Some(value) => write_varint(out, field.number, value as i64 as u64),
            None if field.shape == Shape::Required => {
                return Err(format!("Failed to find enum for '{text}'"));
            }
            None => {}
        },
        Kind::Double | Kind::Float if text == "Infinity" => write_float(out, field, f64::INFINITY),
        Kind::Double | Kind::Float if text == "-Infinity" => write_float(out, field, f64::NEG_INFINITY),
        Kind::Bool => match parse(text).map_err(|error| number("boolean") + &error.to_string())? {
            value @ Value::Bool(_) => return write_field(out, field, &value),
            _ => return Err(number("boolean") + "Unexpected JSON type parsed"),
        },
        Kind::Message(_) => return Err(unexpected("string", field)),
        Kind::Double
        | Kind::Float
        | Kind::Int32
        | Kind::Int64
        | Kind::Uint32
        | Kind::Uint64
        | Kind::Sint32
        | Kind::Sint64
        | Kind::Fixed32
        | Kind::Fixed64
        | Kind::Sfixed32
        | Kind::Sfixed64 => match parse(text).map_err(|error| number("number") + &error.to_string())? {
            Value::Number(value) => return write_number(out, field, &value),
            _ => return Err(number("number") + "Unexpected JSON type parsed"),
        },
    }
    Ok(())
}

fn write_float(out: &mut Vec<u8>, field: &Field, value: f64) {
    match field.kind {
        Kind::Float => write_fixed32(out, field.number, (value as f32).to_bits()),
        _ => write_fixed64(out, field.number, value.to_bits()),
    }
}

fn write_number(out: &mut Vec<u8>, field: &Field, number: &Number) -> Result<(), String> {
    let float = || number.as_f64().unwrap_or_default();
    let signed = || number.as_i64().unwrap_or_else(|| float() as i64);
    let unsigned =
        || number.as_u64().or(number.as_i64().map(|value| value as u64)).unwrap_or_else(|| float() as u64);
    let zigzag = |value: i64| ((value << 1) ^ (value >> 63)) as u64;
    match field.kind {
        Kind::Double | Kind::Float => write_float(out, field, float()),
        Kind::Int64 => write_varint(out, field.number, signed() as u64),
        Kind::Int32 => write_varint(out, field.number, signed() as i32 as i64 as u64),
        Kind::Sint64 => write_varint(out, field.number, zigzag(signed())),
        Kind::Sint32 => write_varint(out, field.number, zigzag(i64::from(signed() as i32))),
        Kind::Uint64 => write_varint(out, field.number, unsigned()),
        Kind::Uint32 => write_varint(out, field.number, u64::from(unsigned() as u32)),
        Kind::Sfixed64 => write_fixed64(out, field.number, signed() as u64),
        Kind::Fixed64 => write_fixed64(out, field.number, unsigned()),
        Kind::Sfixed32 => write_fixed32(out, field.number, signed() as u32),
        Kind::Fixed32 => write_fixed32(out, field.number, unsigned() as u32),
        Kind::Bool | Kind::String | Kind::Bytes | Kind::Message(_) | Kind::Enum(_) => {
            return Err(unexpected("number", field));
        }
    }
    Ok(())
}

/// Base64 as stout reads it: whitespace is skipped, everything from the first `=` on is padding.
fn decode_base64(text: &str) -> Result<Vec<u8>, String> {
    let data = text.split('=').next().unwrap_or_default();
    let mut digits: Vec<u8> = data.bytes().filter(|c| !c.is_ascii_whitespace() && *c != b'\x0b').collect();
    let foreign =
        |c: &char| !c.is_ascii_alphanumeric() && !matches!(c, '+' | '/' | '\x0b') && !c.is_ascii_whitespace();
    if let Some(c) = data.chars().find(foreign) {
        return Err(format!("Invalid character '{c}'"));
    }
    if digits.len() % 4 == 1 {
        digits.pop();
    }
    BASE64.decode(digits).map_err(|error| error.to_string())
}
