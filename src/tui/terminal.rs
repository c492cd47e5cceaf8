//! Taking the terminal over and giving it back as it was, however the dashboard ends.

use std::{
    io::{self, BufWriter, Stdout},
    mem::ManuallyDrop,
    panic::PanicHookInfo,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::ThreadId,
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use crossterm::{
    cursor::Show,
    event::{DisableBracketedPaste, EnableBracketedPaste},
    execute, queue,
    style::Print,
    terminal::{
        BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen,
        disable_raw_mode, enable_raw_mode,
    },
};
use ratatui::{
    Terminal,
    backend::CrosstermBackend,
    layout::{Position, Rect, Size},
};

use crate::tui::{model::Model, view};

/// Clicks, drags and the wheel, with coordinates of any size; not every motion, which nothing looks at.
const MOUSE_ON: &str = "\x1b[?1000h\x1b[?1002h\x1b[?1006h";
const MOUSE_OFF: &str = "\x1b[?1006l\x1b[?1002l\x1b[?1000l";

/// Enough for a whole frame, so that one goes out in one piece.
const FRAME_BYTES: usize = 1 << 16;

/// The terminal while the dashboard has it. Dropping it gives it back.
pub struct Screen {
    /// Never dropped: it would print, and panic, where the terminal has hung up.
    terminal: ManuallyDrop<Terminal<CrosstermBackend<BufWriter<Stdout>>>>,
    taken: Taken,
}

impl Screen {
    /// Takes the terminal over. A panic of this thread gives it back first, so that its message can be read; what
    /// panics in other threads is told to `elsewhere` instead.
    ///
    /// # Errors
    /// When it is no terminal, or is gone.
    pub fn take(elsewhere: impl Fn(String) + Send + Sync + 'static) -> io::Result<Self> {
        let taken = Taken::default();
        on_panic(taken.clone(), std::thread::current().id(), elsewhere);
        taken.enter().inspect_err(|_| drop(taken.leave()))?;
        let writer = BufWriter::with_capacity(FRAME_BYTES, io::stdout());
        let terminal = ManuallyDrop::new(Terminal::new(CrosstermBackend::new(writer))?);
        Ok(Self { terminal, taken })
    }

    /// # Errors
    /// When the terminal is gone.
    pub fn size(&self) -> io::Result<Size> {
        self.terminal.size()
    }

    /// Shows the model; nothing when the window has just become another size: the message about that is under way.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn draw(&mut self, model: &Model) -> io::Result<()> {
        queue!(self.terminal.backend_mut(), BeginSynchronizedUpdate)?;
        self.terminal.draw(|frame| {
            if frame.area().as_size() == model.size {
                view::draw(frame, model);
            }
        })?;
        execute!(self.terminal.backend_mut(), EndSynchronizedUpdate)
    }

    /// Puts `text` on the clipboard of whoever sits at the terminal.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn copy(&mut self, text: &str) -> io::Result<()> {
        let inside_tmux = std::env::var_os("TMUX").is_some();
        execute!(self.terminal.backend_mut(), Print(to_clipboard(text, inside_tmux)))
    }

    /// Gives the terminal back for a while.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn leave(&mut self) -> io::Result<()> {
        self.taken.leave()
    }

    /// Takes it over again; the next frame is drawn wholly.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn enter(&mut self) -> io::Result<()> {
        self.taken.enter()?;
        // Not `clear`, which asks the terminal where its cursor is: the answer would go to the thread of the keys.
        let size = self.terminal.size()?;
        self.terminal.resize(Rect::from((Position::ORIGIN, size)))
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // Nobody is left to tell: the terminal is gone.
        drop(self.taken.leave());
    }
}

/// Whether the terminal is ours now.
#[derive(Clone, Default)]
struct Taken(Arc<AtomicBool>);

impl Taken {
    fn enter(&self) -> io::Result<()> {
        self.0.store(true, Ordering::SeqCst);
        enable_raw_mode()?;
        execute!(io::stdout(), EnterAlternateScreen, EnableBracketedPaste, Print(MOUSE_ON))
    }

    /// Raw mode goes first: it would hurt most.
    fn leave(&self) -> io::Result<()> {
        if !self.0.swap(false, Ordering::SeqCst) {
            return Ok(());
        }
        let raw = disable_raw_mode();
        let modes =
            execute!(io::stdout(), Print(MOUSE_OFF), DisableBracketedPaste, LeaveAlternateScreen, Show);
        raw.and(modes)
    }
}

fn on_panic(taken: Taken, ours: ThreadId, elsewhere: impl Fn(String) + Send + Sync + 'static) {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic: &PanicHookInfo| {
        if std::thread::current().id() == ours {
            drop(taken.leave());
            before(panic);
        } else if taken.0.load(Ordering::SeqCst) {
            elsewhere(panic.to_string());
        } else {
            before(panic);
        }
    }));
}

/// The sequence OSC 52. tmux takes it for itself or passes it on, as its options say: it gets both forms.
fn to_clipboard(text: &str, inside_tmux: bool) -> String {
    let plain = format!("\x1b]52;c;{}\x07", BASE64_STANDARD.encode(text));
    if !inside_tmux {
        return plain;
    }
    format!("{plain}\x1bPtmux;{}\x1b\\", plain.replace('\x1b', "\x1b\x1b"))
}

#[cfg(test)]
mod tests {
    use super::to_clipboard;

    #[test]
    fn the_clipboard_gets_base64_and_tmux_both_forms() {
        assert_eq!(to_clipboard("task.1", false), "\x1b]52;c;dGFzay4x\x07");
        let tmux = to_clipboard("task.1", true);
        assert_eq!(tmux, "\x1b]52;c;dGFzay4x\x07\x1bPtmux;\x1b\x1b]52;c;dGFzay4x\x07\x1b\\");
    }
}
