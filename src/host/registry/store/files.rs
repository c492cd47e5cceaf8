//! Files that are either not there or whole, whenever the machine stops.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use uuid::Uuid;

/// None when there is no such file.
pub fn found<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The names in a directory, in order; none when it is not there.
pub fn entries(dir: &Path) -> io::Result<Vec<String>> {
    let Some(entries) = found(fs::read_dir(dir))? else { return Ok(Vec::new()) };
    let name = |entry: io::Result<fs::DirEntry>| Ok(entry?.file_name().to_string_lossy().into_owned());
    let mut names = entries.map(name).collect::<io::Result<Vec<String>>>()?;
    names.sort();
    Ok(names)
}

/// Writes a file in `workshop` and moves it to `path`, over what is there.
pub fn place(workshop: &Path, path: &Path, content: &[u8]) -> io::Result<()> {
    let new = workshop.join(Uuid::new_v4().to_string());
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
    file.write_all(content)?;
    file.sync_all()?;
    settle(&new, path)
}

/// Moves a file, which is on the disk, to `path`.
pub fn settle(file: &Path, path: &Path) -> io::Result<()> {
    let parent = path.parent().unwrap_or(path);
    make(parent)?;
    fs::rename(file, path)?;
    sync(parent)
}

/// Removes a file; false when there was none.
pub fn remove(path: &Path) -> io::Result<bool> {
    let removed = found(fs::remove_file(path))?.is_some();
    if removed && let Some(parent) = path.parent() {
        sync(parent)?;
    }
    Ok(removed)
}

/// Makes a directory and those it is in.
fn make(dir: &Path) -> io::Result<()> {
    match fs::create_dir(dir) {
        Ok(()) => dir.parent().map_or(Ok(()), sync),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            make(dir.parent().ok_or(error)?)?;
            make(dir)
        }
        Err(error) => Err(error),
    }
}

fn sync(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}
