//! Sandboxes: the directory of a container, and the files in it as clients see them.

pub mod beneath;
pub mod files;
pub mod volumes;

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::symlink,
    path::Path,
};

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

/// Makes a sandbox with empty stdout and stderr, and points a link at it, where it is to have one.
pub fn create(directory: &str, link: &str) -> io::Result<Outputs> {
    let (directory, link) = (Path::new(directory), Path::new(link));
    fs::create_dir_all(directory)?;
    if !link.as_os_str().is_empty() {
        link.parent().map_or(Ok(()), fs::create_dir_all)?;
        point_at(link, directory)?;
    }
    let open = |name| OpenOptions::new().append(true).create(true).open(directory.join(name));
    Ok(Outputs { stdout: open("stdout")?, stderr: open("stderr")? })
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
