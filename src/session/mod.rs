//! A container's streams at this terminal, or in this pipe: keys go in, what comes out is shown, the size of the window is
//! told, and the terminal is given back as it was.
//!
//! ```text
//! stdin > Keys > feed > Input > agent
//! agent > Output > show > stdout, stderr
//! ```

mod keys;
mod raw;

use std::{
    future,
    io::{self, Write},
};

use bytes::Bytes;
use futures_util::FutureExt as _;

use self::{keys::Keys, raw::Raw};
use crate::{
    client::{
        ClientError,
        attach::{Containers, HEARTBEAT, Input, Output, Stream},
    },
    mesos::v1::{CommandInfo, ContainerId, environment, tty_info::WindowSize},
    runtime::{self, Signals},
};

/// Ctrl-P Ctrl-Q, which leave a container that others may see too, as in Docker.
const LEAVE: [u8; 2] = [0x10, 0x11];

/// How a session is had.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Manner {
    /// What is typed, or comes from the pipe, goes in.
    pub interactive: bool,
    /// Through a terminal.
    pub terminal: bool,
    /// Keys can leave it, and it goes on.
    pub leavable: bool,
}

/// How a session has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Nothing comes out of the container any more.
    Over,
    /// By the keys for that.
    Left,
    /// The reader of our output is gone.
    Unread,
    /// By a signal: 15 of those that end us.
    Signaled,
}

/// What goes wrong.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    #[error(transparent)]
    Agent(#[from] ClientError),
    #[error("use the terminal: {0}")]
    Terminal(#[from] io::Error),
}

/// The size of the terminal that stdin or stdout is; none when they are none.
pub fn window_size() -> Option<WindowSize> {
    let size = rustix::termios::tcgetwinsize(rustix::stdio::stdin())
        .or_else(|_| rustix::termios::tcgetwinsize(rustix::stdio::stdout()))
        .ok()?;
    Some(WindowSize { rows: size.ws_row.into(), columns: size.ws_col.into() })
}

/// Whether there is a terminal to type at.
pub fn is_terminal() -> bool {
    rustix::termios::isatty(rustix::stdio::stdin())
}

/// A command as its words; with the kind of our terminal, where it runs in one.
pub fn command(words: &[String], terminal: bool) -> CommandInfo {
    let term = std::env::var("TERM").ok().filter(|_| terminal);
    let variable = |value| environment::Variable {
        name: "TERM".to_owned(),
        value: Some(value),
        ..environment::Variable::default()
    };
    let environment = term.map(|value| crate::mesos::v1::Environment { variables: vec![variable(value)] });
    CommandInfo {
        shell: Some(false),
        value: words.first().cloned(),
        arguments: words.to_vec(),
        environment,
        ..CommandInfo::default()
    }
}

/// Runs a command in a new container within `parent`, here; the code that a shell would give for its end.
///
/// # Errors
/// When the agent does not start it, or is lost; when the terminal is.
pub async fn exec(
    containers: &Containers,
    parent: &ContainerId,
    words: &[String],
    manner: Manner,
) -> Result<u8, SessionError> {
    let value = uuid::Uuid::new_v4().to_string();
    let container_id = ContainerId { value, parent: Some(Box::new(parent.clone())) };
    let size = manner.terminal.then(|| window_size().unwrap_or_default());
    let command = command(words, manner.terminal);
    let output = containers.session(&container_id, command, size).await?;
    let end = run(containers, &container_id, output, manner).await?;
    let code = match end {
        End::Over => containers.wait(&container_id).await?.map_or(0, crate::client::attach::exit_code),
        End::Left | End::Unread => 0,
        End::Signaled => 128 + 15,
    };
    if end == End::Over {
        // What is left is the agent's to clean up: with the task.
        let _left = containers.remove(&container_id).await;
    }
    Ok(code)
}

/// Attaches to what runs.
///
/// # Errors
/// When the container has no streams, its input is another's, or the agent or the terminal is lost.
pub async fn attach(
    containers: &Containers,
    container_id: &ContainerId,
    manner: Manner,
) -> Result<End, SessionError> {
    let output = containers.output(container_id).await?;
    run(containers, container_id, output, manner).await
}

async fn run(
    containers: &Containers,
    container_id: &ContainerId,
    mut output: Output,
    manner: Manner,
) -> Result<End, SessionError> {
    let raw = (manner.terminal && manner.interactive && is_terminal()).then(Raw::take).transpose()?;
    let mut signals = raw.as_ref().map(|_| Signals::of_a_terminal()).transpose()?;
    let mut feeding = match manner {
        Manner { interactive: true, .. } => feed(containers, container_id, manner)?.boxed_local(),
        Manner { terminal: false, leavable: false, .. } => {
            feed_nothing(containers, container_id).boxed_local()
        }
        _ => future::pending().boxed_local(),
    };
    let mut fed = false;
    let end = loop {
        tokio::select! {
            piece = output.next() => match piece? {
                None => break End::Over,
                Some((stream, bytes)) => match show(stream, &bytes) {
                    Err(error) if error.kind() == io::ErrorKind::BrokenPipe => break End::Unread,
                    shown => shown?,
                },
            },
            left = &mut feeding, if !fed => match left? {
                true => break End::Left,
                false => fed = true,
            },
            () = asked_to_end(signals.as_mut()) => break End::Signaled,
        }
    };
    drop(raw);
    Ok(end)
}

async fn asked_to_end(signals: Option<&mut Signals>) {
    match signals {
        Some(signals) => signals.next().await,
        None => future::pending().await,
    }
}

/// Everything at once: whoever reads us reads it as it comes.
fn show(stream: Stream, bytes: &Bytes) -> io::Result<()> {
    match stream {
        Stream::Stdout => {
            let mut stdout = io::stdout().lock();
            stdout.write_all(bytes)?;
            stdout.flush()
        }
        Stream::Stderr => io::stderr().lock().write_all(bytes),
    }
}

/// Sends what is typed until its end; whether the keys to leave were among it. That a container takes no more is its own
/// affair, and ends nothing else.
fn feed(
    containers: &Containers,
    container_id: &ContainerId,
    manner: Manner,
) -> io::Result<impl Future<Output = Result<bool, SessionError>> + use<>> {
    let mut keys = Keys::read()?;
    let mut sizes = runtime::window_changes()?;
    let (input, request) = containers.input(container_id);
    Ok(async move {
        let mut pending_leave = false;
        let sending = async {
            if manner.terminal
                && let Some(size) = window_size()
            {
                input.resize(size).await;
            }
            loop {
                let taken = tokio::select! {
                    typed = keys.next() => match typed {
                        Some(bytes) if manner.leavable && leaves(&bytes, &mut pending_leave) => return true,
                        Some(bytes) => input.write(bytes).await,
                        None => {
                            end(&input, manner).await;
                            return false;
                        }
                    },
                    Some(()) = sizes.recv(), if manner.terminal => {
                        input.resize(window_size().unwrap_or_default()).await
                    }
                    () = tokio::time::sleep(HEARTBEAT) => input.heartbeat().await,
                };
                if !taken {
                    return false;
                }
            }
        };
        let mut request = request.boxed();
        let left = tokio::select! {
            left = sending => left,
            answer = &mut request => return refused(answer, manner),
        };
        drop(input);
        if left {
            return Ok(true);
        }
        refused(request.await, manner)
    })
}

/// A command of ours that gets no input is told so: it would wait for the end of it.
fn feed_nothing(
    containers: &Containers,
    container_id: &ContainerId,
) -> impl Future<Output = Result<bool, SessionError>> + use<> {
    let (input, request) = containers.input(container_id);
    async move {
        input.end().await;
        drop(input);
        // One that has ended meanwhile needs no end of its input.
        let _ended = request.await;
        Ok(false)
    }
}

/// A terminal takes Ctrl-D for the end.
async fn end(input: &Input, manner: Manner) {
    if manner.terminal {
        input.write(Bytes::from_static(&[4])).await;
    }
    input.end().await;
}

/// Only that the input is another's matters, and matters to those who came for it.
fn refused(answer: Result<(), ClientError>, manner: Manner) -> Result<bool, SessionError> {
    match answer {
        Err(error) if manner.leavable && error.status().is_some_and(|status| status != 500) => {
            Err(error.into())
        }
        Err(_) | Ok(()) => Ok(false),
    }
}

/// Whether these keys, with those before, are the ones to leave.
fn leaves(bytes: &[u8], pending: &mut bool) -> bool {
    for byte in bytes {
        if *pending && *byte == LEAVE[1] {
            return true;
        }
        *pending = *byte == LEAVE[0];
    }
    false
}

#[cfg(test)]
mod tests {
    use super::leaves;

    #[test]
    fn two_keys_leave_also_when_they_come_apart() {
        let mut pending = false;
        assert!(!leaves(b"ab\x10", &mut pending));
        assert!(leaves(b"\x11", &mut pending));
        assert!(!leaves(b"\x10x\x11", &mut pending));
        assert!(leaves(b"x\x10\x10\x11", &mut pending));
    }
}
