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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        host::registry::store::{Stored, files},
        runtime::Clock,
        services::registry::{Reference, Repository},
    };

    const IMAGE: &str = "application/vnd.oci.image.manifest.v1+json";

    fn push(store: &Store, repository: &Repository, content: &[u8]) -> Digest {
        let digest = Digest::of(content);
        let file = store.uploads().join("upload");
        fs::write(&file, content).unwrap();
        store.adopt(&file, repository, &digest).unwrap();
        digest
    }

    fn tag(store: &Store, repository: &Repository, config: &Digest) -> Digest {
        let config = json!({"digest": config.to_string(), "size": 1});
        let content = json!({"schemaVersion": 2, "mediaType": IMAGE, "config": config, "layers": []})
            .to_string()
            .into_bytes();
        let manifest = Manifest::parse(None, &content).unwrap();
        let stored = Stored { digest: Digest::of(&content), media_type: IMAGE.to_owned(), content };
        let reference = Reference::Tag("1".parse().unwrap());
        store.put_manifest(repository, &reference, &manifest, &stored).unwrap();
        stored.digest
    }

    fn is_there(store: &Store, digest: &Digest) -> bool {
        store.content(digest).exists()
    }

    #[test]
    fn what_no_manifest_needs_goes_after_an_hour() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path().to_owned()).unwrap();
        let (a, b): (Repository, Repository) = ("x/a".parse().unwrap(), "x".parse().unwrap());
        let [config, alone, shared] =
            [&b"config"[..], b"alone", b"shared"].map(|content| push(&store, &a, content));
        push(&store, &b, b"shared");
        let manifest = tag(&store, &a, &config);
        let of_b = tag(&store, &b, &shared);
        let now = Clock::start().now();
        assert_eq!(store.collect(now).unwrap(), 0);
        let later = now + Duration::from_secs(2 * 60 * 60);
        assert_eq!(store.collect(later).unwrap(), 1);
        assert!(!is_there(&store, &alone));
        assert!([&config, &shared, &manifest, &of_b].into_iter().all(|digest| is_there(&store, digest)));
        assert!(store.blob(&a, &shared).unwrap().is_none(), "only the other repository needs it");
        assert!(store.blob(&b, &shared).unwrap().is_some());

        assert!(store.delete(&a, &Reference::Digest(manifest.clone())).unwrap());
        assert_eq!(store.collect(later).unwrap(), 2);
        assert!(!is_there(&store, &config) && !is_there(&store, &manifest));
        assert_eq!(store.catalog().unwrap(), ["x"], "a repository that has nothing is gone");
    }

    #[test]
    fn a_manifest_that_cannot_be_read_keeps_the_blobs_of_its_repository() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path().to_owned()).unwrap();
        let a: Repository = "a".parse().unwrap();
        let config = push(&store, &a, b"config");
        let manifest = tag(&store, &a, &config);
        files::place(&store.uploads(), &store.content(&manifest), b"{").unwrap();
        let later = Clock::start().now() + Duration::from_secs(2 * 60 * 60);
        assert_eq!(store.collect(later).unwrap(), 0);
        assert!(store.blob(&a, &config).unwrap().is_some());
    }
}
