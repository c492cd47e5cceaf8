//! `/v2/apps`.

use serde_json::{Value, json};

use super::{Answer, Outcome, Request};
use crate::services::marathon::{
    core::Marathon,
    events,
    form::{LabelSelector, Update},
    model::{AppDefinition, AppId, Timestamp},
    problem::Problem,
    rollout::Change,
    versions,
    view::Embed,
};

impl Marathon {
    pub(super) fn apps(&mut self, request: &Request, rest: &str) -> Outcome {
        let method = request.method.as_str();
        if rest.is_empty() {
            return match method {
                "GET" | "HEAD" => self.list_apps(request),
                "POST" => self.create_app(request),
                "PUT" | "PATCH" => self.update_apps(request),
                _ => Err(Problem::MethodNotAllowed),
            };
        }
        if let Some((id, version)) = sub_resource(rest, "versions") {
            return self.versions(request, &AppId::new(id), version);
        }
        if let Some((id, task)) = sub_resource(rest, "tasks") {
            return self.app_tasks(request, id, task);
        }
        if let Some(id) = rest.strip_suffix("/restart").filter(|_| method == "POST") {
            return self.restart_app(request, &AppId::new(id));
        }
        match method {
            "GET" | "HEAD" => self.show_app(request, rest),
            "PUT" => self.put_app(request, &AppId::new(rest)),
            "PATCH" => self.patch_app(request, &AppId::new(rest)),
            "DELETE" => self.delete_app(request, &AppId::new(rest)),
            _ => Err(Problem::MethodNotAllowed),
        }
    }

    fn list_apps(&self, request: &Request) -> Outcome {
        let labels = match request.query("label") {
            Some(text) => LabelSelector::parse(text).map_err(|reason| {
                Problem::Unprocessable(format!("Can not parse label selector {text}. Reason: {reason}"))
            })?,
            None => LabelSelector::default(),
        };
        let has = |text: &str, part: Option<&str>| {
            part.is_none_or(|part| text.to_lowercase().contains(&part.to_lowercase()))
        };
        let (cmd, id) = (request.query("cmd"), request.query("id"));
        let wanted = |app: &&AppDefinition| {
            (cmd.is_none() || app.cmd.as_ref().is_some_and(|text| has(text, cmd)))
                && has(app.id.as_str(), id)
                && labels.matches(&app.labels)
        };
        let embed = Embed::parse(request.values("embed"));
        let apps: Vec<Value> =
            self.root.apps.values().filter(wanted).map(|app| self.app_info(app, embed)).collect();
        Ok(Answer::json(&json!({"apps": apps})))
    }

    fn show_app(&self, request: &Request, rest: &str) -> Outcome {
        let embed = Embed { tasks: true, last_task_failure: true, ..Embed::parse(request.values("embed")) };
        if let Some(group) = rest.strip_suffix('*').filter(|group| group.is_empty() || group.ends_with('/')) {
            let group = AppId::new(group);
            if !self.root.has_group(&group) {
                return Err(Problem::UnknownGroup(group));
            }
            let apps: Vec<Value> =
                self.root.apps_below(&group).map(|app| self.app_info(app, embed)).collect();
            return Ok(Answer::json(&json!({"*": apps})));
        }
        let app = self.known(&AppId::new(rest))?;
        Ok(Answer::json(&json!({"app": self.app_info(app, embed)})))
    }

    fn create_app(&mut self, request: &Request) -> Outcome {
        let app = self.options.reader().app(request.json()?, &AppId::root())?;
        let id = app.id.clone();
        if self.root.app(&id).is_some() {
            return Err(Problem::Conflict(format!("An app with id [{id}] already exists.")));
        }
        let mut target = self.root.clone();
        target.apps.insert(id.clone(), app);
        let plan = self.change(Change::new(target, id.clone(), request.force()))?;
        self.tell_post(request, &id);
        let mut info = self.root.app(&id).map(|app| json!(app)).unwrap_or_default();
        for name in ["tasksStaged", "tasksRunning", "tasksHealthy", "tasksUnhealthy"] {
            info[name] = 0.into();
        }
        info["deployments"] = json!([{"id": plan.id}]);
        let answer = Answer::json(&info).status(201).header("Location", id.as_str());
        Ok(answer.header("Marathon-Deployment-Id", &plan.id))
    }

    fn put_app(&mut self, request: &Request, id: &AppId) -> Outcome {
        let existed = self.root.app(id).is_some();
        let app = self.updated(id, request.json()?, request.flag("partialUpdate", true), true)?;
        let answer = self.put(request, id, app)?;
        Ok(if existed { answer } else { answer.status(201).header("Location", id.as_str()) })
    }

    fn patch_app(&mut self, request: &Request, id: &AppId) -> Outcome {
        let app = self.updated(id, request.json()?, true, false)?;
        self.put(request, id, app)
    }

    fn put(&mut self, request: &Request, id: &AppId, app: AppDefinition) -> Outcome {
        let mut target = self.root.clone();
        target.apps.insert(id.clone(), app);
        let plan = self.change(Change::new(target, id.clone(), request.force()))?;
        self.tell_post(request, id);
        Ok(Answer::deployment(&plan))
    }

    /// What an app is after an update.
    pub(super) fn updated(
        &self,
        id: &AppId,
        body: Value,
        partial: bool,
        creates: bool,
    ) -> Result<AppDefinition, Problem> {
        let reader = self.options.reader();
        match self.root.app(id) {
            None if creates => reader.replacement(body, id),
            None => Err(Problem::UnknownApp(id.clone())),
            Some(current) => {
                let keep = |app: AppDefinition| AppDefinition {
                    version: current.version,
                    version_info: current.version_info,
                    ..app
                };
                if !partial && body.get("version").is_none() {
                    return reader.replacement(body, id).map(keep);
                }
                match reader.update(body, current)? {
                    Update::Change(app) => Ok(keep(*app)),
                    Update::Rollback(version) => {
                        let known = self.history.get(id).and_then(|versions| versions.get(&version));
                        known.cloned().map(keep).ok_or_else(|| Problem::UnknownApp(id.clone()))
                    }
                }
            }
        }
    }

    fn delete_app(&mut self, request: &Request, id: &AppId) -> Outcome {
        self.known(id)?;
        let mut target = self.root.clone();
        target.apps.remove(id);
        target.keep_group(id.parent());
        let plan = self.change(Change::new(target, id.parent(), request.flag("force", true)))?;
        Ok(Answer::deployment(&plan))
    }

    fn restart_app(&mut self, request: &Request, id: &AppId) -> Outcome {
        self.known(id)?;
        let mut target = self.root.clone();
        if let Some(app) = target.apps.get_mut(id) {
            versions::mark_for_restart(app);
        }
        let plan = self.change(Change::new(target, id.clone(), request.force()))?;
        Ok(Answer::deployment(&plan))
    }

    fn versions(&self, request: &Request, id: &AppId, version: &str) -> Outcome {
        if request.method != "GET" {
            return Err(Problem::MethodNotAllowed);
        }
        if version.is_empty() {
            self.known(id)?;
            let versions: Vec<&Timestamp> =
                self.history.get(id).into_iter().flat_map(|versions| versions.keys().rev()).collect();
            return Ok(Answer::json(&json!({"versions": versions})));
        }
        let Some(version) = Timestamp::parse(version) else {
            return Err(Problem::Unprocessable(format!("Invalid format: \"{version}\"")));
        };
        let known = self.history.get(id).and_then(|versions| versions.get(&version));
        match known {
            Some(app) => Ok(Answer::json(&json!(app))),
            None => Err(Problem::UnknownAppVersion(id.clone(), version)),
        }
    }

    pub(super) fn known(&self, id: &AppId) -> Result<&AppDefinition, Problem> {
        self.root.app(id).ok_or_else(|| Problem::UnknownApp(id.clone()))
    }

    pub(super) fn tell_post(&mut self, request: &Request, id: &AppId) {
        if let Some(app) = self.root.app(id) {
            let frame = events::api_post(self.timestamp(), &request.remote, &request.path, app);
            self.tell(frame);
        }
    }
}

/// `id/name` and `id/name/item`; the item is empty in the first.
fn sub_resource<'a>(rest: &'a str, name: &str) -> Option<(&'a str, &'a str)> {
    let all = rest.strip_suffix(name).and_then(|id| id.strip_suffix('/')).map(|id| (id, ""));
    let one = || {
        let (before, item) = rest.rsplit_once('/')?;
        let id = before.strip_suffix(name)?.strip_suffix('/')?;
        Some((id, item))
    };
    all.or_else(one)
}
