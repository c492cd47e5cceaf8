//! Group 14: health checks, checks, a kill policy, the longest time of a task.

use std::{net::Ipv4Addr, time::Duration};

use mesoslab::runtime::Tasks;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpSocket},
};

use super::task;
use crate::replay::{
    cluster::{Cluster, Setup},
    session::{Session, master_id},
    verdict::judge,
};

const STREAM: &str = "14-task-features/01-SUBSCRIBE-stream";

/// A server that says that it is well; its port.
async fn server(tasks: &Tasks) -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let connections = tasks.clone();
    tasks.spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            connections.spawn(async move {
                let mut request = vec![0; 4096];
                if stream.read(&mut request).await.is_ok_and(|size| size > 0) {
                    let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
                    stream.write_all(answer).await.unwrap_or_default();
                }
            });
        }
    });
    port
}

/// The tasks of the recording. What they serve there, `servers` serve here.
fn tasks(agent: &Value, servers: &[u16]) -> Vec<Value> {
    let with = |id: &str, command: &str, more: Value| {
        let mut task = task(id, command, agent);
        let fields = more.as_object().into_iter().flatten();
        fields.for_each(|(name, value)| task[name] = value.clone());
        task
    };
    let nanoseconds = |seconds: u64| json!({ "nanoseconds": seconds * 1_000_000_000 });
    let http = json!({ "port": servers[0], "path": "/", "statuses": [200] });
    let times = json!({ "delay_seconds": 1, "interval_seconds": 1, "grace_period_seconds": 5 });
    let check = |kind: &str, name: &str, what: Value, times: &Value| {
        let mut check = times.clone();
        (check["type"], check[name]) = (json!(kind), what);
        check
    };
    let well = json!({
        "delay_seconds": 0, "interval_seconds": 1, "timeout_seconds": 5, "grace_period_seconds": 1,
        "consecutive_failures": 3,
    });
    let flips = json!({
        "delay_seconds": 0, "interval_seconds": 0.5, "grace_period_seconds": 0, "consecutive_failures": 3,
    });
    let often = json!({ "delay_seconds": 0, "interval_seconds": 0.5 });
    let command = |line: &str| json!({ "value": line });
    let test = json!({ "command": command("test -e x") });
    let trap = "trap \"echo got TERM\" TERM; while true; do sleep 0.1; done";
    let flip = "sleep 2; touch bad; sleep 1000";
    vec![
        with(
            "hc-cmd-ok",
            "sleep 1000",
            json!({ "health_check": check("COMMAND", "command", command("true"), &well) }),
        ),
        with(
            "hc-cmd-flip",
            flip,
            json!({ "health_check": check("COMMAND", "command", command("test ! -e bad"), &flips) }),
        ),
        with("hc-http", "exec sleep 1000", json!({ "health_check": check("HTTP", "http", http, &times) })),
        with(
            "hc-tcp",
            "exec sleep 1000",
            json!({ "health_check": check("TCP", "tcp", json!({ "port": servers[1] }), &times) }),
        ),
        with(
            "ck-cmd",
            "sleep 1; touch x; sleep 1000",
            json!({ "check": check("COMMAND", "command", test, &often) }),
        ),
        with(
            "ck-tcp",
            "sleep 1000",
            json!({ "check": check("TCP", "tcp", json!({ "port": servers[2] }), &often) }),
        ),
        with("maxc", "sleep 1000", json!({ "max_completion_time": nanoseconds(2) })),
        with("kp", trap, json!({ "kill_policy": { "grace_period": nanoseconds(2) } })),
    ]
}

/// Whether as many updates of each task have come as were recorded before anything was killed.
fn all_have_been_checked(statuses: &[Value]) -> bool {
    let recorded = [
        ("hc-cmd-ok", "TASK_RUNNING", 2),
        ("hc-cmd-flip", "TASK_KILLED", 1),
        ("hc-http", "TASK_RUNNING", 2),
        ("hc-tcp", "TASK_RUNNING", 2),
        ("ck-cmd", "TASK_RUNNING", 3),
        ("ck-tcp", "TASK_RUNNING", 2),
        ("maxc", "TASK_FAILED", 1),
        ("kp", "TASK_RUNNING", 1),
    ];
    recorded.iter().all(|(task, state, count)| {
        let of = |status: &&Value| status["task_id"]["value"] == *task && status["state"] == *state;
        statuses.iter().filter(of).count() >= *count
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn task_features() {
    let background = Tasks::new();
    // A port that nobody listens on, and nobody else can take.
    let silent = TcpSocket::new_v4().unwrap();
    silent.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let silent_port = silent.local_addr().unwrap().port();
    let servers = vec![server(&background).await, server(&background).await, silent_port];
    let offer_timeout = Some(Duration::from_secs(60 * 60));
    let cluster = Cluster::start(Setup { offer_timeout, ..Setup::new(master_id("14-")) }).await;
    cluster.start_agent().await;
    let mut s = Session::new(&cluster);
    s.open(STREAM).await;
    s.launch(STREAM, 1.0, |agent| tasks(agent, &servers)).await;
    s.acknowledge_while(STREAM, "every check", |statuses| !all_have_been_checked(statuses)).await;
    for name in ["03-KILL-kp", "04-KILL-hc-http"] {
        s.perform(&format!("14-task-features/{name}")).await;
    }
    s.acknowledge_until(STREAM, &[("kp", "TASK_KILLED"), ("hc-http", "TASK_KILLED")]).await;
    s.offered(STREAM, 3.6).await;
    for name in ["50-GET_TASKS-healthy", "51-state", "05-RECONCILE"] {
        s.perform(&format!("14-task-features/{name}")).await;
    }
    let reconciled = |statuses: &[Value]| {
        statuses.iter().filter(|status| status["reason"] == "REASON_RECONCILIATION").count() == 4
    };
    s.acknowledge_while(STREAM, "four reconciled", |statuses| !reconciled(statuses)).await;
    s.call(STREAM, json!({ "type": "TEARDOWN" })).await;
    s.ended(STREAM).await;
    s.close(STREAM).await;
    let done = s.done;
    let place = crate::replay::normal::Place { servers, ..cluster.place() };
    judge("14", &["14-"], &place, &done);
    cluster.stop().await;
    background.stop().await;
}
