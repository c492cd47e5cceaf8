//! Blobs on their way in: each is a file of its own, digested while it comes, and gone unless it is finished.

use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::{self, Seek, SeekFrom, Write},
    os::unix::fs::OpenOptionsExt,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};
use uuid::Uuid;

use super::blocking;
use crate::{
    host::http::RequestBody,
    mesos::time::Time,
    runtime::Clock,
    services::registry::{Code, Digest, Hasher, Refusal, Repository},
};

/// So long may nothing come for an upload before it is given up.
const PATIENCE: Duration = Duration::from_secs(60 * 60);

/// Bytes that are gathered before they are written: what an upload takes of memory.
const BATCH: usize = 256 * 1024;

/// All uploads that have begun.
#[derive(Debug)]
pub struct Uploads {
    dir: PathBuf,
    clock: Clock,
    open: Mutex<BTreeMap<String, Open>>,
}

#[derive(Debug)]
struct Open {
    repository: Repository,
    upload: Arc<AsyncMutex<Upload>>,
    /// When it was last asked for.
    touched: Time,
}

/// An upload, for one request at a time. Dropping it forgets what has come.
#[derive(Debug)]
pub struct Upload {
    path: PathBuf,
    hasher: Hasher,
    size: u64,
}

/// An upload that nobody else touches meanwhile.
pub type Held = OwnedMutexGuard<Upload>;

impl Uploads {
    pub fn new(dir: PathBuf, clock: Clock) -> Self {
        Self { dir, clock, open: Mutex::default() }
    }

    /// Begins one: its id.
    pub fn begin(&self, repository: &Repository) -> String {
        let (id, now) = (Uuid::new_v4().to_string(), self.clock.now());
        let upload = Upload { path: self.dir.join(&id), hasher: Hasher::default(), size: 0 };
        let (repository, upload) = (repository.clone(), Arc::new(AsyncMutex::new(upload)));
        let mut open = self.open();
        open.retain(|_, open| now.since(open.touched) < PATIENCE || Arc::strong_count(&open.upload) > 1);
        open.insert(id.clone(), Open { repository, upload, touched: now });
        id
    }

    /// Waits until nobody else is at it.
    ///
    /// # Errors
    /// When there is no such upload.
    pub async fn hold(&self, repository: &Repository, id: &str) -> Result<Held, Refusal> {
        let upload = self.find(repository, id).ok_or_else(unknown)?;
        let held = upload.lock_owned().await;
        // Whoever was at it before may have finished it.
        if self.find(repository, id).is_none() { Err(unknown()) } else { Ok(held) }
    }

    fn find(&self, repository: &Repository, id: &str) -> Option<Arc<AsyncMutex<Upload>>> {
        let mut open = self.open();
        let found = open.get_mut(id).filter(|open| open.repository == *repository)?;
        found.touched = self.clock.now();
        Some(Arc::clone(&found.upload))
    }

    /// Ends one; what is held of it can still be finished.
    pub fn end(&self, id: &str) {
        self.open().remove(id);
    }

    fn open(&self) -> MutexGuard<'_, BTreeMap<String, Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn unknown() -> Refusal {
    Refusal::new(Code::BlobUploadUnknown)
}

impl Upload {
    pub fn size(&self) -> u64 {
        self.size
    }

    pub fn digest(&self) -> Digest {
        self.hasher.digest()
    }

    /// The file, without what may have been written behind its end by a write that failed.
    fn file(&self) -> io::Result<File> {
        let file =
            OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&self.path)?;
        file.set_len(self.size)?;
        Ok(file)
    }

    fn append(&mut self, batch: &[Bytes]) -> io::Result<()> {
        let mut file = self.file()?;
        file.seek(SeekFrom::End(0))?;
        for piece in batch {
            file.write_all(piece)?;
            self.hasher.update(piece);
            self.size += u64::try_from(piece.len()).unwrap_or_default();
        }
        Ok(())
    }

    /// Puts the whole of it on the disk: where it is.
    pub fn finish(&self) -> io::Result<PathBuf> {
        self.file()?.sync_all()?;
        Ok(self.path.clone())
    }

    /// What it takes to undo what comes next.
    pub fn mark(&self) -> (Hasher, u64) {
        (self.hasher.clone(), self.size)
    }

    pub fn back_to(&mut self, (hasher, size): (Hasher, u64)) {
        (self.hasher, self.size) = (hasher, size);
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        let _not_there = fs::remove_file(&self.path);
    }
}

/// Appends a body to an upload, a batch at a time. What has come before its sender leaves is kept, so that the rest can be
/// sent later.
pub async fn receive(mut held: Held, body: &mut RequestBody) -> Result<Held, Refusal> {
    loop {
        let (batch, more) = batch(body).await;
        if !batch.is_empty() {
            held = blocking(move || {
                held.append(&batch)?;
                Ok(held)
            })
            .await?;
        }
        match more {
            Ok(true) => {}
            Ok(false) => return Ok(held),
            Err(error) => return Err(Refusal::new(Code::BlobUploadInvalid).saying(error.to_string())),
        }
    }
}

/// The next pieces, and whether there are more.
async fn batch(body: &mut RequestBody) -> (Vec<Bytes>, io::Result<bool>) {
    let (mut batch, mut size) = (Vec::new(), 0);
    while size < BATCH {
        match body.next().await {
            Ok(Some(piece)) => {
                size += piece.len();
                batch.push(piece);
            }
            Ok(None) => return (batch, Ok(false)),
            Err(error) => return (batch, Err(error)),
        }
    }
    (batch, Ok(true))
}
