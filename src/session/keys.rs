//! What comes on stdin, read by a thread of its own that can be told to stop: the next reader of the terminal finds every
//! key that was not for us.

use std::io::{self, PipeReader, PipeWriter};

use bytes::Bytes;
use rustix::event::{PollFd, PollFlags, poll};
use tokio::sync::mpsc;

use crate::runtime;

/// How much is read at once.
const PIECE: usize = 16 * 1024;

/// Pieces that wait to be sent on.
const WAITING: usize = 4;

/// What is typed, or comes out of a pipe.
pub(super) struct Keys {
    pieces: mpsc::Receiver<Bytes>,
    /// Closing it stops the thread.
    _stop: PipeWriter,
}

impl Keys {
    /// # Errors
    /// When the system gives no thread or pipe.
    pub fn read() -> io::Result<Self> {
        let (pieces_in, pieces) = mpsc::channel(WAITING);
        let (stopped, stop) = io::pipe()?;
        runtime::thread("stdin", move || read_all(&stopped, &pieces_in))?;
        Ok(Self { pieces, _stop: stop })
    }

    /// The next piece; none at the end.
    pub async fn next(&mut self) -> Option<Bytes> {
        self.pieces.recv().await
    }
}

fn read_all(stopped: &PipeReader, pieces: &mpsc::Sender<Bytes>) {
    let mut piece = vec![0; PIECE];
    while may_read(stopped) {
        match rustix::io::read(rustix::stdio::stdin(), &mut piece) {
            Ok(0) => return,
            Ok(read) => {
                if pieces.blocking_send(Bytes::copy_from_slice(&piece[..read])).is_err() {
                    return;
                }
            }
            Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => {}
            Err(_) => return,
        }
    }
}

/// Waits for something on stdin; false when nobody wants it any more.
fn may_read(stopped: &PipeReader) -> bool {
    let stdin = rustix::stdio::stdin();
    loop {
        let mut ends = [PollFd::new(&stdin, PollFlags::IN), PollFd::new(stopped, PollFlags::IN)];
        match poll(&mut ends, None) {
            Ok(_) if !ends[1].revents().is_empty() => return false,
            Ok(_) if !ends[0].revents().is_empty() => return true,
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(_) => return false,
        }
    }
}
