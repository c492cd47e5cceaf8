//! A master, an agent and a Marathon in this process.

use std::{
    future::Future,
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use mesoslab::{
    client::masters::Masters,
    engine::{agent::AgentConfig, master::MasterConfig},
    host::{
        agent,
        marathon::{self, Config, MarathonHandle, Place},
        master,
    },
    mesos::{resources::Resources, v1::AgentInfo},
    runtime::{Clock, Tasks},
};
use serde_json::Value;
use tokio::net::TcpListener;

/// What the tests wait for at most.
pub const PATIENCE: Duration = Duration::from_secs(30);

pub struct Lab {
    pub dir: tempfile::TempDir,
    tasks: Tasks,
    clock: Clock,
    master: String,
    pub marathon: Option<MarathonHandle>,
    place: Place,
    address: SocketAddr,
    http: reqwest::Client,
}

/// What was answered.
#[derive(Debug)]
pub struct Answered {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub text: String,
}

impl Answered {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }
}

/// Once the port is free: it may be the near end of somebody's connection for a moment.
pub async fn listener(port: u16) -> TcpListener {
    until("the port", async || TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.ok()).await
}

impl Lab {
    pub async fn up() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let place = Place::Dir(dir.path().join("marathon"));
        Self::with(dir, place).await
    }

    /// With Marathon's state in this place.
    pub async fn with(dir: tempfile::TempDir, place: Place) -> Self {
        let (tasks, clock) = (Tasks::new(), Clock::start());
        let master = master::start(&tasks, clock, listener(0).await, MasterConfig::default()).unwrap();
        let info = AgentInfo {
            hostname: "localhost".into(),
            resources: Resources::parse("cpus:8;mem:4096;disk:1024;ports:[31000-32000]", "*")
                .unwrap()
                .to_protos(),
            ..AgentInfo::default()
        };
        let work_dir = dir.path().join("agent").display().to_string();
        let config = agent::Config::new(AgentConfig::new(info, work_dir));
        agent::start(&tasks, clock, listener(0).await, config, master.clone()).unwrap();
        let mut lab = Self {
            dir,
            tasks,
            clock,
            master: format!("http://{}", master.endpoint()),
            marathon: None,
            place,
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            http: reqwest::Client::builder()
                .no_proxy()
                .redirect(reqwest::redirect::Policy::none())
                .build()
                .unwrap(),
        };
        lab.start_marathon().await;
        lab
    }

    /// On another port, as others may have taken the one before; with what it has kept.
    pub async fn start_marathon(&mut self) {
        let config = Config::new(Masters::parse(&self.master).unwrap(), self.place.clone());
        let listener = listener(0).await;
        let handle = marathon::start(&self.tasks, self.clock, listener, config).await.unwrap();
        self.address = handle.address();
        handle.subscribed().await;
        self.marathon = Some(handle);
    }

    /// Looks at Marathon behind its API.
    pub fn with_marathon<T>(&self, look: impl FnOnce(&mesoslab::services::marathon::Marathon) -> T) -> T {
        self.marathon.as_ref().unwrap().with(look).unwrap()
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub async fn send(&self, request: reqwest::RequestBuilder) -> Answered {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Answered { status, headers, text: response.text().await.unwrap() }
    }

    pub fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        self.http.request(method, format!("{}{path}", self.url()))
    }

    pub async fn ask(&self, method: &str, path: &str) -> Answered {
        self.send(self.request(method, path)).await
    }

    pub async fn put(&self, method: &str, path: &str, body: Value) -> Answered {
        self.send(self.request(method, path).json(&body)).await
    }

    /// The ids of the tasks that run, once there are so many and no deployment is under way.
    pub async fn running(&self, count: usize) -> Vec<String> {
        until(&format!("{count} tasks"), async || {
            let tasks = self.ask("GET", "/v2/tasks?status=running").await.json();
            let deployments = self.ask("GET", "/v2/deployments").await.json();
            let tasks = tasks["tasks"].as_array()?;
            let ids = tasks
                .iter()
                .map(|task| task["id"].as_str().map(str::to_owned))
                .collect::<Option<Vec<_>>>()?;
            (ids.len() == count && deployments.as_array()?.is_empty()).then_some(ids)
        })
        .await
    }

    pub async fn down(self) {
        self.tasks.stop().await;
    }
}

/// Asks until there is an answer.
pub async fn until<T, F: Future<Output = Option<T>>>(what: &str, mut ask: impl FnMut() -> F) -> T {
    let asking = async {
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, asking).await.unwrap_or_else(|_| panic!("{what} did not come"))
}
