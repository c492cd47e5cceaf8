//! End to end: a master on a real listener, raw sockets and reqwest as its clients, agents by their channel.

use std::{net::SocketAddr, time::Duration};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};

use super::*;
use crate::{
    engine::{master::Framework, wire::AgentRegistration},
    mesos::v1::{AgentInfo, Resource, value},
};

struct Lab {
    master: MasterHandle,
    tasks: Tasks,
}

impl Drop for Lab {
    fn drop(&mut self) {
        self.tasks.cancel();
    }
}

async fn start() -> Lab {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let tasks = Tasks::new();
    let master = super::start(&tasks, Clock::start(), listener, MasterConfig::default()).unwrap();
    Lab { master, tasks }
}

impl Lab {
    fn address(&self) -> SocketAddr {
        self.master.endpoint()
    }

    async fn send(&self, request: &str) -> TcpStream {
        let mut socket = TcpStream::connect(self.address()).await.unwrap();
        socket.write_all(request.as_bytes()).await.unwrap();
        socket
    }

    /// Status line and body.
    async fn call(&self, path: &str, headers: &str, body: &str) -> (String, String) {
        let mut socket = self.send(&post(path, headers, body)).await;
        let answer = read(&mut socket, |text| text.contains("\r\n\r\n")).await;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.lines().next().unwrap().to_owned(), body.to_owned())
    }

    async fn subscribe(&self) -> Stream {
        let framework = json!({"user": "root", "name": "test", "failover_timeout": 0.0});
        let call = json!({"type": "SUBSCRIBE", "subscribe": {"framework_info": framework}});
        let socket = self.send(&post(SCHEDULER, JSON, &call.to_string())).await;
        let mut stream = Stream::of(socket);
        let subscribed = stream.event("SUBSCRIBED").await;
        stream.framework_id = subscribed["subscribed"]["framework_id"].clone();
        let id = stream.text.split("Mesos-Stream-Id: ").nth(1).unwrap();
        stream.stream_id = id.split("\r\n").next().unwrap().to_owned();
        stream
    }

    async fn scheduler(&self, stream: &Stream, call: Value) -> String {
        let mut call = call;
        call["framework_id"] = stream.framework_id.clone();
        let headers = format!("{JSON}Mesos-Stream-Id: {}\r\n", stream.stream_id);
        self.call(SCHEDULER, &headers, &call.to_string()).await.0
    }

    fn agent(&self, cpus: f64) -> (AgentLink, mpsc::UnboundedReceiver<ToAgent>) {
        let (link, messages) = self.master.connect_agent();
        let resources = [("cpus", cpus), ("mem", 1024.0)].map(|(name, value)| scalar(name, value)).into();
        let info = AgentInfo { hostname: "localhost".into(), resources, ..AgentInfo::default() };
        let registration = AgentRegistration::new(info, "slave(1)@127.0.0.1:5051");
        self.master.from_agent(link, ToMaster::Register(registration));
        (link, messages)
    }
}

fn scalar(name: &str, value: f64) -> Resource {
    let scalar = Some(value::Scalar { value });
    Resource { name: name.into(), r#type: value::Type::Scalar.into(), scalar, ..Resource::default() }
}

const SCHEDULER: &str = "/api/v1/scheduler";
const JSON: &str = "Content-Type: application/json\r\nAccept: application/json\r\n";

fn post(path: &str, headers: &str, body: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\n{headers}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Reads until `enough`, the end, or silence.
async fn read(socket: &mut TcpStream, enough: impl Fn(&str) -> bool) -> String {
    let mut all = Vec::new();
    let mut part = [0; 65536];
    while !enough(&String::from_utf8_lossy(&all)) {
        match timeout(Duration::from_secs(3), socket.read(&mut part)).await {
            Ok(Ok(n)) if n > 0 => all.extend_from_slice(&part[..n]),
            _ => break,
        }
    }
    String::from_utf8(all).unwrap()
}

struct Stream {
    socket: TcpStream,
    text: String,
    stream_id: String,
    framework_id: Value,
}

impl Stream {
    fn of(socket: TcpStream) -> Self {
        Self { socket, text: String::new(), stream_id: String::new(), framework_id: Value::Null }
    }

    /// The first event of this type; each is one record and one chunk.
    async fn event(&mut self, kind: &str) -> Value {
        let start = format!("{{\"type\":\"{kind}\"");
        let complete = |text: &str| text.split(&start).nth(1).is_some_and(|rest| rest.contains("\r\n"));
        while !complete(&self.text) {
            let seen = self.text.len();
            let more = read(&mut self.socket, |text| text.ends_with("\r\n")).await;
            self.text.push_str(&more);
            assert!(self.text.len() > seen, "no {kind} in {}", self.text);
        }
        let at = self.text.find(&start).unwrap();
        let line = self.text[at..].split("\r\n").next().unwrap();
        serde_json::from_str(line).unwrap()
    }
}

#[tokio::test]
async fn refusals_in_the_order_and_words_of_mesos() {
    let lab = start().await;
    let subscribe = r#"{"type":"SUBSCRIBE","subscribe":{"framework_info":{"user":"root","name":"x"}}}"#;
    let expecting_type = "Expecting 'Content-Type' of application/json or application/x-protobuf";
    let expecting_accept = "Expecting 'Accept' to allow 'application/x-protobuf' or 'application/json'";
    let subscribe_id = "Subscribe calls should not include the 'Mesos-Stream-Id' header";
    for (path, headers, body, status, text) in [
        (SCHEDULER, "", subscribe, "400 Bad Request", "Expecting 'Content-Type' to be present"),
        (SCHEDULER, "Content-Type: text/plain\r\n", subscribe, "415 Unsupported Media Type", expecting_type),
        (SCHEDULER, "Content-Type: Application/JSON\r\n", "", "415 Unsupported Media Type", expecting_type),
        (
            SCHEDULER,
            JSON,
            "hello",
            "400 Bad Request",
            "Failed to parse body into JSON: syntax error at line 1 near: hello",
        ),
        (
            SCHEDULER,
            JSON,
            "[]",
            "400 Bad Request",
            "Failed to convert JSON into Call protobuf: Expecting a JSON object",
        ),
        (
            SCHEDULER,
            JSON,
            "{}",
            "400 Bad Request",
            "Failed to validate scheduler::Call: Expecting 'type' to be present",
        ),
        (
            SCHEDULER,
            "Content-Type: application/x-protobuf\r\n",
            "zzz",
            "400 Bad Request",
            "Failed to parse body into Call protobuf",
        ),
        (
            SCHEDULER,
            "Content-Type: application/json\r\nAccept: text/html\r\n",
            subscribe,
            "406 Not Acceptable",
            expecting_accept,
        ),
        (
            SCHEDULER,
            "Content-Type: application/json\r\nMesos-Stream-Id: x\r\n",
            subscribe,
            "400 Bad Request",
            subscribe_id,
        ),
        (
            SCHEDULER,
            JSON,
            r#"{"type":"REVIVE","framework_id":{"value":"nope"}}"#,
            "400 Bad Request",
            "Framework cannot be found",
        ),
        ("/api/v1", JSON, r#"{"type":"UNKNOWN"}"#, "501 Not Implemented", "501 Not Implemented."),
        (
            "/api/v1/",
            JSON,
            r#"{"type":"REVIVE"}"#,
            "400 Bad Request",
            "Failed to validate master::Call: Expecting 'type' to be present",
        ),
        (
            "/api/v1",
            "Content-Type: application/json\r\nAccept: text/html\r\n",
            r#"{"type":"GET_HEALTH"}"#,
            "406 Not Acceptable",
            expecting_accept,
        ),
        ("/api/v1", JSON, r#"{"type":"LIST_FILES","list_files":{"path":"/nope"}}"#, "404 Not Found", ""),
        (
            "/api/v1",
            JSON,
            r#"{"type":"GET_METRICS"}"#,
            "400 Bad Request",
            "Failed to validate master::Call: Expecting 'get_metrics' to be present",
        ),
        ("/teardown", "", "frameworkId=zz", "400 Bad Request", "No framework found with specified ID"),
        ("/teardown", "", "", "400 Bad Request", "Missing 'frameworkId' query parameter in the request body"),
    ] {
        let answer = lab.call(path, headers, body).await;
        assert_eq!(answer, (format!("HTTP/1.1 {status}"), text.to_owned()), "{path} {headers} {body}");
    }
}

#[tokio::test]
async fn a_stream_from_its_first_byte_to_its_last() {
    let lab = start().await;
    let mut stream = lab.subscribe().await;
    stream.event("HEARTBEAT").await;
    let (head, body) = stream.text.split_once("\r\n\r\n").unwrap();
    let names: Vec<_> = head.lines().map(|line| line.split(':').next().unwrap()).collect();
    assert_eq!(names, ["HTTP/1.1 200 OK", "Date", "Transfer-Encoding", "Mesos-Stream-Id", "Content-Type"]);
    let (size, record) = body.split_once("\r\n").unwrap();
    let (length, _) = record.split_once('\n').unwrap();
    let size = usize::from_str_radix(size, 16).unwrap();
    assert_eq!(size, length.len() + 1 + length.parse::<usize>().unwrap(), "one record is one chunk");
    assert_eq!(lab.scheduler(&stream, json!({"type": "TEARDOWN"})).await, "HTTP/1.1 202 Accepted");
    let rest = read(&mut stream.socket, |text| text.ends_with("\r\n0\r\n\r\n") || text == "0\r\n\r\n").await;
    assert!(rest.ends_with("0\r\n\r\n"), "{rest}");
}

/// Waits until the master looks so.
async fn until(lab: &Lab, is_so: impl Fn(&Master) -> bool) {
    let wait = async {
        while !lab.master.with(&is_so) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    timeout(Duration::from_millis(500), wait).await.unwrap();
}

#[tokio::test]
async fn a_vanished_scheduler_is_disconnected_at_once() {
    let lab = start().await;
    let stream = lab.subscribe().await;
    assert_eq!(lab.master.with(|master| master.frameworks.len()), 1);
    drop(stream);
    until(&lab, |master| !master.frameworks.values().any(Framework::connected)).await;
}

#[tokio::test]
async fn half_a_call_changes_nothing() {
    let lab = start().await;
    let whole = post(
        SCHEDULER,
        JSON,
        r#"{"type":"SUBSCRIBE","subscribe":{"framework_info":{"user":"a","name":"b"}}}"#,
    );
    drop(lab.send(&whole[..whole.len() - 10]).await);
    let (status, _) = lab.call("/api/v1", JSON, r#"{"type":"GET_HEALTH"}"#).await;
    assert_eq!(status, "HTTP/1.1 200 OK");
    assert_eq!(lab.master.with(|master| master.frameworks.len()), 0);
}

#[tokio::test]
async fn a_task_goes_to_the_agent_and_its_update_to_the_scheduler() {
    let lab = start().await;
    let (link, mut agent) = lab.agent(4.0);
    let mut stream = lab.subscribe().await;
    let offer = stream.event("OFFERS").await["offers"]["offers"][0].clone();
    let resources = json!([
        {"name": "cpus", "type": "SCALAR", "scalar": {"value": 0.1}},
        {"name": "mem", "type": "SCALAR", "scalar": {"value": 32}},
    ]);
    let task = json!({"name": "t", "task_id": {"value": "t"}, "agent_id": offer["agent_id"],
        "resources": resources, "command": {"value": "true"}});
    let launch = json!({"type": "LAUNCH", "launch": {"task_infos": [task]}});
    let accept = json!({"type": "ACCEPT", "accept": {"offer_ids": [offer["id"]], "operations": [launch]}});
    assert_eq!(lab.scheduler(&stream, accept).await, "HTTP/1.1 202 Accepted");
    let task = loop {
        match timeout(Duration::from_secs(1), agent.recv()).await.unwrap().unwrap() {
            ToAgent::RunTask { task, .. } => break task,
            _ => continue,
        }
    };
    assert_eq!(task.task_id.as_str(), "t");
    lab.master.agent_gone(link);
    let update = stream.event("UPDATE").await;
    assert_eq!(update["update"]["status"]["state"], "TASK_LOST");
}

#[tokio::test]
async fn operators_read_and_watch() {
    let lab = start().await;
    let subscribe = post("/api/v1", JSON, r#"{"type":"SUBSCRIBE"}"#);
    let mut watcher = Stream::of(lab.send(&subscribe).await);
    watcher.event("SUBSCRIBED").await;
    let names: Vec<_> = watcher.text.lines().take(4).map(|line| line.split(':').next().unwrap()).collect();
    assert_eq!(names, ["HTTP/1.1 200 OK", "Date", "Transfer-Encoding", "Content-Type"]);
    let _agent = lab.agent(4.0);
    watcher.event("AGENT_ADDED").await;
    drop(watcher);
    until(&lab, |master| master.subscribers.is_empty()).await;
    let (status, body) = lab.call("/api/v1", JSON, r#"{"type":"GET_AGENTS"}"#).await;
    assert_eq!(status, "HTTP/1.1 200 OK");
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(body["get_agents"]["agents"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn what_people_curl() {
    let lab = start().await;
    let client = reqwest::Client::new();
    let url = |path: &str| format!("http://{}{path}", lab.address());
    for path in [
        "/health",
        "/version",
        "/state",
        "/state-summary",
        "/slaves",
        "/frameworks",
        "/tasks",
        "/roles",
        "/flags",
        "/metrics/snapshot",
        "/quota",
        "/weights",
        "/maintenance/schedule",
        "/maintenance/status",
        "/files/debug",
        "/master/health",
        "/master/state",
        "/master/state-summary",
        "/master/slaves",
        "/master/frameworks",
        "/master/tasks",
        "/master/roles",
        "/master/flags",
        "/master/quota",
        "/state/",
        "/system/stats.json",
        "/registrar(1)/registry",
        "/__processes__",
        "/allocator/offer_constraints_debug",
    ] {
        let answer = client.get(url(path)).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        let body = answer.bytes().await.unwrap();
        assert!(body.is_empty() || serde_json::from_slice::<Value>(&body).is_ok(), "{path}: {body:?}");
    }
    for (path, status) in [
        ("/state.json", 404),
        ("/redirect/", 404),
        ("/observe", 404),
        ("/reserve", 405),
        ("/machine/up", 405),
        ("/metrics/snapshot?timeout=abc", 400),
        ("/files/browse", 400),
        ("/files/read?path=/x", 404),
    ] {
        assert_eq!(client.get(url(path)).send().await.unwrap().status(), status, "{path}");
    }
    let redirect = lab.send("GET /redirect HTTP/1.1\r\n\r\n").await;
    let redirect = read(&mut { redirect }, |text| text.ends_with("\r\n\r\n")).await;
    assert!(
        redirect.contains(&format!("\r\nLocation: //localhost:{}\r\n", lab.address().port())),
        "{redirect}"
    );
}
