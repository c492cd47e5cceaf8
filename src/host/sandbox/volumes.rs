//! Volumes of containers without mounts: symbolic links in the sandbox.

use std::{
    fs, io,
    os::unix::fs::{MetadataExt, chown},
    path::{Path, PathBuf},
};

use super::beneath::Beneath;
use crate::engine::agent::setup::Link;

/// Makes the links of a sandbox that is there.
///
/// # Errors
/// When what they lead to is not there, or something else is in their place.
pub fn link(directory: &str, links: &[Link]) -> io::Result<()> {
    if links.is_empty() {
        return Ok(());
    }
    let sandbox = Beneath::new(Path::new(directory))?;
    links.iter().try_for_each(|link| one(&sandbox, link))
}

fn one(sandbox: &Beneath, link: &Link) -> io::Result<()> {
    let source = Path::new(&link.source);
    if link.make {
        make(source)?;
    }
    if !source.exists() {
        let message = format!("Path '{}' in HOST_PATH volume does not exist", link.source);
        return Err(io::Error::new(io::ErrorKind::NotFound, message));
    }
    let is_there = fs::symlink_metadata(sandbox.root().join(&link.target));
    if is_there.is_ok_and(|there| !there.is_symlink()) {
        let message = format!("Failed to create the volume '{}': there is a file", link.target);
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, message));
    }
    sandbox.symlink(Path::new(&link.target), source)
}

/// A directory in a sandbox is whose the sandbox is.
fn make(directory: &Path) -> io::Result<()> {
    let missing = directory.ancestors().take_while(|ancestor| !ancestor.exists());
    let missing: Vec<PathBuf> = missing.map(Path::to_path_buf).collect();
    fs::create_dir_all(directory)?;
    let Some(there) = missing.last().and_then(|topmost| topmost.parent()) else { return Ok(()) };
    let (owner, own) = (fs::metadata(there)?, fs::metadata(directory)?);
    if (owner.uid(), owner.gid()) == (own.uid(), own.gid()) {
        return Ok(());
    }
    missing.iter().try_for_each(|made| chown(made, Some(owner.uid()), Some(owner.gid())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link_of(source: &Path, target: &str, make: bool) -> Link {
        Link { source: source.display().to_string(), target: target.to_owned(), make }
    }

    #[test]
    fn a_volume_is_a_link() {
        let home = tempfile::tempdir().unwrap();
        let (sandbox, shared) = (home.path().join("s"), home.path().join("p/shared"));
        fs::create_dir(&sandbox).unwrap();
        let links = [link_of(&shared, "a/data", true)];
        let sandbox_text = sandbox.display().to_string();
        link(&sandbox_text, &links).unwrap();
        link(&sandbox_text, &links).unwrap();
        fs::write(sandbox.join("a/data/f"), "x").unwrap();
        assert!(shared.join("f").exists());
    }

    #[test]
    fn a_volume_of_the_host_has_to_be_there() {
        let home = tempfile::tempdir().unwrap();
        let sandbox = home.path().display().to_string();
        let missing = link_of(&home.path().join("missing"), "data", false);
        let error = link(&sandbox, &[missing]).unwrap_err().to_string();
        assert!(error.ends_with("missing' in HOST_PATH volume does not exist"), "{error}");
        fs::write(home.path().join("data"), "").unwrap();
        let taken = link_of(home.path(), "data", false);
        assert_eq!(link(&sandbox, &[taken]).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
    }
}
