//! The cluster that is looked at: who leads, which agent can be reached, and what this run has made there and takes away.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use serde_json::json;
use tokio::{sync::OnceCell, time::timeout};

use crate::{
    conformance::{
        check::{Miss, Need, Outcome},
        expect::Expect,
        fleet::Fleet,
        framework::{Framework, Info},
        http::{self, Address, Answer, Request, get, post},
    },
    runtime::Tasks,
};

/// How long the clean-up may take, for each framework that is left.
const CLEANING: Duration = Duration::from_secs(5);
/// How long an agent may take to say who it is.
const PROBE: Duration = Duration::from_secs(3);

/// Whom a check asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    Master,
    Agent,
}

/// What the user chooses.
#[derive(Clone, Debug)]
pub struct Options {
    /// All frameworks of the run are in this role or below it.
    pub role: String,
    /// Tasks run as this user, where agents switch users.
    pub user: String,
    /// How long anything may take.
    pub patience: Duration,
}

/// An agent whose HTTP API can be reached.
#[derive(Clone, Debug)]
pub struct Agent {
    pub address: Address,
    pub id: String,
}

/// A cluster with a leading master.
pub struct Site {
    pub master: Address,
    pub version: String,
    /// Masters that do not lead.
    pub standbys: Vec<Address>,
    /// Whether agents are registered.
    pub agents: usize,
    /// The agent that is looked at, or why there is none.
    pub agent: Result<Agent, String>,
    pub options: Options,
    pub tasks: Tasks,
    /// The frameworks that this run has made: their ids with the ids of their streams.
    made: Mutex<Vec<(String, String)>>,
    quiet: OnceCell<Framework>,
    plain: OnceCell<Arc<Fleet>>,
    aware: OnceCell<Arc<Fleet>>,
}

impl Site {
    /// A cluster whose leading master is known; `agents` are the addresses of those that are registered.
    pub async fn new(
        master: Address,
        version: String,
        standbys: Vec<Address>,
        agents: &[Address],
        agent: Option<Address>,
        options: Options,
    ) -> Arc<Self> {
        let found = find_agent(agents, agent).await;
        Arc::new(Self {
            master,
            version,
            standbys,
            agents: agents.len(),
            agent: found,
            options,
            tasks: Tasks::new(),
            made: Mutex::default(),
            quiet: OnceCell::new(),
            plain: OnceCell::new(),
            aware: OnceCell::new(),
        })
    }

    /// Why something that a check needs is not there; nothing when it is.
    pub fn lacks(&self, need: Need) -> Option<String> {
        match need {
            Need::Agent => self.agent.as_ref().err().cloned(),
            Need::Offers if self.agents == 0 => Some("no agent is registered".to_owned()),
            Need::Standby if self.standbys.is_empty() => {
                Some("only one master is known; name all of them with commas between".to_owned())
            }
            Need::Offers | Need::Standby => None,
        }
    }

    /// The agent that is looked at.
    ///
    /// # Errors
    /// A skip, where there is none.
    pub fn agent(&self) -> Outcome<&Agent> {
        self.agent.as_ref().map_err(|why| Miss::skip(why.as_str()))
    }

    fn address(&self, peer: Peer) -> Outcome<&Address> {
        match peer {
            Peer::Master => Ok(&self.master),
            Peer::Agent => Ok(&self.agent()?.address),
        }
    }

    /// Asks within the patience of the run.
    ///
    /// # Errors
    /// A failure when there is no answer; a skip when it is that credentials are wanted.
    pub async fn ask(&self, peer: Peer, request: &Request) -> Outcome<Answer> {
        self.ask_at(self.address(peer)?, request).await
    }

    /// As [`Site::ask`], of anybody.
    ///
    /// # Errors
    /// As [`Site::ask`].
    pub async fn ask_at(&self, address: &Address, request: &Request) -> Outcome<Answer> {
        let expected = || format!("an answer to {request}");
        match self.within(http::ask(address, request)).await {
            Ok(Ok(answer)) if matches!(answer.status, 401) => Err(credentials()),
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(broken)) => Err(Miss::fail(expected(), broken)),
            Err(late) => Err(Miss::fail(expected(), late)),
        }
    }

    /// Sends bytes as they are, in pieces, and gives the connection.
    ///
    /// # Errors
    /// When nobody listens.
    pub async fn raw(&self, peer: Peer, pieces: &[&[u8]]) -> Outcome<http::Connection> {
        let address = self.address(peer)?;
        let opened = self.within(http::Connection::open(address)).await;
        let mut connection =
            opened.and_then(|opened| opened).map_err(|broken| Miss::fail("a connection", broken))?;
        for (at, piece) in pieces.iter().enumerate() {
            if at > 0 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            // Whoever refuses what came so far may have closed.
            let _closed = connection.send(piece).await;
        }
        Ok(connection)
    }

    /// Waits for something at most as long as the run's patience.
    ///
    /// # Errors
    /// With a sentence, when it takes longer.
    pub async fn within<T>(&self, work: impl Future<Output = T>) -> Result<T, String> {
        let patience = self.options.patience;
        timeout(patience, work).await.map_err(|_| late(patience))
    }

    /// Puts the ids in place of their names.
    ///
    /// # Errors
    /// When the framework that lends its ids cannot subscribe.
    pub async fn filled(self: &Arc<Self>, request: Request, expect: Expect) -> Outcome<(Request, Expect)> {
        let (mut request, mut expect) = (request, expect);
        if request.names("$FRAMEWORK") || request.names("$STREAM") {
            let quiet = self.quiet().await?;
            for (name, value) in [("$FRAMEWORK", &quiet.id), ("$STREAM", &quiet.stream_id)] {
                (request, expect) = (request.with(name, value), expect.with(name, value));
            }
        }
        if let Ok(agent) = &self.agent {
            (request, expect) = (request.with("$AGENT", &agent.id), expect.with("$AGENT", &agent.id));
        }
        Ok((request.with("$ROLE", &self.options.role), expect.with("$ROLE", &self.options.role)))
    }

    /// A framework that wants nothing, for calls of which only the answer counts.
    ///
    /// # Errors
    /// When it cannot subscribe.
    pub async fn quiet(self: &Arc<Self>) -> Outcome<&Framework> {
        self.quiet.get_or_try_init(|| Framework::subscribe(self, Info::new(self).suppressed())).await
    }

    /// The framework whose tasks are launched for many checks together: one without PARTITION_AWARE.
    ///
    /// # Errors
    /// When it cannot subscribe.
    pub async fn plain(self: &Arc<Self>) -> Outcome<Arc<Fleet>> {
        let subscribe = || Fleet::subscribe(self, Info::new(self));
        self.plain.get_or_try_init(subscribe).await.cloned()
    }

    /// As [`Site::plain`], with PARTITION_AWARE and TASK_KILLING_STATE.
    ///
    /// # Errors
    /// When it cannot subscribe.
    pub async fn aware(self: &Arc<Self>) -> Outcome<Arc<Fleet>> {
        let capabilities = ["MULTI_ROLE", "PARTITION_AWARE", "TASK_KILLING_STATE"];
        let subscribe = || Fleet::subscribe(self, Info::new(self).capable_of(&capabilities));
        self.aware.get_or_try_init(subscribe).await.cloned()
    }

    /// Remembers a framework that is to be taken away.
    pub fn made(&self, id: &str, stream_id: &str) {
        self.with_made(|made| {
            made.retain(|(known, _)| known != id);
            made.push((id.to_owned(), stream_id.to_owned()));
        });
    }

    /// Forgets a framework that is gone.
    pub fn gone(&self, id: &str) {
        self.with_made(|made| made.retain(|(known, _)| known != id));
    }

    fn with_made<T>(&self, look: impl FnOnce(&mut Vec<(String, String)>) -> T) -> T {
        look(&mut self.made.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Ends the frameworks whose tasks are launched for many checks, so that others alone are offered everything.
    pub async fn end_fleets(&self) {
        for fleet in [&self.plain, &self.aware].into_iter().filter_map(OnceCell::get) {
            fleet.end().await;
            self.gone(&fleet.id);
        }
    }

    /// Tears down every framework of this run that is left; gives the ids of those that would not go.
    pub async fn clean(&self) -> Vec<String> {
        self.tasks.stop().await;
        let mut left = Vec::new();
        for (id, stream_id) in self.with_made(std::mem::take) {
            if !timeout(CLEANING, self.tear_down(&id, &stream_id)).await.unwrap_or(false) {
                left.push(id);
            }
        }
        left
    }

    async fn tear_down(&self, id: &str, stream_id: &str) -> bool {
        let call = json!({"type": "TEARDOWN", "framework_id": {"value": id}});
        let asked = post("/api/v1/scheduler").json(&call).header("Mesos-Stream-Id", stream_id);
        if http::ask(&self.master, &asked).await.is_ok_and(|answer| answer.status == 202) {
            return true;
        }
        // Its stream has ended, or somebody else has taken it over.
        let call = json!({"type": "TEARDOWN", "teardown": {"framework_id": {"value": id}}});
        let answer = http::ask(&self.master, &post("/api/v1").json(&call)).await;
        answer.is_ok_and(|answer| answer.status == 200 || answer.text().contains("No framework found"))
    }
}

/// What a check says where the cluster wants to know who asks.
pub fn credentials() -> Miss {
    Miss::skip("it wants credentials, and there are none")
}

pub fn late(patience: Duration) -> String {
    format!("nothing within {} s", patience.as_secs_f64())
}

/// The agent that was named, else the first that can be reached.
async fn find_agent(registered: &[Address], named: Option<Address>) -> Result<Agent, String> {
    if let Some(address) = named {
        return probe(&address)
            .await
            .map_err(|why| format!("the agent at {address} cannot be reached: {why}"));
    }
    let found = futures_util::future::join_all(registered.iter().map(probe)).await;
    let mut whys = Vec::new();
    for (address, found) in registered.iter().zip(found) {
        match found {
            Ok(agent) => return Ok(agent),
            Err(why) => whys.push(format!("{address}: {why}")),
        }
    }
    match whys.first() {
        None => Err("no agent is registered".to_owned()),
        Some(why) => Err(format!("no agent can be reached ({why}); name one with --agent")),
    }
}

/// Who listens there, if it is an agent that answers without credentials.
async fn probe(address: &Address) -> Result<Agent, String> {
    let asked = timeout(PROBE, http::ask(address, &get("/state"))).await;
    let answer = asked.unwrap_or_else(|_| Err(late(PROBE)))?;
    match answer.json().and_then(|state| Some(state.get("id")?.as_str()?.to_owned())) {
        Some(id) if answer.status == 200 && !id.is_empty() => Ok(Agent { address: address.clone(), id }),
        _ if answer.status == 401 => Err("it wants credentials".to_owned()),
        _ => Err(format!("no agent: /state is answered with {}", answer.status)),
    }
}
