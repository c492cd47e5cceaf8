//! From protobuf bytes to the JSON text, guided by the schema; the generated types need not know of it.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::mesos::{
    json::document::{write_f64, write_string},
    protobuf::{Wire, fields},
    schema::{Field, Kind, Message, Shape, schema},
};

/// Appends the JSON of a message; malformed bytes, which no message encodes to, give an empty object.
pub fn write(out: &mut String, message: &Message, bytes: &[u8]) {
    let found = fields(message, bytes).unwrap_or_default();
    let mut rest = found.as_slice();
    out.push('{');
    let mut separator = "";
    for (place, field) in message.fields.iter().enumerate() {
        let count = rest.iter().take_while(|(own, _)| *own == place).count();
        let (own, others) = rest.split_at(count);
        rest = others;
        if own.is_empty() && field.default.is_none() {
            continue;
        }
        out.push_str(separator);
        separator = ",";
        write_key(out, &field.name);
        write_field(out, field, own);
    }
    out.push('}');
}

fn write_key(out: &mut String, name: &str) {
    write_string(out, name);
    out.push(':');
}

fn write_field(out: &mut String, field: &Field, values: &[(usize, Wire<'_>)]) {
    match (field.shape, values.last()) {
        (Shape::Repeated, _) => {
            out.push('[');
            write_all(out, values, |out, wire| write_value(out, field.kind, wire));
            out.push(']');
        }
        (Shape::Map, _) => {
            out.push('{');
            write_all(out, values, |out, wire| write_entry(out, field.kind, wire));
            out.push('}');
        }
        (Shape::Optional | Shape::Required, Some((_, wire))) => write_value(out, field.kind, *wire),
        (Shape::Optional | Shape::Required, None) => write_default(out, field),
    }
}

fn write_all(out: &mut String, values: &[(usize, Wire<'_>)], write: impl Fn(&mut String, Wire<'_>)) {
    for (index, (_, wire)) in values.iter().enumerate() {
        out.push_str(if index == 0 { "" } else { "," });
        write(out, *wire);
    }
}

/// One entry of a map: a message whose first field is the key and whose second is the value.
fn write_entry(out: &mut String, kind: Kind, wire: Wire<'_>) {
    let Kind::Message(place) = kind else { return };
    let entry = schema().message_at(place);
    let parts = fields(entry, wire.bytes()).unwrap_or_default();
    let part = |wanted| parts.iter().rev().find(|(place, _)| *place == wanted).map(|(_, wire)| *wire);
    let [key_field, value_field] = entry.fields.as_slice() else { return };
    match (key_field.kind, part(0)) {
        (Kind::String, key) => write_value(out, Kind::String, key.unwrap_or(Wire::Bytes(&[]))),
        (kind, key) => {
            out.push('"');
            write_value(out, kind, key.unwrap_or(Wire::Varint(0)));
            out.push('"');
        }
    }
    out.push(':');
    write_value(out, value_field.kind, part(1).unwrap_or(Wire::Bytes(&[])));
}

fn write_value(out: &mut String, kind: Kind, wire: Wire<'_>) {
    let bits = wire.bits();
    match kind {
        Kind::Double => write_f64(out, f64::from_bits(bits)),
        Kind::Float => write_f64(out, f64::from(f32::from_bits(bits as u32))),
        Kind::Bool => out.push_str(if bits == 0 { "false" } else { "true" }),
        Kind::String => write_string(out, &String::from_utf8_lossy(wire.bytes())),
        Kind::Bytes => {
            out.push('"');
            STANDARD.encode_string(wire.bytes(), out);
            out.push('"');
        }
        Kind::Message(place) => write(out, schema().message_at(place), wire.bytes()),
        Kind::Enum(place) => write_string(out, schema().enum_name(place, bits as i32).unwrap_or_default()),
        integer => out.push_str(&integer.integer(bits).to_string()),
    }
}

fn write_default(out: &mut String, field: &Field) {
    let text = field.default.as_deref().unwrap_or_default();
    match field.kind {
        Kind::Double | Kind::Float => write_f64(out, text.parse().unwrap_or_default()),
        Kind::String | Kind::Bytes | Kind::Enum(_) => write_string(out, text),
        Kind::Message(_) => out.push_str("{}"),
        Kind::Int32
        | Kind::Int64
        | Kind::Uint32
        | Kind::Uint64
        | Kind::Sint32
        | Kind::Sint64
        | Kind::Fixed32
        | Kind::Fixed64
        | Kind::Sfixed32
        | Kind::Sfixed64
        | Kind::Bool => out.push_str(text),
    }
}
