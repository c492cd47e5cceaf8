//! The whole scheduler against a small master: what goes over the wire, what is on disk, what the API says.

mod lab;

use std::{
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use prost::Message;
use serde_json::{Value, json};
use tokio::{
    net::{TcpListener, TcpSocket},
    sync::mpsc,
};

use super::{SchedulerHandle, Setup, start};
use crate::{
    client::{
        Http,
        masters::Masters,
        scheduler_api::{SchedulerApi, SchedulerEvents},
    },
    host::http::{self, HeaderName, Request, Response, Router, Sink, channel},
    mesos::{
        recordio,
        v1::{
            AgentId, FrameworkId, MasterInfo, Offer, OfferId, Resource, TaskId, TaskState, TaskStatus,
            scheduler::{Call, Event, call, event},
            value,
        },
    },
    runtime::{Clock, Tasks},
    scheduler::{api, config::SchedulerConfig},
};

/// A master that notes calls and says what it is told to.
struct FakeMaster {
    url: String,
    calls: mpsc::UnboundedReceiver<Call>,
    stream: Arc<Mutex<Option<Sink>>>,
    tasks: Tasks,
}

impl FakeMaster {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (sender, calls) = mpsc::unbounded_channel();
        let stream = Arc::new(Mutex::new(None));
        let sink = Arc::clone(&stream);
        let router = Router::new("master").route("/master/api/v1/scheduler", move |request: &Request| {
            let call = Call::decode(request.body.clone()).unwrap();
            let is_subscribe = call.r#type() == call::Type::Subscribe;
            sender.send(call).unwrap();
            if !is_subscribe {
                return Response::accepted();
            }
            let (events, body) = channel(request, 1 << 20);
            *sink.lock().unwrap() = Some(events);
            Response::stream("application/x-protobuf", body)
                .with_first(HeaderName::from_static("mesos-stream-id"), "s")
        });
        let tasks = Tasks::new();
        tasks.spawn(http::serve(listener, tasks.clone(), Clock::start(), router, http::Options::default()));
        Self { url, calls, stream, tasks }
    }

    fn say(&self, event: &Event) {
        let stream = self.stream.lock().unwrap();
        stream.as_ref().unwrap().send(recordio::encode(&event.encode_to_vec())).unwrap();
    }

    fn hang_up(&self) {
        *self.stream.lock().unwrap() = None;
    }

    /// The next call, which must be of this kind.
    async fn hears(&mut self, kind: call::Type) -> Call {
        let call = tokio::time::timeout(Duration::from_secs(5), self.calls.recv()).await.unwrap().unwrap();
        assert_eq!(call.r#type(), kind, "{call:?}");
        call
    }

    async fn subscribes(&mut self, framework: &str) -> call::Subscribe {
        let subscribe = self.hears(call::Type::Subscribe).await.subscribe.unwrap();
        let master_info = Some(MasterInfo { id: "m1".to_owned(), ..MasterInfo::default() });
        let framework_id = FrameworkId::new(framework);
        let subscribed =
            event::Subscribed { framework_id, heartbeat_interval_seconds: Some(15.0), master_info };
        self.say(&Event { subscribed: Some(subscribed), ..of(event::Type::Subscribed) });
        subscribe
    }

    fn offers(&self, id: &str) {
        let offer = Offer {
            id: OfferId::new(id),
            framework_id: FrameworkId::new("f1"),
            agent_id: AgentId::new("a1"),
            hostname: "host".to_owned(),
            resources: vec![scalar("cpus", 4.0), scalar("mem", 512.0)],
            ..Offer::default()
        };
        self.say(&Event { offers: Some(event::Offers { offers: vec![offer] }), ..of(event::Type::Offers) });
    }

    fn rescinds(&self, id: &str) {
        let rescind = Some(event::Rescind { offer_id: OfferId::new(id) });
        self.say(&Event { rescind, ..of(event::Type::Rescind) });
    }

    fn updates(&self, id: &TaskId, state: TaskState) {
        let status = TaskStatus {
            task_id: id.clone(),
            state: state.into(),
            agent_id: Some(AgentId::new("a1")),
            uuid: Some("0123456789abcdef".into()),
            ..TaskStatus::default()
        };
        self.say(&Event { update: Some(event::Update { status }), ..of(event::Type::Update) });
    }

    /// Offers, and takes the launch of `count` tasks.
    async fn launches(&mut self, count: usize) -> Vec<TaskId> {
        self.offers("o1");
        let accept = self.hears(call::Type::Accept).await.accept.unwrap();
        let tasks = &accept.operations[0].launch.as_ref().unwrap().task_infos;
        assert_eq!(tasks.len(), count);
        tasks.iter().map(|task| task.task_id.clone()).collect()
    }

    async fn runs(&mut self, ids: &[TaskId]) {
        for id in ids {
            self.updates(id, TaskState::TaskRunning);
            let acknowledge = self.hears(call::Type::Acknowledge).await.acknowledge.unwrap();
            assert_eq!(acknowledge.uuid, "0123456789abcdef");
        }
    }
}

impl Drop for FakeMaster {
    fn drop(&mut self) {
        self.tasks.cancel();
    }
}

fn of(kind: event::Type) -> Event {
    Event { r#type: Some(kind.into()), ..Event::default() }
}

fn scalar(name: &str, value: f64) -> Resource {
    let scalar = Some(value::Scalar { value });
    Resource { name: name.to_owned(), r#type: value::Type::Scalar.into(), scalar, ..Resource::default() }
}

async fn scheduler(dir: &Path, master: &str, num_of_node: u32) -> (SchedulerHandle, SchedulerApi) {
    let config = SchedulerConfig { num_of_node, ..SchedulerConfig::default() };
    let setup = Setup::new(config, dir, Masters::parse(master).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let handle = start(&Tasks::new(), Clock::start(), listener, setup).await.unwrap();
    let api = SchedulerApi::new(Http::new(), &handle.endpoint()).unwrap();
    (handle, api)
}

async fn until(api: &SchedulerApi, reached: impl Fn(&api::State) -> bool) -> api::State {
    for _ in 0..500 {
        let state = api.state().await.unwrap();
        if reached(&state) {
            return state;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("never reached; at last {:?}", api.state().await)
}

#[tokio::test]
async fn launches_scales_restarts_and_ends() {
    let dir = tempfile::tempdir().unwrap();
    let mut master = FakeMaster::start().await;
    let (handle, api) = scheduler(dir.path(), &master.url, 0).await;
    let subscribe = master.subscribes("f1").await;
    assert_eq!((subscribe.framework_info.id, subscribe.suppressed_roles), (None, vec!["*".to_owned()]));
    master.hears(call::Type::Reconcile).await;

    api.scale(2).await.unwrap();
    master.hears(call::Type::Revive).await;
    let ids = master.launches(2).await;
    master.hears(call::Type::Suppress).await;
    master.runs(&ids).await;
    let state = until(&api, |state| state.counts.running == 2).await;
    assert_eq!((state.summary.as_str(), state.framework_id.as_deref()), ("2/2 tasks running", Some("f1")));

    handle.stop(false).await;
    let (handle, api) = scheduler(dir.path(), &master.url, 7).await;
    let subscribe = master.subscribes("f1").await;
    assert_eq!(subscribe.framework_info.id, Some(FrameworkId::new("f1")));
    assert_eq!(master.hears(call::Type::Reconcile).await.reconcile.unwrap().tasks.len(), 2);
    assert!(master.hears(call::Type::Reconcile).await.reconcile.unwrap().tasks.is_empty());
    assert_eq!(api.config().await.unwrap().config.num_of_node, 2, "what was saved holds");

    handle.stop(true).await;
    assert_eq!(master.hears(call::Type::Teardown).await.framework_id, Some(FrameworkId::new("f1")));
    let (_handle, _) = scheduler(dir.path(), &master.url, 0).await;
    assert_eq!(master.subscribes("f2").await.framework_info.id, None);
}

#[tokio::test]
async fn subscribes_again_and_asks_when_the_stream_is_lost() {
    let dir = tempfile::tempdir().unwrap();
    let mut master = FakeMaster::start().await;
    let (_handle, api) = scheduler(dir.path(), &master.url, 1).await;
    master.subscribes("f1").await;
    master.hears(call::Type::Reconcile).await;
    let ids = master.launches(1).await;
    master.hears(call::Type::Suppress).await;
    master.hang_up();
    assert_eq!(master.subscribes("f1").await.framework_info.id, Some(FrameworkId::new("f1")));
    let asked = master.hears(call::Type::Reconcile).await.reconcile.unwrap().tasks;
    assert_eq!(asked[0].task_id, ids[0]);
    master.hears(call::Type::Reconcile).await;
    master.runs(&ids).await;
    until(&api, |state| state.counts.running == 1).await;
}

/// The next event that is a state.
async fn next_state(events: &mut SchedulerEvents) -> api::State {
    loop {
        if let api::Event::State(state) = events.next().await.unwrap() {
            return *state;
        }
    }
}

/// The next event that is no state.
async fn next_other(events: &mut SchedulerEvents) -> api::Event {
    loop {
        match events.next().await.unwrap() {
            api::Event::State(_) => {}
            other => return other,
        }
    }
}

#[tokio::test]
async fn kills_on_request_and_tells_those_who_watch() {
    let dir = tempfile::tempdir().unwrap();
    let mut master = FakeMaster::start().await;
    let (_handle, api) = scheduler(dir.path(), &master.url, 1).await;
    master.subscribes("f1").await;
    master.hears(call::Type::Reconcile).await;
    let mut events = api.events().await.unwrap();
    let first = events.next().await.unwrap();
    assert!(matches!(first, api::Event::Snapshot { .. }), "{first:?}");

    let ids = master.launches(1).await;
    master.hears(call::Type::Suppress).await;
    let launched = events.next().await.unwrap();
    assert!(matches!(&launched, api::Event::Task { task, ended: false } if task.id == ids[0].as_str()));
    let state = next_state(&mut events).await;
    assert_eq!((state.counts.starting, state.suppressed), (1, true));
    master.rescinds("o1");
    let api::Event::Offers { offers: 0, views, .. } = next_other(&mut events).await else {
        panic!("no news")
    };
    assert_eq!((views[0].id.as_str(), views[0].verdict), ("o1", api::Verdict::Rescinded));
    api.kill(ids[0].as_str()).await.unwrap();
    assert_eq!(master.hears(call::Type::Kill).await.kill.unwrap().task_id, ids[0]);
    assert_eq!(api.kill("nobody").await.unwrap_err().status(), Some(404));
    assert_eq!(next_state(&mut events).await.counts.killing, 1);
    assert_eq!(api.offers().await.unwrap().offers, views);
    let mut others = api.events().await.unwrap();
    let snapshot = others.next().await.unwrap();
    let api::Event::Snapshot { state, offers, .. } = snapshot else { panic!("{snapshot:?}") };
    assert_eq!((offers, state.counts.killing), (views, 1));
    assert_eq!((state.version.as_str(), state.started_at > 1e9), (env!("CARGO_PKG_VERSION"), true));
    let quiet = tokio::time::timeout(Duration::from_millis(150), others.next()).await;
    assert!(quiet.is_err(), "nothing changes, nothing is told: {quiet:?}");
}

#[tokio::test]
async fn every_request_has_its_status_and_every_error_its_form() {
    let dir = tempfile::tempdir().unwrap();
    let nobody = TcpSocket::new_v4().unwrap();
    nobody.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let (handle, _) = scheduler(dir.path(), &format!("http://{}", nobody.local_addr().unwrap()), 0).await;
    let table = [
        ("GET", "/", "", 200),
        ("GET", "/v1/config", "", 200),
        ("GET", "/v1/explain/", "", 200),
        ("GET", "/metrics", "", 200),
        ("GET", "/health", "", 503),
        ("PATCH", "/v1/config", "{\"num_of_node\": 1000000}", 200),
        ("PATCH", "/v1/config", "{\"num_of_node\": -1}", 422),
        ("PATCH", "/v1/config", "{\"colour\": 1}", 422),
        ("PATCH", "/v1/config", "[]", 422),
        ("PATCH", "/v1/config", "{", 400),
        ("PUT", "/v1/config", "{\"name\": \"a b\"}", 422),
        ("DELETE", "/v1/config", "", 405),
        ("POST", "/v1/state", "", 405),
        ("GET", "/v1/tasks/x/kill", "", 405),
        ("POST", "/v1/tasks/x/kill", "", 404),
        ("GET", "/v1/tasks/x", "", 404),
        ("GET", "/v1/state/below", "", 404),
        ("GET", "/v1/teardown", "", 405),
        ("POST", "/v1/teardown/now", "", 404),
        ("GET", "/nothing", "", 404),
        ("GET", "/v2/config", "", 404),
    ];
    let client = reqwest::Client::new();
    for (method, path, body, status) in table {
        let url = format!("{}{path}", handle.endpoint());
        let request = client.request(method.parse().unwrap(), url).body(body);
        let response = request.send().await.unwrap();
        assert_eq!(response.status().as_u16(), status, "{method} {path} {body}");
        let text = response.text().await.unwrap();
        if (400..500).contains(&status) {
            let error: Value =
                serde_json::from_str(&text).unwrap_or_else(|_| panic!("{method} {path}: {text}"));
            assert!(error["message"].is_string() && error["details"].is_array(), "{text}");
        }
    }
    let foreign =
        client.get(format!("{}/v1/config", handle.endpoint())).header("Origin", "http://evil.example");
    assert_eq!(foreign.send().await.unwrap().status().as_u16(), 403);
    assert_eq!(handle.with(|scheduler| scheduler.counts().unplaced), 1_000_000);
    handle.stop(false).await;
}

#[tokio::test]
async fn garbage_on_disk_is_an_error_and_not_a_new_framework() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("scheduler.json"), json!({"framework_id": 5}).to_string()).unwrap();
    let setup = Setup::new(SchedulerConfig::default(), dir.path(), Masters::parse("127.0.0.1:1").unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let error = start(&Tasks::new(), Clock::start(), listener, setup).await.unwrap_err();
    assert!(error.to_string().starts_with("understand `"), "{error}");
}

#[tokio::test]
async fn a_second_scheduler_in_one_directory_does_not_start() {
    let dir = tempfile::tempdir().unwrap();
    let master = FakeMaster::start().await;
    let (handle, _) = scheduler(dir.path(), &master.url, 0).await;
    let setup = Setup::new(SchedulerConfig::default(), dir.path(), Masters::parse(&master.url).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let error = start(&Tasks::new(), Clock::start(), listener, setup).await.unwrap_err();
    assert_eq!(error.to_string(), format!("another scheduler uses `{}`", dir.path().display()));
    handle.stop(false).await;
    scheduler(dir.path(), &master.url, 0).await;
}

#[tokio::test]
async fn tells_when_it_is_subscribed_and_why_it_has_stopped() {
    let dir = tempfile::tempdir().unwrap();
    let mut master = FakeMaster::start().await;
    let (handle, _) = scheduler(dir.path(), &master.url, 0).await;
    let soon = Duration::from_millis(50);
    assert!(tokio::time::timeout(soon, handle.subscribed()).await.is_err(), "nobody has said SUBSCRIBED");
    master.subscribes("f1").await;
    tokio::time::timeout(Duration::from_secs(5), handle.subscribed()).await.unwrap();
    assert!(tokio::time::timeout(soon, handle.stopped()).await.is_err(), "it goes on");
    let message = "Framework failed over".to_owned();
    master.say(&Event { error: Some(event::Error { message }), ..of(event::Type::Error) });
    let reason = tokio::time::timeout(Duration::from_secs(5), handle.stopped()).await.unwrap();
    assert_eq!(reason, "Framework failed over");
}
