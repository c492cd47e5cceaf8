//! What is kept of a lab on disk: one private directory per lab with its record, its log, its sandboxes and a lock.

use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use etcetera::BaseStrategy;
use rustix::fs::FlockOperation;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    provider::Endpoints,
    spec::{LabSpec, ProviderKind},
};

/// The longest path that a UNIX socket takes on every system of ours, in bytes.
const LONGEST_SOCKET_PATH: usize = 100;

/// What is known of a lab that was started.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LabRecord {
    /// What was last applied.
    pub spec: LabSpec,
    pub endpoints: Endpoints,
    /// The lab's process; 0 where there is none.
    pub pid: u32,
    /// Of a lab that no process of ours keeps running.
    #[serde(default)]
    pub containers: Option<ContainerRecord>,
    /// When it started, in seconds since the epoch.
    pub started_at: f64,
    /// Set by an orderly stop; a record without it whose process is gone tells of a crash.
    pub stopped: bool,
    /// Of a lab of virtual machines, those that did not run when somebody looked last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub halted: Vec<String>,
}

/// Where a lab of containers is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerRecord {
    /// The engine, as it was found: `unix:///var/run/docker.sock`.
    pub engine: String,
    /// The directory of the lab's state, which its containers are marked with; empty in records of older versions.
    #[serde(default)]
    pub owner: String,
    /// Ports of this machine by service, so that a lab that starts again answers where it did.
    pub ports: BTreeMap<String, u16>,
}

/// The state directory of one lab: `$XDG_STATE_HOME/mesoslab/labs/NAME`, private to the user.
#[derive(Clone, Debug)]
pub struct StateDir {
    path: PathBuf,
}

/// Held while its owner lives; the system lets go of it when the owner dies, however it dies.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "the lock is held by the open file")] File);

impl StateDir {
    /// The directory of the lab `name`; it need not exist.
    ///
    /// # Errors
    /// When the user has no home directory.
    pub fn of(name: &str) -> io::Result<Self> {
        Ok(Self { path: labs_dir()?.join(name) })
    }

    pub fn at(path: PathBuf) -> Self {
        Self { path }
    }

    /// Every lab of this user, by name.
    ///
    /// # Errors
    /// When the directory of the labs cannot be read.
    pub fn all() -> io::Result<Vec<(String, Self)>> {
        let entries = match fs::read_dir(labs_dir()?) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut labs = entries
            .map(|entry| entry.map(|e| (e.file_name().to_string_lossy().into_owned(), Self::at(e.path()))))
            .collect::<io::Result<Vec<_>>>()?;
        labs.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(labs)
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes the directory, readable by its owner alone.
    ///
    /// # Errors
    /// As `mkdir(2)`.
    pub fn create(&self) -> io::Result<()> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.path)
    }

    pub fn exists(&self) -> bool {
        self.path.is_dir()
    }

    pub fn log(&self) -> PathBuf {
        self.path.join("lab.log")
    }

    /// Where the agents keep their sandboxes.
    pub fn agents(&self) -> PathBuf {
        self.path.join("agents")
    }

    /// Where the lab's ZooKeeper keeps its data.
    pub fn zookeeper(&self) -> PathBuf {
        self.path.join("zookeeper")
    }

    /// Where the lab's registry keeps images.
    pub fn registry(&self) -> PathBuf {
        self.path.join("registry")
    }

    /// Where our scheduler keeps its framework id and settings.
    pub fn scheduler(&self) -> PathBuf {
        self.path.join("scheduler")
    }

    /// The socket on which the lab's process takes orders; elsewhere when the path would be too long for one.
    pub fn socket(&self) -> PathBuf {
        let here = self.path.join("control.sock");
        if here.as_os_str().len() <= LONGEST_SOCKET_PATH {
            return here;
        }
        let mut hasher = std::hash::DefaultHasher::new();
        std::hash::Hash::hash(&self.path, &mut hasher);
        let name = format!("mesoslab-{:016x}.sock", std::hash::Hasher::finish(&hasher));
        std::env::temp_dir().join(name)
    }

    /// Tries to become the lab's one process.
    ///
    /// # Errors
    /// When the lock file cannot be opened. `Ok(None)`: somebody else holds it.
    pub fn lock(&self) -> io::Result<Option<Lock>> {
        self.try_lock("lock")
    }

    /// Tries to become the one command that changes the lab.
    ///
    /// # Errors
    /// When the lock file cannot be opened. `Ok(None)`: somebody else holds it.
    pub fn change_lock(&self) -> io::Result<Option<Lock>> {
        self.try_lock("change.lock")
    }

    fn try_lock(&self, name: &str) -> io::Result<Option<Lock>> {
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(self.path.join(name))?;
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(Lock(file))),
            Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether the lab's process lives; a lab of containers or of virtual machines runs until it is stopped, whatever
    /// these do.
    pub fn is_running(&self) -> bool {
        self.exists() && (matches!(self.lock(), Ok(None)) || self.has_no_process())
    }

    fn has_no_process(&self) -> bool {
        let apart =
            |record: &LabRecord| record.containers.is_some() || record.spec.provider == ProviderKind::Vagrant;
        let is_up = |record: LabRecord| apart(&record) && !record.stopped;
        self.record().ok().flatten().is_some_and(is_up)
    }

    /// What is known of the lab.
    ///
    /// # Errors
    /// When the record is there and cannot be read; [`io::ErrorKind::InvalidData`] when it is garbage.
    pub fn record(&self) -> io::Result<Option<LabRecord>> {
        self.read("lab.json")
    }

    /// What is known of the lab, or nothing where the record is garbage: the next one takes its place.
    ///
    /// # Errors
    /// When the record is there and cannot be read at all.
    pub fn record_if_sound(&self) -> io::Result<Option<LabRecord>> {
        self.record().or_else(|error| match error.kind() {
            io::ErrorKind::InvalidData => {
                tracing::warn!(%error, "the record of the lab is lost");
                Ok(None)
            }
            _ => Err(error),
        })
    }

    /// # Errors
    /// When the record cannot be written.
    pub fn write_record(&self, record: &LabRecord) -> io::Result<()> {
        self.write("lab.json", record)
    }

    /// What the lab is to become, left by `up` for the lab's process.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub fn wanted(&self) -> io::Result<Option<LabSpec>> {
        self.read("wanted.json")
    }

    /// # Errors
    /// When it cannot be written.
    pub fn write_wanted(&self, spec: &LabSpec) -> io::Result<()> {
        self.write("wanted.json", spec)
    }

    /// The last `count` lines of the lab's log.
    pub fn last_log_lines(&self, count: usize) -> Vec<String> {
        let text = fs::read(self.log())
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default();
        let lines: Vec<_> = text.lines().collect();
        lines[lines.len().saturating_sub(count)..].iter().map(|line| (*line).to_owned()).collect()
    }

    /// Removes all that is kept.
    ///
    /// # Errors
    /// As `rm -r`; that nothing is there is fine.
    pub fn purge(&self) -> io::Result<()> {
        match fs::remove_dir_all(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    fn read<T: DeserializeOwned>(&self, name: &str) -> io::Result<Option<T>> {
        let path = self.path.join(name);
        match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|error| {
                let unreadable = format!("`{}` does not parse: {error}", path.display());
                io::Error::new(io::ErrorKind::InvalidData, unreadable)
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes beside, syncs and renames: a reader sees the old or the new, whatever happens in between.
    fn write<T: Serialize>(&self, name: &str, value: &T) -> io::Result<()> {
        let beside = self.path.join(format!("{name}.{}.new", std::process::id()));
        let mut file =
            OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&beside)?;
        file.write_all(&serde_json::to_vec_pretty(value)?)?;
        file.sync_data()?;
        fs::rename(beside, self.path.join(name))
    }
}

/// The directory of all labs of this user.
///
/// # Errors
/// When the user has no home directory.
pub fn labs_dir() -> io::Result<PathBuf> {
    let base = etcetera::choose_base_strategy().map_err(io::Error::other)?;
    let state = base.state_dir().unwrap_or_else(|| base.data_dir());
    Ok(state.join("mesoslab").join("labs"))
}

#[cfg(test)]
mod tests {
    use super::StateDir;

    #[test]
    fn only_one_process_is_the_lab() {
        let dir = tempfile::tempdir().expect("a directory");
        let state = StateDir::at(dir.path().join("lab"));
        assert!(!state.is_running(), "a lab that does not exist does not run");
        state.create().expect("create");
        let lock = state.lock().expect("lock").expect("nobody else");
        assert!(state.is_running());
        assert!(state.lock().expect("lock file").is_none());
        drop(lock);
        assert!(!state.is_running());
    }

    #[test]
    fn a_long_state_path_still_has_a_socket() {
        let state = StateDir::at(std::path::PathBuf::from("/".to_owned() + &"x".repeat(200)));
        assert!(state.socket().as_os_str().len() <= super::LONGEST_SOCKET_PATH);
    }
}
