//! The files of an agent as its clients see them: sandboxes by their real and their virtual path, and the log.
//!
//! ```text
//! /frameworks/F/executors/E/runs/latest/...                               virtual
//! WORK_DIR/slaves/A/frameworks/F/executors/E/runs/{CONTAINER,latest}/...  real
//! /slave/log                                                              virtual
//! ```
//!
//! Whatever `..` and symbolic links say, nothing outside of the one sandbox is ever opened.

use std::{
    ffi::OsStr,
    fs::{self, File, Metadata, OpenOptions},
    io::{self, Read, Seek, SeekFrom},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Component, Path, PathBuf},
};

use rustix::fs::OFlags;

use crate::{
    host::accounts::Databases,
    mesos::v1::{AgentId, FileInfo, TimeInfo},
};

/// At most this much is read at once: 16 pages, as in Mesos.
const MAX_READ: u64 = 16 * 4096;

/// The virtual path of the agent's log.
pub const LOG: &str = "/slave/log";

/// Why there is nothing to show; the texts are Mesos'.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum FilesError {
    #[error("{0}\n")]
    Invalid(String),
    #[error("")]
    NotFound,
    #[error("{0}\n")]
    Unknown(String),
}

/// Where the files of one agent are.
#[derive(Clone, Debug)]
pub struct Files {
    work_dir: PathBuf,
    agent_id: Option<AgentId>,
    log: Option<PathBuf>,
}

/// Part of a file, and the size of all of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    pub size: u64,
    pub data: Vec<u8>,
}

/// A regular file, open for reading.
#[derive(Debug)]
pub struct Download {
    /// Its real path.
    pub path: PathBuf,
    pub file: File,
    pub size: u64,
}

impl Files {
    pub fn new(work_dir: impl Into<PathBuf>, agent_id: Option<AgentId>, log: Option<PathBuf>) -> Self {
        Self { work_dir: work_dir.into(), agent_id, log }
    }

    /// The entries of a directory, by name; a file has none.
    pub fn browse(&self, path: &str) -> Result<Vec<FileInfo>, FilesError> {
        let (root, real) = self.resolve(path)?;
        let Ok(entries) = fs::read_dir(&real) else { return Ok(Vec::new()) };
        let mut names: Vec<_> = entries.flatten().map(|entry| entry.file_name()).collect();
        names.sort();
        let base = path.trim_end_matches('/');
        let owners = Databases::read();
        let info = |name: &std::ffi::OsString| {
            let metadata = metadata_inside(&root, &real.join(name))?;
            Some(file_info(format!("{base}/{}", name.to_string_lossy()), &metadata, &owners))
        };
        Ok(names.iter().filter_map(info).collect())
    }

    /// `length` bytes from `offset` on, to the end when None; never more than 64 kB.
    pub fn read(&self, path: &str, offset: u64, length: Option<u64>) -> Result<Chunk, FilesError> {
        let (_, real) = self.resolve(path)?;
        if real.is_dir() {
            return Err(FilesError::Invalid("Cannot read a directory.".to_owned()));
        }
        read_chunk(&real, offset, length).map_err(|error| {
            FilesError::Unknown(format!("Failed to open file at '{}': {error}.", real.display()))
        })
    }

    /// A file to send as a whole. What is no regular file has no length to announce, and is not found.
    pub fn download(&self, path: &str) -> Result<Download, FilesError> {
        let (_, real) = self.resolve(path)?;
        let (file, metadata) = open(&real).map_err(|_| FilesError::NotFound)?;
        if metadata.is_dir() {
            return Err(FilesError::Invalid("Cannot download a directory.".to_owned()));
        }
        let download = Download { path: real, file, size: metadata.len() };
        metadata.is_file().then_some(download).ok_or(FilesError::NotFound)
    }

    /// The sandbox a path lies in and the real path, which is inside.
    fn resolve(&self, path: &str) -> Result<(PathBuf, PathBuf), FilesError> {
        let path = path.trim_end_matches('/');
        if path == LOG {
            let log = self.log.clone().filter(|log| log.is_file()).ok_or(FilesError::NotFound)?;
            return Ok((log.clone(), log));
        }
        let (run, below) = self.run_of(path).ok_or(FilesError::NotFound)?;
        let root = fs::canonicalize(&run).map_err(|_| FilesError::NotFound)?;
        self.check_root(&run, &root)?;
        let asked = root.join(below);
        let real = fs::canonicalize(&asked).map_err(|error| not_canonical(&asked, &error))?;
        if !real.starts_with(&root) {
            return Err(FilesError::Invalid(format!("'{}' is inaccessible.", run.join(below).display())));
        }
        Ok((root, real))
    }

    /// The run directory that a path names, and the rest of the path.
    fn run_of<'a>(&self, path: &'a str) -> Option<(PathBuf, &'a Path)> {
        let agent_id = self.agent_id.as_ref()?;
        let slave = self.work_dir.join("slaves").join(agent_id.as_str());
        let (inner, virtual_path) = match Path::new(path).strip_prefix(&slave) {
            Ok(inner) => (inner, false),
            Err(_) => (Path::new(path).strip_prefix("/").ok()?, true),
        };
        let mut parts = inner.components();
        let names: Vec<&OsStr> = parts.by_ref().take(6).map(normal).collect::<Option<_>>()?;
        let [frameworks, _, executors, _, runs, run] = names.as_slice() else { return None };
        let fixed = *frameworks == "frameworks" && *executors == "executors" && *runs == "runs";
        let allowed = fixed && (!virtual_path || *run == "latest");
        allowed.then(|| (slave.join(names.iter().collect::<PathBuf>()), parts.as_path()))
    }

    /// `latest` must point at a run of its own executor.
    fn check_root(&self, run: &Path, root: &Path) -> Result<(), FilesError> {
        let runs = run.parent().and_then(|runs| fs::canonicalize(runs).ok());
        let inside = runs.is_some() && root.parent() == runs.as_deref();
        if inside {
            Ok(())
        } else {
            Err(FilesError::Invalid(format!("'{}' is inaccessible.", run.display())))
        }
    }
}

fn normal(component: Component<'_>) -> Option<&OsStr> {
    match component {
        Component::Normal(name) => Some(name),
        _ => None,
    }
}

fn not_canonical(path: &Path, error: &io::Error) -> FilesError {
    if error.kind() == io::ErrorKind::NotFound || error.kind() == io::ErrorKind::NotADirectory {
        return FilesError::NotFound;
    }
    FilesError::Invalid(format!("Failed to determine canonical path of '{}': {error}.", path.display()))
}

/// What an entry is, following links; None for a link that dangles or leads out of the sandbox.
fn metadata_inside(root: &Path, path: &Path) -> Option<Metadata> {
    let metadata = fs::symlink_metadata(path).ok()?;
    if !metadata.is_symlink() {
        return Some(metadata);
    }
    let real = fs::canonicalize(path).ok()?;
    if real.starts_with(root) { fs::metadata(real).ok() } else { None }
}

/// Opens without waiting, so that a FIFO or a device in a sandbox stops nobody.
fn open(path: &Path) -> io::Result<(File, Metadata)> {
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    let flags = i32::try_from(flags.bits()).map_err(io::Error::other)?;
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    let metadata = file.metadata()?;
    Ok((file, metadata))
}

fn read_chunk(path: &Path, offset: u64, length: Option<u64>) -> io::Result<Chunk> {
    let (mut file, metadata) = open(path)?;
    if !metadata.is_file() {
        return Err(rustix::io::Errno::SPIPE.into());
    }
    let size = metadata.len();
    let length = length.unwrap_or(u64::MAX).min(size.saturating_sub(offset)).min(MAX_READ);
    let mut data = Vec::new();
    if length > 0 {
        file.seek(SeekFrom::Start(offset))?;
        file.take(length).read_to_end(&mut data)?;
    }
    Ok(Chunk { size, data })
}

fn file_info(path: String, metadata: &Metadata, owners: &Databases) -> FileInfo {
    FileInfo {
        path,
        nlink: i32::try_from(metadata.nlink()).ok(),
        size: Some(metadata.len()),
        mtime: Some(TimeInfo { nanoseconds: metadata.mtime().saturating_mul(1_000_000_000) }),
        mode: Some(metadata.mode()),
        uid: Some(owners.user_name(metadata.uid())),
        gid: Some(owners.group_name(metadata.gid())),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    struct Sandbox {
        directory: tempfile::TempDir,
        run: PathBuf,
        files: Files,
    }

    const LATEST: &str = "/frameworks/F/executors/E/runs/latest";

    fn sandbox() -> Sandbox {
        let directory = tempfile::tempdir().unwrap();
        let runs = directory.path().join("slaves/A/frameworks/F/executors/E/runs");
        let run = runs.join("C");
        fs::create_dir_all(&run).unwrap();
        symlink(&run, runs.join("latest")).unwrap();
        fs::write(run.join("stdout"), "out\n").unwrap();
        fs::write(directory.path().join("secret"), "secret").unwrap();
        let files = Files::new(directory.path(), Some(AgentId::new("A")), None);
        Sandbox { directory, run, files }
    }

    fn inaccessible(result: Result<Chunk, FilesError>) -> bool {
        matches!(result, Err(FilesError::Invalid(text)) if text.ends_with("is inaccessible."))
    }

    #[test]
    fn reads_by_every_path() {
        let sandbox = sandbox();
        let real = sandbox.run.join("stdout");
        for path in [format!("{LATEST}/stdout"), real.display().to_string(), format!("{LATEST}//stdout/")] {
            assert_eq!(sandbox.files.read(&path, 1, Some(2)).unwrap().data, b"ut", "{path}");
        }
        assert_eq!(
            sandbox.files.read(&format!("{LATEST}/stdout"), 100, None).unwrap(),
            Chunk { size: 4, data: vec![] }
        );
        assert_eq!(
            sandbox.files.read(LATEST, 0, None),
            Err(FilesError::Invalid("Cannot read a directory.".to_owned()))
        );
    }

    #[test]
    fn browses_in_order_and_by_the_path_that_was_asked_for() {
        let sandbox = sandbox();
        fs::write(sandbox.run.join("a"), "").unwrap();
        let infos = sandbox.files.browse(&format!("{LATEST}/")).unwrap();
        let paths: Vec<_> = infos.iter().map(|info| info.path.as_str()).collect();
        assert_eq!(paths, [format!("{LATEST}/a"), format!("{LATEST}/stdout")]);
        assert_eq!(infos[1].size, Some(4));
        assert_eq!(sandbox.files.browse(&format!("{LATEST}/stdout")).unwrap(), []);
    }

    #[test]
    fn knows_nothing_outside() {
        let sandbox = sandbox();
        let root = sandbox.directory.path().display().to_string();
        let paths = [
            "/etc/passwd".to_owned(),
            "/".to_owned(),
            String::new(),
            "/slave/log".to_owned(),
            format!("{root}/secret"),
            format!("{root}/slaves/A"),
            format!("{root}/slaves/A/frameworks/../../../secret"),
            "/frameworks/F/executors/../executors/E/runs/latest/stdout".to_owned(),
            "/frameworks/F/executors/E/runs/C/stdout".to_owned(),
            format!("{LATEST}/missing"),
            format!("{LATEST}/stdout/more"),
        ];
        for path in paths {
            assert_eq!(sandbox.files.read(&path, 0, None), Err(FilesError::NotFound), "{path}");
        }
    }

    #[test]
    fn dots_and_links_do_not_lead_out() {
        let sandbox = sandbox();
        let secret = sandbox.directory.path().join("secret");
        symlink(&secret, sandbox.run.join("file")).unwrap();
        symlink(sandbox.directory.path(), sandbox.run.join("up")).unwrap();
        symlink("stdout", sandbox.run.join("inside")).unwrap();
        let outside = sandbox.run.with_file_name("CC");
        fs::create_dir(&outside).unwrap();
        symlink(&outside, sandbox.run.join("sibling")).unwrap();
        for path in ["file", "up/secret", "../../../../../../../../secret", "sibling", "../CC"] {
            assert!(inaccessible(sandbox.files.read(&format!("{LATEST}/{path}"), 0, None)), "{path}");
        }
        assert_eq!(sandbox.files.read(&format!("{LATEST}/inside"), 0, None).unwrap().data, b"out\n");
        let names: Vec<_> = sandbox.files.browse(LATEST).unwrap().into_iter().map(|info| info.path).collect();
        assert_eq!(names, [format!("{LATEST}/inside"), format!("{LATEST}/stdout")]);
    }

    #[test]
    fn a_latest_that_points_elsewhere_is_refused() {
        let sandbox = sandbox();
        let latest = sandbox.run.with_file_name("latest");
        fs::remove_file(&latest).unwrap();
        symlink(sandbox.directory.path(), &latest).unwrap();
        assert!(inaccessible(sandbox.files.read(&format!("{LATEST}/secret"), 0, None)));
    }

    #[test]
    fn a_fifo_stops_nobody() {
        let sandbox = sandbox();
        let fifo = sandbox.run.join("fifo");
        let made = std::process::Command::new("mkfifo").arg(&fifo).status().unwrap();
        assert!(made.success());
        assert!(matches!(
            sandbox.files.read(&format!("{LATEST}/fifo"), 0, None),
            Err(FilesError::Unknown(_))
        ));
        let downloaded = sandbox.files.download(&format!("{LATEST}/fifo"));
        assert_eq!(downloaded.unwrap_err(), FilesError::NotFound);
    }

    #[test]
    fn a_device_is_no_file() {
        assert!(!open(Path::new("/dev/zero")).unwrap().1.is_file());
        assert!(read_chunk(Path::new("/dev/zero"), 0, None).is_err());
    }
}
