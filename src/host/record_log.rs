//! A file of messages that is only ever appended to, and read once at a start: what a killed process has said last is
//! at most cut off, and then left out.
//!
//! ```text
//! length (4 bytes, little endian) | message | length | message | ...
//! ```
//!
//! What is written survives the death of the process, not that of the machine: nothing waits for the disk.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    marker::PhantomData,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use prost::Message;

/// Below this size a log is not worth rewriting.
const SMALL: u64 = 1024 * 1024;

/// So many times what it was after its last rewriting may a log become.
const GROWTH: u64 = 4;

/// An open log of messages of one type.
#[derive(Debug)]
pub struct RecordLog<M> {
    path: PathBuf,
    file: File,
    size: u64,
    rewritten_size: u64,
    of: PhantomData<fn() -> M>,
}

impl<M: Message + Default> RecordLog<M> {
    /// Opens a log, and rewrites it to what `keep` leaves of it; gives that.
    ///
    /// # Errors
    /// When the file or its directory cannot be read or written.
    pub fn open(path: PathBuf, keep: impl FnOnce(Vec<M>) -> Vec<M>) -> io::Result<(Self, Vec<M>)> {
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory)?;
        }
        let entries = keep(read(&path)?);
        let (file, size) = write(&path, &entries)?;
        Ok((Self { path, file, size, rewritten_size: size, of: PhantomData }, entries))
    }

    /// # Errors
    /// When it cannot be written: the log is then what it was.
    pub fn append(&mut self, message: &M) -> io::Result<()> {
        let framed = framed(message);
        if let Err(error) = self.file.write_all(&framed) {
            let _still_torn = self.file.set_len(self.size);
            return Err(error);
        }
        self.size += framed.len() as u64;
        Ok(())
    }

    /// Rewrites a log that has grown much since it last was; else does nothing.
    ///
    /// # Errors
    /// When it cannot be read or written: the log is then what it was.
    pub fn rewrite_if_grown(&mut self, keep: impl FnOnce(Vec<M>) -> Vec<M>) -> io::Result<()> {
        if self.size < SMALL.max(self.rewritten_size * GROWTH) {
            return Ok(());
        }
        let entries = keep(read(&self.path)?);
        let (file, size) = write(&self.path, &entries)?;
        (self.file, self.size, self.rewritten_size) = (file, size, size);
        Ok(())
    }
}

fn framed<M: Message>(message: &M) -> Vec<u8> {
    let length = message.encoded_len();
    let mut framed = Vec::with_capacity(length + 4);
    framed.extend(u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes());
    message.encode_raw(&mut framed);
    framed
}

/// The whole messages of a file; none when there is no file.
fn read<M: Message + Default>(path: &Path) -> io::Result<Vec<M>> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut rest = bytes.as_slice();
    let mut messages = Vec::new();
    while let Some((length, behind)) = rest.split_first_chunk::<4>() {
        let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
        let Some((message, behind)) = behind.split_at_checked(length) else { break };
        let Ok(message) = M::decode(message) else { break };
        messages.push(message);
        rest = behind;
    }
    if !rest.is_empty() {
        tracing::warn!(path = %path.display(), bytes = rest.len(), "left out the torn end of a log");
    }
    Ok(messages)
}

/// Puts a new file in the place of the old one, in one step.
fn write<M: Message>(path: &Path, messages: &[M]) -> io::Result<(File, u64)> {
    let bytes: Vec<u8> = messages.iter().flat_map(framed).collect();
    let new = path.with_extension("new");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    file.write_all(&bytes)?;
    drop(file);
    fs::rename(&new, path)?;
    let file = OpenOptions::new().append(true).open(path)?;
    Ok((file, bytes.len() as u64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mesos::v1::TaskId;

    fn ids(log: &[TaskId]) -> Vec<&str> {
        log.iter().map(TaskId::as_str).collect()
    }

    fn open(path: &Path) -> (RecordLog<TaskId>, Vec<TaskId>) {
        RecordLog::open(path.to_path_buf(), |all| all).unwrap()
    }

    #[test]
    fn what_was_appended_is_read_again() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("below/log");
        let (mut log, none) = open(&path);
        assert!(none.is_empty());
        for id in ["a", "b", ""] {
            log.append(&TaskId::new(id)).unwrap();
        }
        drop(log);
        let (mut log, read) = open(&path);
        assert_eq!(ids(&read), ["a", "b", ""]);
        log.append(&TaskId::new("c")).unwrap();
        assert_eq!(ids(&open(&path).1), ["a", "b", "", "c"]);
    }

    #[test]
    fn a_torn_end_is_left_out_wherever_it_is_torn() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        let (mut log, _) = open(&path);
        log.append(&TaskId::new("whole")).unwrap();
        let whole = fs::metadata(&path).unwrap().len();
        log.append(&TaskId::new("torn")).unwrap();
        let bytes = fs::read(&path).unwrap();
        for length in whole..bytes.len() as u64 {
            fs::write(&path, &bytes[..usize::try_from(length).unwrap()]).unwrap();
            let (mut log, read) = open(&path);
            assert_eq!(ids(&read), ["whole"], "{length}");
            log.append(&TaskId::new("next")).unwrap();
            assert_eq!(ids(&open(&path).1), ["whole", "next"]);
        }
    }

    #[test]
    fn garbage_is_no_message() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        for garbage in [&b"\xff\xff\xff\xff"[..], b"\x02\0\0\0\xff\xff", b"GET / HTTP/1.1"] {
            fs::write(&path, garbage).unwrap();
            assert!(open(&path).1.is_empty());
        }
    }

    #[test]
    fn a_grown_log_is_rewritten_to_what_matters() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        let (mut log, _) = open(&path);
        let long = TaskId::new("x".repeat(10_000));
        for _ in 0..2 * SMALL / 10_000 {
            log.append(&long).unwrap();
            log.rewrite_if_grown(|all| all.into_iter().take(1).collect()).unwrap();
        }
        assert!(fs::metadata(&path).unwrap().len() < SMALL + 20_000);
        log.append(&TaskId::new("last")).unwrap();
        assert_eq!(open(&path).1.last().unwrap().as_str(), "last");
    }
}
