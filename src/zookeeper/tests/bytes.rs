//! Bytes as ZooKeeper 3.8 and its clients send them, and bytes that lie.

use bytes::{Bytes, BytesMut};
use tokio_util::codec::Decoder;

use crate::zookeeper::{
    Acl, ConnectRequest, CreateMode, ErrorCode, EventType, FrameCodec, OpCode, ReplyHeader, Request,
    Response, WatchedEvent,
    jute::{Jute, JuteError},
    multi::OpResult,
    request::{Create, CreateForm, PathVersion, PathWatch, SetWatches},
    response::event_frame,
};

fn hex(text: &str) -> Bytes {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(byte).collect()
}

#[test]
fn a_new_session() {
    let frame = hex("00000000 0000000000000000 00002710 0000000000000000 00000010
        00000000000000000000000000000000 00");
    let request = ConnectRequest::read(&mut frame.clone()).unwrap();
    assert_eq!((request.timeout, request.session_id), (10_000, 0));
    assert_eq!((request.passwd.as_ref().unwrap().len(), request.read_only), (16, Some(false)));
    assert_eq!(request.to_bytes(), frame);
    let old = ConnectRequest::read(&mut frame.slice(..frame.len() - 1)).unwrap();
    assert_eq!(old.read_only, None);
}

#[test]
fn a_creation() {
    let create = Request::Create(Create {
        form: CreateForm::Create,
        path: "/a".to_owned(),
        data: Some(Bytes::from_static(b"xy")),
        acl: Acl::open(),
        flags: CreateMode::EphemeralSequential.flag(),
    });
    let frame = hex("00000007 00000001 00000002 2f61 00000002 7879
        00000001 0000001f 00000005 776f726c64 00000006 616e796f6e65 00000003");
    assert_eq!(create.to_frame(7), frame);
}

#[test]
fn a_creation_with_a_time_to_live_and_no_data() {
    let create = Request::Create(Create {
        form: CreateForm::Ttl(500),
        path: "/".to_owned(),
        data: None,
        acl: Vec::new(),
        flags: CreateMode::PersistentWithTtl.flag(),
    });
    let frame = hex("00000001 00000015 00000001 2f ffffffff 00000000 00000005 00000000000001f4");
    assert_eq!(create.to_frame(1), frame);
}

#[test]
fn a_transaction_and_its_failure() {
    let version = PathVersion { path: "/a".to_owned(), version: -1 };
    let multi = Request::Multi(vec![Request::Check(version.clone()), Request::Delete(version)]);
    let frame = hex("00000002 0000000e
        0000000d 00 ffffffff 00000002 2f61 ffffffff
        00000002 00 ffffffff 00000002 2f61 ffffffff
        ffffffff 01 ffffffff");
    assert_eq!(multi.to_frame(2), frame);
    let failed = Response::Multi(vec![OpResult::Error(0), OpResult::Error(ErrorCode::NoNode.code())]);
    let frame = hex("00000002 0000000000000009 00000000
        ffffffff 00 00000000 00000000
        ffffffff 00 ffffff9b ffffff9b
        ffffffff 01 ffffffff");
    assert_eq!(failed.to_frame(ReplyHeader { xid: 2, zxid: 9, err: 0 }), frame);
}

#[test]
fn an_event() {
    let frame = hex("ffffffff ffffffffffffffff 00000000 00000004 00000003 00000002 2f61");
    assert_eq!(event_frame(&WatchedEvent::of_node(EventType::NodeChildrenChanged, "/a")), frame);
}

fn read(op: OpCode, text: &str) -> Result<Request, JuteError> {
    Request::read_body(op, &mut hex(text))
}

#[test]
fn lengths_that_lie() {
    let cut = |wanted, left| Err(JuteError::CutOff { wanted, left });
    assert_eq!(read(OpCode::GetData, "7fffffff 2f"), cut(0x7fff_ffff, 1));
    assert_eq!(read(OpCode::GetData, "fffffffe 2f"), Err(JuteError::Length(-2)));
    assert_eq!(read(OpCode::GetData, "ffffffff 00"), Err(JuteError::Null));
    assert_eq!(read(OpCode::SetData, "00000001 2f 7fffffff"), cut(0x7fff_ffff, 0));
    let acls = "00000001 2f 00000000 7fffffff 0000001f";
    assert_eq!(read(OpCode::Create, acls), cut(4, 0));
    let paths = "0000000000000000 7fffffff 00000001 2f";
    assert_eq!(read(OpCode::SetWatches, paths), cut(4, 0));
}

#[test]
fn vectors_of_fewer_than_no_elements_are_empty() {
    let watches = read(OpCode::SetWatches, "0000000000000005 ffffffff fffffff0 00000000").unwrap();
    assert_eq!(watches, Request::SetWatches(SetWatches { relative_zxid: 5, ..SetWatches::default() }));
}

#[test]
fn what_is_no_utf8_is_replaced() {
    let request = read(OpCode::Exists, "00000002 2fff 01").unwrap();
    assert_eq!(request, Request::Exists(PathWatch { path: "/\u{fffd}".to_owned(), watch: true }));
}

#[test]
fn a_transaction_holds_what_it_may() {
    let ping = "0000000b 00 ffffffff ffffffff 01 ffffffff";
    assert_eq!(read(OpCode::Multi, ping), Err(JuteError::Operation(11)));
    let mixed =
        "00000002 00 ffffffff 00000001 2f 00000000 00000004 00 ffffffff 00000001 2f 00 ffffffff 01 ffffffff";
    assert_eq!(read(OpCode::Multi, mixed), Err(JuteError::Operation(4)));
    let mode = "00000001 00 ffffffff 00000001 2f 00000000 00000000 00000063 ffffffff 01 ffffffff";
    assert_eq!(read(OpCode::Multi, mode), Err(JuteError::CreateMode(99)));
    assert_eq!(read(OpCode::Multi, "ffffffff 01 ffffffff"), Ok(Request::Multi(Vec::new())));
}

#[test]
fn no_client_may_ask_for_what_servers_tell_each_other() {
    for op in [OpCode::CreateSession, OpCode::DeleteContainer, OpCode::Error] {
        assert_eq!(read(op, ""), Err(JuteError::Operation(op.code())));
    }
}

#[test]
fn frames_that_lie_are_refused_at_their_length() {
    let decode = |head: [u8; 4]| FrameCodec::new(100).decode(&mut BytesMut::from(&head[..]));
    for lie in [[0xff, 0xff, 0xff, 0xff], [0, 0, 0, 101], *b"GET "] {
        let error = decode(lie).unwrap_err().to_string();
        assert!(error.ends_with("bytes (the limit is 100)"), "{error}");
    }
    assert!(decode([0, 0, 0, 100]).unwrap().is_none());
}
