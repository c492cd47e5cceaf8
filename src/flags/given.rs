//! The flags of one command line with their values: the command line over the environment over the defaults, each held
//! against the table, and every problem noted.

use std::{
    borrow::Cow,
    collections::{BTreeMap, btree_map::Entry},
    fs,
    time::Duration,
};

use serde_json::Value as Json;

use super::{
    Component, Flag, Problem, Problems, Support,
    typed::{self, Typed},
    value::{Kind, Value},
};

/// A value with where it comes from.
#[derive(Clone, Debug)]
struct Given {
    origin: String,
    value: Value,
    /// What `/flags` says, where that is not the value.
    shown: Option<String>,
}

/// The values of a command line, and what is wrong with it.
#[derive(Clone, Debug)]
pub struct Flags {
    component: Component,
    given: BTreeMap<&'static str, Given>,
    libprocess: BTreeMap<String, String>,
    problems: Vec<Problem>,
}

impl Flags {
    pub fn read(component: Component, argv: &[String], variables: &[(String, String)]) -> Self {
        let (typed, problems) = typed::command_line(component, argv);
        let libprocess =
            variables.iter().filter(|(name, value)| name.starts_with("LIBPROCESS_") && !value.is_empty());
        let libprocess = libprocess.cloned().collect();
        let mut flags = Self { component, given: BTreeMap::new(), libprocess, problems };
        flags.take_command_line(&typed);
        flags.take_environment(&typed, &typed::environment(component, variables));
        flags
    }

    fn take_command_line(&mut self, all: &[Typed]) {
        let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
        for typed in all {
            match seen.entry(typed.flag.name) {
                Entry::Occupied(first) => {
                    let message = format!("is given already, by `{}`", first.get());
                    self.problems.push(typed.problem(message));
                }
                Entry::Vacant(place) => {
                    place.insert(&typed.origin);
                    self.take(typed);
                }
            }
        }
    }

    /// An empty variable does not ask for what is not there: compose files are full of them.
    fn take_environment(&mut self, above: &[Typed], all: &[Typed]) {
        let wanted = |typed: &&Typed| above.iter().all(|other| other.flag.name != typed.flag.name);
        for typed in all.iter().filter(wanted) {
            let refused = matches!(typed.flag.support, Support::Refused { .. } | Support::Only(..));
            if !(refused && typed.text() == Ok("")) {
                self.take(typed);
            }
        }
    }

    fn take(&mut self, typed: &Typed) {
        match read(typed) {
            Ok(given) => drop(self.given.insert(typed.flag.name, given)),
            Err(problem) => self.problems.push(problem),
        }
    }

    /// The value of a flag, or its default.
    fn value(&self, name: &str) -> Option<Value> {
        let default = || {
            let flag = self.component.find(name)?;
            flag.kind.parse(flag.default?).ok()
        };
        self.given.get(name).map(|given| given.value.clone()).or_else(default)
    }

    pub fn is_given(&self, name: &str) -> bool {
        self.given.contains_key(name)
    }

    pub fn is_set(&self, name: &str) -> bool {
        self.value(name) == Some(Value::Bool(true))
    }

    pub fn text(&self, name: &str) -> Option<String> {
        match self.value(name)? {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    pub fn whole<T: TryFrom<u64>>(&self, name: &str) -> Option<T> {
        match self.value(name)? {
            Value::Whole(number) => T::try_from(number).ok(),
            _ => None,
        }
    }

    pub fn bytes(&self, name: &str) -> Option<u64> {
        match self.value(name)? {
            Value::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    pub fn number(&self, name: &str) -> Option<f64> {
        match self.value(name) {
            Some(Value::Number(number)) => Some(number),
            _ => None,
        }
    }

    pub fn duration(&self, name: &str) -> Option<Duration> {
        match self.value(name)? {
            Value::Duration(duration) => Some(duration),
            _ => None,
        }
    }

    pub fn json(&self, name: &str) -> Option<Json> {
        match self.value(name)? {
            Value::Json(json) => Some(json),
            _ => None,
        }
    }

    /// The parts of a list with commas between.
    pub fn list(&self, name: &str) -> Vec<String> {
        let text = self.text(name).unwrap_or_default();
        text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
    }

    /// A text that means more than its kind says; nothing when it is not there, or wrong, which is noted.
    pub fn parsed<T>(&mut self, name: &str, parse: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        let parsed = parse(&self.text(name)?);
        self.noted(name, parsed)
    }

    /// As [`Flags::parsed`], or else a variable of libprocess: `LIBPROCESS_IP` for `ip`.
    pub fn parsed_or_libprocess<T>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        if self.is_given(name) {
            return self.parsed(name, parse);
        }
        let variable = format!("LIBPROCESS_{}", name.to_uppercase());
        let parsed = parse(self.libprocess.get(&variable)?);
        parsed.map_err(|message| self.problems.push(Problem::new(variable, message))).ok()
    }

    /// A text that must be there and not empty; when it is not, that is noted, unless it is wrong already.
    pub fn required(&mut self, name: &str) -> Option<String> {
        let text = self.text(name).filter(|text| !text.is_empty());
        if text.is_none() && !self.is_wrong(name) {
            self.note(name, "is required");
        }
        text
    }

    fn is_wrong(&self, name: &str) -> bool {
        let about = |origin: &str| typed::name(origin).is_some_and(|about| about == name);
        self.problems.iter().any(|problem| about(&problem.origin))
    }

    /// Notes the problem of a value.
    pub fn noted<T>(&mut self, name: &str, value: Result<T, String>) -> Option<T> {
        value.map_err(|message| self.note(name, message)).ok()
    }

    /// Notes that a value is wrong.
    pub fn note(&mut self, name: &str, message: impl Into<String>) {
        let origin = self.given.get(name).map_or_else(|| format!("--{name}"), |given| given.origin.clone());
        self.problems.push(Problem::new(origin, message));
    }

    /// Notes a rule that a value breaks.
    pub fn check(&mut self, name: &str, holds: bool, rule: &str) {
        if !holds {
            self.note(name, rule);
        }
    }

    /// What `/flags` shows: what is given, and every default.
    pub fn shown(&self) -> BTreeMap<String, String> {
        let of_mesos = |flag: &&Flag| !matches!(flag.support, Support::Ours | Support::Refused { .. });
        let flags = self.component.flags().into_iter().filter(of_mesos);
        let shown = flags.filter_map(|flag| Some((flag.name.to_owned(), self.shown_value(flag.name)?)));
        shown.collect()
    }

    fn shown_value(&self, name: &str) -> Option<String> {
        let shown = self.given.get(name).and_then(|given| given.shown.clone());
        shown.or_else(|| Some(self.value(name)?.to_string()))
    }

    /// # Errors
    /// Everything that was noted.
    pub fn finish<T>(self, meaning: T) -> Result<T, Problems> {
        if self.problems.is_empty() { Ok(meaning) } else { Err(Problems(self.problems)) }
    }
}

fn read(typed: &Typed) -> Result<Given, Problem> {
    if let Support::Refused { why, instead } = typed.flag.support {
        return Err(typed.problem(format!("is not supported: {why}; {instead}")));
    }
    let text = typed.text()?;
    let (content, shown) = fetch(typed.flag.kind, text).map_err(|message| typed.problem(message))?;
    let value =
        typed.flag.kind.parse(&content).map_err(|error| typed.problem(format!("cannot be read: {error}")))?;
    match unsupported(typed.flag, &value.to_string()) {
        Some(message) => Err(typed.problem(message)),
        None => Ok(Given { origin: typed.origin.clone(), value, shown }),
    }
}

/// The value itself, or that of the file that it names; and what is shown in the place of a secret one.
fn fetch(kind: Kind, text: &str) -> Result<(Cow<'_, str>, Option<String>), String> {
    let file = match (kind, text.strip_prefix("file://")) {
        (Kind::Path, _) => None,
        (Kind::Json, None) => text.starts_with('/').then_some(text),
        (_, file) => file,
    };
    let Some(file) = file else { return Ok((text.into(), None)) };
    let content =
        fs::read_to_string(file).map_err(|error| format!("names a file that cannot be read: {error}"))?;
    let shown = (kind == Kind::Secure).then(|| file.to_owned());
    Ok((content.trim_end_matches(['\r', '\n']).to_owned().into(), shown))
}

fn unsupported(flag: &Flag, value: &str) -> Option<String> {
    let Support::Only(values, why) = flag.support else { return None };
    let fits = |part: &str| values.contains(&part.trim());
    let said = || format!("is supported as {} only: {why}", values.join(","));
    (!value.split(',').all(fits)).then(said)
}
