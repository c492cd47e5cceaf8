//! What is refused, and deployments that stand in each other's way.

use serde_json::{Value, json};

use super::sim::Sim;

#[test]
fn what_is_there_or_not_there_is_said() {
    let mut sim = Sim::new();
    sim.create("/x", json!({}));
    for (method, path, body, status, message) in [
        (
            "POST",
            "/v2/apps",
            json!({"id": "/x", "cmd": "sleep 1"}),
            409,
            "An app with id [/x] already exists.",
        ),
        ("GET", "/v2/apps//nope", Value::Null, 404, "App '/nope' does not exist"),
        ("PATCH", "/v2/apps//nope", json!({"instances": 1}), 404, "App '/nope' does not exist"),
        ("DELETE", "/v2/apps//nope", Value::Null, 404, "App '/nope' does not exist"),
        ("POST", "/v2/apps//nope/restart", Value::Null, 404, "App '/nope' does not exist"),
        ("GET", "/v2/apps//nope/*", Value::Null, 404, "Group '/nope' does not exist"),
        ("GET", "/v2/groups//nope", Value::Null, 404, "Group '/nope' does not exist"),
        (
            "GET",
            "/v2/apps//x/versions/2001-01-01T00:00:00.000Z",
            Value::Null,
            404,
            "App '/x' does not exist in version 2001-01-01T00:00:00.000Z",
        ),
        ("DELETE", "/v2/apps//x/tasks/nope", Value::Null, 404, "Task 'nope' does not exist"),
        (
            "DELETE",
            "/v2/apps//x/tasks?scale=true&wipe=true",
            Value::Null,
            400,
            "You cannot use scale and wipe at the same time.",
        ),
        (
            "POST",
            "/v2/tasks/delete",
            json!({"ids": ["nope"]}),
            400,
            "Invalid task id 'nope'. [nope (of class java.lang.String)]",
        ),
        ("DELETE", "/v2/deployments/nope", Value::Null, 404, "DeploymentPlan nope does not exist"),
        ("DELETE", "/v2/queue//x/delay", Value::Null, 404, "Application /x not found in tasks queue."),
        (
            "GET",
            "/v2/apps?label=a==",
            Value::Null,
            422,
            "Can not parse label selector a==. Reason: expected a name at ``",
        ),
        ("DELETE", "/v2/apps", Value::Null, 405, "Method Not Allowed"),
        ("GET", "/v3", Value::Null, 404, "URI not found"),
        ("GET", "/v2/nope", Value::Null, 404, "URI not found"),
        ("POST", "/v2/apps", json!("x"), 422, "Invalid JSON"),
    ] {
        let (got, answer) = sim.ask(method, path, body);
        assert_eq!((got, answer["message"].as_str()), (status, Some(message)), "{method} {path}");
    }
}

#[test]
fn a_deployment_locks_its_apps() {
    let mut sim = Sim::new();
    let (_, made) = sim.create("/big", json!({"cpus": 100}));
    let id = made["deployments"][0]["id"].clone();
    let (status, refused) = sim.ask("PUT", "/v2/apps//big", json!({"mem": 20}));
    assert_eq!((status, &refused["deployments"]), (409, &json!([{"id": id}])));
    assert_eq!(sim.get("/v2/apps//big")["app"]["mem"], 16, "nothing has changed");
    assert_eq!(sim.get("/v2/deployments")[0]["id"], id);
    let queue = sim.get("/v2/queue?embed=lastUnusedOffers");
    assert_eq!(queue["queue"][0]["processedOffersSummary"]["unusedOffersCount"], 1);
    assert_eq!(queue["queue"][0]["lastUnusedOffers"][0]["reason"], json!(["InsufficientCpus"]));
    let (status, _) = sim.ask("PUT", "/v2/apps//big?force=true", json!({"cpus": 1}));
    assert_eq!(status, 200);
    assert!(sim.kinds().contains(&"deployment_failed"));
    assert_eq!((sim.running().len(), sim.get("/v2/deployments")), (1, json!([])));
}

#[test]
fn a_canceled_deployment_is_undone_or_left() {
    let mut sim = Sim::new();
    sim.create("/x", json!({}));
    let (_, update) = sim.ask("PUT", "/v2/apps//x", json!({"cpus": 100}));
    let path = format!("/v2/deployments/{}", update["deploymentId"].as_str().unwrap());
    let (status, undone) = sim.ask("DELETE", &path, Value::Null);
    assert!(status == 200 && undone["deploymentId"].is_string(), "{undone}");
    let app = sim.get("/v2/apps//x")["app"].clone();
    assert_eq!(
        (&app["cpus"], &app["deployments"], &app["tasksRunning"]),
        (&json!(0.1), &json!([]), &json!(1))
    );

    let (_, update) = sim.ask("PUT", "/v2/apps//x", json!({"cpus": 100}));
    let path = format!("/v2/deployments/{}?force=true", update["deploymentId"].as_str().unwrap());
    let answer = sim.answer("DELETE", &path, Value::Null);
    assert_eq!((answer.status, answer.body.len()), (202, 0));
    assert_eq!(
        (&sim.get("/v2/apps//x")["app"]["cpus"], sim.get("/v2/deployments")),
        (&json!(100), json!([]))
    );
}

#[test]
fn service_ports_are_nobody_elses() {
    let mut sim = Sim::new();
    sim.create("/a", json!({"ports": [0, 10001]}));
    sim.create("/b", json!({"ports": [0, 0]}));
    let ports = |app: &Value| -> Vec<u64> {
        let definitions = app["app"]["portDefinitions"].as_array().unwrap();
        definitions.iter().map(|port| port["port"].as_u64().unwrap()).collect()
    };
    assert_eq!(ports(&sim.get("/v2/apps//a")), [10000, 10001]);
    assert_eq!(ports(&sim.get("/v2/apps//b")), [10002, 10003]);
    sim.ask("PUT", "/v2/apps//b", json!({"ports": [0, 0, 0]}));
    assert_eq!(ports(&sim.get("/v2/apps//b")), [10002, 10003, 10004], "it keeps what it had");
}
