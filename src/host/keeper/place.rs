//! Where agents and keeper of a work directory meet: its `meta/` with their socket and a lock for each.

use std::{
    collections::BTreeSet,
    fs::{self, File, Permissions},
    io,
    os::{
        fd::AsRawFd,
        unix::{fs::PermissionsExt, net::UnixListener},
    },
    path::{Path, PathBuf},
    time::Duration,
};

use rustix::process::Pid;
use tokio::net::UnixStream;

use super::ROUNDS;
use crate::host::{
    guard::spellings,
    lock::{self, Lock},
    process::kill_strays,
};

const SOCKET: &str = "keeper.sock";
const AGENT_LOCK: &str = "agent.lock";
const KEEPER_LOCK: &str = "keeper.lock";

/// The longest path that a UNIX socket takes on every system of ours, in bytes.
const LONGEST_SOCKET_PATH: usize = 100;

/// How long an agent waits for the last one, which may just be dying.
const AGENT_PATIENCE: Duration = Duration::from_secs(1);

/// How long a keeper that is killing its last tasks is waited for.
const KEEPER_PATIENCE: Duration = Duration::from_secs(30);

/// A work directory, by its absolute path.
#[derive(Clone, Debug)]
pub(super) struct Place {
    work_dir: PathBuf,
}

/// A path that is short enough for a socket, while this lives.
struct Address {
    path: PathBuf,
    _directory: Option<File>,
}

impl Place {
    pub fn of(work_dir: &Path) -> io::Result<Self> {
        let place = Self { work_dir: std::path::absolute(work_dir)? };
        fs::create_dir_all(place.meta()).map_err(lock::at(&place.meta()))?;
        Ok(place)
    }

    fn meta(&self) -> PathBuf {
        self.work_dir.join("meta")
    }

    /// Becomes the one agent process.
    pub fn lock_for_agent(&self) -> io::Result<Lock> {
        let lock = Lock::take(&self.meta().join(AGENT_LOCK), AGENT_PATIENCE)?;
        lock.ok_or_else(|| self.busy("another agent", AGENT_LOCK))
    }

    /// Becomes the one keeper, when the one before is gone.
    pub fn lock_for_keeper(&self) -> io::Result<Lock> {
        let lock = Lock::take(&self.meta().join(KEEPER_LOCK), KEEPER_PATIENCE)?;
        lock.ok_or_else(|| self.keeper_is_silent())
    }

    /// Returns when no keeper is alive; none begins until the result is dropped.
    fn wait_for_keeper(&self) -> io::Result<File> {
        let lock = lock::wait(&self.meta().join(KEEPER_LOCK), KEEPER_PATIENCE)?;
        lock.ok_or_else(|| self.keeper_is_silent())
    }

    /// The keeper that lives, or that lived last.
    pub fn keeper(&self) -> Option<Pid> {
        lock::owner(&self.meta().join(KEEPER_LOCK)).and_then(Pid::from_raw)
    }

    pub fn keeper_is_silent(&self) -> io::Error {
        self.busy("a keeper that does not answer", KEEPER_LOCK)
    }

    fn busy(&self, who: &str, lock: &str) -> io::Error {
        lock::busy(who, &self.meta().join(lock), &self.work_dir)
    }

    /// The socket of a keeper to come, in place of the one that the last may have left; for its owner alone.
    pub fn bind(&self) -> io::Result<UnixListener> {
        self.remove_socket()?;
        let listener = UnixListener::bind(&self.address()?.path)?;
        fs::set_permissions(self.meta().join(SOCKET), Permissions::from_mode(0o600))?;
        Ok(listener)
    }

    pub async fn connect(&self) -> io::Result<UnixStream> {
        let address = self.address()?;
        UnixStream::connect(&address.path).await
    }

    pub fn remove_socket(&self) -> io::Result<()> {
        match fs::remove_file(self.meta().join(SOCKET)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// On Linux a long path is reached through its open directory; elsewhere the system refuses it.
    fn address(&self) -> io::Result<Address> {
        let path = self.meta().join(SOCKET);
        if path.as_os_str().len() <= LONGEST_SOCKET_PATH || !cfg!(target_os = "linux") {
            return Ok(Address { path, _directory: None });
        }
        let directory = File::open(self.meta())?;
        let path = PathBuf::from(format!("/proc/self/fd/{}/{SOCKET}", directory.as_raw_fd()));
        Ok(Address { path, _directory: Some(directory) })
    }

    /// When no keeper is alive, kills what is left of the tasks of all before; how many processes that were.
    pub fn sweep(&self) -> io::Result<usize> {
        let _none = self.wait_for_keeper()?;
        self.remove_socket()?;
        Ok(self.kill_all())
    }

    /// Kills whatever belongs to a sandbox below the work directory.
    pub fn kill_all(&self) -> usize {
        kill_strays(&BTreeSet::new(), &spellings(&self.work_dir), ROUNDS)
    }

    /// Kills what a dead keeper has left of these tasks.
    pub fn kill_strays_of_dead_keeper(
        &self,
        sessions: &BTreeSet<i32>,
        sandboxes: &[PathBuf],
    ) -> io::Result<usize> {
        let _none = self.wait_for_keeper()?;
        Ok(kill_strays(sessions, sandboxes, ROUNDS))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_agent_per_work_directory() {
        let directory = tempfile::tempdir().unwrap();
        let place = Place::of(directory.path()).unwrap();
        let lock = place.lock_for_agent().unwrap();
        let refused = place.lock_for_agent().unwrap_err().to_string();
        let wanted = format!("another agent (process {}) uses the work directory `", std::process::id());
        assert!(refused.starts_with(&wanted), "{refused}");
        drop(lock);
        place.lock_for_agent().unwrap();
    }

    #[tokio::test]
    async fn a_long_path_has_a_socket_that_takes_the_place_of_a_dead_one() {
        let directory = tempfile::tempdir().unwrap();
        let place = Place::of(&directory.path().join("x".repeat(200))).unwrap();
        drop(place.bind().unwrap());
        assert_eq!(place.connect().await.unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
        let _listener = place.bind().unwrap();
        place.connect().await.unwrap();
    }
}
