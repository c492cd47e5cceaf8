//! What is written is read again, however a stream is cut; what is cut off or lies is an error.

use bytes::{Bytes, BytesMut};
use proptest::{collection::vec, option, prelude::*};
use tokio_util::codec::{Decoder, Encoder};

use super::make;
use crate::zookeeper::{
    ConnectRequest, ConnectResponse, CreateMode, ErrorCode, EventType, FrameCodec, KeeperState, OpCode,
    ReplyHeader, Request, RequestHeader, Response, WatchedEvent, jute::Jute, response::event_frame,
};

fn read(frame: &Bytes) -> Result<(RequestHeader, Request), crate::zookeeper::jute::JuteError> {
    let mut input = frame.clone();
    let header = RequestHeader::read(&mut input)?;
    let op = OpCode::from_code(header.op).unwrap();
    let request = Request::read_body(op, &mut input)?;
    assert!(input.is_empty(), "{request:?} leaves {input:?}");
    Ok((header, request))
}

proptest! {
    #[test]
    fn requests(request in make::request(), xid: i32) {
        let (header, again) = read(&request.to_frame(xid)).unwrap();
        prop_assert_eq!((header.xid, again), (xid, request));
    }

    #[test]
    fn a_request_that_is_cut_off_is_an_error(request in make::request(), at: prop::sample::Index) {
        let frame = request.to_frame(1);
        let cut = frame.slice(..at.index(frame.len()));
        prop_assert!(read(&cut).is_err());
    }

    #[test]
    fn garbage_is_read_or_refused(op in prop::sample::select(OpCode::ALL), garbage in vec(any::<u8>(), 0..80)) {
        let mut input = Bytes::from(garbage.clone());
        let _refused = Request::read_body(op, &mut input);
        let _refused = Response::read_body(op, &mut Bytes::from(garbage.clone()));
        let _refused = ConnectRequest::read(&mut Bytes::from(garbage));
    }

    #[test]
    fn responses((op, response) in make::response(), xid: i32, zxid: i64) {
        let mut frame = response.to_frame(ReplyHeader { xid, zxid, err: 0 });
        let header = ReplyHeader::read(&mut frame).unwrap();
        prop_assert_eq!(header, ReplyHeader { xid, zxid, err: 0 });
        prop_assert_eq!(Response::read_body(op, &mut frame).unwrap(), response);
        prop_assert!(frame.is_empty());
    }

    #[test]
    fn connecting(longs: [i64; 2], ints: [i32; 2], passwd in option::of(vec(any::<u8>(), 0..17)), read_only: Option<bool>) {
        let passwd = passwd.map(Bytes::from);
        let request = ConnectRequest {
            protocol_version: ints[0], last_zxid_seen: longs[0], timeout: ints[1], session_id: longs[1],
            passwd: passwd.clone(), read_only,
        };
        prop_assert_eq!(ConnectRequest::read(&mut request.to_bytes()).unwrap(), request);
        let response = ConnectResponse {
            protocol_version: ints[0], timeout: ints[1], session_id: longs[1], passwd, read_only,
        };
        prop_assert_eq!(ConnectResponse::read(&mut response.to_bytes()).unwrap(), response);
    }

    #[test]
    fn frames_however_they_come(contents in vec(vec(any::<u8>(), 0..40), 0..6), cut in 1_usize..9) {
        let mut codec = FrameCodec::new(40);
        let mut stream = BytesMut::new();
        for content in &contents {
            codec.encode(Bytes::from(content.clone()), &mut stream).unwrap();
        }
        let (mut source, mut decoded) = (BytesMut::new(), Vec::new());
        for piece in stream.chunks(cut) {
            source.extend_from_slice(piece);
            while let Some(frame) = codec.decode(&mut source).unwrap() {
                decoded.push(frame.to_vec());
            }
        }
        prop_assert_eq!(decoded, contents);
    }

    #[test]
    fn events(kind: i32, state: i32, path in "[a-z/]{0,9}") {
        let event = WatchedEvent { kind: EventType::from_code(kind), state: KeeperState::from_code(state), path };
        let mut frame = event_frame(&event);
        prop_assert_eq!(ReplyHeader::read(&mut frame).unwrap(), ReplyHeader { xid: -1, zxid: -1, err: 0 });
        prop_assert_eq!(WatchedEvent::read(&mut frame).unwrap(), event);
    }
}

#[test]
fn numbers_have_one_meaning() {
    for op in OpCode::ALL {
        assert_eq!(OpCode::from_code(op.code()), Some(*op));
    }
    for code in ErrorCode::ALL {
        assert_eq!(ErrorCode::from_code(code.code()), Some(*code));
    }
    for mode in CreateMode::ALL {
        assert_eq!(CreateMode::from_flag(mode.flag()), Some(mode));
    }
    assert_eq!(ErrorCode::from_code(0), None);
    assert_eq!(ErrorCode::from_code(-999), Some(ErrorCode::Other(-999)));
    assert_eq!(CreateMode::from_flag(7), None);
    assert_eq!(ErrorCode::NoNode.to_string(), "NoNode");
}
