//! Zip archives, entry by entry, after the directory at their end, which has a limit.

use std::{
    fs::File,
    io::{self, BufReader, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use zip::{ZipArchive, read::ZipFile, result::ZipError};

use super::super::work::Wanted;
use crate::host::sandbox::beneath::Beneath;

/// Bytes of the directory of an archive, which is held in memory.
const LARGEST_DIRECTORY: u32 = 64 * 1024 * 1024;

/// The end of an archive: this, then up to a comment of 64 KiB.
const END: &[u8] = b"PK\x05\x06";
const LONGEST_END: u64 = 22 + 65_535;

/// Bytes that a symbolic link may have.
const LONGEST_LINK: u64 = 4096;

pub(super) fn extract(mut file: BufReader<File>, into: &Beneath, wanted: &Wanted) -> io::Result<()> {
    limit(&mut file)?;
    let mut archive = ZipArchive::new(file).map_err(error)?;
    for index in 0..archive.len() {
        wanted.check()?;
        let mut entry = archive.by_index(index).map_err(error)?;
        write(&mut entry, into, wanted)?;
    }
    Ok(())
}

/// # Errors
/// When the directory is larger than anybody needs.
fn limit(file: &mut BufReader<File>) -> io::Result<()> {
    let length = file.seek(SeekFrom::End(0))?;
    file.seek(SeekFrom::Start(length.saturating_sub(LONGEST_END)))?;
    let mut end = Vec::new();
    file.take(LONGEST_END).read_to_end(&mut end)?;
    let at = end.windows(END.len()).rposition(|window| window == END);
    let size = at.and_then(|at| Some(u32::from_le_bytes(end.get(at + 12..at + 16)?.try_into().ok()?)));
    file.rewind()?;
    match size {
        Some(size) if size <= LARGEST_DIRECTORY => Ok(()),
        Some(_) => Err(io::Error::new(io::ErrorKind::InvalidData, "it holds too many files")),
        None => Err(io::Error::new(io::ErrorKind::InvalidData, "Truncated ZIP file header")),
    }
}

fn error(error: ZipError) -> io::Error {
    match error {
        ZipError::Io(error) => error,
        other => io::Error::new(io::ErrorKind::InvalidData, other.to_string()),
    }
}

fn write(entry: &mut ZipFile<'_, BufReader<File>>, into: &Beneath, wanted: &Wanted) -> io::Result<()> {
    let path = PathBuf::from(entry.name().map_err(error)?.as_ref());
    let mode = entry.unix_mode();
    if entry.is_dir() {
        return into.directory(&path, mode.unwrap_or(0o755));
    }
    if entry.is_symlink() {
        let mut target = String::new();
        entry.take(LONGEST_LINK).read_to_string(&mut target)?;
        return into.symlink(&path, Path::new(&target));
    }
    let mut file = into.file(&path, mode.unwrap_or(0o644))?;
    wanted.pour(entry, &mut file)?;
    Ok(())
}
