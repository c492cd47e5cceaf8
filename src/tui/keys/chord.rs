//! A key with what is held down, told apart as far as terminals can be trusted to.

use std::fmt;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chord(pub KeyCode, pub KeyModifiers);

pub(super) const fn key(c: char) -> Chord {
    Chord(KeyCode::Char(c), KeyModifiers::NONE)
}

pub(super) const fn code(code: KeyCode) -> Chord {
    Chord(code, KeyModifiers::NONE)
}

pub(super) const fn ctrl(c: char) -> Chord {
    Chord(KeyCode::Char(c), KeyModifiers::CONTROL)
}

pub(super) const fn alt(c: char) -> Chord {
    Chord(KeyCode::Char(c), KeyModifiers::ALT)
}

pub(super) const fn shift(code: KeyCode) -> Chord {
    Chord(code, KeyModifiers::SHIFT)
}

impl Chord {
    pub(super) const fn with_ctrl(code: KeyCode) -> Self {
        Self(code, KeyModifiers::CONTROL)
    }

    /// What terminals send for one and the same key differs: a capital letter with or without Shift, Shift-Tab as one
    /// key or as two, Enter as a character.
    pub fn of(event: KeyEvent) -> Self {
        let held = event.modifiers & (KeyModifiers::CONTROL | KeyModifiers::ALT | KeyModifiers::SHIFT);
        match event.code {
            KeyCode::Char('\r' | '\n') => Self(KeyCode::Enter, held),
            KeyCode::Char('\t') => Self(KeyCode::Tab, held),
            KeyCode::Char(c) if held.contains(KeyModifiers::CONTROL) => {
                Self(KeyCode::Char(c.to_ascii_lowercase()), held - KeyModifiers::SHIFT)
            }
            KeyCode::Char(c) if held.contains(KeyModifiers::SHIFT) => {
                Self(KeyCode::Char(c.to_ascii_uppercase()), held - KeyModifiers::SHIFT)
            }
            KeyCode::Tab if held.contains(KeyModifiers::SHIFT) => Self(KeyCode::BackTab, KeyModifiers::NONE),
            KeyCode::BackTab => Self(KeyCode::BackTab, KeyModifiers::NONE),
            other => Self(other, held),
        }
    }

    /// The character that it types, if it does.
    pub fn typed(event: KeyEvent) -> Option<char> {
        match event.code {
            KeyCode::Char(c) if (event.modifiers - KeyModifiers::SHIFT).is_empty() && !c.is_control() => {
                Some(c)
            }
            _ => None,
        }
    }
}

/// `Ctrl-d`, `Shift-→`, `G`, `Space`.
impl fmt::Display for Chord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let held =
            [(KeyModifiers::CONTROL, "Ctrl-"), (KeyModifiers::ALT, "Alt-"), (KeyModifiers::SHIFT, "Shift-")];
        for (modifier, name) in held {
            if self.1.contains(modifier) {
                f.write_str(name)?;
            }
        }
        match self.0 {
            KeyCode::Char(' ') => f.write_str("Space"),
            KeyCode::Char(c) => write!(f, "{c}"),
            KeyCode::Left => f.write_str("←"),
            KeyCode::Right => f.write_str("→"),
            KeyCode::Up => f.write_str("↑"),
            KeyCode::Down => f.write_str("↓"),
            KeyCode::BackTab => f.write_str("Shift-Tab"),
            KeyCode::PageUp => f.write_str("PgUp"),
            KeyCode::PageDown => f.write_str("PgDn"),
            KeyCode::F(number) => write!(f, "F{number}"),
            other => write!(f, "{other}"),
        }
    }
}
