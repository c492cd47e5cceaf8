//! Collecting what nothing refers to, while nobody pushes: first the blobs that no manifest of their repository needs,
//! then the content that no repository has.

use std::{
    collections::BTreeSet,
    fs, io,
    path::Path,
    time::{Duration, UNIX_EPOCH},
};

use super::{
    LAYERS, MANIFESTS, REFERRERS, Store, TAGS,
    files::{entries, found},
};
use crate::{
    mesos::time::Time,
    services::registry::{Digest, Manifest, Needed},
};

/// So long after its push, a blob waits for its manifest.
const GRACE: Duration = Duration::from_secs(60 * 60);

impl Store {
    /// Removes what nothing refers to: how many files that were.
    pub fn collect(&self, now: Time) -> io::Result<usize> {
        let mut kept = BTreeSet::new();
        self.each_repository(&mut |repository| {
            self.clean(repository, now, &mut kept)?;
            remove_if_empty(repository);
            Ok(())
        })?;
        let mut removed = 0;
        for start in entries(&self.blobs())? {
            let dir = self.blobs().join(start);
            for name in entries(&dir)?.iter().filter(|name| !kept.contains(*name)) {
                fs::remove_file(dir.join(name))?;
                removed += 1;
            }
        }
        Ok(removed)
    }

    /// Unlinks the blobs of a repository that nothing needs, and adds the digits of all that it has to `kept`.
    fn clean(&self, repository: &Path, now: Time, kept: &mut BTreeSet<String>) -> io::Result<()> {
        let manifests = entries(&repository.join(MANIFESTS))?;
        let mut needed = BTreeSet::new();
        let mut all_read = true;
        for name in &manifests {
            match self.blobs_of(repository, name)? {
                Some(blobs) => needed.extend(blobs),
                None => all_read = false,
            }
        }
        for name in entries(&repository.join(LAYERS))? {
            let link = repository.join(LAYERS).join(&name);
            if all_read && !needed.contains(&name) && age(&link, now)? > GRACE {
                fs::remove_file(link)?;
            } else {
                kept.insert(name);
            }
        }
        kept.extend(manifests);
        Ok(())
    }

    /// The digits of the blobs that a manifest needs; none when it cannot be read.
    fn blobs_of(&self, repository: &Path, name: &str) -> io::Result<Option<Vec<String>>> {
        let media_type = fs::read_to_string(repository.join(MANIFESTS).join(name))?;
        let Some(digest) = Digest::from_hex(name) else { return Ok(None) };
        let Some(content) = found(fs::read(self.content(&digest)))? else { return Ok(None) };
        let Ok(manifest) = Manifest::parse(Some(&media_type), &content) else { return Ok(None) };
        let blob = |needed: Needed| match needed {
            Needed::Blob(digest) => Some(digest.hex().to_owned()),
            Needed::Manifest(_) => None,
        };
        Ok(Some(manifest.needs.into_iter().filter_map(blob).collect()))
    }
}

/// Since when the file is as it is; nothing when its time lies ahead.
fn age(path: &Path, now: Time) -> io::Result<Duration> {
    let modified = fs::metadata(path)?.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
    Ok(now.since(Time::from_epoch(modified)))
}

/// Directories that hold something stay: `remove_dir` refuses them.
fn remove_if_empty(repository: &Path) {
    for subject in entries(&repository.join(REFERRERS)).unwrap_or_default() {
        let _stays = fs::remove_dir(repository.join(REFERRERS).join(subject));
    }
    for part in [LAYERS, MANIFESTS, TAGS, REFERRERS] {
        let _stays = fs::remove_dir(repository.join(part));
    }
    let _stays = fs::remove_dir(repository);
}
