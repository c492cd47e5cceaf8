//! What an image is built from: a tar of a `Dockerfile` and the files that it copies. The same files give the same tar,
//! byte by byte, so that its hash says whether anything has changed.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read},
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
};

use bytes::Bytes;
use sha2::{Digest, Sha256};
use tar::{EntryType, Header};

/// How much of a file is read at once.
const PIECE: usize = 256 * 1024;

/// A tar is made of blocks of this size, and ends with two of zeroes.
const BLOCK: u64 = 512;

/// Something in a context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    Text(Bytes),
    /// An executable of this machine, as it is when it is read.
    Program(PathBuf),
    Link(PathBuf),
    /// A directory with these permissions.
    Directory(u32),
}

/// The files of a context, by their path in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Context {
    entries: BTreeMap<PathBuf, Entry>,
}

impl Context {
    pub fn new(dockerfile: &'static str) -> Self {
        Self::default().with("Dockerfile", Entry::Text(Bytes::from_static(dockerfile.as_bytes())))
    }

    #[must_use]
    pub fn with(mut self, path: impl Into<PathBuf>, entry: Entry) -> Self {
        self.entries.insert(path.into(), entry);
        self
    }

    /// With labels for the image, in the first step of the `Dockerfile`: what an interrupted build leaves has them too.
    #[must_use]
    pub fn labelled(mut self, labels: &[(&str, &str)]) -> Self {
        let line: String = labels.iter().map(|(key, value)| format!(" {key}={value}")).collect();
        if let Some(Entry::Text(text)) = self.entries.get_mut(Path::new("Dockerfile")) {
            let mut lines: Vec<_> = text.split_inclusive(|byte| *byte == b'\n').collect();
            let begin = lines.iter().rposition(|line| line.starts_with(b"FROM ")).map_or(0, |at| at + 1);
            let label = format!("LABEL{line}\n");
            lines.insert(begin, label.as_bytes());
            *text = lines.concat().into();
        }
        self
    }

    /// The tar in pieces; a file is read when its turn comes.
    pub fn tar(&self) -> impl Iterator<Item = io::Result<Bytes>> + Send + use<> {
        let entries = self.entries.clone().into_iter();
        let end = Bytes::from_static(&[0; 2 * BLOCK as usize]);
        entries.flat_map(|(path, entry)| Pieces::of(&path, &entry)).chain([Ok(end)])
    }

    /// Says what an image is made of: of this context, and of `parent`.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn hash(&self, parent: &str) -> io::Result<String> {
        let mut hash = Sha256::new();
        hash.update(parent);
        for piece in self.tar() {
            hash.update(&piece?);
        }
        Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// Writes the files into `directory`, for a build without us.
    ///
    /// # Errors
    /// When the system says so.
    pub fn write(&self, directory: &Path) -> io::Result<()> {
        for (path, entry) in &self.entries {
            let path = directory.join(path);
            std::fs::create_dir_all(path.parent().unwrap_or(directory))?;
            write(&path, entry)?;
        }
        Ok(())
    }
}

fn write(path: &Path, entry: &Entry) -> io::Result<()> {
    match entry {
        Entry::Text(text) => std::fs::write(path, text),
        Entry::Program(source) => {
            std::fs::copy(source, path)?;
            std::fs::set_permissions(path, PermissionsExt::from_mode(0o755))
        }
        Entry::Link(target) => match std::fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => symlink(target, path),
        },
        Entry::Directory(mode) => {
            std::fs::create_dir_all(path)?;
            std::fs::set_permissions(path, PermissionsExt::from_mode(*mode))
        }
    }
}

/// One entry of a tar, in pieces: its header, its content, and zeroes up to the end of a block.
struct Pieces {
    failed: Option<io::Error>,
    header: Option<Bytes>,
    content: Box<dyn Read + Send>,
    left: u64,
    padding: usize,
}

impl Pieces {
    fn of(path: &Path, entry: &Entry) -> Self {
        Self::opened(path, entry).unwrap_or_else(|error| Self {
            failed: Some(io::Error::new(error.kind(), format!("`{}`: {error}", path.display()))),
            header: None,
            content: Box::new(io::empty()),
            left: 0,
            padding: 0,
        })
    }

    fn opened(path: &Path, entry: &Entry) -> io::Result<Self> {
        let (content, size): (Box<dyn Read + Send>, u64) = match entry {
            Entry::Text(text) => (Box::new(io::Cursor::new(text.clone())), text.len() as u64),
            Entry::Program(source) => {
                let file = File::open(source)?;
                let size = file.metadata()?.len();
                (Box::new(file), size)
            }
            Entry::Link(_) | Entry::Directory(_) => (Box::new(io::empty()), 0),
        };
        let header = Some(header(path, entry, size)?);
        let padding = usize::try_from(size.next_multiple_of(BLOCK) - size).unwrap_or_default();
        Ok(Self { failed: None, header, content, left: size, padding })
    }

    /// A file that has become shorter is an error, one that has become longer is cut.
    fn piece(&mut self) -> io::Result<Bytes> {
        let size = usize::try_from(self.left).unwrap_or(PIECE).min(PIECE);
        let mut piece = vec![0; size];
        self.content.read_exact(&mut piece)?;
        self.left -= size as u64;
        Ok(piece.into())
    }
}

impl Iterator for Pieces {
    type Item = io::Result<Bytes>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(error) = self.failed.take() {
            return Some(Err(error));
        }
        if let Some(header) = self.header.take() {
            return Some(Ok(header));
        }
        if self.left > 0 {
            return Some(self.piece().inspect_err(|_| (self.left, self.padding) = (0, 0)));
        }
        let padding = std::mem::take(&mut self.padding);
        (padding > 0).then(|| Ok(Bytes::from(vec![0; padding])))
    }
}

/// Of root, of the year 1970: nothing of who builds and when.
fn header(path: &Path, entry: &Entry, size: u64) -> io::Result<Bytes> {
    let mut header = Header::new_gnu();
    header.set_path(path)?;
    header.set_size(size);
    let (kind, mode) = match entry {
        Entry::Text(_) => (EntryType::Regular, 0o644),
        Entry::Program(_) => (EntryType::Regular, 0o755),
        Entry::Link(target) => {
            header.set_link_name(target)?;
            (EntryType::Symlink, 0o777)
        }
        Entry::Directory(mode) => (EntryType::Directory, *mode),
    };
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_mtime(0);
    header.set_uid(0);
    header.set_gid(0);
    header.set_cksum();
    Ok(Bytes::copy_from_slice(header.as_bytes()))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn context(program: &Path) -> Context {
        Context::new("FROM scratch\n")
            .with("root/mesoslab", Entry::Program(program.to_owned()))
            .with("root/tmp", Entry::Directory(0o1777))
            .with("root/usr/bin", Entry::Link("../bin".into()))
    }

    fn bytes(context: &Context) -> Vec<u8> {
        let pieces: io::Result<Vec<_>> = context.tar().collect();
        pieces.expect("readable").concat()
    }

    #[test]
    fn a_context_is_a_tar_that_others_read() {
        let dir = tempfile::tempdir().expect("a directory");
        let program = dir.path().join("program");
        fs::write(&program, vec![7; 600_000]).expect("write");
        let tar = bytes(&context(&program));
        assert_eq!(tar.len() as u64 % BLOCK, 0);
        let mut archive = tar::Archive::new(tar.as_slice());
        let found: Vec<_> = archive
            .entries()
            .expect("entries")
            .map(|entry| {
                let entry = entry.expect("an entry");
                let header = entry.header();
                let path = entry.path().expect("a path").display().to_string();
                (path, header.size().expect("a size"), header.mode().expect("a mode"))
            })
            .collect();
        let expected = [
            ("Dockerfile", 13, 0o644),
            ("root/mesoslab", 600_000, 0o755),
            ("root/tmp", 0, 0o1777),
            ("root/usr/bin", 0, 0o777),
        ];
        assert_eq!(found, expected.map(|(path, size, mode)| (path.to_owned(), size, mode)));
    }

    #[test]
    fn labels_are_the_first_step() {
        let context = Context::new("# x\nFROM scratch\nCOPY a /\n").labelled(&[("a", "1"), ("b", "2")]);
        let text = Entry::Text(Bytes::from_static(b"# x\nFROM scratch\nLABEL a=1 b=2\nCOPY a /\n"));
        assert_eq!(context, Context::default().with("Dockerfile", text));
    }

    #[test]
    fn only_content_changes_the_hash() {
        let dir = tempfile::tempdir().expect("a directory");
        let (one, other) = (dir.path().join("one"), dir.path().join("other"));
        fs::write(&one, "same").expect("write");
        fs::write(&other, "same").expect("write");
        let hash = |path: &Path, parent: &str| context(path).hash(parent).expect("readable");
        assert_eq!(hash(&one, ""), hash(&other, ""));
        assert_ne!(hash(&one, ""), hash(&one, "sha256:1"));
        fs::write(&other, "else").expect("write");
        assert_ne!(hash(&one, ""), hash(&other, ""));
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let error = context(Path::new("/no/such/program")).hash("").expect_err("no such file");
        assert!(error.to_string().contains("root/mesoslab"), "{error}");
    }

    #[test]
    fn a_context_can_be_written_for_a_build_without_us() {
        let dir = tempfile::tempdir().expect("a directory");
        let program = dir.path().join("program");
        fs::write(&program, "#!").expect("write");
        for _ in 0..2 {
            context(&program).write(&dir.path().join("base")).expect("written");
        }
        let mode = fs::metadata(dir.path().join("base/root/mesoslab")).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o755);
        let link = fs::read_link(dir.path().join("base/root/usr/bin")).expect("a link");
        assert_eq!(link, Path::new("../bin"));
    }
}
