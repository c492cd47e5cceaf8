//! A directory that nothing leaves: whatever is made by a relative name lies below it, links in between included.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, symlink},
    path::{Component, Path, PathBuf},
};

/// A directory, by its real path.
#[derive(Clone, Debug)]
pub struct Beneath(PathBuf);

impl Beneath {
    /// # Errors
    /// When the directory is not there.
    pub fn new(directory: &Path) -> io::Result<Self> {
        fs::canonicalize(directory).map(Self)
    }

    pub fn root(&self) -> &Path {
        &self.0
    }

    /// Makes a new file in the place of whatever is there but a directory, and the directories that lead to it.
    ///
    /// # Errors
    /// When the name leaves the directory, and those of the file system.
    pub fn file(&self, name: &Path, mode: u32) -> io::Result<File> {
        let path = self.free(name)?;
        OpenOptions::new().write(true).create_new(true).mode(mode & 0o777).open(path)
    }

    /// Makes a directory, unless there is one.
    ///
    /// # Errors
    /// As for [`Beneath::file`].
    pub fn directory(&self, name: &Path, mode: u32) -> io::Result<()> {
        let path = self.place(name)?;
        if path == self.0 || self.is_directory(&path)? {
            return Ok(());
        }
        DirBuilder::new().mode((mode | 0o700) & 0o777).create(path)
    }

    /// Makes a symbolic link. It may lead anywhere: nothing is made through it elsewhere.
    ///
    /// # Errors
    /// As for [`Beneath::file`].
    pub fn symlink(&self, name: &Path, target: &Path) -> io::Result<()> {
        symlink(target, self.free(name)?)
    }

    /// Makes another name for a file that is there.
    ///
    /// # Errors
    /// As for [`Beneath::file`]; when there is no such file in the directory.
    pub fn hard_link(&self, name: &Path, target: &Path) -> io::Result<()> {
        let source = self.place(target)?;
        if !fs::symlink_metadata(&source)?.is_file() {
            return Err(io::Error::other(format!("'{}' is no file", target.display())));
        }
        fs::hard_link(source, self.free(name)?)
    }

    /// Where a new file may be made: what was there is gone.
    fn free(&self, name: &Path) -> io::Result<PathBuf> {
        let path = self.place(name)?;
        match fs::symlink_metadata(&path) {
            Ok(there) if there.is_dir() => Err(io::Error::from(io::ErrorKind::IsADirectory)),
            Ok(_) => fs::remove_file(&path).map(|()| path),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(path),
            Err(error) => Err(error),
        }
    }

    /// The path of a name, of which all but the last part are directories below this one.
    fn place(&self, name: &Path) -> io::Result<PathBuf> {
        let mut path = self.0.clone();
        let mut parts = parts(name)?.into_iter().peekable();
        while let Some(part) = parts.next() {
            path.push(part);
            if parts.peek().is_some() && !self.is_directory(&path)? {
                fs::create_dir(&path)?;
            }
        }
        Ok(path)
    }

    /// Whether a directory is there; false where there is nothing. A link to one counts if that lies below.
    fn is_directory(&self, path: &Path) -> io::Result<bool> {
        let there = match fs::symlink_metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            there => there?,
        };
        if there.is_dir() {
            return Ok(true);
        }
        let inside = there.is_symlink() && fs::canonicalize(path).is_ok_and(|real| real.starts_with(&self.0));
        match inside && fs::metadata(path)?.is_dir() {
            true => Ok(true),
            false => Err(io::Error::other(format!("'{}' is no directory in the sandbox", path.display()))),
        }
    }
}

/// The parts of a name. As in Mesos a slash in front of it means nothing, and a way up is refused.
fn parts(name: &Path) -> io::Result<Vec<&std::ffi::OsStr>> {
    let mut parts = Vec::new();
    for component in name.components() {
        match component {
            Component::Normal(part) => parts.push(part),
            Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
            Component::ParentDir => return Err(io::Error::other("Path contains '..'")),
        }
    }
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A directory with another one beside it, which nothing may touch.
    fn place() -> (tempfile::TempDir, Beneath) {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir(home.path().join("in")).unwrap();
        fs::create_dir(home.path().join("out")).unwrap();
        fs::write(home.path().join("out/kept"), "kept").unwrap();
        let beneath = Beneath::new(&home.path().join("in")).unwrap();
        (home, beneath)
    }

    /// All that lies outside, with what it holds.
    fn outside(home: &Path) -> Vec<(PathBuf, Vec<u8>)> {
        let mut found: Vec<_> = fs::read_dir(home.join("out"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .map(|path| (path.clone(), fs::read(path).unwrap_or_default()))
            .collect();
        found.extend(fs::read_dir(home).unwrap().map(|entry| (entry.unwrap().path(), Vec::new())));
        found.sort();
        found
    }

    #[test]
    fn makes_directories_on_the_way() {
        let (_home, beneath) = place();
        drop(beneath.file(Path::new("a/b/c"), 0o644).unwrap());
        assert!(beneath.root().join("a/b/c").is_file());
        drop(beneath.file(Path::new("/a/d"), 0o644).unwrap());
        assert!(beneath.root().join("a/d").is_file(), "a slash in front means nothing");
    }

    #[test]
    fn goes_through_links_that_stay_inside_only() {
        let (home, beneath) = place();
        let out = home.path().join("out");
        beneath.directory(Path::new("real"), 0o755).unwrap();
        beneath.symlink(Path::new("inner"), Path::new("real")).unwrap();
        beneath.symlink(Path::new("evil"), &out).unwrap();
        drop(beneath.file(Path::new("inner/f"), 0o644).unwrap());
        assert!(beneath.root().join("real/f").is_file());
        assert!(beneath.file(Path::new("evil/f"), 0o644).is_err());
        assert!(beneath.directory(Path::new("evil/d"), 0o755).is_err());
        assert!(beneath.hard_link(Path::new("h"), Path::new("evil/kept")).is_err());
        assert!(!out.join("f").exists() && !out.join("d").exists());
    }

    #[test]
    fn a_link_in_the_place_of_a_file_is_replaced() {
        let (home, beneath) = place();
        let kept = home.path().join("out/kept");
        beneath.symlink(Path::new("f"), &kept).unwrap();
        io::Write::write_all(&mut beneath.file(Path::new("f"), 0o644).unwrap(), b"new").unwrap();
        assert_eq!(fs::read_to_string(kept).unwrap(), "kept");
        assert_eq!(fs::read_to_string(beneath.root().join("f")).unwrap(), "new");
    }

    #[derive(Clone, Debug)]
    enum Step {
        File(String),
        Directory(String),
        Symlink(String, String),
        HardLink(String, String),
    }

    fn name() -> impl Strategy<Value = String> {
        let part = prop::sample::select(vec!["a", "b", "..", ".", "kept", "out", "in"]);
        (any::<bool>(), prop::collection::vec(part, 1..4))
            .prop_map(|(rooted, parts)| format!("{}{}", if rooted { "/" } else { "" }, parts.join("/")))
    }

    fn step() -> impl Strategy<Value = Step> {
        let target = prop_oneof![name(), Just("../out".to_owned()), Just("../out/kept".to_owned())];
        prop_oneof![
            name().prop_map(Step::File),
            name().prop_map(Step::Directory),
            (name(), target.clone()).prop_map(|(name, target)| Step::Symlink(name, target)),
            (name(), target).prop_map(|(name, target)| Step::HardLink(name, target)),
        ]
    }

    proptest! {
        #[test]
        fn nothing_is_ever_made_outside(steps in prop::collection::vec(step(), 1..12)) {
            let (home, beneath) = place();
            let before = outside(home.path());
            for step in steps {
                let _refused = match step {
                    Step::File(name) => beneath
                        .file(Path::new(&name), 0o644)
                        .and_then(|mut file| io::Write::write_all(&mut file, b"x")),
                    Step::Directory(name) => beneath.directory(Path::new(&name), 0o755),
                    Step::Symlink(name, target) => beneath.symlink(Path::new(&name), Path::new(&target)),
                    Step::HardLink(name, target) => beneath.hard_link(Path::new(&name), Path::new(&target)),
                };
                prop_assert_eq!(&outside(home.path()), &before);
            }
        }
    }
}
