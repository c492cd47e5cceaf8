//! Reads typed values out of a TOML table and notes every problem with its place, instead of stopping at the first.

use std::ops::Range;

use toml::{
    Spanned,
    de::{DeString, DeTable, DeValue},
};

use super::file::Problem;

pub(super) type Value<'t> = Spanned<DeValue<'t>>;

/// One table while it is read; [`Table::finish`] reports the keys that nobody asked for.
pub(super) struct Table<'a, 't> {
    name: &'static str,
    entries: &'a DeTable<'t>,
    known: Vec<&'static str>,
}

impl<'a, 't> Table<'a, 't> {
    pub(super) fn new(name: &'static str, entries: &'a DeTable<'t>) -> Self {
        Self { name, entries, known: Vec::new() }
    }

    /// The value of `key`, read by `read`; a value that does not fit becomes a problem.
    pub(super) fn take<T>(
        &mut self,
        key: &'static str,
        problems: &mut Vec<Problem>,
        read: impl FnOnce(&DeValue<'t>) -> Result<T, Mismatch>,
    ) -> Option<T> {
        let value = self.raw(key)?;
        match read(value.get_ref()) {
            Ok(read) => Some(read),
            Err(mismatch) => {
                problems.push(mismatch.at(format!("{}.{key}", self.name), value.span()));
                None
            }
        }
    }

    /// The value of `key` as it stands.
    pub(super) fn raw(&mut self, key: &'static str) -> Option<&'a Value<'t>> {
        self.known.push(key);
        self.entries.iter().find(|(name, _)| name.get_ref().as_ref() == key).map(|(_, value)| value)
    }

    /// Where the value of `key` stands.
    pub(super) fn span(&self, key: &str) -> Option<Range<usize>> {
        self.entries.iter().find(|(name, _)| name.get_ref().as_ref() == key).map(|(_, value)| value.span())
    }

    /// Notes every key that was not asked for, with the nearest one that exists.
    pub(super) fn finish(self, problems: &mut Vec<Problem>) {
        for (key, _) in self.entries {
            if !self.known.contains(&key.get_ref().as_ref()) {
                problems.push(unknown(self.name, key, &self.known));
            }
        }
    }
}

/// Why a value does not fit, and what to write instead.
pub(super) struct Mismatch {
    pub message: String,
    pub help: String,
}

impl Mismatch {
    pub(super) fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { message: message.into(), help: help.into() }
    }

    fn kind(value: &DeValue<'_>, wanted: &str, example: &str) -> Self {
        Self::new(format!("is a {}, not {wanted}", value.type_str()), format!("write {example}"))
    }

    fn at(self, key: String, span: Range<usize>) -> Problem {
        Problem::new(format!("`{key}` {}", self.message), self.help, span)
    }
}

pub(super) fn string(value: &DeValue<'_>) -> Result<String, Mismatch> {
    value
        .as_str()
        .map(str::to_owned)
        .ok_or_else(|| Mismatch::kind(value, "a string", "it in quotes, as \"...\""))
}

pub(super) fn boolean(value: &DeValue<'_>) -> Result<bool, Mismatch> {
    value.as_bool().ok_or_else(|| Mismatch::kind(value, "true or false", "true or false, without quotes"))
}

pub(super) fn integer(value: &DeValue<'_>, min: u64, max: u64) -> Result<u64, Mismatch> {
    let help = format!("a whole number from {min} to {max}, without quotes");
    let digits = value.as_integer().ok_or_else(|| Mismatch::kind(value, "a whole number", &help))?;
    let parsed = i128::from_str_radix(digits.as_str(), digits.radix()).ok();
    parsed
        .and_then(|number| u64::try_from(number).ok())
        .filter(|number| (min..=max).contains(number))
        .ok_or_else(|| Mismatch::new(format!("is {digits}, out of range"), format!("write {help}")))
}

pub(super) fn table<'a, 't>(value: &'a DeValue<'t>) -> Result<&'a DeTable<'t>, Mismatch> {
    value.as_table().ok_or_else(|| Mismatch::kind(value, "a table", "it as [section] with its keys below"))
}

fn unknown(table: &str, key: &Spanned<DeString<'_>>, known: &[&str]) -> Problem {
    let name = key.get_ref().as_ref();
    let place = if table.is_empty() { "the lab file".to_owned() } else { format!("`[{table}]`") };
    let nearest = known
        .iter()
        .map(|candidate| (strsim::jaro_winkler(name, candidate), candidate))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    let help = match nearest {
        Some((_, candidate)) => format!("did you mean `{candidate}`?"),
        None => format!("{place} knows {}", known.join(", ")),
    };
    Problem::new(format!("`{name}` is not a setting of {place}"), help, key.span())
}
