//! Messages as protobuf prints them for people, which is how Mesos quotes them in some errors.

use std::fmt::{self, Write};

use prost::Name;

use crate::mesos::{
    protobuf::{Wire, fields},
    schema::{Field, Kind, Message, schema},
};

/// One field a line, two blanks a level, in the order of the field numbers.
pub fn to_text<M: prost::Message + Name>(message: &M) -> String {
    let mut text = String::new();
    write_message(&mut text, schema().message(&M::full_name()), &message.encode_to_vec(), 0)
        .unwrap_or_default();
    text
}

fn write_message(text: &mut String, message: &Message, bytes: &[u8], depth: usize) -> fmt::Result {
    let mut found = fields(message, bytes).unwrap_or_default();
    found.sort_by_key(|(place, _)| message.fields[*place].number);
    found.into_iter().try_for_each(|(place, wire)| write_field(text, &message.fields[place], wire, depth))
}

fn write_field(text: &mut String, field: &Field, wire: Wire<'_>, depth: usize) -> fmt::Result {
    let (margin, name) = ("  ".repeat(depth), &field.name);
    match field.kind {
        Kind::Message(place) => {
            writeln!(text, "{margin}{name} {{")?;
            write_message(text, schema().message_at(place), wire.bytes(), depth + 1)?;
            writeln!(text, "{margin}}}")
        }
        kind => writeln!(text, "{margin}{name}: {}", scalar(kind, wire)),
    }
}

fn scalar(kind: Kind, wire: Wire<'_>) -> String {
    let bits = wire.bits();
    match kind {
        Kind::Double => f64::from_bits(bits).to_string(),
        Kind::Float => f32::from_bits(bits as u32).to_string(),
        Kind::String | Kind::Bytes => quoted(wire.bytes()),
        Kind::Bool => (bits != 0).to_string(),
        Kind::Enum(place) => schema().enum_name(place, bits as i32).unwrap_or_default().to_owned(),
        Kind::Message(_) => String::new(),
        number => number.integer(bits).to_string(),
    }
}

fn quoted(bytes: &[u8]) -> String {
    let escaped = bytes.iter().map(|&byte| match byte {
        b'\n' => "\\n".into(),
        b'\r' => "\\r".into(),
        b'\t' => "\\t".into(),
        b'"' => "\\\"".into(),
        b'\'' => "\\'".into(),
        b'\\' => "\\\\".into(),
        b' '..=b'~' => char::from(byte).to_string(),
        _ => format!("\\{byte:03o}"),
    });
    format!("\"{}\"", escaped.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mesos::{json, v1::ExecutorInfo};

    #[test]
    fn prints_a_field_a_line_in_the_order_of_numbers() {
        let executor: ExecutorInfo = json::from_json(
            r#"{"type":"CUSTOM","executor_id":{"value":"e"},"data":"AAo=","name":"it's",
                "resources":[{"name":"cpus","type":"SCALAR","scalar":{"value":0.5}}],
                "command":{"shell":true}}"#,
        )
        .unwrap();
        let text = "executor_id {\n  value: \"e\"\n}\ndata: \"\\000\\n\"\n\
                    resources {\n  name: \"cpus\"\n  type: SCALAR\n  scalar {\n    value: 0.5\n  }\n}\n\
                    command {\n  shell: true\n}\nname: \"it\\'s\"\ntype: CUSTOM\n";
        assert_eq!(to_text(&executor), text);
    }
}
