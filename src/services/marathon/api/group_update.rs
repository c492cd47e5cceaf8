//! What a tree is once the update of a group is laid over it.

use serde_json::{Map, Value};

use crate::services::marathon::{
    core::Marathon,
    form::shape,
    model::{AppId, RootGroup, Timestamp},
    problem::Problem,
    saved,
};

impl Marathon {
    /// The tree with this group as the update says: an older version, another scale, or other members.
    pub(super) fn with_group(
        &self,
        id: &AppId,
        update: Map<String, Value>,
        version: Timestamp,
    ) -> Result<RootGroup, Problem> {
        let mut target = self.root.clone();
        if let Some(text) = update.get("version").and_then(Value::as_str) {
            return self.at_version(id, text);
        }
        if let Some(scale) = update.get("scaleBy").and_then(Value::as_f64) {
            for app in target.apps.values_mut().filter(|app| app.id.is_below(id)) {
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
                let instances = (f64::from(app.instances) * scale).ceil() as u32;
                app.instances = instances;
            }
            return Ok(target);
        }
        self.lay_over(&mut target, id, update, version, "")?;
        Ok(target)
    }

    fn at_version(&self, id: &AppId, text: &str) -> Result<RootGroup, Problem> {
        let known = Timestamp::parse(text).and_then(|version| self.roots.get(&version));
        let old = known.map(|root| saved::tree(root, &self.history)).filter(|tree| tree.has_group(id));
        let Some(old) = old else {
            return Err(Problem::Unprocessable(format!("Group {id} not available in version {text}")));
        };
        let mut target = self.root.clone();
        target.remove_below(id);
        target.apps.extend(old.apps.into_iter().filter(|(app, _)| app.is_below(id)));
        target.groups.extend(old.groups.into_iter().filter(|(group, _)| group == id || group.is_below(id)));
        Ok(target)
    }

    /// Members that are not named stay as they are; a list that is named is the whole list.
    fn lay_over(
        &self,
        target: &mut RootGroup,
        id: &AppId,
        mut update: Map<String, Value>,
        version: Timestamp,
        path: &str,
    ) -> Result<(), Problem> {
        let mut group = target.groups.get(id).cloned().unwrap_or_default();
        group.version = version;
        if let Some(Value::Array(names)) = update.get("dependencies") {
            let parent = id.parent();
            group.dependencies =
                names.iter().filter_map(Value::as_str).map(|name| parent.join(name)).collect();
        }
        if let Some(enforce) = update.get("enforceRole").and_then(Value::as_bool) {
            group.enforce_role = enforce;
        }
        target.groups.insert(id.clone(), group);
        if let Some(Value::Array(apps)) = update.remove("apps") {
            target.apps.retain(|app, _| app.parent() != *id);
            for (index, app) in apps.into_iter().enumerate() {
                let app = self.options.reader().app_at(app, id, &format!("{path}/apps({index})"))?;
                let current = self.root.app(&app.id);
                let (at, info) =
                    current.map_or((version, app.version_info), |old| (old.version, old.version_info));
                let app = super::super::model::AppDefinition { version: at, version_info: info, ..app };
                target.apps.insert(app.id.clone(), app);
            }
        }
        if let Some(Value::Array(groups)) = update.remove("groups") {
            self.lay_groups(target, id, groups, version, path)?;
        }
        Ok(())
    }

    fn lay_groups(
        &self,
        target: &mut RootGroup,
        id: &AppId,
        groups: Vec<Value>,
        version: Timestamp,
        path: &str,
    ) -> Result<(), Problem> {
        let mut named = Vec::new();
        for (index, group) in groups.into_iter().enumerate() {
            let path = format!("{path}/groups({index})");
            let update = shape::group(group, &path)?;
            let Some(name) = update.get("id").and_then(Value::as_str) else {
                let missing = super::super::problem::Detail::new(format!("{path}/id"), "error.path.missing");
                return Err(Problem::WrongForm(vec![missing]));
            };
            let inner = id.join(name);
            if inner.parent() != *id {
                return Err(Problem::invalid(
                    &format!("{path}/id"),
                    format!("Identifier is not child of '{id}'"),
                ));
            }
            self.lay_over(target, &inner, update, version, &path)?;
            named.push(inner);
        }
        let others = target.groups_in(id).into_iter().filter(|group| !named.contains(group));
        for gone in others.collect::<Vec<_>>() {
            target.remove_below(&gone);
            target.groups.remove(&gone);
        }
        Ok(())
    }
}
