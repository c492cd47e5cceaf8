//! Masters that are live, refuse, babble, fall silent, lead elsewhere or move, and what the feeds make of it.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use prost::Message as _;
use tokio::sync::mpsc;

use crate::{
    client::tests::server::{Dead, Received, Reply, Server, record},
    cluster::{
        Change, ClusterView,
        component::Health,
        link::Link,
        rows::Rows as _,
        tests::make::{OURS, Snapshot, cluster, event, running, scheduler_snapshot, task_added},
        watch::{Addresses, feed::Feed, start},
    },
    engine::golden,
    mesos::v1::{
        self,
        master::{
            Call, Event, Response, call,
            event::{Subscribed, Type},
            response,
        },
    },
    runtime::{Clock, Tasks},
    scheduler::api,
};

const PATIENCE: Duration = Duration::from_secs(20);

/// Feeds under way, and what they have told.
struct Watched {
    clock: Clock,
    view: ClusterView,
    changes: mpsc::Receiver<Change>,
    tasks: Tasks,
}

impl Watched {
    fn start(locate: impl Fn() -> Result<Addresses, String> + Send + Sync + 'static) -> Self {
        let (sender, changes) = mpsc::channel(16);
        let (clock, tasks) = (Clock::start(), Tasks::new());
        start(&tasks, clock, Arc::new(locate), sender);
        Self { clock, view: ClusterView::default(), changes, tasks }
    }

    fn master(url: &str) -> Self {
        let master = url.to_owned();
        Self::start(move || Ok(Addresses { master: master.clone(), ..Addresses::default() }))
    }

    async fn until(&mut self, what: &str, condition: impl Fn(&ClusterView) -> bool) {
        let deadline = self.clock.now() + PATIENCE;
        while !condition(&self.view) {
            let left = deadline.since(self.clock.now());
            let change = tokio::time::timeout(left, self.changes.recv()).await;
            let Ok(Some(change)) = change else {
                panic!("not within {PATIENCE:?}: {what}\n{:#?}", self.view)
            };
            self.view.apply(self.clock.now(), change);
        }
    }

    /// The problem with the master, as soon as there is one.
    async fn problem(&mut self) -> String {
        self.until("the link is lost", |view| matches!(view.master_link, Link::Lost { .. })).await;
        let Link::Lost { problem, .. } = &self.view.master_link else { unreachable!() };
        problem.clone()
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.tasks.cancel();
    }
}

fn is_live(view: &ClusterView) -> bool {
    matches!(view.master_link, Link::Live { .. })
}

fn subscribed(snapshot: Snapshot, heartbeat: f64) -> Event {
    let get_state = Some(snapshot.state());
    let subscribed = Subscribed { get_state, heartbeat_interval_seconds: Some(heartbeat) };
    Event { subscribed: Some(subscribed), ..event(Type::Subscribed) }
}

fn asked(request: &Received) -> Option<call::Type> {
    let call = Call::decode(request.body.as_slice()).ok()?;
    request.target().starts_with("POST").then(|| call.r#type())
}

/// What a master says to all but SUBSCRIBE, of this cluster.
fn told(request: &Received, snapshot: &Snapshot) -> Reply {
    let state = snapshot.clone().state();
    let answer = match asked(request) {
        Some(call::Type::GetAgents) => Response { get_agents: state.get_agents, ..Response::default() },
        Some(call::Type::GetFrameworks) => {
            Response { get_frameworks: state.get_frameworks, ..Response::default() }
        }
        Some(call::Type::GetVersion) => {
            let version_info = v1::VersionInfo { version: "1.11.0".to_owned(), ..Default::default() };
            Response { get_version: Some(response::GetVersion { version_info }), ..Response::default() }
        }
        Some(call::Type::GetMaster) => {
            let master_info = Some(v1::MasterInfo { id: "M1".to_owned(), ..Default::default() });
            let get_master = response::GetMaster { master_info, start_time: Some(7.0), elected_time: None };
            Response { get_master: Some(get_master), ..Response::default() }
        }
        _ => return Reply::full("501 Not Implemented", "", b""),
    };
    Reply::message(&answer)
}

/// A master of `snapshot` whose stream is `reply`.
async fn master(snapshot: Snapshot, reply: Reply) -> Server {
    Server::start(move |request| match asked(request) {
        Some(call::Type::Subscribe) => reply.clone(),
        _ => told(request, &snapshot),
    })
    .await
}

#[tokio::test]
async fn a_live_stream_is_followed_and_completed_by_what_it_does_not_tell() {
    let mut later = cluster();
    later.agents[1].allocated_resources = crate::cluster::tests::make::resources("cpus:2");
    let added = task_added(running(OURS, "web.9", "A2", 5.0));
    let stream = [record(&subscribed(cluster(), 15.0)), record(&added)];
    let server = master(later, Reply::stream(stream)).await;
    let mut watched = Watched::master(&server.url);
    watched
        .until("live, with the event and the refresh", |view| {
            is_live(view)
                && view.tasks.find("web.9").is_some()
                && view.agents.find("A2").is_some_and(|agent| agent.used.cpus > 1.0)
                && view.master.version == "1.11.0"
        })
        .await;
    assert_eq!(
        (watched.view.master.url.as_str(), watched.view.master.id.as_str()),
        (server.url.as_str(), "M1")
    );
    let first = watched.view.history.iter().next().unwrap();
    assert_eq!(first.text, format!("connected to {}: 2 agents, 2 tasks", server.url));
    watched
        .until("the master is probed", |view| {
            view.components.find("master").is_some_and(|master| master.health == Health::Ready)
        })
        .await;
    watched.until("the scheduler is absent", |view| matches!(view.scheduler_link, Link::Absent { .. })).await;
}

#[tokio::test]
async fn a_master_that_refuses_its_stream_is_polled() {
    for status in ["403 Forbidden", "405 Method Not Allowed", "501 Not Implemented"] {
        let server = Server::start(move |request| match request.target().as_str() {
            "GET /state" => Reply::full(
                "200 OK",
                "Content-Type: application/json\r\n",
                &golden::body("05-master-legacy/16-GET-state"),
            ),
            _ => Reply::full(status, "", b"not for you"),
        })
        .await;
        let mut watched = Watched::master(&server.url);
        watched.until("polling", |view| matches!(view.master_link, Link::Polling { .. })).await;
        let Link::Polling { every, why, .. } = &watched.view.master_link else { unreachable!() };
        assert!(why.contains("not for you") && *every == Duration::from_secs(1), "{why}");
        assert_eq!((watched.view.agents.len(), watched.view.master.version.as_str()), (1, "1.11.0"));
        assert!(!watched.view.tasks.is_empty());
    }
}

#[tokio::test]
async fn what_cannot_be_used_is_said_in_clear_words() {
    let whole = record(&subscribed(cluster(), 15.0));
    let page = "Content-Type: text/html\r\n";
    let table = [
        (Reply::stream([whole.clone(), b"seven\n".to_vec()]), "what it says cannot be read: no length"),
        (Reply::stream([b"9999999999\n".to_vec()]), "over the limit"),
        (Reply::stream([b"2\n\xff\xff".to_vec()]), "what it says cannot be read"),
        (Reply::stream([whole.clone()]).then_close(), "the stream broke off"),
        (Reply::stream([record(&subscribed(cluster(), 0.02))]), "nothing was heard"),
        (Reply::full("200 OK", page, b"<html>"), "a web page"),
        (
            Reply::full("404 Not Found", page, b"<html>"),
            "its event stream is refused (status 404 and a web page), and its /state",
        ),
        (Reply::full("503 Service Unavailable", "", b""), "it is not ready"),
        (Reply::raw(b"\x15\x03\x01\x00\x02\x02\x46"), "TLS is not spoken here"),
    ];
    for (reply, words) in table {
        let server = Server::start(move |_| reply.clone()).await;
        let problem = Watched::master(&server.url).problem().await;
        assert!(problem.contains(words), "{problem}");
    }
    let problem = Watched::master(&Dead::new().url).problem().await;
    assert!(problem.ends_with("does not answer: Connection refused (os error 111)"), "{problem}");
    let problem = Watched::master("https://127.0.0.1:5050").problem().await;
    assert!(problem.contains("wants TLS, which is not spoken here"), "{problem}");
}

#[tokio::test]
async fn the_leader_is_followed() {
    let leader = master(cluster(), Reply::stream([record(&subscribed(cluster(), 15.0))])).await;
    let location = leader.url.strip_prefix("http:").unwrap().to_owned();
    let follower = Server::start(move |_| {
        Reply::full("307 Temporary Redirect", &format!("Location: {location}/api/v1\r\n"), b"")
    })
    .await;
    let mut watched = Watched::master(&format!("{},{}", Dead::new().url, follower.url));
    watched.until("live", is_live).await;
    assert_eq!(watched.view.master.url, leader.url);
}

#[tokio::test]
async fn a_lab_that_died_is_found_where_it_was_healed() {
    let first = master(cluster(), Reply::stream([record(&subscribed(cluster(), 15.0))]).then_close()).await;
    let mut healed = cluster();
    healed.tasks.push(running(OURS, "web.9", "A2", 5.0));
    let second = master(healed.clone(), Reply::stream([record(&subscribed(healed, 15.0))])).await;
    let place = Arc::new(Mutex::new(Ok(first.url.clone())));
    let known = Arc::clone(&place);
    let mut watched = Watched::start(move || {
        let url: Result<String, String> = known.lock().unwrap().clone();
        url.map(|master| Addresses { master, ..Addresses::default() })
    });
    watched.until("live", is_live).await;
    let key = watched.view.tasks.key("web.0");
    *place.lock().unwrap() = Err("the lab is down".to_owned());
    watched
        .until(
            "down",
            |view| matches!(&view.master_link, Link::Lost { problem, .. } if problem == "the lab is down"),
        )
        .await;
    watched
        .until("its parts are down", |view| {
            view.components.find("master").is_some_and(|master| master.state == "the lab is down")
        })
        .await;
    *place.lock().unwrap() = Ok(second.url.clone());
    watched.until("live again", |view| is_live(view) && view.tasks.find("web.9").is_some()).await;
    assert_eq!(
        (watched.view.tasks.key("web.0"), watched.view.master.url.as_str()),
        (key, second.url.as_str())
    );
}

#[tokio::test]
async fn the_scheduler_is_followed_and_missed() {
    let Change::Scheduler(snapshot) = scheduler_snapshot(Vec::new()) else { unreachable!() };
    let block = |event: &api::Event| {
        format!("event: x\ndata: {}\n\n", serde_json::to_string(event).unwrap()).into_bytes()
    };
    let first = block(&snapshot);
    let count = AtomicUsize::new(0);
    let server = Server::start(move |request| {
        let is_first = count.fetch_add(1, Ordering::Relaxed) == 0;
        match request.target().as_str() {
            "GET /v1/events" if is_first => {
                Reply::stream([first.clone(), b"data: {\"type\": \"odd\"}\n\n".to_vec()])
            }
            "GET /v1/events" => Reply::stream([first.clone()]),
            _ => Reply::full("404 Not Found", "", b""),
        }
    })
    .await;
    let dead = Dead::new();
    let (master, scheduler) = (dead.url.clone(), Some(server.url.clone()));
    let mut watched = Watched::start(move || {
        Ok(Addresses { master: master.clone(), scheduler: scheduler.clone(), ..Addresses::default() })
    });
    watched.until("subscribed", |view| view.scheduler.is_some()).await;
    watched.until("garbled", |view| matches!(&view.scheduler_link, Link::Lost { problem, .. } if problem.contains("cannot be read"))).await;
    watched.until("live again", |view| matches!(view.scheduler_link, Link::Live { .. })).await;
}

#[tokio::test]
async fn a_slow_reader_loses_nothing_and_no_order() {
    let added = |n: usize| record(&task_added(running(OURS, &format!("t{n}"), "A1", n as f64)));
    let all = (0..500).flat_map(added).collect();
    let stream = [record(&subscribed(Snapshot::default(), 15.0)), all];
    let server = master(Snapshot::default(), Reply::stream(stream)).await;
    let (sender, mut changes) = mpsc::channel(1);
    let (tasks, master) = (Tasks::new(), server.url.clone());
    let locate = move || Ok(Addresses { master: master.clone(), ..Addresses::default() });
    start(&tasks, Clock::start(), Arc::new(locate), sender);
    let mut ids = Vec::new();
    while ids.len() < 500 {
        let change = tokio::time::timeout(PATIENCE, changes.recv()).await.unwrap().unwrap();
        if let Change::Event(event) = change {
            ids.extend(event.task_added.map(|added| added.task.task_id.value));
        }
    }
    assert_eq!(ids, (0..500).map(|n| format!("t{n}")).collect::<Vec<_>>());
    tasks.cancel();
}

#[tokio::test]
async fn feeds_end_when_nobody_listens() {
    let (sender, changes) = mpsc::channel(1);
    let feed = Feed::new(Clock::start(), Arc::new(|| Err("nowhere".to_owned())), sender);
    drop(changes);
    let ended = feed.clone().until_nobody_listens(std::future::pending());
    tokio::time::timeout(PATIENCE, ended).await.expect("it ends");
}
