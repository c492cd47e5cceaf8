//! Steps by dependencies, and restarts within what the upgrade strategy allows.

use serde_json::json;

use super::{Rolling, steps};
use crate::services::marathon::model::{
    ActionKind, AppDefinition, AppId, Goal, Instance, InstanceId, InstanceState, RootGroup, Timestamp,
};

fn app(id: &str, members: serde_json::Value) -> AppDefinition {
    let mut value = json!({"id": id, "cmd": "sleep 1"});
    for (name, member) in members.as_object().unwrap() {
        value[name] = member.clone();
    }
    serde_json::from_value(value).unwrap()
}

fn root(apps: impl IntoIterator<Item = AppDefinition>) -> RootGroup {
    RootGroup { apps: apps.into_iter().map(|app| (app.id.clone(), app)).collect(), ..RootGroup::default() }
}

fn planned(before: &RootGroup, target: &RootGroup) -> Vec<Vec<String>> {
    let name = |kind: ActionKind| format!("{kind:?}").replace("Application", "");
    let steps = steps(before, target).unwrap();
    steps
        .iter()
        .map(|step| {
            step.actions.iter().map(|action| format!("{} {}", name(action.action), action.app)).collect()
        })
        .collect()
}

#[test]
fn what_others_need_comes_first() {
    let target = root([
        app("/web", json!({"dependencies": ["/data"]})),
        app("/data/db", json!({"dependencies": ["/disk"]})),
        app("/disk", json!({})),
    ]);
    assert_eq!(
        planned(&RootGroup::default(), &target),
        [
            vec!["Start /data/db", "Start /disk", "Start /web"],
            vec!["Scale /disk"],
            vec!["Scale /data/db"],
            vec!["Scale /web"],
        ]
    );
    let circle =
        root([app("/a", json!({"dependencies": ["/b"]})), app("/b", json!({"dependencies": ["/a"]}))]);
    assert!(steps(&RootGroup::default(), &circle).is_err());
}

#[test]
fn a_change_scales_restarts_or_stops() {
    let before =
        root([app("/a", json!({})), app("/b", json!({})), app("/c", json!({})), app("/d", json!({}))]);
    let target = root([
        app("/a", json!({"instances": 2})),
        app("/b", json!({"cpus": 2})),
        app("/d", json!({"cpus": 2, "instances": 0})),
    ]);
    assert_eq!(planned(&before, &target), [vec!["Stop /c"], vec!["Scale /a", "Restart /b", "Scale /d"]]);
    assert_eq!(planned(&before, &before), Vec::<Vec<String>>::new());
}

/// Instances that come and go as they are told, at once.
struct Fleet {
    app: AppDefinition,
    instances: Vec<Instance>,
    made: u32,
}

impl Fleet {
    fn launch(&mut self, version: Timestamp, state: InstanceState) {
        self.made += 1;
        let id = InstanceId::new(&self.app.id, self.made);
        self.instances.push(Instance {
            task_id: id.task(1).as_str().to_owned(),
            id,
            app_id: self.app.id.clone(),
            version,
            incarnation: 1,
            state,
            goal: Goal::Running,
            since: version,
            ..serde_json::from_value(json!({
                "id": "x", "appId": "/x", "version": version, "incarnation": 1, "taskId": "t", "state": "Running",
                "goal": "Running", "since": version, "role": "*",
            }))
            .unwrap()
        });
    }

    fn running(&self) -> usize {
        self.instances.iter().filter(|instance| instance.state == InstanceState::Running).count()
    }
}

/// The fewest that ran and the most that were there during a restart.
fn extremes(wanted: u32, had: u32, health: f64, over: f64) -> (usize, usize) {
    let (old, new) = (Timestamp::default(), Timestamp::default().next());
    let strategy = json!({"minimumHealthCapacity": health, "maximumOverCapacity": over});
    let mut app = app("/x", json!({"instances": wanted, "upgradeStrategy": strategy}));
    (app.version, app.version_info.last_config_change_at) = (new, new);
    let mut fleet = Fleet { app, instances: Vec::new(), made: 0 };
    (0..had).for_each(|_| fleet.launch(old, InstanceState::Running));
    let mut rolling = Rolling::new(&fleet.app, &fleet.instances.iter().collect::<Vec<_>>());
    let (mut fewest, mut most) = (fleet.running(), fleet.instances.len());
    for _ in 0..1000 {
        let moves = rolling.next(&fleet.app, &fleet.instances.iter().collect::<Vec<_>>());
        if moves.done {
            assert!(fleet.instances.iter().all(|instance| instance.version == new));
            assert_eq!(fleet.instances.len(), wanted as usize);
            return (fewest, most);
        }
        (0..moves.launch).for_each(|_| fleet.launch(new, InstanceState::Staging));
        most = most.max(fleet.instances.len());
        fleet.instances.retain(|instance| !moves.decommission.contains(&instance.id));
        fewest = fewest.min(fleet.running());
        // One at a time comes up.
        if let Some(staging) = fleet.instances.iter_mut().find(|i| i.state == InstanceState::Staging) {
            staging.state = InstanceState::Running;
        }
    }
    panic!("{wanted} of {had}, {health}, {over}: never done");
}

#[test]
fn a_restart_keeps_to_its_strategy() {
    assert_eq!(extremes(4, 4, 1.0, 1.0), (4, 8));
    assert_eq!(extremes(4, 4, 1.0, 0.5), (4, 6));
    assert_eq!(extremes(4, 4, 0.5, 0.0), (2, 4));
    assert_eq!(extremes(4, 4, 0.0, 0.0), (0, 4));
    // Nothing could move: one more is allowed.
    assert_eq!(extremes(4, 4, 1.0, 0.0), (4, 5));
    assert_eq!(extremes(1, 1, 1.0, 0.0), (1, 2));
    assert_eq!(extremes(2, 6, 1.0, 0.0), (2, 6));
    assert_eq!(extremes(6, 2, 1.0, 0.0), (2, 6));
}

#[test]
fn what_is_unhealthy_goes_first() {
    let new = Timestamp::default().next();
    let mut app = app(
        "/x",
        json!({"instances": 2, "upgradeStrategy": {"minimumHealthCapacity": 0.5, "maximumOverCapacity": 0}}),
    );
    (app.version, app.version_info.last_config_change_at) = (new, new);
    let mut fleet = Fleet { app, instances: Vec::new(), made: 0 };
    for state in [InstanceState::Running, InstanceState::Running, InstanceState::Staging] {
        fleet.launch(Timestamp::default(), state);
    }
    let instances: Vec<&Instance> = fleet.instances.iter().collect();
    let moves = Rolling::new(&fleet.app, &instances).next(&fleet.app, &instances);
    assert_eq!(moves.decommission, [fleet.instances[2].id.clone()]);
    assert_eq!(AppId::new("/x"), fleet.instances[2].app_id);
}
