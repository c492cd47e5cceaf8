//! What an agent leaves in its work directory for the next one: who it is, and a log of what runs for frameworks that
//! checkpoint.
//!
//! ```text
//! meta/boot_id                  when the machine was started
//! meta/slaves/latest            -> ID   removing it makes the next agent a new one, as in Mesos
//! meta/slaves/ID/slave.info     AgentInfo
//! meta/slaves/ID/log            AgentLogEntry...
//! ```

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use prost::Message;

use crate::{
    engine::agent::{
        self, compacted,
        reconfiguration::{self, ReconfigurationPolicy},
    },
    host::{lock, record_log::RecordLog},
    mesos::{
        log::AgentLogEntry,
        v1::{AgentId, AgentInfo},
    },
};

const META: &str = "meta";
const LATEST: &str = "latest";
const INFO: &str = "slave.info";
const LOG: &str = "log";
const BOOT_ID: &str = "boot_id";

/// Where the kernel says which start of the machine this is.
const KERNEL_BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// The memory of an agent, open for more.
#[derive(Debug)]
pub struct AgentMemory {
    slaves: PathBuf,
    log: Option<RecordLog<AgentLogEntry>>,
}

/// What an earlier agent of the work directory has left.
#[derive(Debug, PartialEq)]
pub struct Remembered {
    pub id: AgentId,
    pub log: Vec<AgentLogEntry>,
}

impl AgentMemory {
    /// Opens the memory in a work directory for an agent that is to be `info`; gives what an earlier one has left.
    ///
    /// # Errors
    /// When it cannot be written, or not read though `strict`, and with [`Incompatible`] inside when the earlier agent
    /// was another than the policy permits. After a restart of the machine, when nothing runs any more, the agent is
    /// then a new one.
    pub fn open(
        work_dir: &Path,
        info: &AgentInfo,
        policy: ReconfigurationPolicy,
        strict: bool,
    ) -> io::Result<(Self, Option<Remembered>)> {
        let meta = work_dir.join(META);
        let mut memory = Self { slaves: meta.join("slaves"), log: None };
        fs::create_dir_all(&memory.slaves).map_err(lock::at(&memory.slaves))?;
        let rebooted = note_boot(&meta)?;
        let latest = match memory.latest() {
            Err(error) if !strict => {
                tracing::warn!(%error, "what was remembered cannot be read: the agent gets a new id");
                None
            }
            latest => latest?,
        };
        let Some(old) = latest else { return Ok((memory, None)) };
        if let Err(change) = reconfiguration::check(policy, &old, info) {
            if !rebooted {
                let latest = memory.slaves.join(LATEST);
                return Err(io::Error::other(Incompatible { change, latest }));
            }
            tracing::warn!(change, "the machine was restarted: the agent gets a new id");
            forget(&work_dir.display().to_string())?;
            return Ok((memory, None));
        }
        let id = old.id.clone().unwrap_or_default();
        let log = memory.open_log(&id)?;
        Ok((memory, Some(Remembered { id, log })))
    }

    fn latest(&self) -> io::Result<Option<AgentInfo>> {
        let path = self.slaves.join(LATEST).join(INFO);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let info = AgentInfo::decode(bytes.as_slice()).ok().filter(|info| info.id.is_some());
        let damaged = || io::Error::other(format!("`{}` is damaged", path.display()));
        info.map(Some).ok_or_else(damaged)
    }

    fn open_log(&mut self, id: &AgentId) -> io::Result<Vec<AgentLogEntry>> {
        let (log, entries) = RecordLog::open(self.slaves.join(id.as_str()).join(LOG), compacted)?;
        self.log = Some(log);
        Ok(entries)
    }

    /// Writes something down. What cannot be written is told to the log: the agent goes on.
    pub fn remember(&mut self, memory: &agent::Memory) {
        let written = match memory {
            agent::Memory::Agent(info) => {
                tracing::info!(id = info.id.as_ref().map(AgentId::as_str), "the agent has an id");
                self.remember_agent(info)
            }
            agent::Memory::Entry(entry) => self.log.as_mut().map_or(Ok(()), |log| {
                log.append(entry)?;
                log.rewrite_if_grown(compacted)
            }),
        };
        if let Err(error) = written {
            tracing::error!(%error, "failed to write down what a next agent has to know");
        }
    }

    fn remember_agent(&mut self, info: &AgentInfo) -> io::Result<()> {
        let Some(id) = &info.id else { return Ok(()) };
        let directory = self.slaves.join(id.as_str());
        fs::create_dir_all(&directory)?;
        replace(&directory.join(INFO), &info.encode_to_vec())?;
        let (latest, new) = (self.slaves.join(LATEST), self.slaves.join("latest.new"));
        let _left_over = fs::remove_file(&new);
        std::os::unix::fs::symlink(id.as_str(), &new)?;
        fs::rename(&new, &latest)?;
        if self.log.is_none() {
            self.open_log(id)?;
        }
        Ok(())
    }
}

/// Makes the next agent of a work directory a new one.
///
/// # Errors
/// When the link to the latest agent cannot be removed.
pub fn forget(work_dir: &str) -> io::Result<()> {
    match fs::remove_file(Path::new(work_dir).join(META).join("slaves").join(LATEST)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// The earlier agent of the work directory was another than this one may be.
#[derive(Debug, thiserror::Error)]
#[error(
    "Failed to perform recovery: {change}\n\
     To keep the agent's id, let --reconfiguration_policy permit the change; to make it a new agent, \
     rm -f {latest}",
    latest = latest.display()
)]
pub struct Incompatible {
    change: String,
    latest: PathBuf,
}

/// Whether the machine has been restarted since this was last called for the directory.
fn note_boot(meta: &Path) -> io::Result<bool> {
    let Ok(current) = fs::read_to_string(KERNEL_BOOT_ID) else { return Ok(false) };
    let path = meta.join(BOOT_ID);
    let last = fs::read_to_string(&path).ok();
    if last.as_ref() != Some(&current) {
        replace(&path, current.as_bytes())?;
    }
    Ok(last.is_some_and(|last| last != current))
}

fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = path.with_extension("new");
    fs::write(&new, bytes)?;
    fs::rename(new, path)
}
