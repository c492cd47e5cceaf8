//! What libprocess does on the wire and hyper does not, done by a wrapper of the socket.
//!
//! It closes a connection on malformed input without a word: hyper's own answers are known by their form, and their
//! write fails. It never says `100 Continue`: that is swallowed. It answers HTTP/1.0 with HTTP/1.1: the first request
//! line of the connection is read as such, and [`Silent::speaks_http10`] remembers. And it tells the [`Connection`]
//! when bytes have moved.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

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
}

impl Silent {
    pub fn new(socket: TcpStream, connection: Arc<Connection>) -> Self {
        Self { socket, connection, begun: false, http10: Arc::default() }
    }

    fn written(&self, poll: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if poll.is_ready() {
            self.connection.has_written();
        }
        poll
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
        let poll = Pin::new(&mut self.socket).poll_write(context, rest);
        self.written(poll).map_ok(|written| CONTINUE.len() + written)
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
        poll
    }
}

impl AsyncWrite for Silent {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if is_made_by_hyper(bytes) {
            return Poll::Ready(Err(unanswered()));
        }
        if let Some(rest) = bytes.strip_prefix(CONTINUE) {
            return self.after_continue(context, rest);
        }
        let poll = Pin::new(&mut self.socket).poll_write(context, bytes);
        self.written(poll)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if slices.first().is_some_and(|first| is_made_by_hyper(first)) {
            return Poll::Ready(Err(unanswered()));
        }
        if let Some(rest) = slices.first().and_then(|first| first.strip_prefix(CONTINUE)) {
            return self.after_continue(context, rest);
        }
        let poll = Pin::new(&mut self.socket).poll_write_vectored(context, slices);
        self.written(poll)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    /// Comes when everything has been written.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.connection.has_flushed();
        Pin::new(&mut self.socket).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(context)
    }
}
