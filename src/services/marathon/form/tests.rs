//! What is read, and what is refused.

use serde_json::{Value, json};

use super::{LabelSelector, Reader, Update, shape};
use crate::services::marathon::{
    model::{AppDefinition, AppId, HealthProtocol, NetworkMode, Operator, Timestamp},
    problem::Problem,
};

fn reader() -> Reader {
    Reader { role: "*".into(), features: Vec::new(), default_network: None }
}

fn read(value: Value) -> Result<AppDefinition, Problem> {
    reader().app(value, &AppId::root())
}

/// An app with these members besides an id and a command.
fn with(members: Value) -> Result<AppDefinition, Problem> {
    let mut value = json!({"id": "/x", "cmd": "sleep 1"});
    for (name, member) in members.as_object().unwrap() {
        value[name] = member.clone();
    }
    read(value)
}

#[track_caller]
fn refused(members: Value, path: &str, error: &str) {
    let problem = with(members).unwrap_err();
    let body = problem.body();
    let details = body["details"].as_array().unwrap();
    let found = details.iter().any(|detail| {
        detail["path"] == path
            && detail["errors"].as_array().unwrap().iter().any(|e| e.as_str() == Some(error))
    });
    assert!(found && problem.status() == 422, "{body}");
}

#[test]
fn the_form_is_checked_first_with_all_that_is_wrong() {
    let problem =
        read(json!({"cmd": 5, "instances": -1, "ports": ["a"], "container": {"docker": {}}})).unwrap_err();
    assert_eq!(
        problem.body(),
        json!({"message": "Invalid JSON", "details": [
            {"path": "/id", "errors": ["error.path.missing"]},
            {"path": "/cmd", "errors": ["error.expected.jsstring"]},
            {"path": "/container/docker/image", "errors": ["error.path.missing"]},
            {"path": "/instances", "errors": ["error.min"]},
            {"path": "/ports(0)", "errors": ["error.expected.jsnumber"]},
        ]})
    );
    assert_eq!(problem.status(), 422);
    assert_eq!(shape::parse(b"{nope").unwrap_err().status(), 400);
}

#[test]
fn rules_have_marathons_sentences() {
    let neither = "AppDefinition must either contain one of 'cmd' or 'args', and/or a 'container'.";
    refused(json!({"args": ["a"]}), "/", neither);
    refused(json!({"cmd": null}), "/", neither);
    refused(
        json!({"id": "/x/Y"}),
        "/id",
        &format!("must fully match regular expression '{}'", super::super::model::SEGMENT_PATTERN),
    );
    refused(
        json!({"id": "/a/tasks"}),
        "/id",
        "must not end with any of the following reserved keywords: restart, tasks, versions, ., ..",
    );
    refused(
        json!({"constraints": [["a", "UNIQUE"], ["h", "MAX_PER"]]}),
        "/constraints(1)",
        "MAX_PER requires an integer value",
    );
    refused(
        json!({"constraints": [["h"]]}),
        "/constraints(0)",
        "Each constraint must have either 2 or 3 fields",
    );
    refused(
        json!({"constraints": [["h", "NEAR"]]}),
        "/constraints(0)",
        "operator must be one of the following UNIQUE, CLUSTER, GROUP_BY, LIKE, MAX_PER, UNLIKE or IS",
    );
    refused(
        json!({"secrets": {"a": {"source": "b"}}}),
        "/secrets",
        "Feature secrets is not enabled. Enable with --enable_features secrets)",
    );
    refused(
        json!({"env": {"A": {"secret": "a"}}}),
        "/env",
        "use of secret-references in the environment requires the secrets feature to be enabled",
    );
    refused(
        json!({"gpus": 1}),
        "/",
        "Feature gpu_resources is not enabled. Enable with --enable_features gpu_resources)",
    );
    refused(
        json!({"portDefinitions": [{"port": 1, "name": "a"}, {"port": 1, "name": "a"}]}),
        "/portDefinitions",
        "Ports must be unique.",
    );
    refused(json!({"container": {}}), "/container/docker", "not defined");
    refused(
        json!({"container": {"type": "MESOS", "volumes": [{"containerPath": "d", "mode": "RW", "persistent": {"size": 1}}]}}),
        "/container/volumes(0)",
        "persistent volumes are not supported",
    );
    refused(
        json!({"healthChecks": [{"protocol": "HTTP", "portIndex": 4}]}),
        "/healthChecks(0)",
        "Health check port indices must address an element of the ports array or container port mappings.",
    );
    refused(
        json!({"acceptedResourceRoles": ["prod"]}),
        "/acceptedResourceRoles",
        "acceptedResourceRoles can only contain *",
    );
    refused(json!({"role": "prod"}), "/role", "got prod, expected one of: *");
    refused(
        json!({"networks": [{"mode": "container"}]}),
        "/networks",
        "Network name must be specified when container network is selected",
    );
    refused(
        json!({"labels": {"MARATHON_SINGLE_INSTANCE_APP": "true"}, "instances": 2}),
        "/",
        "Single instance app may only have one instance",
    );
}

#[test]
fn old_forms_become_new_ones() {
    let app = with(json!({
        "uris": ["http://a/b.tgz", "http://a/c"], "ports": [0, 8080], "healthChecks": [{"path": "/"}],
        "constraints": [["hostname", "LIKE", "a.*"]], "dependencies": ["y"], "killSelection": "oldest_first",
    }))
    .unwrap();
    let extract: Vec<bool> = app.fetch.iter().map(|artifact| artifact.extract).collect();
    assert_eq!((extract, app.service_ports()), (vec![true, false], vec![0, 8080]));
    assert_eq!(
        (app.health_checks[0].port_index, app.health_checks[0].protocol),
        (Some(0), HealthProtocol::Http)
    );
    assert_eq!((app.constraints[0].operator, app.dependencies[0].as_str()), (Operator::Like, "/y"));

    let docker =
        json!({"docker": {"image": "i", "network": "BRIDGE", "portMappings": [{"containerPort": 80}]}});
    let app = with(json!({"container": docker})).unwrap();
    assert_eq!(app.networks[0].mode, NetworkMode::Bridge);
    let mapping = &app.container.unwrap().port_mappings[0];
    assert_eq!((mapping.container_port, mapping.host_port), (80, Some(0)));
    assert_eq!(app.port_definitions, None);
}

#[test]
fn an_update_leaves_what_it_does_not_name() {
    let app = with(json!({"env": {"A": "1"}, "instances": 3, "ports": [9000]})).unwrap();
    let Update::Change(changed) = reader().update(json!({"env": {"B": "2"}, "cmd": null}), &app).unwrap()
    else {
        panic!("no change")
    };
    assert_eq!(*changed, AppDefinition { env: [("B".into(), "2".into())].into(), ..app.clone() });
    let version = "2026-01-01T00:00:00.000Z";
    let rollback = reader().update(json!({"version": version}), &app).unwrap();
    assert_eq!(rollback, Update::Rollback(Timestamp::parse(version).unwrap()));
    let problem = reader().update(json!({"version": version, "cpus": 1}), &app).unwrap_err();
    let rule = "The 'version' field may only be combined with the 'id' field.";
    assert_eq!(problem, Problem::invalid("/", rule));
    assert!(reader().update(json!({"args": ["a"]}), &app).is_err());
}

#[test]
fn labels_are_selected_as_in_marathon() {
    let labels = [("a".to_owned(), "1".to_owned()), ("b.c".to_owned(), "x y".to_owned())].into();
    for (selector, matches) in [
        ("a", true),
        ("d", false),
        ("a==1,b.c", true),
        ("a!=1", false),
        ("a in (1, 2)", true),
        ("a notin (1)", false),
        ("a notin (2), b.c==x\\ y", true),
        ("d!=1", false),
    ] {
        assert_eq!(LabelSelector::parse(selector).unwrap().matches(&labels), matches, "{selector}");
    }
    for wrong in ["", "a==", "a in 1", "a in (1", "a b"] {
        assert!(LabelSelector::parse(wrong).is_err(), "{wrong}");
    }
}
