//! The registry on disk: what becomes of agents is appended, and a master that starts reads it.

use std::{fs, io, path::Path, time::Duration};

use crate::{
    engine::master::registry::compacted,
    host::{
        lock::{self, Lock},
        record_log::RecordLog,
    },
    mesos::log::RegistryEntry,
};

/// Its place in the work directory, and that of the lock that keeps it for one master.
const FILE: &str = "registry";
const LOCK: &str = "registry.lock";

/// How long a master waits for the last one, which may just be dying.
const PATIENCE: Duration = Duration::from_secs(1);

/// An open registry.
#[derive(Debug)]
pub struct Registry {
    log: RecordLog<RegistryEntry>,
    _lock: Lock,
}

impl Registry {
    /// Opens the registry of a work directory; gives what masters before this one have written.
    ///
    /// # Errors
    /// When it cannot be read or written, or another master has it.
    pub fn open(work_dir: &Path) -> io::Result<(Self, Vec<RegistryEntry>)> {
        fs::create_dir_all(work_dir).map_err(lock::at(work_dir))?;
        let path = work_dir.join(LOCK);
        let lock = Lock::take(&path, PATIENCE)?;
        let lock = lock.ok_or_else(|| lock::busy("another master", &path, work_dir))?;
        let (log, entries) = RecordLog::open(work_dir.join(FILE), compacted)?;
        Ok((Self { log, _lock: lock }, entries))
    }

    /// A registry that cannot be written is told to the log: the master goes on with what it knows.
    pub fn append(&mut self, entry: &RegistryEntry) {
        let written = self.log.append(entry).and_then(|()| self.log.rewrite_if_grown(compacted));
        if let Err(error) = written {
            tracing::error!(%error, "failed to write the registry");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mesos::{
        log::registry_entry::State,
        v1::{AgentId, AgentInfo},
    };

    fn entry(state: State, id: &str) -> RegistryEntry {
        let agent = AgentInfo { id: Some(AgentId::new(id)), ..AgentInfo::default() };
        RegistryEntry { state: Some(state.into()), agent: Some(agent), ..RegistryEntry::default() }
    }

    #[test]
    fn the_last_word_on_each_agent_is_read_again() {
        let directory = tempfile::tempdir().unwrap();
        let (mut registry, none) = Registry::open(directory.path()).unwrap();
        assert!(none.is_empty());
        for (state, id) in [
            (State::Admitted, "a"),
            (State::Admitted, "b"),
            (State::Gone, "a"),
            (State::Admitted, "c"),
            (State::Removed, "c"),
        ] {
            registry.append(&entry(state, id));
        }
        drop(registry);
        let (_registry, read) = Registry::open(directory.path()).unwrap();
        assert_eq!(read, [entry(State::Gone, "a"), entry(State::Admitted, "b")]);
    }

    #[test]
    fn a_work_directory_that_cannot_be_is_named() {
        let refused = Registry::open(Path::new("/dev/null/master")).unwrap_err().to_string();
        assert_eq!(refused, "`/dev/null/master`: Not a directory (os error 20)");
    }

    #[test]
    fn one_master_has_it() {
        let directory = tempfile::tempdir().unwrap();
        let _registry = Registry::open(directory.path()).unwrap();
        let refused = Registry::open(directory.path()).unwrap_err().to_string();
        let wanted = format!("another master (process {}) uses the work directory", std::process::id());
        assert!(refused.starts_with(&wanted), "{refused}");
    }
}
