//! The state file: written anew beside the old one, synced, then renamed over it. A crash leaves the old or the new state,
//! never a torn one. A lock beside it keeps a second scheduler away.

use std::{
    io,
    path::{Path, PathBuf},
};

use rustix::fs::FlockOperation;
use serde_json::{Map, Value};
use tokio::{
    fs::{self, File, OpenOptions},
    sync::Mutex,
};

use super::{
    Setup,
    kept::{Kept, KeptError},
};
use crate::{
    mesos::time::Time,
    runtime::Tasks,
    scheduler::{Scheduler, config::ConfigError, saved::SavedState},
};

const NAME: &str = "scheduler.json";
const LOCK: &str = "lock";

/// What goes wrong with the state file.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("{what} `{}`: {source}", .path.display())]
    Io { what: &'static str, path: PathBuf, source: io::Error },
    #[error("understand `{}`: {source}", .path.display())]
    Malformed { path: PathBuf, source: serde_json::Error },
    #[error("keep the state in ZooKeeper: {0}")]
    Kept(#[source] KeptError),
    #[error("another scheduler uses `{}`", .dir.display())]
    InUse { dir: PathBuf },
}

/// The state file of one scheduler.
#[derive(Debug)]
pub struct Store {
    dir: PathBuf,
    /// Where the state is in place of the file.
    kept: Option<Kept>,
    /// The generation that is on disk.
    written: Mutex<Option<u64>>,
    lock: File,
}

impl Store {
    /// Takes the directory for this store alone, until [`Store::close`] or the end of the process.
    pub async fn open(dir: &Path) -> Result<Self, StoreError> {
        fs::create_dir_all(dir).await.map_err(|source| error("make", dir, source))?;
        let lock = lock(dir).await?;
        Ok(Self { dir: dir.to_owned(), kept: None, written: Mutex::new(None), lock })
    }

    /// The store of this setup: the node that it names, or else the file. What the file holds counts only while there is
    /// nothing in the node.
    pub async fn of(tasks: &Tasks, setup: &Setup) -> Result<Self, StoreError> {
        let kept = setup.keep_in.clone().map(|node| Kept::new(tasks, node));
        Ok(Self { kept, ..Self::open(&setup.state_dir).await? })
    }

    /// Leaves the directory to the next scheduler, even where a child process still holds a copy of the lock's file.
    pub fn close(&self) {
        if let Err(error) = rustix::fs::flock(&self.lock, FlockOperation::Unlock) {
            tracing::warn!(%error, "the lock of the state file stays");
        }
    }

    fn path(&self) -> PathBuf {
        self.dir.join(NAME)
    }

    /// None when nothing was saved yet.
    pub async fn load(&self) -> Result<Option<SavedState>, StoreError> {
        let path = self.path();
        if let Some(kept) = &self.kept
            && let Some(text) = kept.read().await.map_err(StoreError::Kept)?
        {
            let state = serde_json::from_slice(&text);
            return state.map(Some).map_err(|source| StoreError::Malformed { path, source });
        }
        let text = match fs::read(&path).await {
            Ok(text) => text,
            Err(missing) if missing.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(error("read", &path, source)),
        };
        serde_json::from_slice(&text).map(Some).map_err(|source| StoreError::Malformed { path, source })
    }

    /// Writes what `state` gives, unless that generation is there already. Asked only when it is this write's turn.
    pub async fn save(&self, state: impl FnOnce() -> (u64, SavedState)) -> Result<(), StoreError> {
        let mut written = self.written.lock().await;
        let (generation, state) = state();
        if written.is_some_and(|written| written >= generation) {
            return Ok(());
        }
        let path = self.path();
        let text = serde_json::to_vec(&state)
            .map_err(|source| StoreError::Malformed { path: path.clone(), source })?;
        if let Some(kept) = &self.kept {
            kept.write(&text).await.map_err(StoreError::Kept)?;
            *written = Some(generation);
            return Ok(());
        }
        replace(&self.dir, &path, &text).await.map_err(|source| error("write", &path, source))?;
        *written = Some(generation);
        Ok(())
    }
}

/// Readies the state of a scheduler that does not run: with the settings of `setup` where it has kept none, else with
/// the kept ones, and `changes` on top. Tasks that are gone, as `setup` says, are forgotten.
///
/// # Errors
/// When the state cannot be read or written, a scheduler uses it, or a change is invalid.
pub async fn prepare(tasks: &Tasks, setup: &Setup, changes: &Map<String, Value>) -> Result<(), PrepareError> {
    let store = Store::of(tasks, setup).await?;
    let mut state = match store.load().await? {
        Some(state) => state,
        None => {
            let (config, options) = (setup.config.clone(), setup.options.clone());
            Scheduler::new(Time::default(), options, config, None, 0).saved()
        }
    };
    state.config = state.config.patched(&Value::Object(changes.clone()))?;
    setup.options.check(&state.config)?;
    if setup.tasks_are_gone {
        state.tasks.clear();
    }
    let saved = store.save(|| (0, state)).await;
    store.close();
    Ok(saved?)
}

/// Why a scheduler cannot be readied.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Config(#[from] ConfigError),
}

async fn lock(dir: &Path) -> Result<File, StoreError> {
    let path = dir.join(LOCK);
    let opened = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(&path).await;
    let file = opened.map_err(|source| error("open", &path, source))?;
    match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(StoreError::InUse { dir: dir.to_owned() }),
        Err(errno) => Err(error("lock", &path, errno.into())),
    }
}

fn error(what: &'static str, path: &Path, source: io::Error) -> StoreError {
    StoreError::Io { what, path: path.to_owned(), source }
}

/// `fs::write` waits for its end: `File::write_all` only begins, and `sync_all` is silent on a write that failed.
async fn replace(dir: &Path, path: &Path, text: &[u8]) -> io::Result<()> {
    let beside = path.with_extension("json.new");
    fs::write(&beside, text).await?;
    File::open(&beside).await?.sync_all().await?;
    fs::rename(&beside, path).await?;
    File::open(dir).await?.sync_all().await
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::{Store, StoreError, prepare, replace};
    use crate::{
        client::masters::Masters,
        host::scheduler::Setup,
        runtime::Tasks,
        scheduler::{Options, Scheduler, config::SchedulerConfig},
    };

    #[tokio::test]
    async fn keeps_the_newest_generation_and_tells_of_garbage() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).await.unwrap();
        assert!(store.load().await.unwrap().is_none());
        let state = |n| {
            let config = SchedulerConfig { num_of_node: n, ..SchedulerConfig::default() };
            Scheduler::new(Default::default(), Options::default(), config, None, 1).saved()
        };
        store.save(|| (2, state(2))).await.unwrap();
        store.save(|| (1, state(1))).await.unwrap();
        assert_eq!(store.load().await.unwrap().unwrap().config.num_of_node, 2);
        std::fs::write(dir.path().join("scheduler.json"), "{").unwrap();
        assert!(matches!(store.load().await, Err(StoreError::Malformed { .. })));
    }

    #[tokio::test]
    async fn readies_a_scheduler_that_is_to_start() {
        let dir = tempfile::tempdir().unwrap();
        let (tasks, none) = (Tasks::new(), serde_json::Map::new());
        let setup = |num_of_node| {
            let config = SchedulerConfig { num_of_node, ..SchedulerConfig::default() };
            Setup::new(config, dir.path(), Masters::parse("127.0.0.1:1").unwrap())
        };
        let cpus = serde_json::Map::from_iter([("cpus".to_owned(), 0.5.into())]);
        prepare(&tasks, &setup(3), &none).await.unwrap();
        prepare(&tasks, &setup(0), &cpus).await.unwrap();
        let store = Store::open(dir.path()).await.unwrap();
        let config = store.load().await.unwrap().unwrap().config;
        assert_eq!((config.num_of_node, config.cpus), (3, 0.5), "kept, and changed");
        let running = prepare(&tasks, &setup(0), &cpus).await;
        assert!(running.is_err(), "it runs");
        store.close();
        let garbage = serde_json::Map::from_iter([("cups".to_owned(), 1.into())]);
        assert!(prepare(&tasks, &setup(0), &garbage).await.is_err());
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_full_disk_leaves_the_old_state() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("scheduler.json");
        std::fs::write(&path, "old").unwrap();
        std::os::unix::fs::symlink("/dev/full", dir.path().join("scheduler.json.new")).unwrap();
        let full = replace(dir.path(), &path, b"new").await.unwrap_err();
        assert_eq!(
            (full.kind(), std::fs::read(&path).unwrap()),
            (io::ErrorKind::StorageFull, b"old".to_vec())
        );
    }

    #[tokio::test]
    async fn a_directory_is_of_one_scheduler_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).await.unwrap();
        let refused = Store::open(dir.path()).await.unwrap_err();
        assert_eq!(refused.to_string(), format!("another scheduler uses `{}`", dir.path().display()));
        store.close();
        Store::open(dir.path()).await.unwrap();
    }
}
