//! Frames: a length of four bytes and that many bytes of content. A length that is negative or above the limit ends
//! the connection before anything is kept for it.

use std::io;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use tokio_util::codec::{Decoder, Encoder};

/// The default of `jute.maxbuffer`: the longest content of a frame to a server.
pub const MAX_BUFFER: usize = 0xf_ffff;

/// Splits a stream into frames, and makes frames of contents.
#[derive(Clone, Copy, Debug)]
pub struct FrameCodec {
    longest: usize,
}

/// Why a stream of frames cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    #[error("a frame of {length} bytes (the limit is {longest})")]
    Length { length: i32, longest: usize },
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl FrameCodec {
    /// Takes frames of up to `longest` bytes of content.
    pub fn new(longest: usize) -> Self {
        Self { longest }
    }
}

/// As a server has it. A client should allow for more: an answer to `getChildren` may be longer than any request.
impl Default for FrameCodec {
    fn default() -> Self {
        Self::new(MAX_BUFFER)
    }
}

impl Decoder for FrameCodec {
    type Item = Bytes;
    type Error = FrameError;

    fn decode(&mut self, source: &mut BytesMut) -> Result<Option<Bytes>, FrameError> {
        let Some(head) = source.first_chunk::<4>() else { return Ok(None) };
        let length = i32::from_be_bytes(*head);
        let wrong = FrameError::Length { length, longest: self.longest };
        let length = usize::try_from(length).ok().filter(|length| *length <= self.longest).ok_or(wrong)?;
        if source.len() < 4 + length {
            return Ok(None);
        }
        source.advance(4);
        Ok(Some(source.split_to(length).freeze()))
    }
}

impl Encoder<Bytes> for FrameCodec {
    type Error = FrameError;

    fn encode(&mut self, content: Bytes, out: &mut BytesMut) -> Result<(), FrameError> {
        out.reserve(4 + content.len());
        out.put_i32(i32::try_from(content.len()).map_err(io::Error::other)?);
        out.put_slice(&content);
        Ok(())
    }
}
