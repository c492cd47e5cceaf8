//! The disk of a registry: content under its digest, and what each repository has of it.
//!
//! ```text
//! lock                                              of the process that serves it
//! uploads/ID                                        what is not whole yet; gone with the process
//! blobs/sha256/ab/HEX                               content: blobs and manifests
//! repositories/NAME/_layers/HEX                     the repository has this blob
//! repositories/NAME/_manifests/HEX                  the repository has this manifest, of this media type
//! repositories/NAME/_tags/TAG                       the digest that the tag stands for
//! repositories/NAME/_referrers/HEX/HEX              the descriptor of a manifest whose subject is the first
//! ```
//!
//! A file appears under its name when it is whole and on the disk, and is never changed there.

mod collect;
mod files;
mod manifests;

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::Mutex,
    time::Duration,
};

use self::files::{entries, found};
pub use self::manifests::Stored;
use crate::{
    host::lock::{self, Lock},
    services::registry::{Digest, Repository},
};

/// For a registry before this one, which may just be dying.
const PATIENCE: Duration = Duration::from_secs(2);

const LAYERS: &str = "_layers";
const MANIFESTS: &str = "_manifests";
const TAGS: &str = "_tags";
const REFERRERS: &str = "_referrers";

/// The files of one registry, which are its alone.
#[derive(Debug)]
pub struct Store {
    root: PathBuf,
    /// Held while manifests and tags change, so that a tag never stands for what is not there.
    changes: Mutex<()>,
    _lock: Lock,
}

impl Store {
    /// Takes a directory, and removes what was not whole when its last owner ended.
    ///
    /// # Errors
    /// When it cannot be made, or somebody else uses it.
    pub fn open(root: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(&root).map_err(lock::at(&root))?;
        let path = root.join("lock");
        let lock =
            Lock::take(&path, PATIENCE)?.ok_or_else(|| lock::busy("another registry", &path, &root))?;
        let store = Self { root, changes: Mutex::new(()), _lock: lock };
        found(fs::remove_dir_all(store.uploads()))?;
        fs::create_dir(store.uploads()).map_err(lock::at(&store.uploads()))?;
        Ok(store)
    }

    /// Where files are made.
    pub fn uploads(&self) -> PathBuf {
        self.root.join("uploads")
    }

    fn blobs(&self) -> PathBuf {
        self.root.join("blobs/sha256")
    }

    fn content(&self, digest: &Digest) -> PathBuf {
        let (hex, start) = (digest.hex(), digest.hex().get(..2).unwrap_or_default());
        self.blobs().join(start).join(hex)
    }

    fn repositories(&self) -> PathBuf {
        self.root.join("repositories")
    }

    fn repository(&self, repository: &Repository) -> PathBuf {
        self.repositories().join(repository.as_str())
    }

    fn layer(&self, repository: &Repository, digest: &Digest) -> PathBuf {
        self.repository(repository).join(LAYERS).join(digest.hex())
    }

    /// The blob with its size, open for reading; none when the repository has none such.
    pub fn blob(&self, repository: &Repository, digest: &Digest) -> io::Result<Option<(File, u64)>> {
        if !self.layer(repository, digest).try_exists()? {
            return Ok(None);
        }
        let Some(file) = found(File::open(self.content(digest)))? else { return Ok(None) };
        let size = file.metadata()?.len();
        Ok(Some((file, size)))
    }

    /// Makes a file, which is whole and on the disk, a blob of the repository.
    pub fn adopt(&self, file: &Path, repository: &Repository, digest: &Digest) -> io::Result<()> {
        files::settle(file, &self.content(digest))?;
        self.link(repository, digest)
    }

    /// Gives a repository a blob that another has; false when that has none such.
    pub fn mount(&self, from: &Repository, to: &Repository, digest: &Digest) -> io::Result<bool> {
        let there = self.blob(from, digest)?.is_some();
        if there {
            self.link(to, digest)?;
        }
        Ok(there)
    }

    /// Its time is that of the last push of the blob.
    fn link(&self, repository: &Repository, digest: &Digest) -> io::Result<()> {
        files::place(&self.uploads(), &self.layer(repository, digest), digest.hex().as_bytes())
    }

    /// Takes a blob from the repository; false when it has none such.
    pub fn remove_blob(&self, repository: &Repository, digest: &Digest) -> io::Result<bool> {
        files::remove(&self.layer(repository, digest))
    }

    /// The names of all repositories, in order.
    pub fn catalog(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        self.each_repository(&mut |path| {
            let name = path.strip_prefix(self.repositories()).unwrap_or(path);
            names.push(name.to_string_lossy().into_owned());
            Ok(())
        })?;
        names.sort();
        Ok(names)
    }

    /// Calls `visit` with the directory of every repository, those inside others first.
    fn each_repository(&self, visit: &mut dyn FnMut(&Path) -> io::Result<()>) -> io::Result<()> {
        walk(&self.repositories(), visit)
    }
}

/// A directory is a repository when it has one of the directories that only repositories have.
fn walk(dir: &Path, visit: &mut dyn FnMut(&Path) -> io::Result<()>) -> io::Result<()> {
    let names = entries(dir)?;
    for name in names.iter().filter(|name| !name.starts_with('_')) {
        walk(&dir.join(name), visit)?;
    }
    if names.iter().any(|name| name.starts_with('_')) { visit(dir) } else { Ok(()) }
}
