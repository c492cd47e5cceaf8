//! Locks of work directories: held while their owner lives, and let go of by the system when it dies, however it dies.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
    time::Duration,
};

use rustix::{fs::FlockOperation, process::RawPid};

const PAUSE: Duration = Duration::from_millis(5);

/// A lock that is ours until this is dropped.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "the lock is held by the open file")] File);

impl Lock {
    /// Waits for the owner before, who may just be dying; none when it lives on. Leaves our number for those who find
    /// the lock taken.
    ///
    /// # Errors
    /// When the file cannot be made or written.
    pub fn take(path: &Path, patience: Duration) -> io::Result<Option<Self>> {
        let Some(mut file) = wait(path, patience)? else { return Ok(None) };
        file.set_len(0)?;
        file.write_all(std::process::id().to_string().as_bytes())?;
        Ok(Some(Self(file)))
    }
}

/// The lock for a moment, without a word of who has it.
///
/// # Errors
/// When the file cannot be made.
pub fn wait(path: &Path, patience: Duration) -> io::Result<Option<File>> {
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(path)
        .map_err(at(path))?;
    for _ in 0..=patience.as_millis() / PAUSE.as_millis() {
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(Some(file)),
            Err(rustix::io::Errno::WOULDBLOCK | rustix::io::Errno::INTR) => std::thread::sleep(PAUSE),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(None)
}

/// Says where it went wrong: the system's own words name no path.
pub fn at(path: &Path) -> impl FnOnce(io::Error) -> io::Error {
    move |error| io::Error::new(error.kind(), format!("`{}`: {error}", path.display()))
}

/// Who has the lock, or had it last.
pub fn owner(path: &Path) -> Option<RawPid> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

/// Somebody else has the lock of a work directory.
pub fn busy(who: &str, lock: &Path, work_dir: &Path) -> io::Error {
    let pid = owner(lock).map(|pid| format!(" (process {pid})")).unwrap_or_default();
    let busy = format!("{who}{pid} uses the work directory `{}`", work_dir.display());
    io::Error::new(io::ErrorKind::WouldBlock, busy)
}
