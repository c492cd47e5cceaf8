//! The lab's process: starts the lab, tells `up` how that went, takes orders, and ends in order.

use std::{io, io::Write, time::Duration};

use serde::{Deserialize, Serialize};
use tokio::net::{UnixListener, UnixStream};

use super::{
    control::{self, Answer, Order},
    lab::{EmbeddedLab, PortInUse},
};
use crate::{
    provider::state::{Lock, StateDir},
    runtime::{Clock, Signals},
    spec::LabSpec,
};

/// The process's one line to `up`, on its stdout.
#[derive(Debug, Serialize, Deserialize)]
pub enum Started {
    Listening { in_use: Vec<PortInUse> },
    Failed { message: String },
}

/// How long a peer of the control socket may take to say its line.
const ORDER_TIMEOUT: Duration = Duration::from_secs(5);

/// A lab that runs in this process, with its control socket.
pub struct LabProcess {
    lab: EmbeddedLab,
    control: UnixListener,
    state: StateDir,
    _lock: Lock,
}

impl LabProcess {
    /// Starts the lab in this process.
    ///
    /// # Errors
    /// When another process runs this lab, or a component cannot start.
    pub async fn start(spec: LabSpec, state: StateDir, clock: Clock) -> io::Result<Self> {
        state.create()?;
        let Some(lock) = state.lock()? else {
            return Err(io::Error::other("another process runs this lab"));
        };
        let socket = state.socket();
        match std::fs::remove_file(&socket) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let control = UnixListener::bind(&socket)?;
        let lab = EmbeddedLab::start(spec, state.clone(), clock).await?;
        Ok(Self { lab, control, state, _lock: lock })
    }

    pub fn lab(&self) -> &EmbeddedLab {
        &self.lab
    }

    /// Takes orders until one of them, or a signal, ends the lab; a second signal ends the process at once.
    ///
    /// # Errors
    /// When the end cannot be written down.
    pub async fn run(mut self, mut signals: Signals) -> io::Result<()> {
        let last_peer = loop {
            tokio::select! {
                () = signals.next() => break None,
                peer = self.control.accept() => {
                    if let Ok((mut peer, _)) = peer && self.obey(&mut peer).await { break Some(peer) }
                }
            }
        };
        let ended = tokio::select! {
            ended = self.lab.down() => ended,
            () = signals.next() => Ok(()),
        };
        let _ = std::fs::remove_file(self.state.socket());
        drop(last_peer);
        ended
    }

    /// Does what one peer asks; true when that is to end.
    async fn obey(&mut self, peer: &mut UnixStream) -> bool {
        let Ok(Ok(order)) = tokio::time::timeout(ORDER_TIMEOUT, control::read_line::<Order>(peer)).await
        else {
            return false;
        };
        let (done, ends) = match order {
            Order::Apply(spec) => (self.lab.apply(*spec).await, false),
            Order::SchedulerStart => (self.lab.start_scheduler().await.map(|()| Vec::new()), false),
            Order::SchedulerStop { teardown } => {
                (self.lab.stop_scheduler(teardown).await.map(|()| Vec::new()), false)
            }
            Order::Crash(part) => (self.lab.crash(part).await.map(|()| Vec::new()), false),
            Order::Down => (Ok(Vec::new()), true),
        };
        let answer = match done {
            Ok(changes) => Answer::Done { changes, endpoints: Box::new(self.lab.endpoints()) },
            Err(error) => Answer::Failed { message: error.to_string() },
        };
        if let Err(error) = control::write_line(peer, &answer).await {
            tracing::warn!(%error, "nobody waited for the answer to an order");
        }
        ends
    }
}

/// The body of the hidden `lab-process` command.
///
/// # Errors
/// When the lab cannot start (`up` is told on stdout too) or cannot end in order.
pub async fn run(state: StateDir, clock: Clock) -> io::Result<()> {
    let signals = Signals::listen()?;
    let started = match state.wanted()? {
        Some(spec) => LabProcess::start(spec, state, clock).await,
        None => Err(io::Error::other("nothing says what lab is wanted")),
    };
    match started {
        Ok(process) => {
            tell(&Started::Listening { in_use: process.lab().ports_in_use().to_vec() })?;
            process.run(signals).await
        }
        Err(error) => {
            tell(&Started::Failed { message: error.to_string() })?;
            Err(error)
        }
    }
}

/// Says the one line and gives stdout back, so that `up` sees the end of the pipe when this process dies.
fn tell(started: &Started) -> io::Result<()> {
    let mut line = serde_json::to_vec(started)?;
    line.push(b'\n');
    let mut stdout = io::stdout().lock();
    stdout.write_all(&line)?;
    stdout.flush()
}
