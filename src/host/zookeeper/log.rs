//! The log: what was done since the last snapshot, on the disk before it is answered, and read again at the next start.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use bytes::Bytes;

use super::files::{self, Blocks, Damage, LOG, SNAPSHOT};
use crate::{
    host::lock::{self, Lock},
    services::zookeeper::{Config, Entry, Server},
    zookeeper::jute::Jute,
};

/// How long a server that is just dying may keep its lock.
const PATIENCE: Duration = Duration::from_secs(2);

/// A log becomes long also by its bytes.
const LONGEST: u64 = 64 * 1024 * 1024;

/// An open log. Its directory is ours while it lives.
#[derive(Debug)]
pub struct Log {
    dir: PathBuf,
    file: File,
    /// Bytes in the open file.
    size: u64,
    /// Entries since the last snapshot.
    count: u64,
    snap_count: u64,
    /// Bytes of all files.
    bytes: u64,
    #[expect(dead_code, reason = "held while the log is open")]
    lock: Lock,
}

impl Log {
    /// Takes the directory, and gives the server as it was when its last answer went out.
    ///
    /// # Errors
    /// When another process has the directory, it cannot be read or written, or a file in it is damaged; a torn end of the
    /// last log is no damage.
    pub fn open(dir: &Path, config: Config, snap_count: u64) -> io::Result<(Server, Self)> {
        fs::create_dir_all(dir)?;
        let path = dir.join("lock");
        let lock = Lock::take(&path, PATIENCE)?;
        let lock = lock.ok_or_else(|| lock::busy("another ZooKeeper", &path, dir))?;
        let mut server = newest_snapshot(dir, config)?;
        let logs = files::list(dir, LOG)?;
        let mut count = 0;
        for (at, (_, path)) in logs.iter().enumerate() {
            let read = files::read(path, LOG)?;
            if read.whole < read.length {
                torn(path, &read, at + 1 == logs.len())?;
            }
            for (offset, content) in read.blocks {
                count += replay(&mut server, path, offset, content)?;
            }
        }
        let (file, size) = match logs.last() {
            Some((_, path)) => append_to(path)?,
            None => (files::create(&files::name(dir, LOG, server.zxid() + 1), LOG, &[])?, 8),
        };
        let bytes = sizes(dir)?;
        Ok((server, Self { dir: dir.to_owned(), file, size, count, snap_count, bytes, lock }))
    }

    /// Whether a snapshot should take the place of the entries.
    pub fn is_long(&self) -> bool {
        self.count >= self.snap_count || self.size >= LONGEST
    }

    /// Bytes of log and snapshots.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Puts entries on the disk; with a snapshot that has them already, that takes the place of all.
    ///
    /// # Errors
    /// When the disk does not take them: nothing is known of what it has then.
    pub fn write(&mut self, entries: &[u8], count: u64, snapshot: Option<(i64, Bytes)>) -> io::Result<()> {
        if let Some((zxid, state)) = snapshot {
            return self.replace(zxid, &state);
        }
        let block = files::block(entries)?;
        self.file.write_all(&block)?;
        self.file.sync_data()?;
        self.size += block.len() as u64;
        self.bytes += block.len() as u64;
        self.count += count;
        Ok(())
    }

    fn replace(&mut self, zxid: i64, state: &[u8]) -> io::Result<()> {
        let old: Vec<_> = [files::list(&self.dir, LOG)?, files::list(&self.dir, SNAPSHOT)?].concat();
        let snapshot = files::name(&self.dir, SNAPSHOT, zxid);
        files::create(&snapshot, SNAPSHOT, &files::block(state)?)?;
        let log = files::name(&self.dir, LOG, zxid + 1);
        self.file = files::create(&log, LOG, &[])?;
        for (_, path) in old.into_iter().filter(|(_, path)| *path != snapshot && *path != log) {
            fs::remove_file(path)?;
        }
        (self.size, self.count, self.bytes) = (0, 0, sizes(&self.dir)?);
        tracing::info!(zxid, bytes = state.len(), "a snapshot takes the place of the log");
        Ok(())
    }
}

fn newest_snapshot(dir: &Path, config: Config) -> io::Result<Server> {
    let Some((_, path)) = files::list(dir, SNAPSHOT)?.pop() else { return Ok(Server::new(config)) };
    let Blocks { blocks, whole, length } = files::read(&path, SNAPSHOT)?;
    let damage = |offset, what: &str| Damage::Block { path: path.clone(), offset, what: what.to_owned() };
    let (offset, state) = match blocks.into_iter().next() {
        Some(block) if whole == length => block,
        _ => return Err(damage(whole, "the state is cut off").into()),
    };
    Server::restore(config, state).map_err(|error| damage(offset, &error.to_string()).into())
}

/// Only the last log can end in the middle of a block.
fn torn(path: &Path, read: &Blocks, is_last: bool) -> io::Result<()> {
    if !is_last {
        let what = "the block is cut off, but there is a later log".to_owned();
        return Err(Damage::Block { path: path.to_owned(), offset: read.whole, what }.into());
    }
    tracing::warn!(
        path = %path.display(), bytes = read.length - read.whole, "left out the torn end of a log"
    );
    let file = OpenOptions::new().write(true).open(path)?;
    file.set_len(read.whole as u64)?;
    file.sync_all()
}

fn replay(server: &mut Server, path: &Path, offset: usize, mut content: Bytes) -> io::Result<u64> {
    let damage = |what: String| Damage::Block { path: path.to_owned(), offset, what };
    let mut count = 0;
    while !content.is_empty() {
        let entry = Entry::read(&mut content).map_err(|error| damage(error.to_string()))?;
        let (next, zxid) = (server.zxid() + 1, entry.zxid);
        if zxid > next {
            return Err(damage(format!("transaction {zxid:#x} follows, {next:#x} is missing")).into());
        }
        server.replay(&entry);
        count += 1;
    }
    Ok(count)
}

fn append_to(path: &Path) -> io::Result<(File, u64)> {
    let file = OpenOptions::new().append(true).open(path)?;
    let size = file.metadata()?.len();
    Ok((file, size))
}

fn sizes(dir: &Path) -> io::Result<u64> {
    let all = [files::list(dir, LOG)?, files::list(dir, SNAPSHOT)?].concat();
    all.iter().map(|(_, path)| fs::metadata(path).map(|metadata| metadata.len())).sum()
}
