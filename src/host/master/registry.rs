//! The registry on disk: what becomes of agents is appended, and a master that starts reads it.

use std::{io, path::Path};

use crate::{engine::master::registry::compacted, host::record_log::RecordLog, mesos::log::RegistryEntry};

/// Its place in the work directory.
const FILE: &str = "registry";

/// An open registry.
#[derive(Debug)]
pub struct Registry(RecordLog<RegistryEntry>);

impl Registry {
    /// Opens the registry of a work directory; gives what masters before this one have written.
    ///
    /// # Errors
    /// When it cannot be read or written.
    pub fn open(work_dir: &Path) -> io::Result<(Self, Vec<RegistryEntry>)> {
        let (log, entries) = RecordLog::open(work_dir.join(FILE), last_words)?;
        Ok((Self(log), entries))
    }

    /// A registry that cannot be written is told to the log: the master goes on with what it knows.
    pub fn append(&mut self, entry: &RegistryEntry) {
        let written = self.0.append(entry).and_then(|()| self.0.rewrite_if_grown(last_words));
        if let Err(error) = written {
            tracing::error!(%error, "failed to write the registry");
        }
    }
}

fn last_words(entries: Vec<RegistryEntry>) -> Vec<RegistryEntry> {
    compacted(entries).into_values().collect()
}
