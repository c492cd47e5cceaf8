//! The containers of an agent whose files are being fetched: each goes on to its start, or fails, or is given up.

use std::collections::BTreeMap;

use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio_util::sync::CancellationToken;

use crate::{
    engine::agent::{Launch, docker::DockerRun, nested::Attended},
    host::fetcher::{Fetcher, Job},
    mesos::v1::ContainerId,
    runtime::Tasks,
};

/// What is started when everything is there.
#[derive(Debug)]
pub(super) enum Next {
    Launch(Launch),
    Run(DockerRun),
    Attend(Attended),
}

impl Next {
    fn job(&self) -> Job {
        let (container_id, directory, latest, uris, account) = match self {
            Self::Launch(it) | Self::Attend(Attended { launch: it, .. }) => {
                (&it.container_id, &it.directory, &it.latest, &it.setup.uris, &it.setup.account)
            }
            Self::Run(it) => (&it.container_id, &it.directory, &it.latest, &it.uris, &it.account),
        };
        Job {
            container_id: container_id.clone(),
            directory: directory.clone(),
            latest: latest.clone(),
            uris: uris.clone(),
            account: account.clone(),
        }
    }
}

/// The end of a fetch.
pub(super) struct Fetched {
    pub container_id: ContainerId,
    /// Or why not.
    pub next: Result<Next, String>,
}

/// Fetches under way.
pub(super) struct Fetching {
    pub fetcher: Fetcher,
    tasks: Tasks,
    jobs: BTreeMap<ContainerId, CancellationToken>,
    done: UnboundedSender<Fetched>,
    ended: UnboundedReceiver<Fetched>,
}

impl Fetching {
    /// All of it ends with `tasks`.
    pub fn new(fetcher: Fetcher, tasks: Tasks) -> Self {
        let (done, ended) = mpsc::unbounded_channel();
        Self { fetcher, tasks, jobs: BTreeMap::new(), done, ended }
    }

    /// Begins; [`Fetching::next`] tells of the end.
    pub fn begin(&mut self, next: Next) {
        let job = next.job();
        let container_id = job.container_id.clone();
        let cancel = CancellationToken::new();
        self.jobs.insert(container_id.clone(), cancel.clone());
        let (fetcher, done) = (self.fetcher.clone(), self.done.clone());
        self.tasks.spawn(async move {
            let fetched = cancel.run_until_cancelled(fetcher.fetch(&job)).await;
            let fetched = fetched.unwrap_or_else(|| Err(fetcher.given_up(&job)));
            let _stopped = done.send(Fetched { container_id, next: fetched.map(|()| next) });
        });
    }

    /// Gives up what is fetched for a container; whether that was all there was of it.
    pub fn give_up(&self, container_id: &ContainerId) -> bool {
        let job = self.jobs.get(container_id);
        job.into_iter().for_each(CancellationToken::cancel);
        job.is_some()
    }

    /// The next end of a fetch.
    pub async fn next(&mut self) -> Option<Fetched> {
        let fetched = self.ended.recv().await?;
        self.jobs.remove(&fetched.container_id);
        Some(fetched)
    }
}
