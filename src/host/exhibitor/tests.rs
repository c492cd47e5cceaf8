//! An Exhibitor over HTTP, on something that answers four-letter words as it is told to, and on child processes.

use std::{
    future::Future,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use reqwest::{Client, Method, StatusCode, header};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    sync::mpsc,
    time::timeout,
};

use super::{Config, ExhibitorHandle, Order, child, start};
use crate::{
    runtime::{Clock, Tasks},
    services::exhibitor::InstanceState,
};

const PATIENCE: Duration = Duration::from_secs(20);

async fn soon<T>(work: impl Future<Output = T>) -> T {
    timeout(PATIENCE, work).await.expect("not in time")
}

/// Whether it answers is the caller's to say.
async fn words(tasks: &Tasks) -> (String, Arc<AtomicBool>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let well = Arc::new(AtomicBool::new(true));
    let is_well = Arc::clone(&well);
    tasks.spawn(async move {
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut word = [0; 4];
            if socket.read_exact(&mut word).await.is_err() || !is_well.load(Ordering::SeqCst) {
                continue;
            }
            let answer = if &word == b"ruok" { "imok" } else { "Zxid: 0x1\nMode: standalone\n" };
            socket.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    (address, well)
}

struct Lab {
    tasks: Tasks,
    exhibitor: ExhibitorHandle,
    well: Arc<AtomicBool>,
    orders: mpsc::UnboundedReceiver<Order>,
}

impl Lab {
    async fn start() -> Self {
        let tasks = Tasks::new();
        let (zookeeper, well) = words(&tasks).await;
        let (sender, orders) = mpsc::unbounded_channel();
        let config = Config {
            check_every: Duration::from_millis(20),
            supervised: Some(sender),
            ..Config::new(zookeeper)
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let exhibitor = start(&tasks, Clock::start(), listener, config).unwrap();
        Self { tasks, exhibitor, well, orders }
    }

    async fn is(&self, state: InstanceState) {
        let mut judgement = self.exhibitor.judgement();
        soon(judgement.wait_for(|judgement| judgement.state == state)).await.unwrap();
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}/exhibitor/v1/{path}", self.exhibitor.endpoint())
    }

    async fn get(&self, path: &str) -> Value {
        let answer = Client::new().get(self.url(path)).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        answer.json().await.unwrap()
    }
}

#[tokio::test]
async fn a_zookeeper_that_falls_silent_is_started_again() {
    let mut lab = Lab::start().await;
    lab.is(InstanceState::Serving).await;
    let serving = json!([{"code": 3, "description": "serving", "hostname": "127.0.0.1", "isLeader": true}]);
    assert_eq!(lab.get("cluster/status").await, serving);
    lab.well.store(false, Ordering::SeqCst);
    assert_eq!(soon(lab.orders.recv()).await, Some(Order::Restart));
    lab.is(InstanceState::Down).await;
    assert_eq!(lab.get("cluster/state").await["state"], 1);
    assert_eq!(lab.get("cluster/4ltr/ruok").await, "");
    lab.well.store(true, Ordering::SeqCst);
    lab.is(InstanceState::Serving).await;
    assert_eq!(lab.exhibitor.restarts(), 1);
    let log = lab.get("cluster/log").await;
    assert!(log.as_str().unwrap().contains("Restarting ZooKeeper, which is down"), "{log}");
    lab.tasks.stop().await;
}

#[tokio::test]
async fn orders_come_from_operators_and_not_from_other_pages() {
    let mut lab = Lab::start().await;
    lab.is(InstanceState::Serving).await;
    let answer =
        Client::new().get(lab.url("cluster/stop")).header("Sec-Fetch-Site", "cross-site").send().await;
    assert_eq!(answer.unwrap().status(), StatusCode::FORBIDDEN);
    assert_eq!(lab.get("cluster/stop").await, json!({"message": "OK", "succeeded": true}));
    assert_eq!(soon(lab.orders.recv()).await, Some(Order::Stop));
    let there = lab.get("cluster/restart/localhost").await;
    assert_eq!(there["response"], json!({"message": "OK", "succeeded": true}));
    assert_eq!(soon(lab.orders.recv()).await, Some(Order::Restart));
    assert_eq!(lab.get("cluster/restart/elsewhere").await["success"], false);
    assert_eq!(lab.get("cluster/set/restarts/false").await["succeeded"], true);
    assert_eq!(lab.get("cluster/state").await["switches"]["restarts"], false);
    assert_eq!(lab.get("cluster/set/doors/false").await["message"], "Not found");
    assert!(lab.orders.try_recv().is_err());
    lab.tasks.stop().await;
}

#[tokio::test]
async fn lists_are_for_curator_and_for_people() {
    let lab = Lab::start().await;
    let port = lab.exhibitor.0.zookeeper.rsplit_once(':').unwrap().1;
    let form = Client::new()
        .get(lab.url("cluster/list"))
        .header(header::ACCEPT, "application/x-www-form-urlencoded")
        .send()
        .await
        .unwrap();
    assert_eq!(form.headers()[header::CONTENT_TYPE], "application/x-www-form-urlencoded");
    assert_eq!(form.text().await.unwrap(), format!("count=1&server0=127.0.0.1&port={port}"));
    assert_eq!(lab.get("cluster/list").await["servers"], json!(["127.0.0.1"]));
    let home = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let home = home.get(format!("http://{}/", lab.exhibitor.endpoint())).send().await.unwrap();
    assert_eq!(home.status(), StatusCode::FOUND);
    assert_eq!(home.headers()[header::LOCATION], "exhibitor/v1/ui/index.html");
    lab.tasks.stop().await;
}

#[tokio::test]
async fn settings_are_written_by_whoever_has_seen_the_last_ones() {
    let lab = Lab::start().await;
    lab.is(InstanceState::Serving).await;
    let client = Client::new();
    let first = client.get(lab.url("config/get-state")).send().await.unwrap();
    let tag = first.headers()[header::ETAG].clone();
    let state: Value = first.json().await.unwrap();
    assert_eq!(state["running"], true);
    assert_eq!(state["config"]["checkMs"], 20);
    let same = client.get(lab.url("config/get-state")).header(header::IF_NONE_MATCH, tag.clone());
    assert_eq!(same.send().await.unwrap().status(), StatusCode::NOT_MODIFIED);
    let set =
        |body: Value| client.post(lab.url("config/set")).header(header::IF_MATCH, tag.clone()).json(&body);
    let done: Value = set(json!({"checkMs": 150})).send().await.unwrap().json().await.unwrap();
    assert_eq!(done["succeeded"], true);
    assert_eq!(lab.get("config/get-state").await["config"]["checkMs"], 150);
    let late: Value = set(json!({"checkMs": 200})).send().await.unwrap().json().await.unwrap();
    assert_eq!(late["succeeded"], false);
    assert!(late["message"].as_str().unwrap().starts_with("It appears that another process"), "{late}");
    lab.tasks.stop().await;
}

#[tokio::test]
async fn nothing_is_written_that_may_not_be() {
    let lab = Lab::start().await;
    for method in [Method::PUT, Method::DELETE] {
        let answer =
            Client::new().request(method, lab.url("explorer/znode/a")).body("6f").send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    }
    let log = lab.get("cluster/log").await;
    assert!(log.as_str().unwrap().contains("Delete node request received. Path [/a]"), "{log}");
    for path in ["cluster/dance", "ui/other.html", "explorer/x", "config/x", "cluster", ""] {
        let answer = Client::new().get(lab.url(path)).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{path}");
    }
    lab.tasks.stop().await;
}

/// The process that has written its id last.
async fn process(file: &Path, other_than: &str) -> String {
    soon(async {
        loop {
            let text = std::fs::read_to_string(file).unwrap_or_default();
            if text.ends_with('\n') && text.trim() != other_than {
                return text.trim().to_owned();
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
}

fn runs(process: &str) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    !status.is_empty() && !status.contains(") Z ")
}

#[tokio::test]
async fn a_child_process_is_started_again_and_does_not_outlive_us() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("pid");
    let lab = Lab::start().await;
    let (orders, ordered) = mpsc::unbounded_channel();
    let command = format!("echo $$ > {}; sleep 1000", file.display());
    child::supervise(&lab.tasks, lab.exhibitor.clone(), command, ordered);
    let first = process(&file, "").await;
    orders.send(Order::Restart).unwrap();
    let second = process(&file, &first).await;
    assert!(!runs(&first) && runs(&second));
    orders.send(Order::Start).unwrap();
    orders.send(Order::Stop).unwrap();
    soon(async {
        while runs(&second) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    orders.send(Order::Start).unwrap();
    let third = process(&file, &second).await;
    lab.tasks.stop().await;
    assert!(!runs(&third));
}

#[tokio::test]
async fn the_end_of_a_child_process_is_told() {
    let mut lab = Lab::start().await;
    lab.is(InstanceState::Serving).await;
    let (_orders, ordered) = mpsc::unbounded_channel();
    child::supervise(&lab.tasks, lab.exhibitor.clone(), "exit 3".to_owned(), ordered);
    assert_eq!(soon(lab.orders.recv()).await, Some(Order::Restart));
    let log = lab.get("cluster/log").await;
    assert!(log.as_str().unwrap().contains("ZooKeeper has ended: exit status: 3"), "{log}");
    lab.tasks.stop().await;
}
