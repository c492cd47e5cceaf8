//! From the body of a request to definitions: form, old forms to new, defaults, rules, and what an update leaves as it is.
//!
//! ```text
//! bytes ─ parse ─> JSON ─ shape ─> members ─ canonical ─> members ─ rules ─> AppDefinition
//!                             update: over the members of the app as it is ┘
//! ```

mod canonical;
mod labels;
mod rules;
pub mod shape;
#[cfg(test)]
mod tests;

use serde_json::{Map, Value};

use super::{
    model::{AppDefinition, AppId, Timestamp},
    problem::{Detail, Problem},
};

pub use labels::LabelSelector;

type Members = Map<String, Value>;

/// What definitions are read with.
#[derive(Clone, Debug)]
pub struct Reader {
    /// The role of apps that name none.
    pub role: String,
    pub features: Vec<String>,
    /// The network of apps that want one and name none.
    pub default_network: Option<String>,
}

/// What an update asks for.
#[derive(Debug, PartialEq)]
pub enum Update {
    /// This definition; its version is still to be given.
    Change(Box<AppDefinition>),
    /// The definition of this version.
    Rollback(Timestamp),
}

impl Reader {
    /// A definition on its own; its id is seen from `base`.
    ///
    /// # Errors
    /// When the form or the meaning is wrong.
    pub fn app(&self, value: Value, base: &AppId) -> Result<AppDefinition, Problem> {
        self.app_at(value, base, "")
    }

    /// As [`Reader::app`], for a definition that stands at `path` of its body.
    ///
    /// # Errors
    /// As [`Reader::app`].
    pub fn app_at(&self, value: Value, base: &AppId, path: &str) -> Result<AppDefinition, Problem> {
        let members = shape::app(value, true, path)?;
        self.finish(canonical::app(members, self)?, base)
    }

    /// A definition in place of `current`, whose id is known.
    ///
    /// # Errors
    /// As [`Reader::app`].
    pub fn replacement(&self, value: Value, id: &AppId) -> Result<AppDefinition, Problem> {
        let mut members = shape::app(value, false, "")?;
        members.insert("id".to_owned(), id.as_str().into());
        self.finish(canonical::app(members, self)?, &AppId::root())
    }

    /// What is left of `current` once the members of the update are laid over it.
    ///
    /// # Errors
    /// As [`Reader::app`], and when a version comes with anything else.
    pub fn update(&self, value: Value, current: &AppDefinition) -> Result<Update, Problem> {
        let update = canonical::update(shape::app(value, false, "")?)?;
        if let Some(version) = update.get("version").and_then(Value::as_str) {
            if update.keys().any(|name| !matches!(name.as_str(), "version" | "id" | "versionInfo")) {
                let rule = "The 'version' field may only be combined with the 'id' field.";
                return Err(Problem::invalid("/", rule));
            }
            return Ok(Update::Rollback(Timestamp::parse(version).unwrap_or_default()));
        }
        let mut members = members_of(current);
        members.extend(update.into_iter().filter(|(name, _)| name != "id" && name != "versionInfo"));
        self.finish(canonical::app(members, self)?, &AppId::root()).map(|app| Update::Change(Box::new(app)))
    }

    fn finish(&self, mut members: Members, base: &AppId) -> Result<AppDefinition, Problem> {
        let id = members.get("id").and_then(Value::as_str).unwrap_or_default();
        let mut wrong = rules::id(id, base);
        let id = base.join(id);
        members.insert("id".to_owned(), id.as_str().into());
        wrong.extend(rules::members(&members, &self.features));
        if !wrong.is_empty() {
            return Err(Problem::NotValid(wrong));
        }
        let read = serde_json::from_value::<AppDefinition>(Value::Object(members));
        let mut app = read.map_err(|error| Problem::WrongForm(vec![Detail::new("/", error.to_string())]))?;
        let parent = app.id.parent();
        app.dependencies = app.dependencies.iter().map(|id| parent.join(id.as_str())).collect();
        let wrong = rules::app(&app, &self.role);
        if wrong.is_empty() { Ok(app) } else { Err(Problem::NotValid(wrong)) }
    }
}

/// The members of a definition as it is, but for its versions.
fn members_of(app: &AppDefinition) -> Members {
    match serde_json::to_value(app) {
        Ok(Value::Object(mut members)) => {
            members.remove("version");
            members.remove("versionInfo");
            members
        }
        _ => Members::new(),
    }
}
