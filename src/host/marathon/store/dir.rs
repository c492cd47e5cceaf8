//! A journal: a line for each change, synced before anybody hears of it. What a killed process has written last is at most
//! cut off, and then left out. Written anew when it is opened, and when it has grown much.
//!
//! ```text
//! key TAB value in JSON
//! key                       it is gone
//! ```

use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use bytes::Bytes;
use rustix::fs::FlockOperation;

use super::{KeyValue, StoreError, apply};

const NAME: &str = "marathon.journal";
const LOCK: &str = "lock";
/// Below this size a journal is not worth rewriting.
const SMALL: u64 = 1 << 20;
/// So many times what it was after its last rewriting may a journal become.
const GROWTH: u64 = 4;

/// An open journal, for this process alone.
#[derive(Debug)]
pub(in crate::host::marathon) struct Journal {
    dir: PathBuf,
    file: File,
    entries: BTreeMap<String, Bytes>,
    size: u64,
    rewritten_size: u64,
    lock: File,
}

impl Journal {
    pub fn open(dir: PathBuf) -> Result<Self, StoreError> {
        fs::create_dir_all(&dir).map_err(|source| error("make", &dir, source))?;
        let lock = lock(&dir)?;
        let path = dir.join(NAME);
        let entries = match fs::read(&path) {
            Ok(text) => read(&text),
            Err(missing) if missing.kind() == io::ErrorKind::NotFound => BTreeMap::new(),
            Err(source) => return Err(error("read", &path, source)),
        };
        let (file, size) = rewrite(&dir, &entries).map_err(|source| error("write", &path, source))?;
        Ok(Self { dir, file, entries, size, rewritten_size: size, lock })
    }

    pub fn load(&self) -> Vec<(String, Bytes)> {
        self.entries.iter().map(|(key, value)| (key.clone(), value.clone())).collect()
    }

    pub fn save(&mut self, changes: Vec<KeyValue>) -> Result<(), StoreError> {
        let mut text = Vec::new();
        for (key, value) in &changes {
            line(&mut text, key, value.as_deref());
        }
        let written = self.file.write_all(&text).and_then(|()| self.file.sync_data());
        if let Err(source) = written {
            // A torn line is left out when it is read; what follows must not be glued to it.
            let _ = self.file.set_len(self.size);
            return Err(error("write", &self.dir.join(NAME), source));
        }
        self.size += text.len() as u64;
        apply(&mut self.entries, changes);
        if self.size > SMALL.max(self.rewritten_size * GROWTH) {
            let again = rewrite(&self.dir, &self.entries);
            let (file, size) = again.map_err(|source| error("write", &self.dir.join(NAME), source))?;
            (self.file, self.size, self.rewritten_size) = (file, size, size);
        }
        Ok(())
    }
}

/// The next may have the directory, even where a child process still holds a copy of the lock's file.
impl Drop for Journal {
    fn drop(&mut self) {
        if let Err(error) = rustix::fs::flock(&self.lock, FlockOperation::Unlock) {
            tracing::warn!(%error, "the lock of Marathon's journal stays");
        }
    }
}

/// Without a last line that was cut off.
fn read(text: &[u8]) -> BTreeMap<String, Bytes> {
    let mut entries = BTreeMap::new();
    for line in text.split_inclusive(|byte| *byte == b'\n').filter_map(|line| line.strip_suffix(b"\n")) {
        let tab = line.iter().position(|byte| *byte == b'\t');
        let (key, value) = tab.map_or((line, None), |tab| (&line[..tab], Some(&line[tab + 1..])));
        let key = String::from_utf8_lossy(key).into_owned();
        apply(&mut entries, vec![(key, value.map(Bytes::copy_from_slice))]);
    }
    entries
}

/// JSON that holds neither a tab nor a line's end.
fn line(text: &mut Vec<u8>, key: &str, value: Option<&[u8]>) {
    text.extend_from_slice(key.as_bytes());
    if let Some(value) = value {
        text.push(b'\t');
        text.extend_from_slice(value);
    }
    text.push(b'\n');
}

/// Beside the old one, then over it.
fn rewrite(dir: &Path, entries: &BTreeMap<String, Bytes>) -> io::Result<(File, u64)> {
    let (path, beside) = (dir.join(NAME), dir.join(NAME).with_extension("new"));
    let mut text = Vec::new();
    for (key, value) in entries {
        line(&mut text, key, Some(value));
    }
    let mut file = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&beside)?;
    file.write_all(&text)?;
    file.sync_all()?;
    fs::rename(&beside, &path)?;
    File::open(dir)?.sync_all()?;
    let file = OpenOptions::new().append(true).open(&path)?;
    Ok((file, text.len() as u64))
}

fn lock(dir: &Path) -> Result<File, StoreError> {
    let path = dir.join(LOCK);
    let opened = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(&path);
    let file = opened.map_err(|source| error("open", &path, source))?;
    match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(StoreError::InUse(dir.to_owned())),
        Err(errno) => Err(error("lock", &path, errno.into())),
    }
}

fn error(what: &'static str, path: &Path, source: io::Error) -> StoreError {
    StoreError::Io { what, path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(key: &str, value: Option<&'static str>) -> KeyValue {
        (key.to_owned(), value.map(|value| Bytes::from_static(value.as_bytes())))
    }

    #[test]
    fn what_is_kept_is_there_again_without_a_torn_end() {
        let dir = tempfile::tempdir().unwrap();
        let mut journal = Journal::open(dir.path().to_owned()).unwrap();
        journal.save(vec![change("a", Some("1")), change("b", Some("{\"x\":2}"))]).unwrap();
        journal.save(vec![change("a", None), change("c", Some("3"))]).unwrap();
        assert!(matches!(Journal::open(dir.path().to_owned()), Err(StoreError::InUse(_))));
        drop(journal);
        let path = dir.path().join(NAME);
        let mut torn = fs::read(&path).unwrap();
        torn.extend_from_slice(b"d\t{\"x\"");
        fs::write(&path, torn).unwrap();
        let mut journal = Journal::open(dir.path().to_owned()).unwrap();
        let keys: Vec<String> = journal.load().into_iter().map(|(key, _)| key).collect();
        assert_eq!(keys, ["b", "c"]);
        journal.save(vec![change("e", Some("5"))]).unwrap();
        drop(journal);
        assert_eq!(Journal::open(dir.path().to_owned()).unwrap().load().len(), 3);
    }
}
