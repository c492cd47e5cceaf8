//! Several masters in one process, over a ZooKeeper of our own, with an agent that follows the seat.

use tempfile::TempDir;
use tokio::time::timeout;

use super::*;
use crate::{
    client::zookeeper::{Config as ClientConfig, ZooKeeper},
    engine::{agent::AgentConfig, master::MasterConfig},
    host::{
        agent::{self, AgentHandle},
        zookeeper,
    },
    mesos::v1::AgentInfo,
    services,
};

const PATIENCE: Duration = Duration::from_secs(20);

struct Lab {
    tasks: Tasks,
    clock: Clock,
    url: ZooKeeperUrl,
    seat: Seat,
    _directory: TempDir,
    agent: AgentHandle,
}

impl Drop for Lab {
    fn drop(&mut self) {
        self.tasks.cancel();
    }
}

async fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}

impl Lab {
    async fn start() -> Self {
        let (tasks, clock, seat) = (Tasks::new(), Clock::start(), Seat::default());
        let service =
            services::zookeeper::Config { tick_time: Duration::from_millis(100), ..Default::default() };
        let config = zookeeper::Config { service, ..zookeeper::Config::default() };
        let server = zookeeper::start(&tasks, clock, listener().await, config).unwrap();
        let url = format!("zk://{}/mesos", server.endpoint()).parse().unwrap();
        let directory = tempfile::tempdir().unwrap();
        let info = AgentInfo { hostname: "localhost".into(), ..AgentInfo::default() };
        let config = agent::Config::new(AgentConfig::new(info, directory.path().display().to_string()));
        let agent = agent::start(&tasks, clock, listener().await, config, seat.clone()).unwrap();
        Self { tasks, clock, url, seat, _directory: directory, agent }
    }

    async fn master(&self) -> MasterHandle {
        let contest = Contest {
            url: self.url.clone(),
            session_timeout: Duration::from_millis(400),
            when_deposed: WhenDeposed::ContendAnew,
            seat: Some(self.seat.clone()),
        };
        let config = MasterConfig::default();
        start_contending(&self.tasks, self.clock, listener().await, config, contest).unwrap()
    }

    async fn is_led_by(&self, master: &MasterHandle) {
        let mut seat = self.seat.watch();
        let is_it = |leader: &Option<MasterHandle>| leader.as_ref().is_some_and(|it| it.is(master));
        timeout(PATIENCE, seat.wait_for(is_it)).await.unwrap().unwrap();
    }

    /// The id of the agent, once the master has it for active.
    async fn has_agent(&self, master: &MasterHandle) -> String {
        // What the master knows is told to the agent once it is written.
        let own = || self.agent.with(|agent| agent.id().cloned());
        let active = || {
            let id = own()?;
            master.with(|it| it.agents.get(&id).is_some_and(|agent| agent.active)).then_some(id)
        };
        let wait = async {
            loop {
                if let Some(id) = active() {
                    return id.to_string();
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        timeout(PATIENCE, wait).await.unwrap()
    }
}

#[tokio::test]
async fn agents_follow_whoever_leads() {
    let lab = Lab::start().await;
    let first = lab.master().await;
    lab.is_led_by(&first).await;
    let id = lab.has_agent(&first).await;
    let second = lab.master().await;
    first.kill();
    assert!(lab.seat.leader().is_none_or(|leader| !leader.is(&second)), "the session has not expired yet");
    lab.is_led_by(&second).await;
    assert_eq!(lab.has_agent(&second).await, id);
    assert_eq!(second.with(|master| master.recovered_agents.len()), 0);

    let old = second.with(|master| master.info.id.clone());
    let client = ZooKeeper::connect(&lab.tasks, ClientConfig::from(&lab.url));
    for name in client.children("/mesos").await.unwrap() {
        if name.starts_with("json.info_") {
            client.delete(&format!("/mesos/{name}"), None).await.unwrap();
        }
    }
    assert_eq!(
        timeout(PATIENCE, second.deposed()).await.unwrap(),
        "Lost candidacy as a leader... committing suicide!"
    );
    let anew = async {
        while second.with(|master| master.info.id == old || master.standing() != Standing::Leading) {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    timeout(PATIENCE, anew).await.unwrap();
    lab.is_led_by(&second).await;
    assert_eq!(lab.has_agent(&second).await, id);
    assert!(lab.agent.with(|agent| agent.id().is_some_and(|it| it.as_str() == id)));
}

#[tokio::test]
async fn a_leader_without_its_node_writes_nothing() {
    use crate::mesos::{
        log::{RegistryEntry, registry_entry::State},
        v1::AgentId,
    };
    let lab = Lab::start().await;
    let open = crate::client::zookeeper::Acl::open();
    let client = ZooKeeper::connect(&lab.tasks, ClientConfig::from(&lab.url));
    client.ensure_path("/alone/node", &open).await.unwrap();
    let entry = |id: &str| {
        let agent = AgentInfo { id: Some(AgentId::new(id)), ..AgentInfo::default() };
        RegistryEntry { state: Some(State::Admitted.into()), agent: Some(agent), ..RegistryEntry::default() }
    };
    let open_it = || SharedRegistry::open(client.clone(), "/alone", "/alone/node".into(), open.clone());
    let (registry, none) = open_it().await.unwrap();
    assert!(none.is_empty());
    let (write, written) = mpsc::unbounded_channel();
    write.send(entry("a")).unwrap();
    write.send(RegistryEntry { state: Some(State::Removed.into()), ..entry("a") }).unwrap();
    write.send(entry("b")).unwrap();
    let weights = crate::mesos::log::registry_entry::Weights::default();
    write.send(RegistryEntry { weights: Some(weights), ..RegistryEntry::default() }).unwrap();
    let master = lab.master().await;
    let writes = registry.keep(written, master.clone());
    tokio::pin!(writes);
    let there = async {
        while client.exists("/alone/registry/weights").await.unwrap().is_none() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::select! {
        problem = &mut writes => panic!("{problem}"),
        () = there => {}
    }
    let (_, read) = open_it().await.unwrap();
    assert_eq!(read.len(), 2);
    assert_eq!(read[0], entry("b"));

    client.delete("/alone/node", None).await.unwrap();
    write.send(entry("c")).unwrap();
    let problem = timeout(PATIENCE, writes).await.unwrap();
    assert_eq!(problem, "Failed to update the registry: multi `/alone/node` in ZooKeeper: NoNode");
    assert_eq!(open_it().await.unwrap().1.len(), 2);
}
