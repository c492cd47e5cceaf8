//! The terminal in raw mode: every key comes at once, none means anything. Dropping it gives the terminal back as it was.

use std::io;

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};

pub(super) struct Raw(Termios);

impl Raw {
    /// # Errors
    /// When stdin is no terminal, or is gone.
    pub fn take() -> io::Result<Self> {
        let before = tcgetattr(rustix::stdio::stdin())?;
        let mut raw = before.clone();
        raw.make_raw();
        tcsetattr(rustix::stdio::stdin(), OptionalActions::Drain, &raw)?;
        Ok(Self(before))
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        // Nobody is left to tell: the terminal is gone.
        let _gone = tcsetattr(rustix::stdio::stdin(), OptionalActions::Drain, &self.0);
    }
}
