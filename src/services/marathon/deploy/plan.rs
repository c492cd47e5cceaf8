//! Which steps lead from one tree to another: what is gone stops first, what is new starts, then dependencies come
//! before what depends on them.

use std::collections::{BTreeMap, BTreeSet};

use crate::services::marathon::{
    model::{Action, ActionKind, AppDefinition, AppId, RootGroup, Step},
    problem::Problem,
    versions::{Difference, difference},
};

/// The steps, none of them empty.
///
/// # Errors
/// When apps depend on each other in a circle.
pub fn steps(before: &RootGroup, target: &RootGroup) -> Result<Vec<Step>, Problem> {
    let of = |action: ActionKind, app: &AppDefinition| Action { action, app: app.id.clone() };
    let gone = before.apps.values().filter(|app| target.app(&app.id).is_none());
    let added = target.apps.values().filter(|app| before.app(&app.id).is_none());
    let mut steps = vec![
        Step { actions: gone.map(|app| of(ActionKind::StopApplication, app)).collect() },
        Step { actions: added.map(|app| of(ActionKind::StartApplication, app)).collect() },
    ];
    let mut by_depth: BTreeMap<usize, Step> = BTreeMap::new();
    for (depth, app) in depths(target)? {
        let kind = target.app(&app).and_then(|app| change(before.app(&app.id), app));
        if let Some(action) = kind {
            by_depth.entry(depth).or_default().actions.push(Action { action, app });
        }
    }
    steps.extend(by_depth.into_values());
    steps.retain(|step| !step.actions.is_empty());
    Ok(steps)
}

fn change(before: Option<&AppDefinition>, app: &AppDefinition) -> Option<ActionKind> {
    let Some(before) = before else { return Some(ActionKind::ScaleApplication) };
    if before == app {
        return None;
    }
    match difference(before, app) {
        Difference::Scale => Some(ActionKind::ScaleApplication),
        _ if app.instances == 0 => Some(ActionKind::ScaleApplication),
        _ => Some(ActionKind::RestartApplication),
    }
}

/// Every app with how many stand between it and one that depends on nothing.
fn depths(root: &RootGroup) -> Result<Vec<(usize, AppId)>, Problem> {
    let graph: BTreeMap<&AppId, BTreeSet<&AppId>> =
        root.apps.values().map(|app| (&app.id, dependencies(root, app))).collect();
    let mut known: BTreeMap<&AppId, usize> = BTreeMap::new();
    while known.len() < graph.len() {
        let mut found = Vec::new();
        for (app, needs) in graph.iter().filter(|(app, _)| !known.contains_key(*app)) {
            let depths: Option<Vec<usize>> = needs.iter().map(|need| known.get(need).copied()).collect();
            found.extend(depths.map(|depths| (*app, depths.into_iter().max().map_or(0, |depth| depth + 1))));
        }
        if found.is_empty() {
            return Err(Problem::invalid("/", "Dependency graph has cyclic dependencies."));
        }
        known.extend(found);
    }
    Ok(known.into_iter().map(|(app, depth)| (depth, app.clone())).collect())
}

/// The apps that an app needs: those it names itself, those in groups that it names, and those of its own groups.
fn dependencies<'a>(root: &'a RootGroup, app: &AppDefinition) -> BTreeSet<&'a AppId> {
    let groups = root.groups.iter().filter(|(id, _)| app.id.is_below(id));
    let named = groups.flat_map(|(_, group)| &group.dependencies).chain(&app.dependencies);
    let mut needs = BTreeSet::new();
    for name in named {
        let meant = root.apps.keys().filter(|id| *id == name || id.is_below(name));
        needs.extend(meant.filter(|id| **id != app.id));
    }
    needs
}
