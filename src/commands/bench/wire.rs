//! What it takes that master and agents are processes of their own: how soon many agents are registered, what each
//! weighs, how soon their tasks run, and how many messages a link carries.

use std::{
    fs,
    io::{self, BufRead, BufReader},
    net::Ipv4Addr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{net::TcpListener, sync::mpsc};

use super::{Figure, MANY, framework::Framework, millis, system};
use crate::{
    client::{Http, masters::Masters, operator::Operator},
    error::{Context, Failure, Result},
    host::{
        http::{Options, Receipt, Router, serve},
        libprocess::{Peer, PeerLimits},
        networks::Networks,
    },
    mesos::upid::Upid,
    provider::ready::{self, NotReady},
    runtime::{Clock, Tasks},
};

const PATIENCE: Duration = Duration::from_secs(60);

/// From one look at the master to the next.
const LOOK: Duration = Duration::from_millis(2);

/// Numbers of agents in one process.
const AGENTS: [usize; 3] = [1, 100, 1000];

/// Messages for the figure of a link, and the bytes of each: those of a status update.
const MESSAGES: usize = 200_000;
const BODY: usize = 300;

/// # Errors
/// When a process cannot be started, or does not become what it should.
pub async fn measure(clock: Clock, runs: usize, step: impl Fn(&'static str)) -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    step("agents as processes of their own");
    for count in AGENTS {
        figures.extend(registration(clock, runs, count).await?);
    }
    step("tasks on an agent process");
    figures.extend(launches(clock, runs).await?);
    step("messages over a link");
    let mut rates = Vec::new();
    for _ in 0..runs {
        rates.push(messages_per_second(clock).await?);
    }
    figures.push(Figure::of("libprocess messages over one link", "1000/s", rates, None));
    Ok(figures)
}

async fn registration(clock: Clock, runs: usize, count: usize) -> Result<Vec<Figure>> {
    let (mut times, mut agents, mut masters) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..runs {
        let master = Served::master()?;
        let empty = system::proportional_memory(master.pid())?;
        let start = clock.now();
        let agent = Served::agents(&master, count)?;
        master.wait_for_agents(clock, count).await?;
        times.push(millis(clock, start));
        let each = |kilobytes: f64| kilobytes / count as f64;
        agents.push(each(system::proportional_memory(agent.pid())?));
        masters.push(each(system::proportional_memory(master.pid())? - empty));
    }
    let start = format!("{count} agents of one process, from its start to all registered");
    let start = if count == 1 { "one agent process, from its start to registered".to_owned() } else { start };
    let mut figures = vec![Figure::of(start, "ms", times, (count == 1).then_some(60.0))];
    if count > 1 {
        let agent = format!("memory of each of {count} agents of one process");
        figures.push(Figure::of(agent, "KB (PSS)", agents, Some(76_000.0)));
        figures.push(Figure::of(
            format!("memory in the master for each of {count}"),
            "KB (PSS)",
            masters,
            None,
        ));
    }
    Ok(figures)
}

async fn launches(clock: Clock, runs: usize) -> Result<Vec<Figure>> {
    let master = Served::master()?;
    let _agent = Served::agents(&master, 1)?;
    master.wait_for_agents(clock, 1).await?;
    let (mut one, mut many) = (Vec::new(), Vec::new());
    for _ in 0..runs * 4 {
        one.push(launch(&master, clock, 1).await?);
    }
    for _ in 0..runs {
        many.push(launch(&master, clock, MANY).await?);
    }
    Ok(vec![
        Figure::of("one task on an agent process, ACCEPT to TASK_RUNNING", "ms", one, Some(90.0)),
        Figure::of("100 tasks on an agent process, all TASK_RUNNING", "ms", many, Some(6100.0)),
    ])
}

async fn launch(master: &Served, clock: Clock, count: usize) -> Result<f64> {
    let mut framework = Framework::subscribe(&master.url).await.context("subscribe")?;
    let offer = framework.offer().await.context("wait for an offer")?;
    let start = clock.now();
    framework.launch(offer, count).await.context("launch")?;
    framework.all_running(count).await.context("wait for the tasks")?;
    let time = millis(clock, start);
    framework.teardown().await.context("tear down")?;
    Ok(time)
}

/// Thousands of messages a second from one process to another, both in this one.
async fn messages_per_second(clock: Clock) -> Result<f64> {
    let tasks = Tasks::new();
    let received = Arc::new(AtomicUsize::new(0));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    let count = Arc::clone(&received);
    let router = Router::new("master").messages(move |_| {
        count.fetch_add(1, Ordering::Relaxed);
        Receipt::Accepted
    });
    tasks.spawn(serve(listener, tasks.clone(), clock, router, Options::default()));
    let (events, _broken) = mpsc::unbounded_channel();
    let limits = PeerLimits { queued: MESSAGES * BODY * 4, ..PeerLimits::default() };
    let peer = Peer::start(&tasks, address, Networks::loopback(), limits, events);
    let (to, body) = (Upid::new("master", address), bytes::Bytes::from(vec![0; BODY]));
    let start = clock.now();
    peer.link(address);
    for _ in 0..MESSAGES {
        peer.send("slave(1)", &to, "mesos.internal.StatusUpdateMessage", body.clone());
    }
    let all = async || match received.load(Ordering::Relaxed) {
        MESSAGES => Ok(()),
        some => Err(NotReady(format!("{some} of {MESSAGES} messages have arrived"))),
    };
    ready::until(clock, PATIENCE, all).await.map_err(|error| Failure::failed(error.to_string()))?;
    let rate = MESSAGES as f64 / millis(clock, start);
    tasks.stop().await;
    Ok(rate)
}

/// A component as a process, killed with its directory when this is dropped.
struct Served {
    child: Child,
    directory: PathBuf,
    url: String,
}

impl Served {
    fn master() -> Result<Self> {
        Self::start(|directory| {
            vec![
                "master".into(),
                "--port=0".into(),
                "--registry=in_memory".into(),
                format!("--work_dir={directory}"),
            ]
        })
    }

    fn agents(master: &Self, count: usize) -> Result<Self> {
        let master = master.url.trim_start_matches("http://").to_owned();
        Self::start(|directory| {
            vec![
                "agent".into(),
                format!("--master={master}"),
                format!("--count={count}"),
                format!("--work_dir={directory}"),
                "--port=0".into(),
                "--registration_backoff_factor=1ms".into(),
                "--resources=cpus:100;mem:100000;disk:1000;ports:[31000-32000]".into(),
            ]
        })
    }

    /// Starts it, and reads the address from the line that it greets with.
    fn start(arguments: impl FnOnce(&str) -> Vec<String>) -> Result<Self> {
        let directory =
            std::env::temp_dir().join(format!("mesoslab-bench-{}", uuid::Uuid::new_v4().simple()));
        fs::create_dir_all(&directory)?;
        let mut child = Command::new(std::env::current_exe()?)
            .arg("serve")
            .args(arguments(&directory.display().to_string()))
            .env("MESOSLAB_LOG", "off")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let stderr = child.stderr.take();
        let mut served = Self { child, directory, url: String::new() };
        let mut lines = BufReader::new(stderr.ok_or_else(|| io::Error::other("no stderr"))?).lines();
        let greeting = lines.find_map(|line| line.ok().filter(|line| line.contains("http://")));
        let greeting = greeting.ok_or_else(|| Failure::failed("a component ended before it listened"))?;
        served.url = address(&greeting);
        Ok(served)
    }

    fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Looks so often that the time until then is not that of the looks.
    async fn wait_for_agents(&self, clock: Clock, count: usize) -> Result<()> {
        let masters = Masters::parse(&self.url).context("find the master")?;
        let operator = Operator::new(Http::new(), masters);
        let deadline = clock.now() + PATIENCE;
        while active_agents(&operator).await? != count as f64 {
            if clock.now() > deadline {
                return Err(Failure::failed(format!("{count} agents are not registered after {PATIENCE:?}")));
            }
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    }
}

async fn active_agents(operator: &Operator) -> Result<f64> {
    let metrics = operator.get_metrics().await.context("ask for the metrics")?.metrics;
    let active = metrics.iter().find(|metric| metric.name == "master/slaves_active");
    Ok(active.and_then(|metric| metric.value).unwrap_or_default())
}

impl Drop for Served {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
        remove(&self.directory);
    }
}

/// A keeper that is just ending its tasks may still write there.
fn remove(directory: &Path) {
    for _ in 0..100 {
        if fs::remove_dir_all(directory).is_ok() || !directory.exists() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// `http://127.0.0.1:5050` in a line.
fn address(line: &str) -> String {
    let from = line.find("http://").unwrap_or_default();
    line[from..].split_whitespace().next().unwrap_or_default().to_owned()
}
