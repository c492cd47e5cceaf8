//! The cache of an agent: files by the URI that they came from, each of them claimed before it is there.
//!
//! ```text
//! lease: new -> claimed, downloaded -> ready -- nobody uses it, room is needed --> gone
//!          `----- no room, no size, failed ------------------------------------^
//! ```

use std::{
    collections::{BTreeMap, VecDeque},
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::watch;

/// What names of cached files begin with, before a number.
const PREFIX: char = 'c';

/// Bytes of the name of a file that its name in the cache repeats.
const SHOWN_NAME: usize = 20;

/// A cache. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Cache(Arc<Mutex<Table>>);

#[derive(Debug)]
struct Table {
    directory: PathBuf,
    space: u64,
    used: u64,
    serial: u64,
    entries: BTreeMap<String, Entry>,
    /// The one that was used last comes last.
    order: VecDeque<String>,
}

#[derive(Debug)]
struct Entry {
    file: PathBuf,
    /// Bytes claimed for it.
    size: u64,
    leases: usize,
    state: watch::Sender<State>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Pending,
    Ready,
    Failed,
}

/// The use of a cached file. Who made it downloads it; others wait for that.
#[derive(Debug)]
pub struct Lease {
    cache: Cache,
    uri: String,
    file: PathBuf,
    is_new: bool,
    state: watch::Receiver<State>,
}

impl Cache {
    /// An empty cache: what an earlier agent has left in the directory is of no use.
    pub fn new(directory: PathBuf, space: u64) -> Self {
        sweep(&directory);
        let (entries, order) = (BTreeMap::new(), VecDeque::new());
        Self(Arc::new(Mutex::new(Table { directory, space, used: 0, serial: 0, entries, order })))
    }

    /// Bytes in use.
    pub fn used(&self) -> u64 {
        self.lock().used
    }

    pub fn directory(&self) -> PathBuf {
        self.lock().directory.clone()
    }

    /// Leases for all URIs of one container in one step: no two of them ever wait for each other.
    pub fn lease<'a>(&self, uris: impl IntoIterator<Item = (&'a str, &'a Path)>) -> Vec<Lease> {
        let mut table = self.lock();
        uris.into_iter().map(|(uri, name)| table.lease(self, uri, name)).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn lease(&mut self, cache: &Cache, uri: &str, name: &Path) -> Lease {
        let lost = |entry: &Entry| *entry.state.borrow() == State::Ready && !entry.file.exists();
        if self.entries.get(uri).is_some_and(lost) {
            self.remove(uri);
        }
        let is_new = !self.entries.contains_key(uri);
        if is_new {
            self.create(uri, name);
        }
        self.order.retain(|known| known != uri);
        self.order.push_back(uri.to_owned());
        let directory = self.directory.clone();
        let entry = self.entries.entry(uri.to_owned()).or_insert_with(|| Entry::new(directory));
        entry.leases += 1;
        let (file, state) = (entry.file.clone(), entry.state.subscribe());
        Lease { cache: cache.clone(), uri: uri.to_owned(), file, is_new, state }
    }

    fn create(&mut self, uri: &str, name: &Path) {
        self.serial += 1;
        let name = shortened(&name.file_name().unwrap_or_default().to_string_lossy());
        let file = self.directory.join(format!("{PREFIX}{}-{name}", self.serial));
        self.entries.insert(uri.to_owned(), Entry::new(file));
    }

    fn remove(&mut self, uri: &str) {
        let Some(entry) = self.entries.remove(uri) else { return };
        self.order.retain(|known| known != uri);
        self.used = self.used.saturating_sub(entry.size);
        if let Err(error) = fs::remove_file(&entry.file)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(file = %entry.file.display(), %error, "failed to remove a cached file");
        }
    }

    /// Claims room for an entry, and removes for it what was used longest ago and is not in use.
    fn claim(&mut self, uri: &str, size: u64) -> Result<(), String> {
        let needed = self.used.saturating_add(size).saturating_sub(self.space);
        let idle = self.order.iter().filter(|known| self.entries.get(*known).is_some_and(Entry::is_idle));
        let mut victims = Vec::new();
        let mut freed: u64 = 0;
        for victim in idle {
            if freed >= needed {
                break;
            }
            freed = freed.saturating_add(self.entries.get(victim).map_or(0, |entry| entry.size));
            victims.push(victim.clone());
        }
        if freed < needed {
            return Err("Could not free up enough fetcher cache space".to_owned());
        }
        victims.iter().for_each(|victim| self.remove(victim));
        if let Some(entry) = self.entries.get_mut(uri) {
            entry.size = size;
            self.used = self.used.saturating_add(size);
        }
        Ok(())
    }
}

impl Entry {
    fn new(file: PathBuf) -> Self {
        Self { file, size: 0, leases: 0, state: watch::Sender::new(State::Pending) }
    }

    fn is_idle(&self) -> bool {
        self.leases == 0
    }
}

impl Lease {
    /// Whether it is on us to download the file.
    pub fn is_new(&self) -> bool {
        self.is_new
    }

    /// Where the file is, or is to be.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Claims room.
    ///
    /// # Errors
    /// When there is not enough, whatever is removed.
    pub fn claim(&self, size: u64) -> Result<(), String> {
        self.cache.lock().claim(&self.uri, size)
    }

    /// Waits until the file is there; false when it will not be.
    pub async fn ready(&mut self) -> bool {
        let state = self.state.wait_for(|state| *state != State::Pending).await;
        state.is_ok_and(|state| *state == State::Ready)
    }

    /// The file is there. One that is larger than what was claimed is of use to nobody else.
    pub fn downloaded(&self) {
        let size = fs::metadata(&self.file).map(|file| file.len());
        let mut table = self.cache.lock();
        let Some(entry) = table.entries.get_mut(&self.uri) else { return };
        let Ok(size) = size else { return };
        if size <= entry.size {
            let claimed = std::mem::replace(&mut entry.size, size);
            entry.state.send_replace(State::Ready);
            table.used = table.used.saturating_sub(claimed - size);
        }
    }
}

impl Drop for Lease {
    /// What was begun and is not ready now will never be.
    fn drop(&mut self) {
        let mut table = self.cache.lock();
        let Some(entry) = table.entries.get_mut(&self.uri).filter(|entry| entry.file == self.file) else {
            return;
        };
        entry.leases -= 1;
        if self.is_new && *entry.state.borrow() == State::Pending {
            entry.state.send_replace(State::Failed);
            table.remove(&self.uri);
        }
    }
}

/// The begin and the end of a name, with what it ends with.
fn shortened(name: &str) -> String {
    let characters: Vec<char> = name.chars().collect();
    if characters.len() <= SHOWN_NAME {
        return name.to_owned();
    }
    let half = SHOWN_NAME / 2;
    let (first, last) = (&characters[..half], &characters[characters.len() - half..]);
    first.iter().chain(&['_']).chain(last).collect()
}

/// Removes the files of a cache, and nothing else that somebody may keep in its directory.
fn sweep(directory: &Path) {
    let Ok(entries) = fs::read_dir(directory) else { return };
    for entry in entries.flatten().filter(|entry| is_cached(&entry.file_name().to_string_lossy())) {
        if let Err(error) = fs::remove_file(entry.path()) {
            tracing::warn!(file = %entry.path().display(), %error, "failed to remove a cached file");
        }
    }
}

fn is_cached(name: &str) -> bool {
    let number = name.strip_prefix(PREFIX).and_then(|rest| rest.split_once('-'));
    number.is_some_and(|(number, _)| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache(space: u64) -> (tempfile::TempDir, Cache) {
        let directory = tempfile::tempdir().unwrap();
        let cache = Cache::new(directory.path().to_owned(), space);
        (directory, cache)
    }

    fn lease(cache: &Cache, uri: &str) -> Lease {
        cache.lease([(uri, Path::new("file.txt"))]).pop().unwrap()
    }

    /// Brings a file of so many bytes into the cache; its path.
    fn bring(cache: &Cache, uri: &str, size: usize) -> PathBuf {
        let lease = lease(cache, uri);
        assert!(lease.is_new());
        lease.claim(u64::try_from(size).unwrap()).unwrap();
        fs::write(lease.file(), vec![0; size]).unwrap();
        lease.downloaded();
        lease.file().to_owned()
    }

    #[tokio::test]
    async fn a_file_is_used_again() {
        let (_home, cache) = cache(100);
        let file = bring(&cache, "u", 10);
        assert_eq!(file.file_name().unwrap(), "c1-file.txt");
        let mut again = lease(&cache, "u");
        assert!(!again.is_new() && again.ready().await);
        assert_eq!((again.file(), cache.used()), (file.as_path(), 10));
    }

    #[test]
    fn the_one_that_was_used_longest_ago_goes() {
        let (_home, cache) = cache(30);
        let files: Vec<_> = ["a", "b", "c"].iter().map(|uri| bring(&cache, uri, 10)).collect();
        drop(lease(&cache, "a"));
        bring(&cache, "d", 10);
        assert!(files[0].exists() && !files[1].exists() && files[2].exists());
        assert_eq!(cache.used(), 30);
    }

    #[test]
    fn what_is_in_use_stays() {
        let (_home, cache) = cache(10);
        let file = bring(&cache, "a", 10);
        let used = lease(&cache, "a");
        let other = lease(&cache, "b");
        assert_eq!(other.claim(5).unwrap_err(), "Could not free up enough fetcher cache space");
        drop((other, used));
        bring(&cache, "b", 5);
        assert!(!file.exists());
    }

    #[tokio::test]
    async fn a_download_that_fails_is_nobodys() {
        let (_home, cache) = cache(100);
        let first = lease(&cache, "u");
        first.claim(10).unwrap();
        fs::write(first.file(), "half").unwrap();
        let mut waiting = lease(&cache, "u");
        let file = first.file().to_owned();
        drop(first);
        assert!(!waiting.ready().await);
        drop(waiting);
        assert!(!file.exists());
        assert_eq!(cache.used(), 0);
        assert!(lease(&cache, "u").is_new());
    }

    #[test]
    fn a_file_that_somebody_removed_is_downloaded_again() {
        let (_home, cache) = cache(100);
        fs::remove_file(bring(&cache, "u", 10)).unwrap();
        assert!(lease(&cache, "u").is_new());
        assert_eq!(cache.used(), 0);
    }

    #[test]
    fn a_file_larger_than_claimed_is_not_kept() {
        let (_home, cache) = cache(100);
        let larger = lease(&cache, "u");
        larger.claim(2).unwrap();
        fs::write(larger.file(), "much").unwrap();
        larger.downloaded();
        let file = larger.file().to_owned();
        drop(larger);
        assert!(!file.exists());
        assert_eq!(cache.used(), 0);
    }

    #[test]
    fn a_new_cache_removes_files_of_an_old_one_alone() {
        let directory = tempfile::tempdir().unwrap();
        for name in ["c1-a", "c22-", "c-a", "notes"] {
            fs::write(directory.path().join(name), "").unwrap();
        }
        let cache = Cache::new(directory.path().to_owned(), 1);
        let mut left: Vec<_> =
            fs::read_dir(cache.directory()).unwrap().map(|e| e.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["c-a", "notes"]);
    }

    #[test]
    fn long_names_are_shortened() {
        assert_eq!(shortened("0123456789abcdefghijk.tar.gz"), "0123456789_ijk.tar.gz");
        assert_eq!(shortened("short.txt"), "short.txt");
    }
}
