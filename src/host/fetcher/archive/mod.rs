//! Archives: told by their names as in Mesos, read by what they begin with, and written to the disk as they are read.
//!
//! Nothing of an archive is held in memory but what a format cannot do without, and that has a limit.

mod tarball;
mod zipped;

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read, Seek},
    path::Path,
};

use bzip2::read::MultiBzDecoder;
use flate2::read::MultiGzDecoder;
use lzma_rust2::XzReader;

use super::work::Wanted;
use crate::host::sandbox::beneath::Beneath;

/// Endings of files that are archives, whatever is in them.
const ARCHIVES: [&str; 8] = [".tar", ".tgz", ".tar.gz", ".tbz2", ".tar.bz2", ".txz", ".tar.xz", ".zip"];
const COMPRESSED: &str = ".gz";

/// What an xz archive may ask for, in KiB: its largest usual dictionary is 64 MiB.
const XZ_MEMORY: u32 = 256 * 1024;

/// What a file is to the fetcher, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Archive,
    /// One file, by gzip.
    Compressed,
    /// To be left as it is.
    Plain,
}

impl Kind {
    pub fn of(name: &str) -> Self {
        match name {
            _ if ARCHIVES.iter().any(|ending| name.ends_with(ending)) => Self::Archive,
            _ if name.ends_with(COMPRESSED) => Self::Compressed,
            _ => Self::Plain,
        }
    }
}

/// Extracts a file into a directory. `name` is what the fetcher knows it by; false when that is none of an archive.
///
/// # Errors
/// When it is no archive, is broken, or something in it would lie elsewhere; when the disk is full, or nobody wants it
/// any more. What has been extracted by then stays.
pub fn extract(source: &Path, name: &Path, into: &Beneath, wanted: &Wanted) -> io::Result<bool> {
    let text = name.to_string_lossy();
    match Kind::of(&text) {
        Kind::Plain => return Ok(false),
        Kind::Archive => extract_archive(source, into, wanted)?,
        Kind::Compressed => {
            let inner = text.rsplit('/').next().and_then(|last| last.strip_suffix(COMPRESSED));
            let mut file = into.file(Path::new(inner.unwrap_or_default()), 0o666)?;
            wanted.pour(&mut MultiGzDecoder::new(BufReader::new(File::open(source)?)), &mut file)?;
        }
    }
    Ok(true)
}

fn extract_archive(source: &Path, into: &Beneath, wanted: &Wanted) -> io::Result<()> {
    let mut file = BufReader::new(File::open(source)?);
    let start = file.fill_buf()?;
    match start {
        _ if start.starts_with(b"PK") => {
            file.rewind()?;
            zipped::extract(file, into, wanted)
        }
        _ if start.starts_with(&[0x1f, 0x8b]) => tar(MultiGzDecoder::new(file), into, wanted),
        _ if start.starts_with(b"BZh") => tar(MultiBzDecoder::new(file), into, wanted),
        _ if start.starts_with(b"\xfd7zXZ\0") => {
            tar(XzReader::new_mem_limit(file, true, XZ_MEMORY), into, wanted)
        }
        _ => tar(file, into, wanted),
    }
}

fn tar(reader: impl Read, into: &Beneath, wanted: &Wanted) -> io::Result<()> {
    tarball::extract(reader, into, wanted)
}

#[cfg(test)]
mod tests;
