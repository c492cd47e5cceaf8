//! A registry of container images with its IO: pushes and pulls over HTTP, and the disk behind them.
//!
//! ```text
//! POST, PATCH, PUT of a blob > Uploads > uploads/ID, digested while it comes > rename > blobs/sha256/ab/HEX
//! PUT of a manifest > Manifest::parse > Store: content, link, tag
//! GET > Store: tag > link > content
//! ```
//!
//! What is deleted is unlinked; what nothing refers to any more is collected when the registry starts.

mod blobs;
mod http;
mod manifests;
mod store;
mod uploads;

use std::{io, net::SocketAddr, path::PathBuf, sync::Arc};

use tokio::{net::TcpListener, sync::watch};

use self::{store::Store, uploads::Uploads};
use super::{
    http::{Options, serve},
    networks::Networks,
};
use crate::{
    runtime::{self, Clock, Tasks},
    services::registry::{Code, Refusal},
};

/// What a registry is started with.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where everything is kept.
    pub data_dir: PathBuf,
    /// Who may connect, beside this machine.
    pub networks: Networks,
}

/// A running registry. Cheap to clone.
#[derive(Clone, Debug)]
pub struct RegistryHandle(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    endpoint: SocketAddr,
    store: Arc<Store>,
    uploads: Uploads,
    /// Whether what nothing refers to has been collected; until then, nobody is told of any content.
    collected: watch::Sender<bool>,
}

/// Serves a registry on `listener` until `tasks` is cancelled.
///
/// # Errors
/// When the data directory cannot be made, or another registry uses it.
pub fn start(
    tasks: &Tasks,
    clock: Clock,
    listener: TcpListener,
    config: Config,
) -> io::Result<RegistryHandle> {
    let endpoint = listener.local_addr()?;
    let store = Arc::new(Store::open(config.data_dir)?);
    let uploads = Uploads::new(store.uploads(), clock);
    let shared = Shared { endpoint, store, uploads, collected: watch::Sender::new(false) };
    let handle = RegistryHandle(Arc::new(shared));
    let options = Options { networks: config.networks, ..Options::default() };
    tasks.spawn(serve(listener, tasks.clone(), clock, http::router(&handle), options));
    tasks.spawn(handle.clone().collect(clock));
    Ok(handle)
}

impl RegistryHandle {
    pub fn endpoint(&self) -> SocketAddr {
        self.0.endpoint
    }

    async fn collect(self, clock: Clock) {
        let (store, now) = (Arc::clone(&self.0.store), clock.now());
        match runtime::compute(move || store.collect(now)).await {
            Some(Ok(0)) => {}
            Some(Ok(blobs)) => tracing::info!(blobs, "removed what nothing refers to"),
            Some(Err(error)) => tracing::warn!(%error, "failed to look for what nothing refers to"),
            None => tracing::warn!("failed to look for what nothing refers to"),
        }
        self.0.collected.send_replace(true);
    }

    /// Waits until nothing is being collected.
    async fn settled(&self) {
        let mut collected = self.0.collected.subscribe();
        let _ends_with_the_sender = collected.wait_for(|done| *done).await;
    }

    /// Asks the disk.
    async fn on_disk<T, F>(&self, work: F) -> Result<T, Refusal>
    where
        T: Send + 'static,
        F: FnOnce(&Store) -> Result<T, Refusal> + Send + 'static,
    {
        let store = Arc::clone(&self.0.store);
        blocking(move || work(&store)).await
    }
}

/// Work with files, off the threads that wait for IO.
async fn blocking<T, F>(work: F) -> Result<T, Refusal>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T, Refusal> + Send + 'static,
{
    let done = runtime::compute(work).await;
    done.unwrap_or_else(|| Err(Refusal::new(Code::Unknown)))
}
