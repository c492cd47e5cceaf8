//! Changes of the tree become deployments, and deployments go on, step by step, as instances change.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{
    core::Marathon,
    deploy::{self, Deployment, Rolling},
    events,
    launcher::api::Input,
    model::{
        Action, ActionKind, AppDefinition, AppId, DeploymentPlan, Instance, InstanceId, RootGroup, Timestamp,
    },
    ports,
    problem::Problem,
    saved::{self, SavedRoot},
    versions,
};

/// A change of the tree.
#[derive(Debug)]
pub(super) struct Change {
    pub target: RootGroup,
    /// Of whom the events of the change speak.
    pub group: AppId,
    /// Ends deployments that stand in the way.
    pub force: bool,
    /// Instances that go first.
    pub victims: BTreeMap<AppId, Vec<InstanceId>>,
}

impl Change {
    pub fn new(target: RootGroup, group: AppId, force: bool) -> Self {
        Self { target, group, force, victims: BTreeMap::new() }
    }
}

impl Marathon {
    /// The version that a change gets that is made now.
    pub(super) fn next_version(&self) -> Timestamp {
        self.timestamp().max(self.root.version.next())
    }

    /// Makes a change: what is asked is checked, saved, and on its way.
    ///
    /// # Errors
    /// When it is not valid, or other deployments are in the way; nothing has changed then.
    pub(super) fn change(&mut self, change: Change) -> Result<DeploymentPlan, Problem> {
        let (group, version) = (change.group.clone(), self.next_version());
        let made = self.try_change(change, version);
        let now = self.timestamp();
        self.tell(match &made {
            Ok(_) => events::group_changed(now, &group, version),
            Err(problem) => events::group_not_changed(now, &group, version, &problem.message()),
        });
        made
    }

    fn try_change(&mut self, change: Change, version: Timestamp) -> Result<DeploymentPlan, Problem> {
        let most = self.options.max_running_deployments;
        if self.deployments.len() >= most {
            return Err(Problem::TooManyDeployments(most));
        }
        let (target, steps) = self.planned(change.target, version)?;
        let plan = DeploymentPlan { id: self.uuid(), version, steps };
        let affected: BTreeSet<AppId> = plan.affected_apps().into_iter().cloned().collect();
        self.make_way(&affected, change.force)?;
        let of = |root: &RootGroup| {
            affected.iter().filter_map(|id| Some((id.clone(), root.app(id)?.clone()))).collect()
        };
        let deployment = Deployment {
            before: of(&self.root),
            target: of(&target),
            victims: change.victims,
            plan: plan.clone(),
            step: 0,
            begun: false,
            rolling: BTreeMap::new(),
        };
        self.keep(target);
        self.save(saved::deployment_key(&plan.id), &deployment);
        self.announce_checks(&deployment);
        self.deployments.push(deployment);
        Ok(plan)
    }

    /// A tree with ports and versions, and the steps that lead to it.
    ///
    /// # Errors
    /// When it is not valid.
    pub(super) fn planned(
        &self,
        mut target: RootGroup,
        version: Timestamp,
    ) -> Result<(RootGroup, Vec<super::model::Step>), Problem> {
        let twice = target.apps.keys().find(|id| target.groups.contains_key(id) || target.has_group(id));
        if let Some(id) = twice {
            let rule = "Groups and Applications may not have the same identifier.";
            return Err(Problem::invalid(id.parent().as_str(), rule));
        }
        ports::assign(self.options.ports, &self.root, &mut target).map_err(Problem::Unprocessable)?;
        versions::stamp(version, &self.root, &mut target);
        let steps = deploy::steps(&self.root, &target)?;
        Ok((target, steps))
    }

    /// Ends the deployments that change one of these apps.
    fn make_way(&mut self, apps: &BTreeSet<AppId>, force: bool) -> Result<(), Problem> {
        let conflicts =
            self.deployments.iter().filter(|other| other.apps().into_iter().any(|id| apps.contains(id)));
        let ids: Vec<String> = conflicts.map(|other| other.plan.id.clone()).collect();
        if !force && !ids.is_empty() {
            return Err(Problem::Locked(ids));
        }
        for id in ids {
            self.drop_deployment(&id, "superseded by another deployment");
        }
        Ok(())
    }

    /// Takes a tree as the present one, and saves what is new of it.
    fn keep(&mut self, target: RootGroup) {
        let fresh: Vec<AppDefinition> =
            target.apps.values().filter(|app| self.root.app(&app.id) != Some(app)).cloned().collect();
        let gone: Vec<AppId> = self.root.apps.keys().filter(|id| target.app(id).is_none()).cloned().collect();
        for app in fresh {
            self.save(saved::app_key(&app.id, app.version), &app);
            self.history.entry(app.id.clone()).or_default().insert(app.version, app);
        }
        self.root = target;
        let root = SavedRoot::of(&self.root);
        self.save(saved::root_key(root.version), &root);
        self.save(saved::ROOT.to_owned(), &root);
        self.roots.insert(root.version, root);
        for app in gone {
            for version in self.history.remove(&app).unwrap_or_default().into_keys() {
                self.delete(saved::app_key(&app, version));
            }
            if self.failures.remove(&app).is_some() {
                self.delete(saved::failure_key(&app));
            }
        }
        self.forget_old_versions();
    }

    fn forget_old_versions(&mut self) {
        let keep = self.options.max_versions;
        let old: Vec<Timestamp> = self.roots.keys().rev().skip(keep).copied().collect();
        for version in old {
            self.roots.remove(&version);
            self.delete(saved::root_key(version));
        }
        let mut outdated = Vec::new();
        for (app, versions) in &self.history {
            let used = self.instances_of(app).into_iter().map(|instance| instance.version);
            let needed: BTreeSet<Timestamp> = used.chain(self.root.app(app).map(|app| app.version)).collect();
            let old = saved::outdated(versions, &needed, keep);
            outdated.extend(old.into_iter().map(|version| (app.clone(), version)));
        }
        for (app, version) in outdated {
            self.history.get_mut(&app).and_then(|versions| versions.remove(&version));
            self.delete(saved::app_key(&app, version));
        }
    }

    fn announce_checks(&mut self, deployment: &Deployment) {
        let now = self.timestamp();
        for app in deployment.target.values() {
            let had = deployment.before.get(&app.id).map(|app| &app.health_checks[..]).unwrap_or_default();
            for check in app.health_checks.iter().filter(|check| !had.contains(check)) {
                self.tell(events::health_check_added(now, app, check));
            }
        }
    }

    /// Holds every app that no deployment changes at its number of instances.
    pub(super) fn hold_all(&mut self) {
        let ids: Vec<AppId> = self.root.apps.keys().cloned().collect();
        for id in ids {
            self.hold(&id);
        }
        let known: Vec<AppId> = self.launcher.instances().map(|instance| instance.app_id.clone()).collect();
        for id in known.into_iter().collect::<BTreeSet<_>>() {
            let deployed = self.deployments.iter().any(|deployment| deployment.affects(&id));
            if self.root.app(&id).is_none() && !deployed {
                self.feed(Input::Stop(id));
            }
        }
    }

    fn hold(&mut self, id: &AppId) {
        if self.deployments.iter().any(|deployment| deployment.affects(id)) {
            return;
        }
        if let Some(app) = self.root.app(id) {
            let app = Arc::new(app.clone());
            self.feed(Input::Scale { count: app.instances, app, victims: Vec::new() });
        }
    }

    /// Ends a deployment where it stands; its apps are held as they are wanted now.
    pub(super) fn drop_deployment(&mut self, id: &str, reason: &str) {
        let Some(at) = self.deployments.iter().position(|deployment| deployment.plan.id == id) else {
            return;
        };
        let dropped = self.deployments.remove(at);
        self.delete(saved::deployment_key(id));
        let now = self.timestamp();
        self.tell(events::deployment_failed(now, &dropped.plan, reason));
        for app in dropped.before.keys().chain(dropped.target.keys()) {
            if self.root.app(app).is_some() {
                self.hold(app);
            } else {
                self.feed(Input::Stop(app.clone()));
            }
        }
    }

    /// The tree without what a deployment has changed.
    pub(super) fn reverted(&self, deployment: &Deployment) -> RootGroup {
        let mut root = self.root.clone();
        for id in deployment.target.keys().filter(|id| !deployment.before.contains_key(*id)) {
            root.apps.remove(id);
        }
        root.apps.extend(deployment.before.iter().map(|(id, app)| (id.clone(), app.clone())));
        root
    }

    /// Lets every deployment go on as far as it can.
    pub(super) fn advance(&mut self) {
        while (0..self.deployments.len()).any(|at| self.advance_one(at)) {}
    }

    /// Whether anything has moved.
    fn advance_one(&mut self, at: usize) -> bool {
        let Some(step) = self.deployments[at].current_step().cloned() else {
            self.finish(at);
            return true;
        };
        let mut moved = false;
        if !self.deployments[at].begun {
            self.deployments[at].begun = true;
            let (now, plan) = (self.timestamp(), self.deployments[at].plan.clone());
            self.tell(events::deployment_info(now, &plan, &step));
            step.actions.iter().for_each(|action| self.begin(at, action));
            moved = true;
        }
        let mut done = true;
        for action in &step.actions {
            let (finished, acted) = self.carry_on(at, action);
            done &= finished;
            moved |= acted;
        }
        if done {
            let deployment = &mut self.deployments[at];
            (deployment.step, deployment.begun) = (deployment.step + 1, false);
            let (now, plan) = (self.timestamp(), self.deployments[at].plan.clone());
            self.tell(events::step_success(now, &plan, &step));
        }
        done || moved
    }

    fn begin(&mut self, at: usize, action: &Action) {
        let deployment = &self.deployments[at];
        let victims = deployment.victims.get(&action.app).cloned().unwrap_or_default();
        let Some(app) = deployment.app_of(action).cloned().map(Arc::new) else { return };
        match action.action {
            ActionKind::StartApplication => {}
            ActionKind::ScaleApplication => self.feed(Input::Scale { count: app.instances, app, victims }),
            ActionKind::StopApplication => self.feed(Input::Stop(app.id.clone())),
            ActionKind::RestartApplication => {
                let rolling = Rolling::new(&app, &self.instances_of(&app.id));
                self.feed(Input::ResetDelay(app.id.clone()));
                self.deployments[at].rolling.insert(app.id.clone(), rolling);
            }
        }
    }

    /// Whether an action is done, and whether it has done anything just now.
    fn carry_on(&mut self, at: usize, action: &Action) -> (bool, bool) {
        let Some(app) = self.deployments[at].app_of(action).cloned() else { return (true, false) };
        let instances = self.instances_of(&app.id);
        match action.action {
            ActionKind::StartApplication => (true, false),
            ActionKind::ScaleApplication => (deploy::has_scaled(&app, &instances), false),
            ActionKind::StopApplication => (instances.is_empty(), false),
            ActionKind::RestartApplication => {
                let instances: Vec<Instance> = instances.into_iter().cloned().collect();
                self.roll(at, app, &instances)
            }
        }
    }

    fn roll(&mut self, at: usize, app: AppDefinition, instances: &[Instance]) -> (bool, bool) {
        let Some(rolling) = self.deployments[at].rolling.get_mut(&app.id) else { return (true, false) };
        let moves = rolling.next(&app, &instances.iter().collect::<Vec<_>>());
        let acted = moves.launch > 0 || !moves.decommission.is_empty();
        let app = Arc::new(app);
        if !moves.decommission.is_empty() {
            self.feed(Input::Decommission(moves.decommission));
        }
        if moves.launch > 0 {
            self.feed(Input::Launch { app: Arc::clone(&app), count: moves.launch });
        }
        if moves.done {
            self.deployments[at].rolling.remove(&app.id);
            self.feed(Input::Scale { count: app.instances, app, victims: Vec::new() });
        }
        (moves.done, acted)
    }

    fn finish(&mut self, at: usize) {
        let done = self.deployments.remove(at);
        self.delete(saved::deployment_key(&done.plan.id));
        let now = self.timestamp();
        for app in done.before.values().filter(|app| !done.target.contains_key(&app.id)) {
            if !app.health_checks.is_empty() {
                self.tell(events::health_check_removed(now, &app.id));
            }
            self.tell(events::app_terminated(now, &app.id));
        }
        self.tell(events::deployment_success(now, &done.plan));
    }
}
