//! `/v2/tasks` and the tasks of an app: look, kill, kill and scale.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Answer, Outcome, Request, Victims};
use crate::services::marathon::{
    core::Marathon,
    launcher::api::Input,
    model::{AppId, Goal, Instance, InstanceId, InstanceState},
    problem::{Detail, Problem},
    rollout::Change,
};

impl Marathon {
    pub(super) fn tasks(&mut self, request: &Request, rest: &str) -> Outcome {
        match (request.method.as_str(), rest) {
            ("GET" | "HEAD", "") => {
                let words = request.values("status").chain(request.values("status[]"));
                let states: Vec<InstanceState> = words.filter_map(state).collect();
                Ok(Answer::json(&json!({"tasks": self.all_tasks(&states)})))
            }
            ("POST", "delete") => self.kill_many(request),
            _ => Err(Problem::MethodNotAllowed),
        }
    }

    fn kill_many(&mut self, request: &Request) -> Outcome {
        let (scale, wipe) = request.scale_and_wipe()?;
        let mut victims = Victims::new();
        for id in ids(&request.json()?)? {
            let instance = InstanceId::of_task(&id).ok_or_else(|| {
                Problem::BadRequest(format!("Invalid task id '{id}'. [{id} (of class java.lang.String)]"))
            })?;
            let known = self.launcher.instance(&instance).map(|instance| instance.app_id.clone());
            if let Some(app) = known.filter(|app| self.root.app(app).is_some()) {
                victims.entry(app).or_default().push(instance);
            }
        }
        if scale {
            return self.kill_and_scale(request, victims);
        }
        let tasks = self.kill(victims.into_values().flatten().collect(), wipe);
        Ok(Answer::json(&json!({"tasks": tasks})))
    }

    pub(super) fn app_tasks(&mut self, request: &Request, id: &str, task: &str) -> Outcome {
        match (request.method.as_str(), task) {
            ("GET" | "HEAD", "") => self.list_app_tasks(id),
            ("DELETE", "") => self.kill_tasks_of(request, &AppId::new(id)),
            ("DELETE", task) => self.kill_one(request, &AppId::new(id), task),
            _ => Err(Problem::MethodNotAllowed),
        }
    }

    fn list_app_tasks(&self, id: &str) -> Outcome {
        let group = id.strip_suffix('*').filter(|group| group.is_empty() || group.ends_with('/'));
        let tasks: Vec<Value> = match group.map(AppId::new) {
            Some(group) if !self.root.has_group(&group) => return Err(Problem::UnknownGroup(group)),
            Some(group) => {
                let apps = self.root.apps_below(&group).map(|app| self.tasks_of(&app.id));
                apps.flat_map(|tasks| tasks.as_array().cloned().unwrap_or_default()).collect()
            }
            None => {
                let app = self.known(&AppId::new(id))?;
                self.tasks_of(&app.id).as_array().cloned().unwrap_or_default()
            }
        };
        Ok(Answer::json(&json!({"tasks": tasks})))
    }

    fn kill_tasks_of(&mut self, request: &Request, app: &AppId) -> Outcome {
        let (scale, wipe) = request.scale_and_wipe()?;
        self.known(app)?;
        let host = request.query("host").filter(|host| *host != "*");
        let chosen = |instance: &&Instance| host.is_none_or(|host| instance.host == host);
        let ids: Vec<InstanceId> =
            self.instances_of(app).into_iter().filter(chosen).map(|instance| instance.id.clone()).collect();
        if scale {
            return self.kill_and_scale(request, BTreeMap::from([(app.clone(), ids)]));
        }
        Ok(Answer::json(&json!({"tasks": self.kill(ids, wipe)})))
    }

    fn kill_one(&mut self, request: &Request, app: &AppId, task: &str) -> Outcome {
        let (scale, wipe) = request.scale_and_wipe()?;
        self.known(app)?;
        let id = InstanceId::of_task(task);
        let found =
            id.filter(|id| self.launcher.instance(id).is_some_and(|instance| instance.app_id == *app));
        if scale {
            let ids = found.into_iter().collect();
            return self.kill_and_scale(request, BTreeMap::from([(app.clone(), ids)]));
        }
        let Some(id) = found else {
            return Err(Problem::NotFound(format!("Task '{task}' does not exist")));
        };
        let killed = self.kill(vec![id], wipe).pop().unwrap_or_default();
        Ok(Answer::json(&json!({"task": killed})))
    }

    /// The tasks as they were.
    fn kill(&mut self, ids: Vec<InstanceId>, wipe: bool) -> Vec<Value> {
        let known = ids.iter().filter_map(|id| self.launcher.instance(id));
        let tasks = known.map(|instance| self.task(instance)).collect();
        if !ids.is_empty() {
            self.feed(Input::Kill { instances: ids, wipe });
        }
        tasks
    }

    /// The apps get smaller by their victims.
    fn kill_and_scale(&mut self, request: &Request, victims: Victims) -> Outcome {
        let mut target = self.root.clone();
        for (id, ids) in &victims {
            let going = ids.iter().filter_map(|id| self.launcher.instance(id));
            let count = going.filter(|instance| instance.goal == Goal::Running).count();
            if let Some(app) = target.apps.get_mut(id) {
                app.instances = app.instances.saturating_sub(u32::try_from(count).unwrap_or(u32::MAX));
            }
        }
        let change = Change { victims, ..Change::new(target, AppId::root(), request.force()) };
        let plan = self.change(change)?;
        Ok(Answer::deployment(&plan))
    }
}

fn state(word: &str) -> Option<InstanceState> {
    match word.to_ascii_lowercase().as_str() {
        "running" => Some(InstanceState::Running),
        "staging" => Some(InstanceState::Staging),
        _ => None,
    }
}

fn ids(body: &Value) -> Result<Vec<String>, Problem> {
    let Some(ids) = body.get("ids") else {
        return Err(Problem::WrongForm(vec![Detail::new("/ids", "error.path.missing")]));
    };
    serde_json::from_value(ids.clone())
        .map_err(|_| Problem::WrongForm(vec![Detail::new("/ids", "error.expected.jsarray")]))
}
