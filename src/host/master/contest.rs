//! A master among several: contends, follows, leads once it has recovered the registry, and stops when it is deposed.

use std::time::Duration;

use tokio::{
    net::TcpListener,
    sync::{mpsc, watch},
};

use super::{Config, MasterHandle, assemble, shared_registry::SharedRegistry};
use crate::{
    client::{
        election::{self, News},
        zookeeper::{ZooKeeper, ZooKeeperUrl},
    },
    engine::master::{Input, Master, Standing},
    mesos::v1::MasterInfo,
    runtime::{Clock, Tasks},
};

/// How a master contends.
#[derive(Clone, Debug)]
pub struct Contest {
    /// Where the masters elect their leader, and keep the registry.
    pub url: ZooKeeperUrl,
    pub session_timeout: Duration,
    pub when_deposed: WhenDeposed,
    /// Where agents in this process look for the leader.
    pub seat: Option<Seat>,
}

/// What a leader does that leads no longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenDeposed {
    /// [`MasterHandle::deposed`] tells why: the process has to end, as Mesos' does.
    End,
    /// It forgets everything, ends all streams, and contends anew under another id.
    ContendAnew,
}

/// Which master of this process leads. Clones are the same seat.
#[derive(Clone, Debug)]
pub struct Seat(watch::Sender<Option<MasterHandle>>);

impl Default for Seat {
    fn default() -> Self {
        Self(watch::Sender::new(None))
    }
}

impl Seat {
    /// One that is taken for good, by the only master there is.
    pub fn of(master: MasterHandle) -> Self {
        Self(watch::Sender::new(Some(master)))
    }

    pub fn leader(&self) -> Option<MasterHandle> {
        self.0.borrow().clone()
    }

    pub fn watch(&self) -> watch::Receiver<Option<MasterHandle>> {
        self.0.subscribe()
    }

    fn take(&self, master: &MasterHandle) {
        self.0.send_replace(Some(master.clone()));
    }

    fn leave(&self, master: &MasterHandle) {
        self.0.send_if_modified(|leader| {
            let is_ours = leader.as_ref().is_some_and(|leader| leader.is(master));
            if is_ours {
                *leader = None;
            }
            is_ours
        });
    }
}

/// Serves a master that contends with others, until `tasks` is cancelled or it is [killed](MasterHandle::kill). Its
/// registry is in ZooKeeper, whatever `config` says.
///
/// # Errors
/// When the listener has no address.
pub fn start_contending(
    tasks: &Tasks,
    clock: Clock,
    listener: TcpListener,
    config: impl Into<Config>,
    contest: Contest,
) -> std::io::Result<MasterHandle> {
    let config = Config { registry: None, ..config.into() };
    let seed = || uuid::Uuid::new_v4().as_u64_pair().0;
    let make = |config, now| Master::contending(config, now, seed());
    let own = tasks.child();
    let handle = assemble(&own, clock, listener, config, make)?;
    if let Some(seat) = &contest.seat {
        let (seat, handle, gone) = (seat.clone(), handle.clone(), own.token());
        tasks.spawn(async move {
            gone.cancelled().await;
            seat.leave(&handle);
        });
    }
    own.spawn(handle.clone().contend(own.clone(), contest));
    Ok(handle)
}

/// One campaign, from the first session until the leadership is lost.
struct Term<'a> {
    master: &'a MasterHandle,
    contest: &'a Contest,
    tasks: Tasks,
    /// The session of our node.
    joined: Option<(ZooKeeper, String)>,
    broken: mpsc::UnboundedSender<String>,
}

impl MasterHandle {
    /// Waits until this master was leading and is not any more, or cannot contend; returns why.
    pub async fn deposed(&self) -> String {
        let mut deposed = self.0.deposed.subscribe();
        let reason = deposed.wait_for(Option::is_some).await;
        reason.ok().and_then(|reason| reason.clone()).unwrap_or_default()
    }

    /// Ends it as a killed process would end: listener and streams are cut, nobody is told, and its ZooKeeper session
    /// is left to expire.
    pub fn kill(&self) {
        self.0.own.cancel();
        self.lock().outlets.cut();
    }

    pub(super) fn registry_written(&self, count: usize) {
        self.lock().outlets.written(count);
    }

    async fn contend(self, tasks: Tasks, contest: Contest) {
        loop {
            let reason = self.term(&tasks, &contest).await;
            tracing::error!(reason, endpoint = %self.endpoint(), "the master leads no longer");
            if let Some(seat) = &contest.seat {
                seat.leave(&self);
            }
            self.0.deposed.send_replace(Some(reason));
            if contest.when_deposed == WhenDeposed::End {
                self.lock().outlets.cut();
                return;
            }
            self.begin_anew();
        }
    }

    /// A master that knows nothing, under another id: ids that it gives begin with its own.
    fn begin_anew(&self) {
        let mut core = self.lock();
        core.outlets.cut();
        let seed = uuid::Uuid::new_v4().as_u64_pair().0;
        core.master = Master::contending(core.master.config.clone(), self.now(), seed);
        drop(core);
        self.0.earlier.notify_one();
    }

    async fn term(&self, tasks: &Tasks, contest: &Contest) -> String {
        let tasks = tasks.child();
        let (tell, mut news) = mpsc::unbounded_channel();
        let (broken, mut breaks) = mpsc::unbounded_channel();
        let candidate = self.with(|master| master.info.clone());
        let url = contest.url.clone();
        tasks.spawn(election::follow(tasks.clone(), url, contest.session_timeout, Some(candidate), tell));
        let mut term = Term { master: self, contest, tasks: tasks.clone(), joined: None, broken };
        let reason = loop {
            let ended = tokio::select! {
                Some(news) = news.recv() => term.hear(news).await,
                Some(problem) = breaks.recv() => Some(problem),
                else => Some("The election has ended".to_owned()),
            };
            if let Some(reason) = ended {
                break reason;
            }
        };
        if let Some((client, _)) = term.joined.take() {
            client.close().await;
        }
        tasks.cancel();
        reason
    }
}

impl Term<'_> {
    /// Gives the reason when the term is over.
    async fn hear(&mut self, news: News) -> Option<String> {
        match news {
            News::Joined { client, node } => {
                self.joined = Some((client, node));
                None
            }
            News::Leader(leader) => self.led_by(leader).await,
            News::LostCandidacy if self.leads() => {
                Some("Lost candidacy as a leader... committing suicide!".to_owned())
            }
            News::LostCandidacy => {
                tracing::info!("Lost candidacy as a follower... Contend again");
                None
            }
            News::Failed(problem) => Some(format!("Failed to contend: {problem}")),
        }
    }

    fn leads(&self) -> bool {
        self.master.with(|master| master.standing() != Standing::Following)
    }

    async fn led_by(&mut self, leader: Option<Box<MasterInfo>>) -> Option<String> {
        let led = self.leads();
        let by_another = leader.is_some();
        log(leader.as_deref());
        self.master.input(Input::Leading(leader));
        match (led, self.leads()) {
            (true, true) | (false, false) => None,
            (true, false) if by_another => {
                Some("Conceded leadership to another master... committing suicide!".to_owned())
            }
            (true, false) => {
                Some("Lost leadership after indecisive election... committing suicide!".to_owned())
            }
            (false, true) => self.recover().await.err(),
        }
    }

    async fn recover(&mut self) -> Result<(), String> {
        let (client, node) = self.joined.clone().ok_or("Recovery failed: there is no session")?;
        let (masters, acl) = (&self.contest.url.path, election::acl_of(&self.contest.url));
        let opened = SharedRegistry::open(client, masters, node, acl).await;
        let (registry, entries) = opened.map_err(|error| format!("Recovery failed: {error}"))?;
        let (write, written) = mpsc::unbounded_channel();
        tracing::info!(entries = entries.len(), "read the registry; this master leads");
        {
            let mut core = self.master.lock();
            core.outlets.keep_in(write);
            core.master.recover(entries);
        }
        self.master.0.earlier.notify_one();
        let (master, broken) = (self.master.clone(), self.broken.clone());
        self.tasks.spawn(async move {
            let problem = registry.keep(written, master).await;
            let _the_term_is_over = broken.send(problem);
        });
        if let Some(seat) = &self.contest.seat {
            seat.take(self.master);
        }
        Ok(())
    }
}

fn log(leader: Option<&MasterInfo>) {
    match leader {
        Some(leader) => tracing::info!(pid = leader.pid(), id = leader.id, "a leading master is detected"),
        None => tracing::info!("No master was elected."),
    }
}

#[cfg(test)]
mod tests;
