//! The files of the log: their names, and the checked blocks that they consist of.
//!
//! ```text
//! MLZKLOG1 | block | block | ...       log.<zxid in hex>: from that transaction on, one block per fsync
//! MLZKSNP1 | block                     snapshot.<zxid in hex>: the state after that transaction
//! block: length (4 bytes, big endian) | CRC-32 (4) | content
//! ```

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use bytes::Bytes;

pub const LOG: &str = "log";
pub const SNAPSHOT: &str = "snapshot";

/// Of the magic number before the first block.
const MAGIC: usize = 8;

/// Of length and checksum.
const HEAD: usize = 8;

/// What is wrong with a file.
#[derive(Debug, thiserror::Error)]
pub enum Damage {
    #[error("`{}` is no file of this server: its first bytes are not `{magic}`", .path.display())]
    Magic { path: PathBuf, magic: &'static str },
    #[error("`{}` is damaged at offset {offset}: {what}", .path.display())]
    Block { path: PathBuf, offset: usize, what: String },
}

impl From<Damage> for io::Error {
    fn from(damage: Damage) -> Self {
        Self::new(io::ErrorKind::InvalidData, damage)
    }
}

fn magic(kind: &str) -> &'static str {
    if kind == LOG { "MLZKLOG1" } else { "MLZKSNP1" }
}

/// `log.1f`.
pub fn name(dir: &Path, kind: &str, zxid: i64) -> PathBuf {
    dir.join(format!("{kind}.{zxid:x}"))
}

/// The files of a kind with their numbers, the lowest first.
pub fn list(dir: &Path, kind: &str) -> io::Result<Vec<(i64, PathBuf)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let number = name.strip_prefix(kind).and_then(|rest| rest.strip_prefix('.'));
        if let Some(zxid) = number.and_then(|hex| i64::from_str_radix(hex, 16).ok()) {
            found.push((zxid, path));
        }
    }
    found.sort();
    Ok(found)
}

/// A block as it is written.
pub fn block(content: &[u8]) -> io::Result<Vec<u8>> {
    let length = u32::try_from(content.len()).map_err(io::Error::other)?;
    let mut block = Vec::with_capacity(content.len() + HEAD);
    block.extend_from_slice(&length.to_be_bytes());
    block.extend_from_slice(&checksum(content).to_be_bytes());
    block.extend_from_slice(content);
    Ok(block)
}

fn checksum(content: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(content);
    crc.sum()
}

/// Makes a file with its magic number and these blocks, all of it on the disk, also its name.
pub fn create(path: &Path, kind: &str, content: &[u8]) -> io::Result<File> {
    let new = path.with_extension("new");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    file.write_all(magic(kind).as_bytes())?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    if let Some(dir) = path.parent() {
        File::open(dir)?.sync_all()?;
    }
    Ok(file)
}

/// The blocks of a file and where each begins; and the length up to where they are whole.
pub struct Blocks {
    pub blocks: Vec<(usize, Bytes)>,
    pub whole: usize,
    pub length: usize,
}

/// Reads a file. An end that is torn is left out when nothing is behind it: a killed process wrote it, and had answered
/// nothing of it.
///
/// # Errors
/// When the file cannot be read, is no such file, or is damaged before its end.
pub fn read(path: &Path, kind: &str) -> io::Result<Blocks> {
    let bytes = Bytes::from(fs::read(path)?);
    let length = bytes.len();
    if !bytes.starts_with(magic(kind).as_bytes()) {
        return Err(Damage::Magic { path: path.to_owned(), magic: magic(kind) }.into());
    }
    let (mut blocks, mut at) = (Vec::new(), MAGIC);
    while at < length {
        let Some(content) = block_at(&bytes, at) else { break };
        let start = at;
        at += HEAD + content.len();
        blocks.push((start, content));
    }
    if let Some(next) = (at + 1..length).find(|next| block_at(&bytes, *next).is_some_and(|b| !b.is_empty())) {
        let what = format!("there is no whole block, but one at {next}");
        return Err(Damage::Block { path: path.to_owned(), offset: at, what }.into());
    }
    Ok(Blocks { blocks, whole: at, length })
}

/// The content of a whole block.
fn block_at(bytes: &Bytes, at: usize) -> Option<Bytes> {
    let head = bytes.get(at..)?;
    let (length, rest) = head.split_first_chunk::<4>()?;
    let (sum, rest) = rest.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    let content = rest.get(..length)?;
    let start = at + HEAD;
    (checksum(content) == u32::from_be_bytes(*sum)).then(|| bytes.slice(start..start + length))
}
