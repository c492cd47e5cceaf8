//! What libprocess does on the wire and hyper does not, done by a wrapper of the socket.
//!
//! It closes a connection on malformed input without a word: hyper's own answers are known by their form, and their
//! write fails. It never says `100 Continue`: that is swallowed. It answers HTTP/1.0 with HTTP/1.1: the first request
//! line of the connection is read as such, and [`Silent::speaks_http10`] remembers. And it tells the [`Connection`]
//! when bytes have moved.
//!
//! A message is handled although its sender has closed already, so hyper is told not to mind a half-closed connection;
//! that a client has left who waits for an answer, or reads a stream, is noticed here. Answers to messages are
//! gathered while more messages have come, and go out together; nobody waits for them, so they are left out when
//! nobody takes them, and a sender that never reads is no slower for it.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
};

use bytes::{Buf, BytesMut};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

use super::connections::Connection;

pub struct Silent {
    socket: TcpStream,
    connection: Arc<Connection>,
    /// Something has been read.
    begun: bool,
    http10: Arc<AtomicBool>,
    /// Answers to messages, to be sent as soon as there is nothing to read.
    gathered: BytesMut,
}

/// Bytes of answers to messages that wait for their reader.
const GATHERED: usize = 64 * 1024;

impl Silent {
    pub fn new(socket: TcpStream, connection: Arc<Connection>) -> Self {
        Self { socket, connection, begun: false, http10: Arc::default(), gathered: BytesMut::new() }
    }

    /// Set as soon as a first request of HTTP/1.0 has been read.
    pub fn speaks_http10(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.http10)
    }

    /// Writes what stands behind a `100 Continue`, and counts both as written.
    fn after_continue(&mut self, context: &mut Context<'_>, rest: &[u8]) -> Poll<io::Result<usize>> {
        if rest.is_empty() {
            return Poll::Ready(Ok(CONTINUE.len()));
        }
        self.send(context, &[IoSlice::new(rest)]).map_ok(|written| CONTINUE.len() + written)
    }

    fn write(&mut self, context: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let first = slices.first().map_or(&[][..], |first| first);
        if is_made_by_hyper(first) {
            return Poll::Ready(Err(unanswered()));
        }
        match first.strip_prefix(CONTINUE) {
            Some(rest) => self.after_continue(context, rest),
            None => self.send(context, slices),
        }
    }

    fn send(&mut self, context: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        if self.connection.carries_message() {
            return Poll::Ready(Ok(self.gather(context, slices)));
        }
        ready!(self.release(context));
        let written = ready!(Pin::new(&mut self.socket).poll_write_vectored(context, slices));
        self.connection.has_written();
        Poll::Ready(written)
    }

    /// Takes a whole answer to a message, or leaves it out.
    fn gather(&mut self, context: &mut Context<'_>, slices: &[IoSlice<'_>]) -> usize {
        let length = slices.iter().map(|slice| slice.len()).sum();
        let has_room = |gathered: &BytesMut| gathered.len() + length <= GATHERED;
        if has_room(&self.gathered) || (self.release(context).is_ready() && has_room(&self.gathered)) {
            slices.iter().for_each(|slice| self.gathered.extend_from_slice(slice));
        }
        length
    }

    /// Sends what is gathered. That its reader is gone shows when there is nothing left to read.
    fn release(&mut self, context: &mut Context<'_>) -> Poll<()> {
        while !self.gathered.is_empty() {
            match ready!(Pin::new(&mut self.socket).poll_write(context, &self.gathered)) {
                Ok(written) if written > 0 => self.gathered.advance(written),
                _ => self.gathered.clear(),
            }
        }
        Poll::Ready(())
    }

    /// Whether the client has closed its side. What it has sent ahead hides that.
    fn has_left(&self, context: &mut Context<'_>) -> bool {
        let mut byte = [0];
        let peeked = self.socket.poll_peek(context, &mut ReadBuf::new(&mut byte));
        matches!(peeked, Poll::Ready(Ok(0) | Err(_)))
    }

    /// Makes the first request line one of HTTP/1.1.
    fn lift(&mut self, read: &mut [u8]) {
        const OLD: &[u8] = b" HTTP/1.0";
        let Some(end) = read.iter().position(|byte| *byte == b'\r' || *byte == b'\n') else { return };
        if read[..end].ends_with(OLD) {
            read[end - 1] = b'1';
            self.http10.store(true, Ordering::Relaxed);
        }
    }
}

const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// Our own answers carry `Date` first; hyper's have at most these two headers, and a status for a bad head.
fn is_made_by_hyper(written: &[u8]) -> bool {
    let Some(rest) = written.strip_prefix(b"HTTP/1.1 4").or_else(|| written.strip_prefix(b"HTTP/1.0 4"))
    else {
        return false;
    };
    let Some(end) = rest.windows(2).position(|pair| pair == b"\r\n") else { return false };
    let headers = &rest[end + 2..];
    let headers = headers.strip_prefix(b"Connection: close\r\n").unwrap_or(headers);
    headers == b"Content-Length: 0\r\n\r\n" || headers == b"Content-Length: 0\r\nConnection: close\r\n\r\n"
}

fn unanswered() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionAborted, "malformed request")
}

/// What an abrupt end would keep back.
impl Drop for Silent {
    fn drop(&mut self) {
        if !self.gathered.is_empty() {
            let _tried = self.socket.try_write(&self.gathered);
        }
    }
}

impl AsyncRead for Silent {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let poll = Pin::new(&mut self.socket).poll_read(context, buffer);
        if poll.is_ready() && !std::mem::replace(&mut self.begun, true) {
            self.lift(&mut buffer.filled_mut()[before..]);
        }
        if buffer.filled().len() > before {
            self.connection.has_read();
        }
        if poll.is_pending() {
            let _sent_later = self.release(context);
        }
        poll
    }
}

impl AsyncWrite for Silent {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.write(context, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.write(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    /// Comes when everything has been written.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.connection.has_flushed();
        if self.connection.is_waited_for() && self.has_left(context) {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        Pin::new(&mut self.socket).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.release(context));
        Pin::new(&mut self.socket).poll_shutdown(context)
    }
}
