//! A pseudo-terminal with the dashboard in it, and what stands on its screen.

use std::{
    fs::File,
    io::{self, Read},
    os::fd::OwnedFd,
    process::{Child, Command},
    time::Duration,
};

use rustix::{
    fs::{Mode, OFlags},
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{Winsize, tcsetwinsize},
};
use tokio::sync::mpsc;
use unicode_width::UnicodeWidthChar;

use crate::{
    error::{Failure, Result},
    mesos::time::Time,
    runtime::{self, Clock},
};

const COLUMNS: usize = 120;
const ROWS: usize = 36;

/// How long anything may take to appear.
const PATIENCE: Duration = Duration::from_secs(30);

/// A program in a terminal. Dropping it kills the program.
pub struct Pty {
    child: Child,
    written: mpsc::UnboundedReceiver<(Time, Vec<u8>)>,
    cells: Cells,
}

impl Pty {
    /// # Errors
    /// When the system has no terminal left, or the program does not start.
    pub fn start(mut command: Command, clock: Clock) -> io::Result<Self> {
        let (master, terminal) = open()?;
        let child = command
            .env("TERM", "xterm-256color")
            .stdin(terminal.try_clone()?)
            .stdout(terminal.try_clone()?)
            .stderr(terminal)
            .spawn()?;
        let (written_in, written) = mpsc::unbounded_channel();
        let mut reader = File::from(master);
        // It ends when the program does: then nobody has the other end of the terminal.
        runtime::thread("pty", move || {
            let mut bytes = [0; 1 << 14];
            while let Ok(count @ 1..) = reader.read(&mut bytes)
                && written_in.send((clock.now(), bytes[..count].to_vec())).is_ok()
            {}
        })?;
        Ok(Self { child, written, cells: Cells::default() })
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// When the screen first was as it should be.
    ///
    /// # Errors
    /// When it never is.
    pub async fn until(&mut self, what: &str, is: impl Fn(&[String]) -> bool) -> Result<Time> {
        loop {
            let next = tokio::time::timeout(PATIENCE, self.written.recv()).await;
            let Ok(Some((at, bytes))) = next else {
                let message = format!("the dashboard does not show {what}");
                return Err(Failure::failed(message).seen(self.cells.lines()));
            };
            self.cells.take(&bytes);
            if is(&self.cells.lines()) {
                return Ok(at);
            }
        }
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Both ends of a new terminal, ours first.
fn open() -> io::Result<(OwnedFd, OwnedFd)> {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let master = openpt(flags)?;
    grantpt(&master)?;
    unlockpt(&master)?;
    let size = Winsize { ws_row: ROWS as u16, ws_col: COLUMNS as u16, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(&master, size)?;
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
    let terminal = rustix::fs::open(ptsname(&master, Vec::new())?, flags, Mode::empty())?;
    Ok((master, terminal))
}

/// What stands on a screen of which only two things are asked: to put the cursor somewhere, and to write there.
#[derive(Debug)]
struct Cells {
    cells: Vec<Vec<char>>,
    row: usize,
    column: usize,
    /// The begin of a character or of a sequence whose rest has not come.
    rest: Vec<u8>,
}

impl Default for Cells {
    fn default() -> Self {
        Self { cells: vec![vec![' '; COLUMNS]; ROWS], row: 0, column: 0, rest: Vec::new() }
    }
}

impl Cells {
    fn lines(&self) -> Vec<String> {
        self.cells.iter().map(|row| row.iter().collect()).collect()
    }

    fn take(&mut self, bytes: &[u8]) {
        self.rest.extend_from_slice(bytes);
        let bytes = std::mem::take(&mut self.rest);
        let valid = match std::str::from_utf8(&bytes) {
            Ok(text) => text,
            Err(error) => std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default(),
        };
        let mut text = valid;
        while let Some(c) = text.chars().next() {
            let after = if c == '\x1b' { self.sequence(text) } else { Some(self.put(text, c)) };
            let Some(after) = after else { break };
            text = after;
        }
        self.rest = bytes[valid.len() - text.len()..].to_vec();
    }

    fn put<'a>(&mut self, text: &'a str, c: char) -> &'a str {
        if let Some(cell) = self.cells.get_mut(self.row).and_then(|row| row.get_mut(self.column)) {
            *cell = c;
        }
        self.column += c.width().unwrap_or_default();
        &text[c.len_utf8()..]
    }

    /// What follows the sequence at the begin of `text`; none when it is not whole.
    fn sequence<'a>(&mut self, text: &'a str) -> Option<&'a str> {
        let Some(body) = text.strip_prefix("\x1b[") else { return text.get(2..) };
        let end = body.find(|c: char| ('@'..='~').contains(&c))?;
        let (parameters, after) = body.split_at(end);
        if after.starts_with('H') {
            let mut numbers = parameters.split(';').map(|number| number.parse().unwrap_or(1_usize));
            self.row = numbers.next().unwrap_or(1).saturating_sub(1);
            self.column = numbers.next().unwrap_or(1).saturating_sub(1);
        }
        Some(&after[1..])
    }
}

#[cfg(test)]
mod tests {
    use super::Cells;

    #[test]
    fn text_stands_where_the_cursor_was_put() {
        let mut cells = Cells::default();
        let bytes = "\x1b[?1049h\x1b[2;3H\x1b[38;5;1m● no\x1b[0m\x1b[2;5Hyes".as_bytes();
        for byte in bytes {
            cells.take(&[*byte]);
        }
        assert_eq!(cells.lines()[1].trim_end(), "  ● yes");
    }
}
