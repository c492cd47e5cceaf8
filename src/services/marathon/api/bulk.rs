//! Updates of several apps at once.

use serde_json::Value;

use super::{Answer, Outcome, Request};
use crate::services::marathon::{
    core::Marathon,
    model::{AppDefinition, AppId},
    problem::{Detail, Problem},
    rollout::Change,
};

impl Marathon {
    /// A list of definitions, or of updates that name their apps; `PATCH` creates none.
    pub(super) fn update_apps(&mut self, request: &Request) -> Outcome {
        let Value::Array(updates) = request.json()? else {
            return Err(Problem::WrongForm(vec![Detail::new("", "error.expected.jsarray")]));
        };
        let creates = request.method == "PUT";
        let partial = !creates || request.flag("partialUpdate", true);
        let mut target = self.root.clone();
        for update in updates {
            let app = self.one_of_many(update, partial, creates)?;
            target.apps.insert(app.id.clone(), app);
        }
        let plan = self.change(Change::new(target, AppId::root(), request.force()))?;
        Ok(Answer::deployment(&plan))
    }

    fn one_of_many(&self, update: Value, partial: bool, creates: bool) -> Result<AppDefinition, Problem> {
        let Some(id) = update.get("id").and_then(Value::as_str) else {
            return Err(Problem::Unprocessable(
                "requirement failed: App Update must have app id set".to_owned(),
            ));
        };
        self.updated(&AppId::new(id), update, partial, creates)
    }
}
