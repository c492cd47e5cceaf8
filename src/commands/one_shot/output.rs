//! What tasks write, as it comes: whole lines with the task's name where there are several, else every byte as it is.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::job::Followed;
use crate::{
    client::{
        ClientError, Http,
        agent_files::{AgentFiles, Follow},
        operator::Operator,
    },
    mesos::v1::TaskId,
};

/// How often a file that grows is looked at, for each task that there is.
const POLL_OF_ONE: Duration = Duration::from_millis(20);
/// And at least that rarely.
const POLL: Duration = Duration::from_millis(50);
/// How often an agent is asked for the rest after the task has ended.
const TRIES: u32 = 20;
/// A line that is longer is cut there.
const LONGEST_LINE: usize = 64 * 1024;

/// One of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stream {
    Stdout,
    Stderr,
}

impl Stream {
    pub const BOTH: [Self; 2] = [Self::Stdout, Self::Stderr];

    fn name(self) -> &'static str {
        match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
        }
    }
}

/// Something that was written.
#[derive(Debug)]
pub struct Piece {
    pub task_id: TaskId,
    pub stream: Stream,
    pub data: Bytes,
}

/// Reads one file of a task until the task is over and nothing more comes.
///
/// # Errors
/// When its agent cannot be asked for the rest.
///
/// `over` is cancelled when the task has ended; of so many `tasks` it is one.
pub async fn follow(
    operator: Arc<Operator>,
    of: Followed,
    stream: Stream,
    (over, tasks): (CancellationToken, usize),
    pieces: mpsc::Sender<Piece>,
) -> Result<(), ClientError> {
    let poll = POLL.max(POLL_OF_ONE * u32::try_from(tasks).unwrap_or(u32::MAX));
    let (mut file, mut failures) = (None, 0);
    loop {
        let was_over = over.is_cancelled();
        match more(&operator, &of, stream, &mut file).await {
            Ok(data) if !data.is_empty() => {
                failures = 0;
                let piece = Piece { task_id: of.task_id.clone(), stream, data };
                if pieces.send(piece).await.is_err() {
                    return Ok(());
                }
                continue;
            }
            Ok(_) if was_over => return Ok(()),
            // A task that could not be launched has no sandbox.
            Err(ClientError::Refused { status: 404, .. }) if was_over => return Ok(()),
            Err(error) if was_over && failures >= TRIES => return Err(error),
            Err(_) if was_over => failures += 1,
            _ => {}
        }
        if was_over {
            tokio::time::sleep(POLL).await;
        } else {
            tokio::select! {
                () = tokio::time::sleep(poll) => {}
                () = over.cancelled() => {}
            }
        }
    }
}

async fn more(
    operator: &Operator,
    of: &Followed,
    stream: Stream,
    file: &mut Option<Follow>,
) -> Result<Bytes, ClientError> {
    let follow = match file {
        Some(follow) => follow,
        None => {
            let agent = operator.agent_url(&of.agent_id).await?;
            let files = AgentFiles::new(Http::new(), agent.as_str())?;
            file.insert(files.follow(&format!("{}/{}", of.sandbox, stream.name()), 0))
        }
    };
    follow.available().await
}

/// Puts the task's name before each line, where there are several tasks.
#[derive(Debug)]
pub struct Lines {
    named: bool,
    /// What has no end of line yet.
    open: BTreeMap<(TaskId, Stream), Vec<u8>>,
}

impl Lines {
    pub fn new(named: bool) -> Self {
        Self { named, open: BTreeMap::new() }
    }

    /// What is to be written now.
    pub fn take(&mut self, piece: Piece) -> Vec<u8> {
        if !self.named {
            return piece.data.to_vec();
        }
        let open = self.open.entry((piece.task_id.clone(), piece.stream)).or_default();
        open.extend_from_slice(&piece.data);
        let mut written = Vec::new();
        while let Some(end) = end_of_line(open) {
            let line: Vec<u8> = open.drain(..end).collect();
            write_line(&mut written, &piece.task_id, &line);
        }
        written
    }

    /// The lines that never ended, each for its stream.
    pub fn rest(&mut self) -> Vec<(Stream, Vec<u8>)> {
        let open = std::mem::take(&mut self.open).into_iter().filter(|(_, line)| !line.is_empty());
        open.map(|((task_id, stream), line)| {
            let mut written = Vec::new();
            write_line(&mut written, &task_id, &line);
            (stream, written)
        })
        .collect()
    }
}

fn end_of_line(open: &[u8]) -> Option<usize> {
    let newline = open.iter().position(|byte| *byte == b'\n').map(|at| at + 1);
    newline.or((open.len() > LONGEST_LINE).then_some(LONGEST_LINE))
}

fn write_line(out: &mut Vec<u8>, task_id: &TaskId, line: &[u8]) {
    out.extend_from_slice(format!("[{task_id}] ").as_bytes());
    out.extend_from_slice(line.strip_suffix(b"\n").unwrap_or(line));
    out.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(task: &str, data: &'static str) -> Piece {
        Piece { task_id: task.into(), stream: Stream::Stdout, data: Bytes::from_static(data.as_bytes()) }
    }

    #[test]
    fn several_tasks_write_whole_lines_with_their_names() {
        let mut lines = Lines::new(true);
        assert_eq!(lines.take(piece("a", "one\ntw")), b"[a] one\n");
        assert_eq!(lines.take(piece("b", "x\n\n")), b"[b] x\n[b] \n");
        assert_eq!(lines.take(piece("a", "o\n")), b"[a] two\n");
        lines.take(piece("b", "rest"));
        assert_eq!(lines.rest(), [(Stream::Stdout, b"[b] rest\n".to_vec())]);
        let long = "y".repeat(LONGEST_LINE + 1);
        let data = Bytes::from(long.into_bytes());
        let cut = lines.take(Piece { data, ..piece("a", "") });
        assert_eq!(cut.len(), LONGEST_LINE + 5, "memory stays bounded");
    }

    #[test]
    fn one_task_writes_every_byte_as_it_is() {
        let mut lines = Lines::new(false);
        assert_eq!(lines.take(piece("a", "no newline")), b"no newline");
        assert!(lines.rest().is_empty());
    }
}
