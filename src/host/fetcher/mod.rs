//! The fetcher of an agent: brings what tasks name as URIs into their sandboxes, before they start.
//!
//! ```text
//! URIs > leases of cached files > sizes, room > each in turn: download or copy > chmod, extract > sandbox
//! ```
//!
//! Bytes go to the disk as they come, and nothing is written outside of the sandbox and the cache.

mod archive;
mod cache;
mod download;
mod log;
mod web;
mod work;

use std::{
    collections::BTreeSet,
    fs::{self, File, OpenOptions, Permissions},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use self::{
    archive::{Kind, extract},
    cache::{Cache, Lease},
    download::Downloader,
    log::{Log, fetcher_info},
    work::Wanted,
};
use crate::{
    engine::agent::{
        account::Account,
        fetch::{FetchConfig, Fetches, Uri},
        nested::full_name,
    },
    host::sandbox::{self, beneath::Beneath},
    mesos::v1::ContainerId,
    runtime::{self, Clock},
};

/// Fetches for one agent. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Fetcher(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    config: FetchConfig,
    clock: Clock,
    cache: Cache,
    downloader: Downloader,
    succeeded: AtomicU64,
    failed: AtomicU64,
}

/// What one container needs.
#[derive(Clone, Debug, Default)]
pub struct Job {
    pub container_id: ContainerId,
    /// The sandbox, to be created.
    pub directory: String,
    /// A symbolic link to it, to be created or moved.
    pub latest: String,
    pub uris: Vec<Uri>,
    /// Whose the sandbox is, with all that is fetched; none: ours.
    pub account: Option<Account>,
}

/// One URI of a job.
struct Item<'a> {
    uri: &'a Uri,
    /// Its file, relative to the sandbox.
    place: PathBuf,
    /// Through the cache.
    lease: Option<Lease>,
}

/// Where the files of one job go.
struct Target {
    sandbox: Beneath,
    wanted: Wanted,
}

impl Fetcher {
    pub fn new(config: FetchConfig, work_dir: &str, clock: Clock) -> Self {
        let directory = config.cache_dir.clone().unwrap_or_else(|| format!("{work_dir}/fetch"));
        let cache = Cache::new(directory.into(), config.cache_size);
        let downloader = Downloader::new(config.stall_timeout);
        let (succeeded, failed) = (AtomicU64::new(0), AtomicU64::new(0));
        Self(Arc::new(Shared { config, clock, cache, downloader, succeeded, failed }))
    }

    /// What has been done so far.
    pub fn fetches(&self) -> Fetches {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Fetches {
            succeeded: count(&self.0.succeeded),
            failed: count(&self.0.failed),
            cached: self.0.cache.used(),
        }
    }

    /// Makes the sandbox and fetches everything. Dropping the future ends what it does.
    ///
    /// # Errors
    /// In the words of Mesos; why is in the sandbox' stderr.
    pub async fn fetch(&self, job: &Job) -> Result<(), String> {
        let fetched = self.fetch_all(job).await;
        let counter = if fetched.is_ok() { &self.0.succeeded } else { &self.0.failed };
        counter.fetch_add(1, Ordering::Relaxed);
        fetched
    }

    /// What is said of a job whose fetch was dropped.
    pub fn given_up(&self, job: &Job) -> String {
        self.0.failed.fetch_add(1, Ordering::Relaxed);
        not_fetched(job, "terminated with signal Killed")
    }

    async fn fetch_all(&self, job: &Job) -> Result<(), String> {
        let outputs = sandbox::create(&job.directory, &job.latest, job.account.as_ref())
            .map_err(|error| error.to_string())?;
        let sandbox = Beneath::new(Path::new(&job.directory)).map_err(|error| error.to_string())?;
        let wanted = Wanted::default();
        let _guard = wanted.guard();
        let target = Target { sandbox, wanted };
        let mut log = Log::new(outputs.stderr, self.0.clock);
        let items = self.items(job).await?;
        let actions: Vec<&str> = items.iter().map(Item::action).collect();
        let cache = self.0.cache.directory().display().to_string();
        log.info(&format!(
            "Fetcher Info: {}",
            fetcher_info(job, &cache, &actions, self.0.config.stall_timeout)
        ));
        for item in &items {
            match self.fetch_item(item, &target, &mut log).await {
                Ok(path) => log.info(&format!("Fetched '{}' to '{path}'", item.uri.value)),
                Err(why) => {
                    log.error(&format!("EXIT with status 1: Failed to fetch '{}': {why}", item.uri.value));
                    return Err(not_fetched(job, "exited with status 1"));
                }
            }
        }
        if let Some(owner) = &job.account {
            sandbox::give(Path::new(&job.directory), owner).map_err(|error| error.to_string())?;
        }
        log.info(&format!("Successfully fetched all URIs into '{}'", job.directory));
        Ok(())
    }

    /// The URIs with their places in sandbox and cache. What cannot be cached is fetched past the cache.
    async fn items<'a>(&self, job: &'a Job) -> Result<Vec<Item<'a>>, String> {
        let places = job.uris.iter().map(Uri::place).collect::<Result<Vec<PathBuf>, String>>();
        let places = places.map_err(|why| format!("Could not fetch: {why}"))?;
        let cached: Vec<(&str, &Path)> = job
            .uris
            .iter()
            .filter(|uri| uri.cache)
            .map(|uri| (uri.value.as_str(), Path::new(uri.value.rsplit('/').next().unwrap_or_default())))
            .collect();
        let mut leases = self.0.cache.lease(cached).into_iter();
        let mut items = Vec::new();
        for (uri, place) in job.uris.iter().zip(places) {
            let lease = if uri.cache { leases.next() } else { None };
            items.push(Item { uri, place, lease });
        }
        self.claim(&mut items).await;
        Ok(items)
    }

    /// Room for what is new, before others are waited for.
    async fn claim(&self, items: &mut [Item<'_>]) {
        let mut ours = BTreeSet::new();
        let mut refused = BTreeSet::new();
        for item in items.iter_mut().filter(|item| item.is_new()) {
            ours.insert(item.uri.value.as_str());
            if let Err(why) = self.claim_one(item).await {
                tracing::warn!(uri = item.uri.value, why, "fetching past the cache");
                refused.insert(item.uri.value.as_str());
            }
        }
        for item in items {
            let uri = item.uri.value.as_str();
            let Some(lease) = &mut item.lease else { continue };
            if refused.contains(uri) || (!ours.contains(uri) && !lease.ready().await) {
                item.lease = None;
            }
        }
    }

    async fn claim_one(&self, item: &Item<'_>) -> Result<(), String> {
        let Some(lease) = &item.lease else { return Ok(()) };
        let origin = item.uri.origin(&self.0.config.frameworks_home)?;
        lease.claim(self.0.downloader.size(&origin).await?)
    }

    /// Fetches one; where it is then.
    async fn fetch_item(&self, item: &Item<'_>, to: &Target, log: &mut Log) -> Result<String, String> {
        let value = &item.uri.value;
        log.info(&format!("Fetching URI '{value}'"));
        let Some(lease) = &item.lease else {
            log.info(&format!("Fetching '{value}' directly into the sandbox directory"));
            self.download(item, &to.wanted, |mode| to.sandbox.file(&item.place, mode), log).await?;
            let path = to.sandbox.root().join(&item.place);
            return finish(item, &path, &item.place, to, log).await;
        };
        if lease.is_new() && !lease.file().exists() {
            let make = |mode| make_cached(lease.file(), mode);
            self.download(item, &to.wanted, make, log).await?;
            lease.downloaded();
        }
        log.info(&format!("Fetching URI '{value}' from cache"));
        self.retrieve(item, lease, to, log).await
    }

    async fn download(
        &self,
        item: &Item<'_>,
        wanted: &Wanted,
        make: impl FnOnce(u32) -> std::io::Result<File>,
        log: &mut Log,
    ) -> Result<(), String> {
        let origin = item.uri.origin(&self.0.config.frameworks_home)?;
        log.info(&format!("Downloading resource from '{}'", item.uri.value));
        self.0.downloader.bring(&origin, wanted, make).await
    }

    /// As in Mesos an archive is extracted from where it is, and not in the sandbox itself.
    async fn retrieve(
        &self,
        item: &Item<'_>,
        lease: &Lease,
        to: &Target,
        log: &mut Log,
    ) -> Result<String, String> {
        let name = PathBuf::from(item.uri.value.rsplit('/').next().unwrap_or_default());
        let is_archive = Kind::of(&name.to_string_lossy()) != Kind::Plain;
        if item.uri.extract && !item.uri.executable && is_archive {
            return finish(item, lease.file(), &name, to, log).await;
        }
        let origin = crate::engine::agent::fetch::Origin::Local(lease.file().to_owned());
        let make = |mode| to.sandbox.file(&item.place, mode);
        self.0.downloader.bring(&origin, &to.wanted, make).await?;
        finish(item, &to.sandbox.root().join(&item.place), &item.place, to, log).await
    }
}

impl Item<'_> {
    fn is_new(&self) -> bool {
        self.lease.as_ref().is_some_and(Lease::is_new)
    }

    fn action(&self) -> &'static str {
        match &self.lease {
            None => "BYPASS_CACHE",
            Some(lease) if lease.is_new() => "DOWNLOAD_AND_CACHE",
            Some(_) => "RETRIEVE_FROM_CACHE",
        }
    }
}

fn make_cached(path: &Path, mode: u32) -> std::io::Result<File> {
    path.parent().map_or(Ok(()), fs::create_dir_all)?;
    OpenOptions::new().write(true).create_new(true).mode(mode & 0o777 | 0o600).open(path)
}

/// Makes a file executable, or extracts it, as its URI says; what came of it. `name` is what it is known by.
async fn finish(
    item: &Item<'_>,
    path: &Path,
    name: &Path,
    to: &Target,
    log: &mut Log,
) -> Result<String, String> {
    let shown = path.display().to_string();
    if item.uri.executable {
        let made = fs::set_permissions(path, Permissions::from_mode(0o755));
        made.map_err(|error| format!("Failed to chmod executable '{shown}': {error}"))?;
        return Ok(shown);
    }
    if !item.uri.extract {
        return Ok(shown);
    }
    let (source, name, sandbox, wanted) =
        (path.to_owned(), name.to_owned(), to.sandbox.clone(), to.wanted.clone());
    let extracted = runtime::compute(move || extract(&source, &name, &sandbox, &wanted)).await;
    let extracted = extracted.unwrap_or(Err(std::io::Error::other("it has panicked")));
    let root = to.sandbox.root().display();
    match extracted.map_err(|error| format!("Failed to extract archive '{shown}' to '{root}': {error}"))? {
        true => log.info(&format!("Extracted '{shown}' into '{root}'")),
        false => log.warning(&format!(
            "Copying instead of extracting resource from URI with 'extract' flag, because it does not seem to be an \
             archive: {}",
            item.uri.value
        )),
    }
    Ok(shown)
}

/// `end` is how Mesos' fetcher, a process, would have ended.
fn not_fetched(job: &Job, end: &str) -> String {
    format!("Failed to fetch all URIs for container '{}': {end}", full_name(&job.container_id))
}

#[cfg(test)]
mod tests;
