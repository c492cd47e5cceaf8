//! Archives of every kind, good and evil.

use std::{
    fs,
    io::{Cursor, Write},
    path::PathBuf,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use bzip2::write::BzEncoder;
use flate2::write::GzEncoder;
use tar::{Builder, EntryType, Header};
use zip::{ZipWriter, write::SimpleFileOptions};

use super::*;

/// `d/f` with the text `hello\n`, by `tar cJ`.
const XZ: &str = "/Td6WFoAAATm1rRGAgAhARYAAAB0L+Wj4Cf/AFldADILyMAOUCcI/OcFvm95X2eW+59qzUYJr+3V6T0j+z2hby8QfP1y9uv4J+jV3aH3rinwNdTBSKgk5nPKwRk75SIwGZWs+AqwOOc+t/gIuVinhartnGx7phwAAAAAAD4eBRQT6m8QAAF1gFAAAACf91HiscRn+wIAAAAABFla";

struct Place {
    home: tempfile::TempDir,
    sandbox: Beneath,
}

fn place() -> Place {
    let home = tempfile::tempdir().unwrap();
    fs::create_dir(home.path().join("sandbox")).unwrap();
    let sandbox = Beneath::new(&home.path().join("sandbox")).unwrap();
    Place { home, sandbox }
}

impl Place {
    fn extract(&self, name: &str, bytes: &[u8]) -> io::Result<bool> {
        let source = self.home.path().join("source");
        fs::write(&source, bytes).unwrap();
        extract(&source, Path::new(name), &self.sandbox, &Wanted::default())
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.sandbox.root().join(name)).unwrap()
    }

    /// Everything but the sandbox and the archive.
    fn outside(&self) -> Vec<PathBuf> {
        let all = fs::read_dir(self.home.path()).unwrap().map(|entry| entry.unwrap().path());
        all.filter(|path| !path.ends_with("sandbox") && !path.ends_with("source")).collect()
    }
}

fn header(kind: EntryType, size: usize, mode: u32) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_size(u64::try_from(size).unwrap());
    header.set_mode(mode);
    header.set_mtime(1_000_000_000);
    header
}

/// A tar archive with these files, and links to be made before them. Names are written as they are.
fn tarred(links: &[(EntryType, &str, &str)], files: &[(&str, &str)]) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    for (kind, name, target) in links {
        let mut header = header(*kind, 0, 0o777);
        put(&mut header, name);
        header.as_old_mut().linkname[..target.len()].copy_from_slice(target.as_bytes());
        header.set_cksum();
        builder.append(&header, io::empty()).unwrap();
    }
    for (name, text) in files {
        let mut header = header(EntryType::Regular, text.len(), 0o4750);
        put(&mut header, name);
        header.set_cksum();
        builder.append(&header, text.as_bytes()).unwrap();
    }
    builder.into_inner().unwrap()
}

fn put(header: &mut Header, name: &str) {
    header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
}

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zipped(files: &[(&str, &str)], links: &[(&str, &str)]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, target) in links {
        writer.add_symlink(*name, *target, SimpleFileOptions::default()).unwrap();
    }
    for (name, text) in files {
        writer.start_file(*name, SimpleFileOptions::default().unix_permissions(0o750)).unwrap();
        writer.write_all(text.as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

#[test]
fn names_say_what_is_an_archive() {
    for name in ["a.tar", "a.tgz", "a.tar.gz", "a.tbz2", "a.tar.bz2", "a.txz", "a.tar.xz", "a.zip"] {
        assert_eq!(Kind::of(name), Kind::Archive, "{name}");
    }
    assert_eq!(Kind::of("a.gz"), Kind::Compressed);
    for name in ["a", "a.txt", "zip", "a.tgz?x=1", "a.jar", "a.bz2"] {
        assert_eq!(Kind::of(name), Kind::Plain, "{name}");
    }
}

#[test]
fn every_kind_is_extracted() {
    let tar = tarred(&[], &[("d/f", "hello\n")]);
    let mut bzip2 = BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    bzip2.write_all(&tar).unwrap();
    let archives = [
        ("a.tgz", gzipped(&tar)),
        ("a.tar.bz2", bzip2.finish().unwrap()),
        ("a.txz", BASE64_STANDARD.decode(XZ).unwrap()),
        ("a.zip", zipped(&[("d/f", "hello\n")], &[])),
        ("a.tar", tar.clone()),
        ("wrong.zip", tar),
    ];
    for (name, bytes) in archives {
        let place = place();
        assert!(place.extract(name, &bytes).unwrap(), "{name}");
        assert_eq!(place.read("d/f"), "hello\n", "{name}");
    }
}

#[test]
fn one_file_of_gzip_loses_its_ending() {
    let place = place();
    assert!(place.extract("dir/notes.txt.gz", &gzipped(b"hello\n")).unwrap());
    assert_eq!(place.read("notes.txt"), "hello\n");
    assert!(!place.extract("notes.txt", b"hello\n").unwrap(), "no archive, no work");
}

#[test]
fn modes_and_times_are_those_of_the_archive_without_special_bits() {
    use std::os::unix::fs::MetadataExt;
    let place = place();
    place.extract("a.tar", &tarred(&[], &[("f", "x")])).unwrap();
    let file = fs::metadata(place.sandbox.root().join("f")).unwrap();
    assert_eq!(file.mode() & 0o7777, 0o750);
    assert_eq!(file.mtime(), 1_000_000_000);
}

#[test]
fn long_names_are_read() {
    let place = place();
    let name = format!("{}/f", "d".repeat(150));
    let mut builder = Builder::new(Vec::new());
    builder.append_data(&mut header(EntryType::Regular, 1, 0o644), &name, &b"x"[..]).unwrap();
    place.extract("a.tar", &builder.into_inner().unwrap()).unwrap();
    assert_eq!(place.read(&name), "x");
}

#[test]
fn links_are_made_and_not_followed_outside() {
    let links = [
        (EntryType::Symlink, "link", "f"),
        (EntryType::Symlink, "up", ".."),
        (EntryType::Symlink, "root", "/"),
    ];
    let inside = place();
    inside.extract("a.tar", &tarred(&links, &[("f", "x")])).unwrap();
    assert_eq!(inside.read("link"), "x");
    for name in ["up/evil", "root/evil"] {
        let place = place();
        assert!(place.extract("a.tar", &tarred(&links, &[(name, "x")])).is_err(), "{name}");
        assert!(place.outside().is_empty());
    }
    let zip = place();
    assert!(zip.extract("a.zip", &zipped(&[("up/evil", "x")], &[("up", "..")])).is_err());
    assert!(zip.outside().is_empty());
}

#[test]
fn a_hard_link_reaches_the_sandbox_only() {
    let place = place();
    fs::write(place.home.path().join("source2"), "secret").unwrap();
    let links = [(EntryType::Symlink, "up", ".."), (EntryType::Link, "h", "up/source2")];
    assert!(place.extract("a.tar", &tarred(&links, &[])).is_err());
    assert!(!place.sandbox.root().join("h").exists());
}

#[test]
fn ways_up_are_refused_and_roots_mean_nothing() {
    for name in ["../evil", "d/../../evil", "d/.."] {
        let place = place();
        let refused = place.extract("a.tar", &tarred(&[], &[(name, "x")])).unwrap_err();
        assert_eq!(refused.to_string(), "Path contains '..'", "{name}");
        let refused = place.extract("a.zip", &zipped(&[(name, "x")], &[]));
        assert!(refused.is_err() && place.outside().is_empty(), "{name}");
    }
    let place = place();
    place.extract("a.tar", &tarred(&[], &[("/rooted", "x")])).unwrap();
    assert_eq!(place.read("rooted"), "x");
}

#[test]
fn what_is_no_archive_is_an_error() {
    let tar = tarred(&[], &[("f", &"x".repeat(5000))]);
    let cases: [(&str, &[u8]); 6] = [
        ("a.tar", b""),
        ("a.tar", b"short"),
        ("a.tar", &tar[..2000]),
        ("a.zip", b"PK\x03\x04 and nothing more"),
        ("a.tgz", &gzipped(&tar)[..30]),
        ("a.gz", b"plain"),
    ];
    for (name, bytes) in cases {
        assert!(place().extract(name, bytes).is_err(), "{name} of {} bytes", bytes.len());
    }
}

#[test]
fn devices_are_no_files() {
    let place = place();
    let refused = place.extract("a.tar", &tarred(&[(EntryType::Char, "null", "")], &[])).unwrap_err();
    assert!(refused.to_string().contains("neither a file nor a link"), "{refused}");
}

#[test]
fn a_name_without_end_is_refused() {
    let place = place();
    let mut builder = Builder::new(Vec::new());
    let long = vec![b'a'; 1024 * 1024];
    let mut header = header(EntryType::GNULongName, long.len(), 0o644);
    header.set_cksum();
    builder.append(&header, long.as_slice()).unwrap();
    let refused = place.extract("a.tar", &builder.into_inner().unwrap()).unwrap_err();
    assert_eq!(refused.to_string(), "a name is too long");
}

#[test]
fn an_archive_that_nobody_waits_for_is_left() {
    let place = place();
    let source = place.home.path().join("source");
    fs::write(&source, tarred(&[], &[("f", "x")])).unwrap();
    let wanted = Wanted::default();
    drop(wanted.guard());
    assert!(extract(&source, Path::new("a.tar"), &place.sandbox, &wanted).is_err());
    assert!(!place.sandbox.root().join("f").exists());
}

mod properties {
    use proptest::prelude::*;

    use super::*;

    fn name() -> impl Strategy<Value = String> {
        let part = prop::sample::select(vec!["a", "b", "..", ".", "", "link", "up"]);
        prop::collection::vec(part, 1..5).prop_map(|parts| parts.join("/"))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn no_archive_writes_outside(files in prop::collection::vec(name(), 1..6), target in name()) {
            let links = [(EntryType::Symlink, "link", target.as_str()), (EntryType::Symlink, "up", "../..")];
            let files: Vec<(&str, &str)> = files.iter().map(|name| (name.as_str(), "x")).collect();
            let place = place();
            let _refused = place.extract("a.tar", &tarred(&links, &files));
            prop_assert!(place.outside().is_empty());
            for file in files {
                let _refused = place.extract("a.zip", &zipped(&[file], &[("the-link", &target)]));
                prop_assert!(place.outside().is_empty());
            }
        }
    }
}
