//! Sandboxes: the directory of a container, and the files in it as clients see them.

pub mod beneath;
pub mod files;
pub mod volumes;

use std::{
    fs::{self, File, OpenOptions, Permissions},
    io,
    os::unix::fs::{PermissionsExt, fchown, lchown, symlink},
    path::Path,
};

use crate::engine::agent::account::Account;

/// A sandbox that has an owner is not for others, as in Mesos.
const PRIVATE: u32 = 0o750;

/// Where a container writes to.
#[derive(Debug)]
pub struct Outputs {
    pub stdout: File,
    pub stderr: File,
}

impl Outputs {
    pub fn try_clone(&self) -> io::Result<Self> {
        Ok(Self { stdout: self.stdout.try_clone()?, stderr: self.stderr.try_clone()? })
    }
}

/// Makes a sandbox with empty stdout and stderr, and points a link at it, where it is to have one. All of it is the
/// owner's; without one it is ours.
pub fn create(directory: &str, link: &str, owner: Option<&Account>) -> io::Result<Outputs> {
    let (directory, link) = (Path::new(directory), Path::new(link));
    fs::create_dir_all(directory)?;
    if !link.as_os_str().is_empty() {
        link.parent().map_or(Ok(()), fs::create_dir_all)?;
        point_at(link, directory)?;
    }
    let open = |name| OpenOptions::new().append(true).create(true).open(directory.join(name));
    let outputs = Outputs { stdout: open("stdout")?, stderr: open("stderr")? };
    if let Some(owner) = owner {
        fs::set_permissions(directory, Permissions::from_mode(PRIVATE))?;
        lchown(directory, Some(owner.uid), Some(owner.gid))?;
        for output in [&outputs.stdout, &outputs.stderr] {
            fchown(output, Some(owner.uid), Some(owner.gid))?;
        }
    }
    Ok(outputs)
}

/// Gives a user all that is in a directory. No link is followed.
pub fn give(directory: &Path, owner: &Account) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        lchown(entry.path(), Some(owner.uid), Some(owner.gid))?;
        if entry.file_type()?.is_dir() {
            give(&entry.path(), owner)?;
        }
    }
    Ok(())
}

/// Deletes a sandbox; one that is not there is no error.
pub fn remove(directory: &str) -> io::Result<()> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Replaces a link in one step, so that it is never missing.
fn point_at(link: &Path, directory: &Path) -> io::Result<()> {
    match symlink(directory, link) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        linked => return linked,
    }
    let name = directory.file_name().unwrap_or_default().to_string_lossy();
    let next = link.with_file_name(format!(".latest-{name}"));
    symlink(directory, &next)?;
    fs::rename(next, link)
}
