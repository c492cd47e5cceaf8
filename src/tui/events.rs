//! What the terminal sends, read by a thread of its own that can be held while somebody else reads the terminal.

use std::{
    io,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crossterm::event::Event;
use tokio::sync::mpsc;

use crate::runtime;

/// How often the thread looks whether it is to be held.
const LOOK: Duration = Duration::from_millis(200);

/// How long it may take to hold it.
const PATIENCE: Duration = Duration::from_secs(1);

/// Holds the thread, and lets it go on.
#[derive(Clone, Debug, Default)]
pub(super) struct Gate(Arc<(Mutex<State>, Condvar)>);

#[derive(Debug, Default)]
struct State {
    held: bool,
    /// The thread stands still.
    still: bool,
}

impl Gate {
    /// Returns when nobody reads the terminal any more.
    pub fn hold(&self) {
        let mut state = self.lock();
        state.held = true;
        let (_, changed) = &*self.0;
        let waiting = changed.wait_timeout_while(state, PATIENCE, |state| !state.still);
        drop(waiting.unwrap_or_else(PoisonError::into_inner));
    }

    pub fn release(&self) {
        self.lock().held = false;
        self.0.1.notify_all();
    }

    /// Stands still while it is held.
    fn pass(&self) {
        let mut state = self.lock();
        if !state.held {
            return;
        }
        state.still = true;
        self.0.1.notify_all();
        let waiting = self.0.1.wait_while(state, |state| state.held);
        waiting.unwrap_or_else(PoisonError::into_inner).still = false;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The events, and what holds them. The thread ends with the process, or when nobody listens.
pub(super) fn read() -> io::Result<(mpsc::UnboundedReceiver<io::Result<Event>>, Gate)> {
    let (events_in, events) = mpsc::unbounded_channel();
    let gate = Gate::default();
    let passed = gate.clone();
    runtime::thread("keys", move || {
        loop {
            passed.pass();
            let event = match crossterm::event::poll(LOOK) {
                Ok(false) => continue,
                Ok(true) => crossterm::event::read(),
                Err(error) => Err(error),
            };
            let failed = event.is_err();
            if events_in.send(event).is_err() || failed {
                return;
            }
        }
    })?;
    Ok((events, gate))
}
