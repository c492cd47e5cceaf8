//! `/v2/groups`.

use serde_json::{Value, json};

use super::{Answer, Outcome, Request};
use crate::services::marathon::{
    core::Marathon,
    form::shape,
    model::{AppId, Timestamp},
    problem::Problem,
    rollout::Change,
    saved,
    view::{Embed, GroupEmbed},
};

impl Marathon {
    pub(super) fn groups(&mut self, request: &Request, rest: &str) -> Outcome {
        let id = AppId::new(rest);
        match request.method.as_str() {
            "GET" | "HEAD" => self.show_group(request, rest),
            "POST" => self.post_group(request, &id),
            "PUT" => self.put_group(request, &id),
            "PATCH" => self.patch_group(request, &id),
            "DELETE" => self.delete_group(request, &id),
            _ => Err(Problem::MethodNotAllowed),
        }
    }

    fn show_group(&self, request: &Request, rest: &str) -> Outcome {
        let words: Vec<&str> = request.values("embed").collect();
        let embed = GroupEmbed::parse(&words);
        let parts: Vec<&str> = rest.split('/').filter(|part| !part.is_empty()).collect();
        let group = |parts: &[&str]| AppId::new(&parts.join("/"));
        match parts[..] {
            [ref before @ .., "apps"] => {
                let app = Embed::parse(words.into_iter());
                let group = group(before);
                let apps: Vec<Value> =
                    self.root.apps_below(&group).map(|each| self.app_info(each, app)).collect();
                Ok(Answer::json(&json!(apps)))
            }
            [ref before @ .., "versions"] => self.group_versions(&group(before)),
            [ref before @ .., "versions", version] => self.group_version(&group(before), version, embed),
            _ => {
                let id = group(&parts);
                self.known_group(&id)?;
                Ok(Answer::json(&self.group_info(&self.root, &id, embed, true)))
            }
        }
    }

    fn known_group(&self, id: &AppId) -> Result<(), Problem> {
        if self.root.has_group(id) { Ok(()) } else { Err(Problem::UnknownGroup(id.clone())) }
    }

    fn group_versions(&self, id: &AppId) -> Outcome {
        self.known_group(id)?;
        let trees = self.roots.values().rev().map(|root| saved::tree(root, &self.history));
        let versions: Vec<Timestamp> =
            trees.filter(|tree| tree.has_group(id)).map(|tree| tree.version).collect();
        Ok(Answer::json(&json!(versions)))
    }

    fn group_version(&self, id: &AppId, version: &str, embed: GroupEmbed) -> Outcome {
        let known = Timestamp::parse(version).and_then(|version| self.roots.get(&version));
        let tree = known.map(|root| saved::tree(root, &self.history)).filter(|tree| tree.has_group(id));
        match tree {
            Some(tree) => Ok(Answer::json(&self.group_info(&tree, id, embed, false))),
            None => Err(Problem::UnknownGroup(id.clone())),
        }
    }

    fn post_group(&mut self, request: &Request, base: &AppId) -> Outcome {
        let update = shape::group(request.json()?, "")?;
        let id = base.join(update.get("id").and_then(Value::as_str).unwrap_or_default());
        if self.root.app(&id).is_some() {
            return Err(Problem::Conflict(format!("An app with the path {id} already exists.")));
        }
        if self.root.has_group(&id) {
            return Err(Problem::Conflict(format!(
                "Group {id} is already created. Use PUT to change this group."
            )));
        }
        let target = self.with_group(&id, update, self.next_version())?;
        let plan = self.change(Change::new(target, id.clone(), request.force()))?;
        Ok(Answer::deployment(&plan).status(201).header("Location", id.as_str()))
    }

    fn put_group(&mut self, request: &Request, base: &AppId) -> Outcome {
        let update = shape::group(request.json()?, "")?;
        let id = base.join(update.get("id").and_then(Value::as_str).unwrap_or_default());
        let version = self.next_version();
        let target = self.with_group(&id, update, version)?;
        if request.flag("dryRun", false) {
            let (_, steps) = self.planned(target, version)?;
            return Ok(Answer::json(&json!({"steps": steps})));
        }
        let plan = self.change(Change::new(target, id, request.force()))?;
        Ok(Answer::deployment(&plan))
    }

    fn patch_group(&mut self, request: &Request, id: &AppId) -> Outcome {
        let update = shape::group(request.json()?, "")?;
        self.known_group(id)?;
        let mut target = self.root.clone();
        let group = target.groups.entry(id.clone()).or_default();
        group.enforce_role = update.get("enforceRole").and_then(Value::as_bool).unwrap_or_default();
        self.change(Change::new(target, id.clone(), request.force()))?;
        Ok(Answer::empty(200))
    }

    fn delete_group(&mut self, request: &Request, id: &AppId) -> Outcome {
        self.known_group(id)?;
        let mut target = self.root.clone();
        target.remove_below(id);
        if !id.is_root() {
            target.groups.remove(id);
            target.keep_group(id.parent());
        }
        let plan = self.change(Change::new(target, id.parent(), request.force()))?;
        Ok(Answer::deployment(&plan))
    }
}
