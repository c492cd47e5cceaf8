//! One end of the socket between agent and keeper: JSON messages, each behind its length in four bytes.
//!
//! ```text
//! +--------------------+------------------------+
//! | length, big-endian | JSON of `length` bytes | ...
//! +--------------------+------------------------+
//! ```

use std::io;

use bytes::{Buf, Bytes, BytesMut};
use serde::{Serialize, de::DeserializeOwned};
use tokio::{io::Interest, net::UnixStream};
use tokio_util::codec::{Decoder, Encoder, LengthDelimitedCodec};

/// The longest message, far above what the system takes as the environment and arguments of a program.
const LONGEST: usize = 16 << 20;

/// The longest message of a side that has not introduced itself.
const LONGEST_OF_STRANGER: usize = 4096;

/// How much is read at once.
const PIECE: usize = 16 * 1024;

#[derive(Debug)]
pub(super) struct Wire {
    stream: UnixStream,
    codec: LengthDelimitedCodec,
    incoming: BytesMut,
    outgoing: BytesMut,
}

impl Wire {
    /// To a side that is known.
    pub fn new(stream: UnixStream) -> Self {
        let mut codec = LengthDelimitedCodec::new();
        codec.set_max_frame_length(LONGEST);
        Self { stream, codec, incoming: BytesMut::new(), outgoing: BytesMut::new() }
    }

    /// To a side that may be anybody, until [`Wire::trust`].
    pub fn to_stranger(stream: UnixStream) -> Self {
        let mut wire = Self::new(stream);
        wire.codec.set_max_frame_length(LONGEST_OF_STRANGER);
        wire
    }

    /// The other side has introduced itself.
    pub fn trust(&mut self) {
        self.codec.set_max_frame_length(LONGEST);
    }

    /// Sends without waiting; what the socket does not take goes out with [`Wire::next`] or [`Wire::flush`].
    ///
    /// # Errors
    /// When the message is too long. That the other side is gone is for [`Wire::next`] to say.
    pub fn send<T: Serialize>(&mut self, message: &T) -> io::Result<()> {
        let json = Bytes::from(serde_json::to_vec(message)?);
        self.codec.encode(json, &mut self.outgoing)?;
        self.write_some();
        Ok(())
    }

    /// The next message; none when the other side is gone. May be dropped and called again.
    ///
    /// # Errors
    /// When what came is no message; the connection is of no use any more.
    pub async fn next<T: DeserializeOwned>(&mut self) -> io::Result<Option<T>> {
        loop {
            if let Some(frame) = self.codec.decode(&mut self.incoming)? {
                return Ok(Some(serde_json::from_slice(&frame)?));
            }
            let write = if self.outgoing.is_empty() { Interest::READABLE } else { Interest::WRITABLE };
            self.stream.ready(Interest::READABLE | write).await?;
            self.write_some();
            if !self.read_some()? {
                return Ok(None);
            }
        }
    }

    /// Waits until all that was sent is with the system, or the other side is gone.
    ///
    /// # Errors
    /// As the socket's own.
    pub async fn flush(&mut self) -> io::Result<()> {
        while !self.outgoing.is_empty() {
            self.stream.writable().await?;
            self.write_some();
        }
        Ok(())
    }

    /// What cannot be written because nobody is there is dropped.
    fn write_some(&mut self) {
        while !self.outgoing.is_empty() {
            match self.stream.try_write(&self.outgoing) {
                Ok(written) => self.outgoing.advance(written),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(_) => self.outgoing.clear(),
            }
        }
    }

    /// False at the end of the stream.
    fn read_some(&mut self) -> io::Result<bool> {
        self.incoming.reserve(PIECE);
        match self.stream.try_read_buf(&mut self.incoming) {
            Ok(read) => Ok(read > 0),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(true),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn long_messages_go_both_ways_at_once() {
        let (one, other) = UnixStream::pair().unwrap();
        let (mut one, mut other) = (Wire::new(one), Wire::new(other));
        let long = "x".repeat(4 << 20);
        one.send(&long).unwrap();
        other.send(&long).unwrap();
        let receive = async |wire: &mut Wire| {
            let message: Option<String> = wire.next().await.unwrap();
            wire.flush().await.unwrap();
            message
        };
        let (there, back) = tokio::join!(receive(&mut other), receive(&mut one));
        assert_eq!((there.as_ref(), back.as_ref()), (Some(&long), Some(&long)));
    }

    #[tokio::test]
    async fn what_was_said_before_the_end_is_heard() {
        let (one, other) = UnixStream::pair().unwrap();
        let (mut one, mut other) = (Wire::new(one), Wire::new(other));
        one.send(&7).unwrap();
        drop(one);
        other.send(&8).unwrap();
        assert_eq!(other.next::<u32>().await.unwrap(), Some(7));
        assert!(matches!(other.next::<u32>().await, Ok(None) | Err(_)));
    }

    #[tokio::test]
    async fn no_message_is_too_long() {
        let (one, other) = UnixStream::pair().unwrap();
        let (mut one, mut stranger) = (Wire::new(one), Wire::to_stranger(other));
        assert!(one.send(&"x".repeat(LONGEST)).is_err());
        one.send(&"x".repeat(LONGEST_OF_STRANGER)).unwrap();
        assert!(stranger.next::<String>().await.is_err());
    }
}
