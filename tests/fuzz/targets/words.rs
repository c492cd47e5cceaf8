//! Texts and bytes that are read as they are: what was read is written again and read the same.

use bytes::{Bytes, BytesMut};
use mesoslab::{
    mesos::{
        attributes as mesos_attributes, json as mesos_json,
        recordio::{self, Decoder},
        resources::{Resources, validate},
        v1::{agent, executor, master, scheduler},
    },
    services::registry::{Digest, Reference, Repository, Tag},
    spec::SpecLayer,
    zookeeper::{
        RequestHeader, connect::ConnectRequest, frame::FrameCodec, jute::Jute, op::OpCode, request::Request,
    },
};
use prost::{Message, Name};
use tokio_util::codec::Decoder as _;

/// The longest record or frame that a target takes.
const LIMIT: usize = 4096;

/// The first byte says in which pieces the stream comes.
pub fn recordio(data: &[u8]) {
    let Some((&piece, stream)) = data.split_first() else { return };
    let whole = records(stream, stream.len().max(1));
    let pieces = records(stream, usize::from(piece).max(1));
    assert_eq!(whole, pieces, "records do not depend on how they come");
    let again: Vec<u8> = whole.iter().flat_map(|record| recordio::encode(record)).collect();
    assert_eq!(records(&again, again.len().max(1)), whole);
}

fn records(stream: &[u8], piece: usize) -> Vec<Bytes> {
    let (mut decoder, mut buffer, mut records) = (Decoder::new(LIMIT), BytesMut::new(), Vec::new());
    for piece in stream.chunks(piece) {
        buffer.extend_from_slice(piece);
        while let Ok(Some(record)) = decoder.decode(&mut buffer) {
            records.push(record);
        }
        assert!(buffer.len() <= LIMIT + piece.len() + 32, "no more is kept than one record");
    }
    let _truncated = decoder.decode_eof(&mut buffer);
    records
}

/// Calls and events in JSON.
pub fn json(data: &[u8]) {
    from_json::<scheduler::Call>(data);
    from_json::<scheduler::Event>(data);
    from_json::<master::Call>(data);
    from_json::<agent::Call>(data);
    from_json::<executor::Call>(data);
}

fn from_json<M: Message + Name + Default + PartialEq>(data: &[u8]) {
    let Ok(message) = mesos_json::from_json::<M>(data) else { return };
    let text = mesos_json::to_json_string(&message);
    let again: M = mesos_json::from_json(&text).expect("what we write, we read");
    assert_eq!(mesos_json::to_json_string(&again), text);
}

/// The same as protobuf.
pub fn protobuf(data: &[u8]) {
    from_protobuf::<scheduler::Call>(data);
    from_protobuf::<scheduler::Event>(data);
    from_protobuf::<master::Call>(data);
    from_protobuf::<agent::Call>(data);
    from_protobuf::<executor::Call>(data);
}

fn from_protobuf<M: Message + Name + Default>(data: &[u8]) {
    let Ok(message) = mesos_json::decode::<M>(data) else { return };
    let bytes = message.encode_to_vec();
    let again: M = mesos_json::decode(&bytes).expect("what we write, we read");
    assert_eq!(again.encode_to_vec(), bytes);
    let _text = mesos_json::to_json_string(&message);
}

/// `--resources`, as text or as JSON.
pub fn resources(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(resources) = Resources::parse(text, "*") else { return };
    let _valid = validate(&resources.to_protos());
    let mut rest = resources.clone();
    rest -= &resources;
    assert!(rest.is_empty(), "{resources} without itself is {rest}");
    let _shown = (resources.to_string(), resources.quantities(), resources.to_endpoint_protos());
}

pub fn attributes(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(attributes) = mesos_attributes::parse(text) {
        let _shown = mesos_attributes::model(&attributes);
    }
}

/// Frames of ZooKeeper, and in each a request.
pub fn zookeeper(data: &[u8]) {
    let (mut codec, mut buffer) = (FrameCodec::new(LIMIT), BytesMut::from(data));
    while let Ok(Some(frame)) = codec.decode(&mut buffer) {
        let _connect = ConnectRequest::read(&mut frame.clone());
        let mut input = frame;
        let Ok(header) = RequestHeader::read(&mut input) else { continue };
        let Some(op) = OpCode::from_code(header.op) else { continue };
        let Ok(request) = Request::read_body(op, &mut input) else { continue };
        let mut body = BytesMut::new();
        request.write_body(&mut body);
        let again = Request::read_body(op, &mut body.freeze()).expect("what we write, we read");
        assert_eq!(again, request);
    }
}

/// Names of repositories, tags and digests.
pub fn registry_names(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(name) = text.parse::<Repository>() {
        assert_eq!(name.as_str(), text);
        assert!(!text.contains("..") && !text.starts_with('/'), "a name is no path out of the store");
    }
    if let Ok(tag) = text.parse::<Tag>() {
        assert!(!tag.as_str().contains('/'));
    }
    let _digest = text.parse::<Digest>();
    let _reference = text.parse::<Reference>();
}

pub fn lab_file(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match SpecLayer::parse("mesoslab.toml", text, |_| Vec::new()) {
        Ok(layer) => {
            let below = SpecLayer::built_in(|_| Vec::new()).expect("the built-in file");
            let _spec = layer.over(below).resolve();
        }
        Err(error) => assert!(error.reports().count() > 0, "what is wrong is said"),
    }
}
