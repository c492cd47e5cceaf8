//! What a value of the lab file must be, beyond its type.

use std::time::Duration;

use serde_json::{Map, Value};
use toml::de::{DeTable, DeValue};

use super::{
    SchedulerCheck,
    file::Problem,
    reader::{self, Mismatch},
};
use crate::mesos::{attributes, resources::Resources};

/// A lab's name: it becomes a directory, a container prefix and a host name.
pub(super) fn lab_name(name: &str) -> Result<String, Mismatch> {
    let fits = (1..=32).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        && !name.starts_with('-')
        && !name.ends_with('-');
    if fits { Ok(name.to_owned()) } else { Err(Mismatch::new(format!("is {name:?}"), NAME_RULE)) }
}

const NAME_RULE: &str = "use 1 to 32 of a-z, 0-9 and `-`, with no `-` at the ends";

pub(super) fn duration(value: &DeValue<'_>) -> Result<Duration, Mismatch> {
    let text = reader::string(value)?;
    match humantime::parse_duration(&text) {
        Ok(duration) if !duration.is_zero() => Ok(duration),
        _ => Err(Mismatch::new(
            format!("is {text:?}"),
            "write a duration such as \"500ms\", \"3s\" or \"5min\"",
        )),
    }
}

pub(super) fn resources(value: &DeValue<'_>) -> Result<String, Mismatch> {
    let text = reader::string(value)?;
    match Resources::parse(&text, "*") {
        Ok(_) => Ok(text),
        Err(error) => Err(Mismatch::new(
            format!("does not parse: {error}"),
            "write it as \"cpus:4;mem:4096;disk:10240;ports:[31000-31999]\"",
        )),
    }
}

pub(super) fn attributes(value: &DeValue<'_>) -> Result<String, Mismatch> {
    let text = reader::string(value)?;
    match attributes::parse(&text) {
        Ok(_) => Ok(text),
        Err(error) => {
            Err(Mismatch::new(format!("does not parse: {error}"), "write it as \"rack:a;zone:z1\""))
        }
    }
}

pub(super) fn hostname(value: &DeValue<'_>) -> Result<String, Mismatch> {
    let text = reader::string(value)?;
    let fits =
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:".contains(&byte));
    if fits {
        Ok(text)
    } else {
        Err(Mismatch::new(format!("is {text:?}"), "write a host name or an address, such as \"localhost\""))
    }
}

/// A reference to an image, or a table of its `name`, `tag` and `digest`.
pub(super) fn image(value: &DeValue<'_>) -> Result<String, Mismatch> {
    let text = match value {
        DeValue::Table(_) => image_of_table(value)?,
        _ => reader::string(value)?,
    };
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"._-/:@".contains(&byte);
    if !text.is_empty() && !text.starts_with('-') && text.bytes().all(fits) {
        Ok(text)
    } else {
        Err(Mismatch::new(format!("is {text:?}"), IMAGE_FORM))
    }
}

const IMAGE_FORM: &str =
    "write \"name:tag\", \"name@sha256:...\" or { name = \"...\", tag = \"...\", digest = \"sha256:...\" }";

fn image_of_table(value: &DeValue<'_>) -> Result<String, Mismatch> {
    let table = reader::table(value)?;
    let part = |key: &str| table.get(key).map(|value| reader::string(value.get_ref())).transpose();
    let unknown = table.keys().find(|key| !["name", "tag", "digest"].contains(&key.get_ref().as_ref()));
    if let Some(key) = unknown {
        return Err(Mismatch::new(format!("has an unknown key `{}`", key.get_ref()), IMAGE_FORM));
    }
    let name = part("name")?.ok_or_else(|| Mismatch::new("has no `name`".to_owned(), IMAGE_FORM))?;
    let tag = part("tag")?.map(|tag| format!(":{tag}")).unwrap_or_default();
    let digest = part("digest")?.map(|digest| format!("@{digest}")).unwrap_or_default();
    Ok(format!("{name}{tag}{digest}"))
}

/// `[scheduler]` as the JSON that `PATCH /v1/config` takes; `complain` knows what the scheduler makes of it.
pub(super) fn scheduler(
    table: &DeTable<'_>,
    complain: SchedulerCheck,
    problems: &mut Vec<Problem>,
) -> Map<String, Value> {
    let set: Map<String, Value> =
        table.iter().map(|(key, value)| (key.get_ref().to_string(), json(value.get_ref()))).collect();
    for (field, message) in complain(&set) {
        let top = field.split(['.', '[']).next().unwrap_or_default();
        let span = table.iter().find(|(key, _)| key.get_ref().as_ref() == top).map(|(key, value)| {
            if message.starts_with("is not a field") { key.span() } else { value.span() }
        });
        let help = "see `mesoslab config get` for every setting and its form";
        problems.push(Problem::new(format!("`scheduler.{field}` {message}"), help, span.unwrap_or_default()));
    }
    set
}

fn json(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::from(text.as_ref()),
        DeValue::Integer(digits) => {
            i64::from_str_radix(digits.as_str(), digits.radix()).map_or(Value::Null, Value::from)
        }
        DeValue::Float(digits) => digits.as_str().parse::<f64>().map_or(Value::Null, Value::from),
        DeValue::Boolean(truth) => Value::from(*truth),
        DeValue::Datetime(time) => Value::from(time.to_string()),
        DeValue::Array(items) => items.iter().map(|item| json(item.get_ref())).collect(),
        DeValue::Table(entries) => entries
            .iter()
            .map(|(key, value)| (key.get_ref().to_string(), json(value.get_ref())))
            .collect::<Map<_, _>>()
            .into(),
    }
}
