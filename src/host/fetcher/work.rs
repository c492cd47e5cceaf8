//! Work on files that can be long: it stops when nobody wants it any more, and leaves room on the disk.

use std::{
    fs::File,
    io::{self, Read, Write},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// Bytes that are copied at once.
const CHUNK: usize = 64 * 1024;

/// Bytes between two looks at the room that is left.
const BETWEEN_LOOKS: u64 = 16 * 1024 * 1024;

/// Bytes that are left free, for what else lives on the disk: an archive can hold more than any disk.
const RESERVE: u64 = 64 * 1024 * 1024;

/// Whether work is still wanted. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Wanted(Arc<AtomicBool>);

impl Wanted {
    /// Ends the work when it is dropped.
    pub fn guard(&self) -> Unwanted {
        Unwanted(self.clone())
    }

    /// # Errors
    /// When nobody wants the work any more.
    pub fn check(&self) -> io::Result<()> {
        match self.0.load(Ordering::Relaxed) {
            true => Err(io::Error::other("nobody waits for it any more")),
            false => Ok(()),
        }
    }

    /// Copies to the end; how many bytes that were.
    ///
    /// # Errors
    /// Those of reading and writing, when the disk is all but full, or when nobody wants it any more.
    pub fn pour(&self, from: &mut impl Read, to: &mut File) -> io::Result<u64> {
        let mut chunk = vec![0; CHUNK];
        let mut copied: u64 = 0;
        let mut look_at = 0;
        loop {
            self.check()?;
            let length = match from.read(&mut chunk) {
                Ok(0) => return Ok(copied),
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if copied >= look_at {
                look_at = copied + BETWEEN_LOOKS;
                room(to)?;
            }
            to.write_all(&chunk[..length])?;
            copied += u64::try_from(length).unwrap_or_default();
        }
    }
}

/// # Errors
/// When little more than the reserve is left where this file is.
pub fn room(file: &File) -> io::Result<()> {
    let space = rustix::fs::fstatvfs(file)?;
    let free = space.f_bavail.saturating_mul(space.f_frsize);
    if free < RESERVE + BETWEEN_LOOKS {
        return Err(io::Error::new(io::ErrorKind::StorageFull, "No space left on device"));
    }
    Ok(())
}

/// See [`Wanted::guard`].
#[derive(Debug)]
pub struct Unwanted(Wanted);

impl Drop for Unwanted {
    fn drop(&mut self) {
        self.0.0.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stops_when_it_is_not_wanted() {
        let wanted = Wanted::default();
        let mut file = tempfile::tempfile().unwrap();
        assert_eq!(wanted.pour(&mut &b"abc"[..], &mut file).unwrap(), 3);
        drop(wanted.guard());
        assert!(wanted.pour(&mut io::repeat(0), &mut file).is_err());
    }
}
