//! The bytes of a log made harmless for a terminal: what was meant for one is taken out, not shown.

use std::{borrow::Cow, fmt::Write as _};

use unicode_width::UnicodeWidthChar as _;

use crate::tui::view::text::is_plain;

const TAB: usize = 8;

/// One line without what a terminal would obey: escape sequences go, tabs become spaces, other control characters
/// become their pictures (`␇`). Of a line that was written over (by `\r`) the last writing stays.
pub fn clean(text: &str) -> Cow<'_, str> {
    if text.chars().all(is_plain) {
        return Cow::Borrowed(text);
    }
    let mut clean = Clean::default();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\x1b' => skip_escape(&mut chars),
            '\u{9b}' => skip_control_sequence(&mut chars),
            '\r' => clean.overwrite = true,
            other => clean.push(other),
        }
    }
    Cow::Owned(clean.text)
}

/// As [`clean`], of bytes that may be no UTF-8.
pub fn clean_bytes(bytes: &[u8]) -> String {
    clean(&String::from_utf8_lossy(bytes)).into_owned()
}

#[derive(Default)]
struct Clean {
    text: String,
    columns: usize,
    /// The next character stands at the begin of the line again.
    overwrite: bool,
}

impl Clean {
    fn push(&mut self, c: char) {
        if std::mem::take(&mut self.overwrite) {
            self.text.clear();
            self.columns = 0;
        }
        match c {
            '\t' => {
                let spaces = TAB - self.columns % TAB;
                self.columns += spaces;
                let _ = write!(self.text, "{:spaces$}", "");
            }
            other => {
                let shown = picture(other);
                self.columns += shown.width().unwrap_or_default();
                self.text.push(shown);
            }
        }
    }
}

fn picture(c: char) -> char {
    match c {
        '\0'..='\x1f' => char::from_u32(0x2400 + u32::from(c)).unwrap_or('\u{fffd}'),
        '\x7f' => '␡',
        other if !is_plain(other) => '·',
        other => other,
    }
}

type Chars<'a> = std::iter::Peekable<std::str::Chars<'a>>;

/// Behind an ESC.
fn skip_escape(chars: &mut Chars) {
    match chars.next_if(|c| !c.is_control()) {
        Some('[') => skip_control_sequence(chars),
        Some(']' | 'P' | 'X' | '^' | '_') => skip_string(chars),
        Some(' '..='/') => {
            while chars.next_if(|c| (' '..='/').contains(c)).is_some() {}
            chars.next_if(|c| ('0'..='~').contains(c));
        }
        _ => {}
    }
}

/// Parameters, intermediates, and the character that ends them.
fn skip_control_sequence(chars: &mut Chars) {
    while chars.next_if(|c| (' '..='?').contains(c)).is_some() {}
    chars.next_if(|c| ('@'..='~').contains(c));
}

/// A title, a link: to its BEL or `ESC \`.
fn skip_string(chars: &mut Chars) {
    while let Some(c) = chars.next() {
        match c {
            '\x07' | '\u{9c}' => return,
            '\x1b' => {
                chars.next_if_eq(&'\\');
                return;
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{clean, is_plain};

    #[test]
    fn nothing_that_a_terminal_obeys_is_left() {
        let table = [
            ("plain ünïcödé 漢字", "plain ünïcödé 漢字"),
            ("\x1b[1;31mred\x1b[0m and \x1b[38;5;12mblue", "red and blue"),
            ("\x1b]0;a title\x07after", "after"),
            ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
            ("\x1bPq#0\x1b\\sixel", "sixel"),
            ("\x1b(Bset", "set"),
            ("\x1bcreset", "reset"),
            ("cut \x1b[3", "cut "),
            ("cut \x1b", "cut "),
            ("bell\x07 back\x08", "bell␇ back␈"),
            ("\u{9b}31mred", "red"),
            ("a\tb\t|", "a       b       |"),
            ("10%\r20%\r", "20%"),
            ("dos\r", "dos"),
            ("\r\rover", "over"),
            ("safe\u{202e}exe", "safe·exe"),
            ("two\nlines", "two␊lines"),
        ];
        for (raw, expected) in table {
            assert_eq!(clean(raw), expected, "{raw:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_comes_out_harmless(text in any::<String>(), escapes in "[\u{1b}\u{9b}\\[\\]0-9;mPX\u{7}\r\t\u{202e}a]{0,40}") {
            let cleaned = clean(&(text + &escapes)).into_owned();
            prop_assert!(cleaned.chars().all(is_plain), "{cleaned:?}");
        }
    }
}
