//! What the targets begin with: parts of the recordings of a real Mesos (`tests/golden`), and a few texts by hand.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::BytesMut;
use mesoslab::zookeeper::{
    connect::ConnectRequest,
    jute::Jute,
    op::OpCode,
    request::{Create, Request, SetData},
};

/// No seed is longer: libFuzzer does best with short ones.
const LONGEST: usize = 4096;

const RESOURCES: [&str; 8] = [
    "cpus:4;mem:4096;disk:10240;ports:[31000-32000]",
    "cpus(role):0.5;mem:1;zones:{a,b,c}",
    "cpus(a/b):2;ports(*):[1-2, 5-9]",
    "gpus:2",
    "cpus:0.0001;cpus:1e3",
    r#"[{"name": "cpus", "type": "SCALAR", "scalar": {"value": 4}}]"#,
    r#"[{"name": "disk", "type": "SCALAR", "scalar": {"value": 9}, "role": "r", "disk": {"source": {"type": "PATH", "path": {"root": "/x"}}}}]"#,
    r#"[{"name": "ports", "type": "RANGES", "ranges": {"range": [{"begin": 1, "end": 2}]}, "reservations": [{"role": "r", "type": "STATIC"}]}]"#,
];

const ATTRIBUTES: [&str; 4] = ["rack:abc;level:10;span:[1-100]", "a:b", "zone:{x,y}", "n:1.5;t:with space"];

const NAMES: [&str; 6] = [
    "library/busybox",
    "a.b/c__d/e-f",
    "latest",
    "1.0_rc.1-x",
    "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "sha256:0",
];

/// The seeds of a target; `golden` is `tests/golden`.
///
/// # Errors
/// When the recordings cannot be read.
pub fn of(target: &str, golden: &Path) -> io::Result<BTreeSet<Vec<u8>>> {
    let mut seeds = match target {
        "recordio" => recordio(golden)?,
        "json" => bodies(golden, |path, body| !is_proto(path, body))?,
        "protobuf" => bodies(golden, is_proto)?,
        "scheduler_calls" => bodies(golden, |path, _| path.ends_with("/api/v1/scheduler"))?,
        "operator_calls" => bodies(golden, |path, _| path.ends_with("/api/v1"))?,
        "agent_calls" => bodies(golden, |path, _| path.ends_with("/api/v1"))?,
        "libprocess" => messages(golden)?,
        "histories" => histories(),
        "resources" => texts(&RESOURCES),
        "attributes" => texts(&ATTRIBUTES),
        "zookeeper" => frames(),
        "registry_names" => texts(&NAMES),
        "lab_file" => [include_bytes!("../../../lab/mesoslab.toml").to_vec()].into(),
        _ => BTreeSet::new(),
    };
    seeds.retain(|seed| seed.len() <= LONGEST || target == "lab_file");
    Ok(seeds)
}

fn texts(texts: &[&str]) -> BTreeSet<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

fn files(directory: &Path, end: &str) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files(&path, end)?);
        } else if path.to_string_lossy().ends_with(end) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Head and body of a recorded request or answer.
fn split(raw: &[u8]) -> Option<(&str, &[u8])> {
    let end = raw.windows(4).position(|four| four == b"\r\n\r\n")?;
    Some((std::str::from_utf8(&raw[..end]).ok()?, &raw[end + 4..]))
}

fn is_proto(_: &str, body: &[u8]) -> bool {
    body.first().is_some_and(|first| !b"{[\" ".contains(first)) && body.iter().any(|byte| *byte < 9)
}

/// The bodies of recorded requests.
fn bodies(golden: &Path, wanted: impl Fn(&str, &[u8]) -> bool) -> io::Result<BTreeSet<Vec<u8>>> {
    let mut bodies = BTreeSet::new();
    for file in files(golden, ".req.raw")? {
        let raw = fs::read(file)?;
        let Some((head, body)) = split(&raw) else { continue };
        let path = head.split(' ').nth(1).unwrap_or_default();
        if !body.is_empty() && wanted(path, body) {
            bodies.insert(body.to_vec());
        }
    }
    Ok(bodies)
}

/// Event streams without their chunks, and a byte before them that says in which pieces they come.
fn recordio(golden: &Path) -> io::Result<BTreeSet<Vec<u8>>> {
    let mut streams = BTreeSet::new();
    for file in files(golden, ".resp.raw")? {
        let raw = fs::read(&file)?;
        let Some((head, body)) = split(&raw) else { continue };
        if head.contains("Transfer-Encoding: chunked") {
            let mut stream = vec![u8::try_from(streams.len() % 255).unwrap_or_default()];
            stream.extend(dechunked(body));
            stream.truncate(1500);
            streams.insert(stream);
        }
    }
    Ok(streams)
}

fn dechunked(mut body: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    while let Some(end) = body.windows(2).position(|two| two == b"\r\n") {
        let length =
            std::str::from_utf8(&body[..end]).ok().and_then(|hex| usize::from_str_radix(hex, 16).ok());
        let Some(length) = length.filter(|length| *length > 0 && end + 2 + length <= body.len()) else {
            break;
        };
        whole.extend_from_slice(&body[end + 2..end + 2 + length]);
        body = body.get(end + 4 + length..).unwrap_or_default();
    }
    whole
}

/// The messages of a real master and agent: name, new line, body.
fn messages(golden: &Path) -> io::Result<BTreeSet<Vec<u8>>> {
    let mut messages = BTreeSet::new();
    for file in files(&golden.join("libprocess"), ".tsv")? {
        for line in fs::read_to_string(file)?.lines() {
            let columns: Vec<&str> = line.split('\t').collect();
            let [_, "libprocess", _, path, _, body, ..] = columns[..] else { continue };
            let name = path.rsplit('/').next().unwrap_or_default();
            let Ok(body) = BASE64_STANDARD.decode(body) else { continue };
            messages.insert([name.as_bytes(), b"\n", &body].concat());
        }
    }
    Ok(messages)
}

/// Events by lot, the same ones each time.
fn histories() -> BTreeSet<Vec<u8>> {
    let mut state = 0x2545_f491_u32;
    let mut byte = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 23).to_le_bytes()[0]
    };
    (0..24).map(|_| (0..800).map(|_| byte()).collect()).collect()
}

fn frames() -> BTreeSet<Vec<u8>> {
    let mut connect = BytesMut::new();
    ConnectRequest { timeout: 4000, passwd: Some(vec![0; 16].into()), ..ConnectRequest::default() }
        .write(&mut connect);
    let framed = |content: &[u8]| {
        let length = u32::try_from(content.len()).unwrap_or_default().to_be_bytes();
        [&length[..], content].concat()
    };
    let create = Create { path: "/a".into(), data: Some("x".into()), ..Create::default() };
    let set = SetData { path: "/a".into(), data: None, version: -1 };
    let requests = [
        Request::Create(create),
        Request::SetData(set),
        Request::Ping,
        Request::GetAcl("/a".into()),
        Request::Multi(Vec::new()),
    ];
    let requests = requests.iter().map(|request| framed(&request.to_frame(1)));
    let bare = OpCode::ALL.iter().map(|op| framed(&[1_i32.to_be_bytes(), op.code().to_be_bytes()].concat()));
    requests.chain(bare).chain([framed(&connect)]).collect()
}
