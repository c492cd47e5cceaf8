//! A line of text that is being typed.

use crate::tui::{keys::Edit, layer::log::plain};

/// Longer input is cut.
const LONGEST: usize = 4096;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LineEdit {
    text: String,
    /// In bytes, between two characters.
    cursor: usize,
}

impl LineEdit {
    /// With the cursor at its end.
    pub fn new(text: impl Into<String>) -> Self {
        let text = text.into();
        Self { cursor: text.len(), text }
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    /// What stands before the cursor.
    pub fn before(&self) -> &str {
        &self.text[..self.cursor]
    }

    /// The character under the cursor and what stands after it.
    pub fn after(&self) -> &str {
        &self.text[self.cursor..]
    }

    pub fn insert(&mut self, c: char) {
        if self.text.len() + c.len_utf8() <= LONGEST {
            self.text.insert(self.cursor, c);
            self.cursor += c.len_utf8();
        }
    }

    /// Line breaks become spaces: a prompt is one line.
    pub fn paste(&mut self, pasted: &str) {
        let words: Vec<_> = pasted.lines().map(plain::clean).collect();
        words.join(" ").trim_end().chars().for_each(|c| self.insert(c));
    }

    /// Puts `text` in the place of all of it.
    pub fn set(&mut self, text: impl Into<String>) {
        *self = Self::new(text);
    }

    pub fn edit(&mut self, edit: Edit) {
        let (left, right) = (self.left(), self.right());
        match edit {
            Edit::Left => self.cursor = left,
            Edit::Right => self.cursor = right,
            Edit::WordLeft => self.cursor = self.word_left(),
            Edit::WordRight => self.cursor = self.word_right(),
            Edit::Home => self.cursor = 0,
            Edit::End => self.cursor = self.text.len(),
            Edit::DeleteBack => self.delete(left, self.cursor),
            Edit::Delete => self.delete(self.cursor, right),
            Edit::DeleteWord => self.delete(self.word_left(), self.cursor),
            Edit::DeleteToHome => self.delete(0, self.cursor),
            Edit::DeleteToEnd => self.text.truncate(self.cursor),
        }
    }

    fn delete(&mut self, from: usize, to: usize) {
        self.text.replace_range(from..to, "");
        self.cursor = from;
    }

    fn left(&self) -> usize {
        self.before().char_indices().next_back().map_or(0, |(at, _)| at)
    }

    fn right(&self) -> usize {
        self.cursor + self.after().chars().next().map_or(0, char::len_utf8)
    }

    fn word_left(&self) -> usize {
        let words = self.before().trim_end();
        words
            .rfind(char::is_whitespace)
            .map_or(0, |at| at + words[at..].chars().next().map_or(0, char::len_utf8))
    }

    fn word_right(&self) -> usize {
        let after = self.after();
        let skipped = after.len() - after.trim_start().len();
        let word = after[skipped..].find(char::is_whitespace).unwrap_or(after.len() - skipped);
        self.cursor + skipped + word
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Edit, LineEdit};

    fn shown(line: &LineEdit) -> String {
        format!("{}|{}", line.before(), line.after())
    }

    #[test]
    fn edits_as_shells_do() {
        let table: [(&str, &[Edit], &str); 10] = [
            ("kill ä", &[Edit::Left], "kill |ä"),
            ("kill ä", &[Edit::Home, Edit::Right], "k|ill ä"),
            ("kill ä", &[Edit::DeleteBack, Edit::DeleteBack], "kill|"),
            ("one two  ", &[Edit::DeleteWord], "one |"),
            ("one two", &[Edit::WordLeft, Edit::WordLeft, Edit::Delete], "|ne two"),
            ("one two", &[Edit::Home, Edit::WordRight, Edit::DeleteToEnd], "one|"),
            ("one two", &[Edit::WordLeft, Edit::DeleteToHome], "|two"),
            ("", &[Edit::Left, Edit::Right, Edit::Delete, Edit::DeleteBack, Edit::DeleteWord], "|"),
            ("one two", &[Edit::Home, Edit::WordRight, Edit::WordRight, Edit::WordRight], "one two|"),
            ("a\u{3000}b", &[Edit::DeleteWord], "a\u{3000}|"),
        ];
        for (text, edits, expected) in table {
            let mut line = LineEdit::new(text);
            edits.iter().for_each(|edit| line.edit(*edit));
            assert_eq!(shown(&line), expected, "{text} {edits:?}");
        }
    }

    #[test]
    fn pastes_one_line_without_escapes() {
        let mut line = LineEdit::new("ab");
        line.edit(Edit::Left);
        line.paste("x\x1b[1m\r\ny\tz\n");
        assert_eq!(shown(&line), "ax y       z|b");
    }

    proptest! {
        #[test]
        fn the_cursor_stays_between_characters(text in "\\PC{0,12}", edits in proptest::collection::vec(0..11_usize, 0..30)) {
            const ALL: [Edit; 11] = [
                Edit::Left, Edit::Right, Edit::WordLeft, Edit::WordRight, Edit::Home, Edit::End, Edit::DeleteBack,
                Edit::Delete, Edit::DeleteWord, Edit::DeleteToHome, Edit::DeleteToEnd,
            ];
            let mut line = LineEdit::new(text);
            for edit in edits {
                line.edit(ALL[edit]);
                prop_assert_eq!([line.before(), line.after()].concat(), line.text());
            }
        }
    }
}
