//! Groups: made, scaled, rolled back, removed; and several apps at once.

use serde_json::{Value, json};

use super::sim::Sim;

fn app(id: &str) -> Value {
    json!({"id": id, "cmd": "sleep 1", "cpus": 0.1, "mem": 16})
}

fn ids(apps: &Value) -> Vec<&str> {
    apps.as_array().unwrap().iter().map(|app| app["id"].as_str().unwrap()).collect()
}

#[test]
fn a_group_is_made_scaled_and_removed() {
    let mut sim = Sim::new();
    let group = json!({"id": "/team", "apps": [app("web")], "groups": [{"id": "data", "apps": [app("db")]}]});
    let answer = sim.answer("POST", "/v2/groups", group.clone());
    assert_eq!(answer.status, 201);
    assert!(answer.headers.contains(&("Location", "/team".to_owned())));
    assert_eq!(sim.ask("POST", "/v2/groups", group).0, 409);
    let shown = sim.get("/v2/groups//team");
    assert_eq!(
        (ids(&shown["apps"]), shown["groups"][0]["apps"][0]["id"].as_str()),
        (vec!["/team/web"], Some("/team/data/db"))
    );
    assert_eq!(ids(&sim.get("/v2/groups//team/apps")), ["/team/data/db", "/team/web"]);
    assert_eq!(sim.get("/v2/apps//team/*")["*"].as_array().unwrap().len(), 2);

    let (_, dry) = sim.ask("PUT", "/v2/groups//team?dryRun=true", json!({"scaleBy": 2}));
    let actions: Vec<&str> = dry["steps"][0]["actions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|a| a["action"].as_str().unwrap())
        .collect();
    assert_eq!((actions, sim.running().len()), (vec!["ScaleApplication", "ScaleApplication"], 2));
    let (_, scaled) = sim.ask("PUT", "/v2/groups//team", json!({"scaleBy": 2}));
    assert_eq!(sim.running().len(), 4);
    let versions = sim.get("/v2/groups//team/versions");
    assert_eq!((versions.as_array().unwrap().len(), &versions[0]), (2, &scaled["version"]));
    let (status, _) = sim.ask("PUT", "/v2/groups//team", json!({"version": versions[1]}));
    assert_eq!((status, sim.running().len()), (200, 2));

    let (status, _) = sim.ask("PUT", "/v2/groups//team", json!({"apps": [app("web"), app("api")]}));
    assert_eq!((status, ids(&sim.get("/v2/groups//team")["apps"])), (200, vec!["/team/api", "/team/web"]));
    assert_eq!(sim.running().len(), 3);
    assert_eq!(sim.ask("DELETE", "/v2/groups//team", Value::Null).0, 200);
    assert_eq!((sim.running().len(), sim.get("/v2/groups")["groups"].clone()), (0, json!([])));
}

#[test]
fn an_app_and_a_group_cannot_share_a_path() {
    let mut sim = Sim::new();
    sim.create("/a/b", json!({}));
    let (status, refused) = sim.create("/a", json!({}));
    assert_eq!(status, 422);
    let rule = "Groups and Applications may not have the same identifier.";
    assert_eq!(refused["details"][0]["errors"][0], rule);
    let (status, refused) = sim.ask("POST", "/v2/groups", json!({"id": "/x", "apps": [app("/y/z")]}));
    assert_eq!(
        (status, refused["details"][0]["errors"][0].as_str()),
        (422, Some("Identifier is not child of '/x'"))
    );
}

#[test]
fn several_apps_change_in_one_deployment() {
    let mut sim = Sim::new();
    sim.create("/a", json!({}));
    let (status, made) = sim.ask("PUT", "/v2/apps", json!([{"id": "/a", "instances": 2}, app("/b")]));
    assert!(status == 200 && made["deploymentId"].is_string(), "{made}");
    assert_eq!(sim.running().len(), 3);
    let (status, _) = sim.ask("PATCH", "/v2/apps", json!([{"id": "/c", "instances": 2}]));
    assert_eq!(status, 404);
    assert_eq!(sim.ask("PUT", "/v2/apps", json!([{"instances": 2}])).0, 422);
}

#[test]
fn an_emptied_group_stays() {
    let mut sim = Sim::new();
    sim.create("/team/web", json!({}));
    sim.ask("DELETE", "/v2/apps//team/web", Value::Null);
    assert_eq!(sim.get("/v2/groups//team")["apps"], json!([]));
}
