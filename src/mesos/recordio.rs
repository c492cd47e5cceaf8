//! RecordIO, the framing of event streams: records of known length, one after the other.
//!
//! ```text
//! +----------------------------+------+------------------+----------------------------+-----
//! | length in decimal digits   | '\n' | that many bytes  | length of the next record  | ...
//! +----------------------------+------+------------------+----------------------------+-----
//!   e.g. "20"                           {"type":"HEARTBEAT"}
//! ```

use std::io;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use thiserror::Error;
use tokio_util::codec;

/// The digits of the longest length that can be meant.
const MAX_DIGITS: usize = 20;

/// Why a stream of records cannot be read on.
#[derive(Debug, Error)]
pub enum RecordError {
    /// What stands in place of a length.
    #[error("no length of a record: `{0}`")]
    Length(String),
    #[error("a record of {length} bytes is over the limit of {limit}")]
    TooLong { length: u64, limit: usize },
    #[error("the stream ended within a record")]
    Truncated,
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// One record with its length before it.
pub fn encode(record: &[u8]) -> Bytes {
    let mut out = BytesMut::with_capacity(MAX_DIGITS + 1 + record.len());
    put(&mut out, record);
    out.freeze()
}

fn put(out: &mut BytesMut, record: &[u8]) {
    let length = record.len().to_string();
    out.reserve(length.len() + 1 + record.len());
    out.put_slice(length.as_bytes());
    out.put_u8(b'\n');
    out.put_slice(record);
}

/// Puts the length before each record.
#[derive(Clone, Copy, Debug, Default)]
pub struct Encoder;

impl<R: AsRef<[u8]>> codec::Encoder<R> for Encoder {
    type Error = io::Error;

    fn encode(&mut self, record: R, out: &mut BytesMut) -> io::Result<()> {
        put(out, record.as_ref());
        Ok(())
    }
}

/// Cuts a stream into records, none of them longer than a limit. After an error nothing more comes: without the
/// length of one record the beginning of the next is unknown.
#[derive(Clone, Debug)]
pub struct Decoder {
    limit: usize,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Length,
    Record(usize),
    Failed,
}

impl Decoder {
    /// A decoder of records with at most `limit` bytes.
    pub const fn new(limit: usize) -> Self {
        Self { limit, state: State::Length }
    }

    /// The length that `input` begins with, or `None` when more of it is to come.
    fn length(&self, input: &mut BytesMut) -> Result<Option<usize>, RecordError> {
        let end = input.iter().take(MAX_DIGITS + 1).position(|c| *c == b'\n');
        let digits = &input[..end.unwrap_or(input.len().min(MAX_DIGITS + 1))];
        let garbage = || RecordError::Length(String::from_utf8_lossy(digits).into_owned());
        if !digits.iter().all(u8::is_ascii_digit) || (end.is_none() && digits.len() > MAX_DIGITS) {
            return Err(garbage());
        }
        let Some(end) = end else {
            return Ok(None);
        };
        let length: u64 =
            std::str::from_utf8(digits).ok().and_then(|text| text.parse().ok()).ok_or_else(garbage)?;
        let limit = self.limit;
        let fitting = usize::try_from(length).ok().filter(|length| *length <= limit);
        let fitting = fitting.ok_or(RecordError::TooLong { length, limit })?;
        input.advance(end + 1);
        Ok(Some(fitting))
    }

    fn next(&mut self, input: &mut BytesMut) -> Result<Option<Bytes>, RecordError> {
        if self.state == State::Length {
            let Some(length) = self.length(input)? else {
                return Ok(None);
            };
            self.state = State::Record(length);
        }
        match self.state {
            State::Record(length) if input.len() >= length => {
                self.state = State::Length;
                Ok(Some(input.split_to(length).freeze()))
            }
            State::Record(length) => {
                input.reserve(length - input.len());
                Ok(None)
            }
            State::Length | State::Failed => {
                input.clear();
                Ok(None)
            }
        }
    }
}

impl codec::Decoder for Decoder {
    type Item = Bytes;
    type Error = RecordError;

    fn decode(&mut self, input: &mut BytesMut) -> Result<Option<Bytes>, RecordError> {
        self.next(input).inspect_err(|_| self.state = State::Failed)
    }

    fn decode_eof(&mut self, input: &mut BytesMut) -> Result<Option<Bytes>, RecordError> {
        match self.decode(input)? {
            None if self.state != State::Failed && (self.state != State::Length || !input.is_empty()) => {
                self.state = State::Failed;
                input.clear();
                Err(RecordError::Truncated)
            }
            record => Ok(record),
        }
    }
}

#[cfg(test)]
mod tests {
    use codec::{Decoder as _, Encoder as _};
    use proptest::prelude::*;

    use super::*;

    fn decode_all(decoder: &mut Decoder, input: &mut BytesMut) -> Result<Vec<Bytes>, RecordError> {
        std::iter::from_fn(|| decoder.decode(input).transpose()).collect()
    }

    fn error(stream: &str) -> String {
        decode_all(&mut Decoder::new(10), &mut stream.into()).unwrap_err().to_string()
    }

    #[test]
    fn puts_the_length_first() {
        assert_eq!(&encode(b"hello")[..], b"5\nhello");
        let mut out = BytesMut::new();
        Encoder.encode("", &mut out).unwrap();
        Encoder.encode("world!", &mut out).unwrap();
        assert_eq!(&out[..], b"0\n6\nworld!");
    }

    #[test]
    fn refuses_garbage_and_records_over_the_limit() {
        assert_eq!(error("abc\n"), "no length of a record: `abc`");
        assert_eq!(error("{\"type\""), "no length of a record: `{\"type\"`");
        assert_eq!(error("-1\n"), "no length of a record: `-1`");
        assert_eq!(error("\n"), "no length of a record: ``");
        assert_eq!(error("99999999999999999999\n"), "no length of a record: `99999999999999999999`");
        assert_eq!(error(&"1".repeat(30)), format!("no length of a record: `{}`", "1".repeat(21)));
        assert_eq!(error("11\n"), "a record of 11 bytes is over the limit of 10");
    }

    #[test]
    fn says_nothing_more_after_an_error() {
        let mut decoder = Decoder::new(10);
        let mut input = BytesMut::from("x\n5\nhello");
        assert!(decoder.decode(&mut input).is_err());
        assert!(decoder.decode(&mut input).unwrap().is_none());
        assert!(input.is_empty());
        assert!(decoder.decode_eof(&mut input).unwrap().is_none());
    }

    #[test]
    fn notices_half_a_record_at_the_end() {
        for half in ["5", "5\n", "5\nhell"] {
            let ended = Decoder::new(10).decode_eof(&mut half.into());
            assert!(matches!(ended, Err(RecordError::Truncated)), "{half}");
        }
        assert!(Decoder::new(10).decode_eof(&mut BytesMut::new()).unwrap().is_none());
    }

    proptest! {
        #[test]
        fn records_survive_a_split_at_every_byte(
            records in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..30), 0..5)
        ) {
            let stream: Vec<u8> = records.iter().flat_map(|record| encode(record).to_vec()).collect();
            for split in 0..=stream.len() {
                let mut decoder = Decoder::new(30);
                let mut input = BytesMut::from(&stream[..split]);
                let mut decoded = decode_all(&mut decoder, &mut input).unwrap();
                input.extend_from_slice(&stream[split..]);
                decoded.extend(decode_all(&mut decoder, &mut input).unwrap());
                prop_assert_eq!(&decoded, &records);
                prop_assert!(decoder.decode_eof(&mut input).unwrap().is_none());
            }
        }

        #[test]
        fn any_bytes_give_records_or_an_error(stream in prop::collection::vec(any::<u8>(), 0..60)) {
            let mut input = BytesMut::from(&stream[..]);
            if let Ok(records) = decode_all(&mut Decoder::new(30), &mut input) {
                let read: usize = records.iter().map(|record| encode(record).len()).sum();
                prop_assert!(read <= stream.len());
            }
        }
    }
}
