//! What ends the dashboard without a key: signals, a terminal that hangs up, a panic of one of its threads.

use std::{io, time::Duration};

use rustix::{
    event::{PollFd, PollFlags, poll},
    io::Errno,
};
use tokio::sync::mpsc::UnboundedSender;

use crate::runtime::{self, Signals, Tasks};

/// How long the dashboard may take to end; a terminal that takes no more text would hold it for ever.
const PATIENCE: Duration = Duration::from_secs(2);

/// How soon a process that stops itself has stopped.
const STOPPING: Duration = Duration::from_millis(100);

/// Why the dashboard ends without having been quit.
#[derive(Debug)]
pub enum Ending {
    /// By a signal.
    Asked,
    /// The terminal is gone.
    HungUp,
    /// Somewhere but in the thread that draws.
    Panicked(String),
}

impl Ending {
    /// # Errors
    /// For an end that nobody wished for.
    pub fn result(self) -> io::Result<()> {
        match self {
            Self::Asked => Ok(()),
            Self::HungUp => Err(io::Error::new(io::ErrorKind::BrokenPipe, "the terminal hung up")),
            Self::Panicked(message) => Err(io::Error::other(message)),
        }
    }
}

/// Waits, beside the loop, for the first reason to end.
///
/// # Errors
/// When the system gives no signals, or no thread.
pub fn watch(tasks: &Tasks, endings: &UnboundedSender<Ending>) -> io::Result<()> {
    let mut signals = Signals::of_a_terminal()?;
    let (asked, gone) = (endings.clone(), endings.clone());
    tasks.spawn(async move {
        signals.next().await;
        // When the dashboard is not there any more it has ended.
        drop(asked.send(Ending::Asked));
        tokio::time::sleep(PATIENCE).await;
        drop(crossterm::terminal::disable_raw_mode());
        std::process::exit(1);
    });
    runtime::thread("hangup", move || {
        if hung_up() {
            drop(gone.send(Ending::HungUp));
        }
    })
}

/// Waits until the terminal is gone; false where that cannot be waited for: SIGHUP is left then.
fn hung_up() -> bool {
    let terminal = io::stdin();
    loop {
        // No flag asks for anything: only the end is told.
        let mut watched = [PollFd::new(&terminal, PollFlags::empty())];
        match poll(&mut watched, None) {
            Ok(_) => return watched[0].revents().intersects(PollFlags::HUP | PollFlags::ERR),
            Err(Errno::INTR) => {}
            Err(_) => return false,
        }
    }
}

/// Stops this process as Ctrl-Z does, and goes on when it is continued; at once where nobody could continue it.
///
/// # Errors
/// When the system gives no signals.
pub async fn stop_until_continued() -> io::Result<()> {
    let mut continued = runtime::continued()?;
    rustix::process::kill_current_process_group(rustix::process::Signal::TSTP)?;
    // Meanwhile the signal arrives, and nothing here touches the terminal.
    drop(tokio::time::timeout(STOPPING, continued.recv()).await);
    Ok(())
}
