//! Paths, moments, ids and the JSON forms.

use serde_json::json;

use super::{AppDefinition, AppId, InstanceId, RootGroup, Timestamp};

fn app(json: serde_json::Value) -> AppDefinition {
    serde_json::from_value(json).unwrap()
}

#[test]
fn paths_resolve_as_those_of_files() {
    let group = AppId::new("/a/b");
    for (text, whole) in
        [("c", "/a/b/c"), ("/c", "/c"), ("../c", "/a/c"), ("./c/d/", "/a/b/c/d"), ("..", "/a")]
    {
        assert_eq!(group.join(text).as_str(), whole);
    }
    assert_eq!(AppId::new("//x//y/").as_str(), "/x/y");
    assert_eq!(AppId::new("/x").parent(), AppId::root());
    assert_eq!(AppId::new("/x/y/z").parent().as_str(), "/x/y");
    assert_eq!(AppId::root().parent(), AppId::root());
    assert_eq!((AppId::new("/x/y").safe(), AppId::new("/x/y").host_name()), ("x_y".into(), "y.x".into()));
}

#[test]
fn what_lies_in_a_group_is_longer_by_a_part() {
    let below = |id: &str, group: &str| AppId::new(id).is_below(&AppId::new(group));
    assert!(below("/a", "/") && below("/a/b", "/a") && below("/a/b/c", "/a"));
    assert!(!below("/ab", "/a") && !below("/a", "/a") && !below("/", "/") && !below("/a", "/a/b"));
}

#[test]
fn moments_have_milliseconds() {
    let text = "2026-11-28T22:05:30.123Z";
    let moment = Timestamp::parse(text).unwrap();
    assert_eq!(moment.to_string(), text);
    assert_eq!(Timestamp::from(moment.time()), moment);
    assert!(Timestamp::parse("yesterday").is_none());
}

#[test]
fn a_task_tells_its_instance() {
    let id = InstanceId::new(&AppId::new("/a/b"), "0-1");
    assert_eq!(id.task(2).as_str(), "a_b.instance-0-1._app.2");
    assert_eq!(InstanceId::of_task("a_b.instance-0-1._app.2"), Some(id));
    assert_eq!(InstanceId::of_task("mesoslab.0.3930b543"), None);
}

#[test]
fn an_app_has_the_defaults_and_the_order_of_marathon() {
    let app = app(
        json!({"id": "/x", "cmd": "true", "constraints": [["hostname", "UNIQUE"], ["r", "MAX_PER", "2"]]}),
    );
    let version = "1970-01-01T00:00:00.000Z";
    let expected = json!({
        "id": "/x", "backoffFactor": 1.15, "backoffSeconds": 1, "cmd": "true",
        "constraints": [["hostname", "UNIQUE"], ["r", "MAX_PER", "2"]], "cpus": 1, "disk": 0, "executor": "",
        "instances": 1, "labels": {}, "maxLaunchDelaySeconds": 300, "mem": 128, "gpus": 0, "networks": [],
        "requirePorts": false, "upgradeStrategy": {"maximumOverCapacity": 1, "minimumHealthCapacity": 1},
        "version": version, "versionInfo": {"lastScalingAt": version, "lastConfigChangeAt": version},
        "killSelection": "YOUNGEST_FIRST",
        "unreachableStrategy": {"inactiveAfterSeconds": 0, "expungeAfterSeconds": 0}, "role": "*",
    });
    assert_eq!(serde_json::to_string(&app).unwrap(), expected.to_string());
    assert_eq!(serde_json::from_value::<AppDefinition>(expected).unwrap(), app);
}

#[test]
fn groups_are_named_or_implied() {
    let mut root = RootGroup::default();
    for id in ["/a/b/x", "/a/y", "/z"] {
        root.apps.insert(AppId::new(id), app(json!({"id": id})));
    }
    root.groups.insert(AppId::new("/empty/one"), super::Group::default());
    let names =
        |group: &str| root.groups_in(&AppId::new(group)).iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(names("/"), ["/a", "/empty"]);
    assert_eq!(names("/a"), ["/a/b"]);
    assert!(root.has_group(&AppId::new("/empty")) && !root.has_group(&AppId::new("/z")));
}
