//! Status codes, headers and streams, as curl sees them.

use serde_json::json;

use super::lab::{Lab, PATIENCE};

#[tokio::test(flavor = "multi_thread")]
async fn codes_and_headers_are_marathons() {
    let lab = Lab::up().await;
    let leader = lab.url();
    for (method, path, status, text) in [
        ("GET", "/ping", 200, "pong"),
        ("GET", "/", 302, ""),
        ("GET", "/nope", 404, r#"{"message":"URI not found"}"#),
        ("GET", "/metrics/prometheus", 404, r#"{"message":"The Prometheus reporter is off"}"#),
        ("PUT", "/v2/info", 405, r#"{"message":"Method Not Allowed"}"#),
        ("GET", "/v2/apps", 200, r#"{"apps":[]}"#),
        ("GET", "/v2/apps//x", 404, r#"{"message":"App '/x' does not exist"}"#),
    ] {
        let answer = lab.ask(method, path).await;
        assert_eq!((answer.status, &answer.text[..]), (status, text), "{method} {path}");
        assert_eq!(answer.header("X-Marathon-Leader"), leader, "{path}");
    }
    assert_eq!(lab.ask("GET", "/").await.header("Location"), "/ui/");
    let page = lab.ask("GET", "/ui/").await;
    assert!(page.status == 200 && page.header("Content-Type").starts_with("text/html"), "{page:?}");

    let ping = lab.request("GET", "/ping").header("Accept", "application/json");
    assert_eq!(lab.send(ping).await.text, "\"pong\"");
    let form = lab.request("POST", "/v2/apps").header("Content-Type", "text/plain").body("{}");
    assert_eq!(lab.send(form).await.status, 415);
    let torn = lab.request("POST", "/v2/apps").header("Content-Type", "application/json").body("{\"id\":");
    let torn = lab.send(torn).await;
    assert_eq!((torn.status, &torn.json()["message"]), (400, &json!("Invalid JSON")));

    let made =
        lab.put("POST", "/v2/apps", json!({"id": "/x", "cmd": "sleep 1000", "cpus": 0.1, "mem": 16})).await;
    assert_eq!((made.status, made.header("Location")), (201, "/x"));
    let deployment = made.json()["deployments"][0]["id"].clone();
    assert_eq!(Some(made.header("Marathon-Deployment-Id")), deployment.as_str());
    lab.running(1).await;
    let put = lab.put("PUT", "/v2/apps//y", json!({"cmd": "sleep 1000", "cpus": 0.1, "mem": 16})).await;
    assert_eq!((put.status, put.header("Location")), (201, "/y"));
    lab.running(2).await;
    let filtered = lab.ask("GET", "/v2/apps?id=y&embed=apps.tasks&embed=apps.taskStats").await.json();
    let (app, others) = filtered["apps"].as_array().unwrap().split_first().unwrap();
    assert!(others.is_empty() && app["tasks"].is_array(), "{filtered}");
    assert_eq!(app["taskStats"]["totalSummary"]["stats"]["counts"]["running"], 1);
    let info = lab.ask("GET", "/v2/info").await.json();
    assert!(info["frameworkId"].is_string() && info["marathon_config"]["checkpoint"] == true, "{info}");
    lab.down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_come_as_they_are_asked_for() {
    let lab = Lab::up().await;
    let refused = lab.ask("GET", "/v2/events").await;
    assert_eq!(refused.status, 405);
    assert!(refused.text.contains("HTTP ERROR 405"), "{refused:?}");

    let path = "/v2/events?event_type=event_stream_attached&event_type=deployment_success";
    let request = lab.request("GET", path).header("Accept", "text/event-stream");
    let mut stream = request.send().await.unwrap();
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    lab.put("POST", "/v2/apps", json!({"id": "/x", "cmd": "sleep 1000", "cpus": 0.1, "mem": 16})).await;
    let mut text = String::new();
    let reading = async {
        while !text.contains("deployment_success") {
            text.push_str(std::str::from_utf8(&stream.chunk().await.unwrap().unwrap()).unwrap());
        }
    };
    tokio::time::timeout(PATIENCE, reading).await.unwrap();
    let kinds: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("event: ")).collect();
    assert_eq!(kinds, ["event_stream_attached", "deployment_success"]);
    lab.down().await;
}
