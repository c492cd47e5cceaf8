//! The clients against a server that says what a real one might.

pub(crate) mod server;

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use prost::Message;
use serde_json::json;

use server::{Received, Reply, Server, record};

use crate::{
    client::{
        ClientError, Http,
        agent_files::{AgentFiles, sandbox},
        masters::Masters,
        operator::Operator,
        published::Published,
        scheduler::subscribe,
        scheduler_api::SchedulerApi,
    },
    mesos::v1::{
        self, FrameworkId,
        scheduler::{Call, Event, call, event},
    },
    scheduler::api,
};

fn event(kind: event::Type) -> Event {
    Event { r#type: Some(kind.into()), ..Event::default() }
}

fn subscribed(heartbeat: f64) -> Event {
    let subscribed = event::Subscribed {
        framework_id: FrameworkId::new("f1"),
        heartbeat_interval_seconds: Some(heartbeat),
        master_info: None,
    };
    Event { subscribed: Some(subscribed), ..event(event::Type::Subscribed) }
}

fn subscribe_call() -> Call {
    Call { r#type: Some(call::Type::Subscribe.into()), ..Call::default() }
}

#[tokio::test]
async fn records_are_found_whatever_the_pieces_they_come_in() {
    let bytes = [
        record(&subscribed(15.0)),
        record(&event(event::Type::Heartbeat)),
        record(&event(event::Type::Offers)),
    ];
    let pieces: Vec<_> = bytes.concat().chunks(3).map(<[u8]>::to_vec).collect();
    let server = Server::start(move |request: &Received| {
        match Call::decode(request.body.as_slice()).unwrap().r#type() {
            call::Type::Subscribe => Reply::stream(pieces.clone()),
            _ => Reply::full("202 Accepted", "", b""),
        }
    })
    .await;
    let mut masters = Masters::parse(&server.url).unwrap();
    let (caller, mut events) = subscribe(&Http::new(), &mut masters, &subscribe_call()).await.unwrap();
    for kind in [event::Type::Subscribed, event::Type::Heartbeat, event::Type::Offers] {
        assert_eq!(events.next().await.unwrap().r#type(), kind);
    }
    let revive = Call { r#type: Some(call::Type::Revive.into()), ..Call::default() };
    caller.call(&revive).await.unwrap();
    let received = server.received();
    assert_eq!(received[0].target(), "POST /api/v1/scheduler");
    assert_eq!(received[0].header("accept").unwrap(), "application/x-protobuf");
    assert_eq!(received[1].header("mesos-stream-id").unwrap(), "stream-1");
}

#[tokio::test]
async fn a_stream_that_ends_falls_silent_or_is_garbled_is_told_apart() {
    let whole = record(&subscribed(0.05));
    let half = record(&event(event::Type::Heartbeat))[..1].to_vec();
    let table = [
        (Reply::stream([whole.clone()]), "silent"),
        (Reply::stream([whole.clone(), half]).then_close(), "closed"),
        (Reply::stream([whole.clone()]).then_close(), "closed"),
        (Reply::stream([whole.clone(), b"seven\n".to_vec()]), "malformed"),
        (Reply::stream([whole, b"2\n\xff\xff".to_vec()]), "malformed"),
    ];
    for (reply, expected) in table {
        let server = Server::start(move |_| reply.clone()).await;
        let mut masters = Masters::parse(&server.url).unwrap();
        let (_, mut events) = subscribe(&Http::new(), &mut masters, &subscribe_call()).await.unwrap();
        events.next().await.unwrap();
        let end = match events.next().await.unwrap_err() {
            ClientError::Silent(_) => "silent",
            ClientError::Closed(_) => "closed",
            ClientError::Malformed(_) => "malformed",
            other => panic!("{other}"),
        };
        assert_eq!(end, expected);
    }
}

#[tokio::test]
async fn finds_the_leader_among_the_dead_and_the_followers() {
    let leader = Server::start(|_| Reply::stream([record(&subscribed(15.0))])).await;
    let location = leader.url.strip_prefix("http:").unwrap().to_owned();
    let follower = Server::start(move |_| {
        Reply::full("307 Temporary Redirect", &format!("Location: {location}/api/v1/scheduler\r\n"), b"")
    })
    .await;
    let dead = server::Dead::new();
    let mut masters = Masters::new([&dead.url, &follower.url]).unwrap();
    let refused = subscribe(&Http::new(), &mut masters, &subscribe_call()).await.err().unwrap();
    assert!(matches!(&refused, ClientError::Unreachable { .. }), "{refused}");
    subscribe(&Http::new(), &mut masters, &subscribe_call()).await.unwrap();
    assert_eq!(masters.current().as_str(), format!("{}/", leader.url));
}

#[tokio::test]
async fn a_refusal_keeps_its_status_and_words() {
    let server = Server::start(|_| Reply::full("400 Bad Request", "", b"Framework cannot be found")).await;
    let mut masters = Masters::parse(&server.url).unwrap();
    let refused = subscribe(&Http::new(), &mut masters, &subscribe_call()).await.err().unwrap();
    assert_eq!((refused.status(), refused.to_string().as_str()), (Some(400), "Framework cannot be found"));
}

#[tokio::test]
async fn two_masters_that_point_at_each_other_are_no_endless_loop() {
    let server = Server::start(|request| {
        let other =
            if request.header("host").unwrap().starts_with("localhost") { "127.0.0.1" } else { "localhost" };
        let port = request.header("host").unwrap().rsplit(':').next().unwrap().to_owned();
        Reply::full("307 Temporary Redirect", &format!("Location: //{other}:{port}/\r\n"), b"")
    })
    .await;
    let mut masters = Masters::parse(&server.url).unwrap();
    let error = subscribe(&Http::new(), &mut masters, &subscribe_call()).await.err().unwrap();
    assert!(matches!(error, ClientError::NoLeader(_)), "{error}");
}

#[tokio::test]
async fn the_operator_asks_the_leader() {
    use v1::master::{Response, response};
    let leader = Server::start(|_| {
        let get_agents = response::GetAgents {
            agents: vec![response::get_agents::Agent {
                agent_info: v1::AgentInfo {
                    id: Some("a1".into()),
                    hostname: "h".to_owned(),
                    ..Default::default()
                },
                pid: Some("slave(1)@127.0.0.1:5051".to_owned()),
                ..Default::default()
            }],
            ..Default::default()
        };
        Reply::message(&Response { get_agents: Some(get_agents), ..Response::default() })
    })
    .await;
    let location = leader.url.clone();
    let follower = Server::start(move |_| {
        Reply::full("307 Temporary Redirect", &format!("Location: {location}\r\n"), b"")
    })
    .await;
    let operator = Operator::new(Http::new(), Masters::parse(&follower.url).unwrap());
    assert_eq!(operator.agent_url(&"a1".into()).await.unwrap().as_str(), "http://127.0.0.1:5051/");
    assert!(operator.agent_url(&"a2".into()).await.is_err());
    assert!(operator.get_state().await.is_err(), "answered with something else");
    assert_eq!(follower.received().len(), 1, "the leader is remembered");
    let published = Published::new([("h", "http://127.0.0.2:5051")]);
    let masters = Masters::parse(&leader.url).unwrap().published_at(published);
    let here = Operator::new(Http::new(), masters).agent_url(&"a1".into()).await;
    assert_eq!(here.unwrap().as_str(), "http://127.0.0.2:5051/", "where its lab publishes it");
}

#[tokio::test]
async fn a_followed_file_is_read_as_it_grows() {
    use v1::agent::{Call, Response, response};
    let size = AtomicUsize::new(2);
    let agent = Server::start(move |request| {
        let read = Call::decode(request.body.as_slice()).unwrap().read_file.unwrap();
        let text = b"abcdef";
        let end = size.fetch_add(2, Ordering::Relaxed).min(text.len());
        let data = text[(read.offset as usize).min(end)..end].to_vec().into();
        let read_file = response::ReadFile { size: end as u64, data };
        Reply::message(&Response { read_file: Some(read_file), ..Response::default() })
    })
    .await;
    let files = AgentFiles::new(Http::new(), &agent.url).unwrap();
    let path = format!("{}/stdout", sandbox(&"f".into(), &"t".into()));
    let mut follow = files.follow(&path, 1);
    let mut text = Vec::new();
    while text.len() < 5 {
        text.extend_from_slice(&follow.next().await.unwrap());
    }
    assert_eq!(text, b"bcdef");
    assert!(follow.available().await.unwrap().is_empty());
}

#[tokio::test]
async fn the_schedulers_errors_and_events_are_read() {
    let server = Server::start(|request| match request.target().as_str() {
        "GET /v1/events" => {
            let event = api::Event::Offers {
                offers: 1,
                accepted: 0,
                declined: 1,
                launched: Vec::new(),
                views: Vec::new(),
            };
            let data = serde_json::to_string(&event).unwrap();
            Reply::stream([
                b":\n\n".to_vec(),
                b"id: 1\nev".to_vec(),
                format!("ent: offers\ndata: {data}\n\n").into(),
            ])
        }
        "POST /v1/tasks/a%2Fb/kill" => Reply::full("404 Not Found", "", br#"{"message": "no such task"}"#),
        _ => {
            let body =
                json!({"message": "invalid", "details": [{"field": "cpus", "message": "must be 0 or more"}]});
            Reply::full("422 Unprocessable Entity", "", body.to_string().as_bytes())
        }
    })
    .await;
    let scheduler = SchedulerApi::new(Http::new(), &server.url).unwrap();
    let error = scheduler.patch_config(&json!({"cpus": -1})).await.unwrap_err();
    assert_eq!(error.to_string(), "invalid; `cpus`: must be 0 or more");
    assert_eq!(scheduler.kill("a/b").await.unwrap_err().status(), Some(404));
    let mut events = scheduler.events().await.unwrap();
    assert!(matches!(events.next().await.unwrap(), api::Event::Offers { declined: 1, .. }));
    let late = tokio::time::timeout(Duration::from_millis(20), events.next()).await;
    assert!(late.is_err(), "comments are no events");
    events.patience = Duration::from_millis(20);
    let silent = events.next().await.unwrap_err();
    assert!(matches!(silent, ClientError::Silent(patience) if patience == events.patience), "{silent}");
}

#[tokio::test]
async fn what_is_no_mesos_is_said_in_clear_words() {
    use crate::client::http::base_url;
    let page = "Content-Type: text/html; charset=utf-8\r\n";
    let table = [
        (Reply::raw(b"\x15\x03\x01\x00\x02\x02\x46"), "TLS is not spoken here"),
        (Reply::full("200 OK", page, b"<!doctype html>"), "a web page, as no Mesos sends it"),
        (Reply::full("404 Not Found", page, b"<html>"), "status 404 and a web page"),
    ];
    for (reply, words) in table {
        let server = Server::start(move |_| reply.clone()).await;
        let operator = Operator::new(Http::new(), Masters::parse(&server.url).unwrap());
        let error = operator.get_health().await.unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
    let error = base_url("https://127.0.0.1:5050").unwrap_err().to_string();
    assert_eq!(
        error,
        "`https://127.0.0.1:5050` wants TLS, which is not spoken here; name an http:// address"
    );
}
