//! Orders to the lab's process: one JSON line each way over a UNIX socket that only its owner can open.

use std::{io, path::Path};

use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::UnixStream,
};

use super::diff::Change;
use crate::{
    provider::Endpoints,
    spec::{LabSpec, Part},
};

/// The longest order, in bytes.
const MAX_ORDER: u64 = 1 << 20;

/// What can be asked of the lab's process.
#[derive(Debug, Serialize, Deserialize)]
pub enum Order {
    /// Become this lab.
    Apply(Box<LabSpec>),
    SchedulerStart,
    SchedulerStop {
        teardown: bool,
    },
    /// End this part as `kill -9` would, and let it come back.
    Crash(Part),
    /// End, with all tasks.
    Down,
}

/// What it answers.
#[derive(Debug, Serialize, Deserialize)]
pub enum Answer {
    Done { changes: Vec<Change>, endpoints: Box<Endpoints> },
    Failed { message: String },
}

/// Gives one order and waits for the answer.
///
/// # Errors
/// When nobody listens, or the lab's process ends before it has answered.
pub async fn order(socket: &Path, order: &Order) -> io::Result<Answer> {
    let mut stream = UnixStream::connect(socket).await?;
    write_line(&mut stream, order).await?;
    read_line(&mut stream).await
}

/// Reads the other side's one line.
///
/// # Errors
/// When it is no such line, or too long, or the other side is gone.
pub async fn read_line<T: for<'de> Deserialize<'de>>(stream: &mut UnixStream) -> io::Result<T> {
    let mut line = String::new();
    BufReader::new(stream.take(MAX_ORDER)).read_line(&mut line).await?;
    if line.is_empty() {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(serde_json::from_str(&line)?)
}

/// Writes one line.
///
/// # Errors
/// When the other side is gone.
pub async fn write_line<T: Serialize>(stream: &mut UnixStream, value: &T) -> io::Result<()> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    stream.write_all(&line).await
}
