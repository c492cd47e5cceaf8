//! Manifests of a repository, their tags, and who refers to them.

use std::{
    fs, io,
    path::PathBuf,
    sync::{MutexGuard, PoisonError},
};

use super::{
    MANIFESTS, REFERRERS, Store, TAGS,
    files::{self, entries, found},
};
use crate::services::registry::{
    Code, Digest, Manifest, Needed, Reference, Referrer, Refusal, Repository, Tag,
};

/// A manifest as it was pushed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    pub digest: Digest,
    pub media_type: String,
    pub content: Vec<u8>,
}

impl Store {
    fn manifest_link(&self, repository: &Repository, digest: &Digest) -> PathBuf {
        self.repository(repository).join(MANIFESTS).join(digest.hex())
    }

    fn tag(&self, repository: &Repository, tag: &Tag) -> PathBuf {
        self.repository(repository).join(TAGS).join(tag.as_str())
    }

    fn referrer(&self, repository: &Repository, subject: &Digest, digest: &Digest) -> PathBuf {
        self.repository(repository).join(REFERRERS).join(subject.hex()).join(digest.hex())
    }

    fn changing(&self) -> MutexGuard<'_, ()> {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn resolve(&self, repository: &Repository, reference: &Reference) -> io::Result<Option<Digest>> {
        match reference {
            Reference::Digest(digest) => Ok(Some(digest.clone())),
            Reference::Tag(tag) => {
                let text = found(fs::read_to_string(self.tag(repository, tag)))?;
                Ok(text.and_then(|text| text.parse().ok()))
            }
        }
    }

    /// What a tag or a digest stands for in a repository.
    pub fn manifest(&self, repository: &Repository, reference: &Reference) -> io::Result<Option<Stored>> {
        let Some(digest) = self.resolve(repository, reference)? else { return Ok(None) };
        let link = found(fs::read_to_string(self.manifest_link(repository, &digest)))?;
        let Some(media_type) = link else { return Ok(None) };
        let content = found(fs::read(self.content(&digest)))?;
        Ok(content.map(|content| Stored { digest, media_type, content }))
    }

    /// Takes a manifest under its digest and, when it is pushed by one, its tag.
    ///
    /// # Errors
    /// What it needs and is not there.
    pub fn put_manifest(
        &self,
        repository: &Repository,
        reference: &Reference,
        manifest: &Manifest,
        stored: &Stored,
    ) -> Result<(), Refusal> {
        let _changing = self.changing();
        self.check(repository, manifest)?;
        let place = |path: PathBuf, content: &[u8]| files::place(&self.uploads(), &path, content);
        place(self.content(&stored.digest), &stored.content)?;
        place(self.manifest_link(repository, &stored.digest), stored.media_type.as_bytes())?;
        let referrer = Referrer::of(manifest, &stored.digest, stored.content.len());
        if let (Some(subject), Some(referrer)) = (&manifest.subject, referrer) {
            let descriptor = serde_json::to_vec(&referrer).map_err(io::Error::other)?;
            place(self.referrer(repository, subject, &stored.digest), &descriptor)?;
        }
        if let Reference::Tag(tag) = reference {
            place(self.tag(repository, tag), stored.digest.to_string().as_bytes())?;
        }
        Ok(())
    }

    fn check(&self, repository: &Repository, manifest: &Manifest) -> Result<(), Refusal> {
        let mut missing = Vec::new();
        for needed in &manifest.needs {
            let (link, digest) = match needed {
                Needed::Blob(digest) => (self.layer(repository, digest), digest),
                Needed::Manifest(digest) => (self.manifest_link(repository, digest), digest),
            };
            if !(link.try_exists()? && self.content(digest).try_exists()?) {
                missing.push(digest.to_string());
            }
        }
        let refusal = Refusal::new(Code::ManifestBlobUnknown);
        let refusal = missing.iter().fold(refusal, |refusal, digest| refusal.with("digest", digest.as_str()));
        if missing.is_empty() { Ok(()) } else { Err(refusal) }
    }

    /// Takes a tag away, or a manifest with every tag that stands for it; false when there is none.
    pub fn delete(&self, repository: &Repository, reference: &Reference) -> io::Result<bool> {
        let _changing = self.changing();
        match reference {
            Reference::Tag(tag) => files::remove(&self.tag(repository, tag)),
            Reference::Digest(digest) => self.delete_manifest(repository, digest),
        }
    }

    fn delete_manifest(&self, repository: &Repository, digest: &Digest) -> io::Result<bool> {
        let reference = Reference::Digest(digest.clone());
        let Some(stored) = self.manifest(repository, &reference)? else { return Ok(false) };
        let dir = self.repository(repository).join(TAGS);
        for tag in entries(&dir)? {
            let path = dir.join(tag);
            if found(fs::read_to_string(&path))?.is_some_and(|text| text == digest.to_string()) {
                files::remove(&path)?;
            }
        }
        let manifest = Manifest::parse(Some(&stored.media_type), &stored.content).ok();
        if let Some(subject) = manifest.and_then(|manifest| manifest.subject) {
            files::remove(&self.referrer(repository, &subject, digest))?;
        }
        files::remove(&self.manifest_link(repository, digest))
    }

    /// The tags of a repository, in order; none when there is no such repository.
    pub fn tags(&self, repository: &Repository) -> io::Result<Option<Vec<String>>> {
        let dir = self.repository(repository);
        let known = entries(&dir)?.iter().any(|name| name.starts_with('_'));
        if known { entries(&dir.join(TAGS)).map(Some) } else { Ok(None) }
    }

    /// Who refers to a manifest, whether that is there or not.
    pub fn referrers(&self, repository: &Repository, subject: &Digest) -> io::Result<Vec<Referrer>> {
        let dir = self.repository(repository).join(REFERRERS).join(subject.hex());
        let mut referrers = Vec::new();
        for name in entries(&dir)? {
            let descriptor = found(fs::read(dir.join(name)))?;
            referrers.extend(descriptor.and_then(|descriptor| serde_json::from_slice(&descriptor).ok()));
        }
        Ok(referrers)
    }
}
