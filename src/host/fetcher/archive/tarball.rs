//! Tar archives, entry by entry. Long names come in entries of their own, which are read here: with a limit.

use std::{
    io::{self, Read},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use tar::{Archive, Entry, EntryType, PaxExtensions};

use super::super::work::Wanted;
use crate::host::sandbox::beneath::Beneath;

/// Bytes that the name of an entry, or its extended header, may have.
const LONGEST_NAME: u64 = 64 * 1024;

/// Bytes of nothing that may follow the first end of an archive before the rest of the file is not read any more.
const ENTRY_BLOCK: usize = 512;

/// What entries say of the one after them.
#[derive(Default)]
struct Ahead {
    path: Option<PathBuf>,
    link: Option<PathBuf>,
}

pub(super) fn extract(reader: impl Read, into: &Beneath, wanted: &Wanted) -> io::Result<()> {
    let mut reader = Checked { reader, read: 0 };
    {
        let mut archive = Archive::new(&mut reader);
        let mut ahead = Ahead::default();
        for entry in archive.entries()?.raw(true) {
            wanted.check()?;
            let mut entry = entry?;
            if !ahead.take_from(&mut entry)? {
                write(&mut entry, std::mem::take(&mut ahead), into, wanted)?;
            }
        }
    }
    match reader.read < ENTRY_BLOCK {
        true => Err(io::Error::new(io::ErrorKind::InvalidData, "Unrecognized archive format")),
        false => Ok(()),
    }
}

/// Knows how much has been read: a tar archive has one block at least.
struct Checked<R> {
    reader: R,
    read: usize,
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.reader.read(buffer)?;
        self.read = self.read.saturating_add(length);
        Ok(length)
    }
}

impl Ahead {
    /// Whether an entry is about the next one.
    fn take_from(&mut self, entry: &mut Entry<'_, impl Read>) -> io::Result<bool> {
        match entry.header().entry_type() {
            EntryType::GNULongName => self.path = Some(name(&text(entry)?)),
            EntryType::GNULongLink => self.link = Some(name(&text(entry)?)),
            EntryType::XHeader => self.extensions(&text(entry)?)?,
            EntryType::XGlobalHeader => {
                text(entry)?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn extensions(&mut self, text: &[u8]) -> io::Result<()> {
        for extension in PaxExtensions::new(text) {
            let extension = extension?;
            match extension.key_bytes() {
                b"path" => self.path = Some(name(extension.value_bytes())),
                b"linkpath" => self.link = Some(name(extension.value_bytes())),
                b"size" => return Err(unsupported("a file of more than 8 GB")),
                key if key.starts_with(b"GNU.sparse") => return Err(unsupported("a sparse file")),
                _ => {}
            }
        }
        Ok(())
    }
}

fn unsupported(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, format!("{what} cannot be extracted"))
}

fn text(entry: &mut Entry<'_, impl Read>) -> io::Result<Vec<u8>> {
    if entry.size() > LONGEST_NAME {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "a name is too long"));
    }
    let mut text = Vec::new();
    entry.take(LONGEST_NAME).read_to_end(&mut text)?;
    Ok(text)
}

fn name(bytes: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt;
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    PathBuf::from(std::ffi::OsStr::from_bytes(&bytes[..end]))
}

fn write(entry: &mut Entry<'_, impl Read>, ahead: Ahead, into: &Beneath, wanted: &Wanted) -> io::Result<()> {
    let header = entry.header().clone();
    let path = ahead.path.unwrap_or_else(|| name(&header.path_bytes()));
    let link = ahead.link.or_else(|| header.link_name_bytes().map(|bytes| name(&bytes)));
    let link = link.as_deref().unwrap_or(Path::new(""));
    let mode = header.mode().unwrap_or(0o644);
    let is_directory = header.entry_type() == EntryType::Directory
        || (header.entry_type() == EntryType::Regular && header.path_bytes().ends_with(b"/"));
    match header.entry_type() {
        _ if is_directory => into.directory(&path, mode),
        EntryType::Regular | EntryType::Continuous => {
            let mut file = into.file(&path, mode)?;
            let size = wanted.pour(entry, &mut file)?;
            if size < header.entry_size()? {
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "Truncated tar archive"));
            }
            let modified = SystemTime::UNIX_EPOCH + Duration::from_secs(header.mtime().unwrap_or_default());
            file.set_modified(modified)
        }
        EntryType::Symlink => into.symlink(&path, link),
        EntryType::Link => into.hard_link(&path, link),
        _ => Err(unsupported(&format!("'{}', which is neither a file nor a link,", path.display()))),
    }
}
