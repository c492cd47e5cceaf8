//! The log as it is written, torn and damaged.

use std::{
    fs::{self, OpenOptions},
    io::{Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use bytes::Bytes;

use crate::{
    host::zookeeper::{files, log::Log},
    mesos::time::Time,
    services::zookeeper::{Config, ConnectionId, Effect, Input, Server},
    zookeeper::{Acl, ConnectRequest, Request, jute::Jute, request::Create},
};

fn open(dir: &Path, snap_count: u64) -> std::io::Result<(Server, Log)> {
    Log::open(dir, Config::default(), snap_count)
}

/// What a server wants written when a client makes a node.
fn entries(server: &mut Server, path: &str) -> Vec<Bytes> {
    let connection = ConnectionId(u64::try_from(server.zxid()).unwrap() + 1);
    let now = Time::default();
    let request = Create { path: path.to_owned(), acl: Acl::open(), ..Create::default() };
    let inputs = [
        Input::Opened { connection, peer: "127.0.0.1:1".parse().unwrap() },
        Input::Frame { connection, content: ConnectRequest::default().to_bytes() },
        Input::Frame { connection, content: Request::Create(request).to_frame(1) },
    ];
    let effects = inputs.into_iter().flat_map(|input| server.handle(now, input));
    effects.filter_map(|effect| if let Effect::Append(entry) = effect { Some(entry) } else { None }).collect()
}

fn write(server: &mut Server, log: &mut Log, path: &str) {
    for entry in entries(server, path) {
        let snapshot = log.is_long().then(|| (server.zxid(), server.snapshot()));
        log.write(&entry, 1, snapshot).unwrap();
    }
}

fn file(dir: &Path, kind: &str) -> PathBuf {
    files::list(dir, kind).unwrap().pop().unwrap().1
}

#[test]
fn what_was_written_is_read_again() {
    let dir = tempfile::tempdir().unwrap();
    let (mut server, mut log) = open(dir.path(), 1000).unwrap();
    for path in ["/a", "/a/b", "/c"] {
        write(&mut server, &mut log, path);
    }
    drop(log);
    let (again, _log) = open(dir.path(), 1000).unwrap();
    assert_eq!(again.snapshot(), server.snapshot());
}

#[test]
fn a_snapshot_takes_the_place_of_the_log() {
    let dir = tempfile::tempdir().unwrap();
    let (mut server, mut log) = open(dir.path(), 5).unwrap();
    for number in 0..20 {
        write(&mut server, &mut log, &format!("/n{number}"));
    }
    drop(log);
    assert_eq!(files::list(dir.path(), files::SNAPSHOT).unwrap().len(), 1);
    assert_eq!(files::list(dir.path(), files::LOG).unwrap().len(), 1);
    let (again, log) = open(dir.path(), 5).unwrap();
    assert_eq!(again.snapshot(), server.snapshot());
    let on_disk = fs::metadata(file(dir.path(), files::LOG)).unwrap().len()
        + fs::metadata(file(dir.path(), files::SNAPSHOT)).unwrap().len();
    assert_eq!(log.bytes(), on_disk);
}

#[test]
fn a_torn_end_is_left_out_wherever_it_is_torn() {
    let dir = tempfile::tempdir().unwrap();
    let (mut server, mut log) = open(dir.path(), 1000).unwrap();
    write(&mut server, &mut log, "/whole");
    let path = file(dir.path(), files::LOG);
    let (whole, before) = (fs::metadata(&path).unwrap().len(), server.snapshot());
    let torn = entries(&mut server, "/torn").concat();
    log.write(&torn, 2, None).unwrap();
    drop(log);
    let bytes = fs::read(&path).unwrap();
    for length in usize::try_from(whole).unwrap()..bytes.len() {
        fs::write(&path, &bytes[..length]).unwrap();
        let (mut again, mut log) = open(dir.path(), 1000).unwrap();
        assert_eq!(again.snapshot(), before, "{length} bytes");
        write(&mut again, &mut log, "/next");
        drop(log);
        assert_eq!(open(dir.path(), 1000).unwrap().0.snapshot(), again.snapshot());
    }
}

#[test]
fn a_damaged_middle_is_refused_with_file_and_offset() {
    let dir = tempfile::tempdir().unwrap();
    let (mut server, mut log) = open(dir.path(), 1000).unwrap();
    write(&mut server, &mut log, "/a");
    let path = file(dir.path(), files::LOG);
    let at = fs::metadata(&path).unwrap().len();
    write(&mut server, &mut log, "/b");
    drop(log);
    let mut file = OpenOptions::new().write(true).open(&path).unwrap();
    file.seek(SeekFrom::Start(at + 12)).unwrap();
    file.write_all(b"!").unwrap();
    let error = open(dir.path(), 1000).unwrap_err().to_string();
    let wanted =
        format!("`{}` is damaged at offset {at}: there is no whole block, but one at ", path.display());
    assert!(error.starts_with(&wanted), "{error}");
}

#[test]
fn a_file_of_somebody_else_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("log.1"), "ZKLG....").unwrap();
    let error = open(dir.path(), 1000).unwrap_err().to_string();
    assert!(error.contains("log.1` is no file of this server"), "{error}");
}

#[test]
fn a_log_that_is_missing_is_missed() {
    let dir = tempfile::tempdir().unwrap();
    let (mut server, mut log) = open(dir.path(), 1000).unwrap();
    write(&mut server, &mut log, "/a");
    drop(log);
    let path = file(dir.path(), files::LOG);
    let late = entries(&mut server, "/lost").into_iter().chain(entries(&mut server, "/late")).skip(2);
    let blocks = late.map(|entry| files::block(&entry).unwrap()).collect::<Vec<_>>().concat();
    OpenOptions::new().append(true).open(&path).unwrap().write_all(&blocks).unwrap();
    let error = open(dir.path(), 1000).unwrap_err().to_string();
    assert!(error.contains("transaction 0x5 follows, 0x3 is missing"), "{error}");
}

#[test]
fn a_directory_has_one_server() {
    let dir = tempfile::tempdir().unwrap();
    let _first = open(dir.path(), 1000).unwrap();
    let error = open(dir.path(), 1000).unwrap_err().to_string();
    assert!(error.starts_with("another ZooKeeper (process "), "{error}");
}
