//! The piece of a log that is in memory: lines made from bytes that come in any pieces, at both ends.

use std::collections::VecDeque;

use crate::tui::layer::log::plain;

/// More than this is not kept; the oldest goes.
pub const LIMIT: usize = 8 * 1024 * 1024;
/// A line without an end is broken here.
const LONGEST: usize = 64 * 1024;

/// The number of a line; it stays the same whatever comes before or after it, and may be negative.
pub type Number = i64;

#[derive(Clone, Debug)]
pub struct Buffer {
    limit: usize,
    /// Where in the file the first byte is that is kept.
    offset: u64,
    /// Lines with an end.
    lines: VecDeque<Line>,
    /// The bytes of the first line while what came before it may belong to it.
    head: Vec<u8>,
    /// The last line, which has no end yet.
    tail: Vec<u8>,
    open: String,
    first: Number,
    bytes: usize,
    /// Something was dropped because there was too much.
    pub dropped: bool,
}

#[derive(Clone, Debug)]
struct Line {
    text: Box<str>,
    /// How many bytes of the file it is.
    length: usize,
}

impl Default for Buffer {
    fn default() -> Self {
        Self::new(0, LIMIT)
    }
}

impl Buffer {
    /// For a file that is read from `offset` on.
    pub fn new(offset: u64, limit: usize) -> Self {
        Self {
            limit,
            offset,
            lines: VecDeque::new(),
            head: Vec::new(),
            tail: Vec::new(),
            open: String::new(),
            first: 0,
            bytes: 0,
            dropped: false,
        }
    }

    /// What stands before this is not here.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Whether another `length` bytes can be kept without dropping any.
    pub fn has_room(&self, length: usize) -> bool {
        self.bytes + length <= self.limit
    }

    /// The number of the first line.
    pub fn first(&self) -> Number {
        self.first
    }

    /// One behind the number of the last line.
    pub fn end(&self) -> Number {
        self.first + self.lines.len() as Number + Number::from(!self.tail.is_empty())
    }

    pub fn is_empty(&self) -> bool {
        self.lines.is_empty() && self.tail.is_empty()
    }

    pub fn get(&self, number: Number) -> Option<&str> {
        let index = usize::try_from(number - self.first).ok()?;
        match self.lines.get(index) {
            Some(line) => Some(&line.text),
            None => (index == self.lines.len() && !self.tail.is_empty()).then_some(self.open.as_str()),
        }
    }

    /// Takes in what was written since; gives the number of the first line that is new or has changed.
    pub fn append(&mut self, data: &[u8]) -> Number {
        let changed = self.first + self.lines.len() as Number;
        self.bytes += data.len();
        self.take(data);
        self.open = plain::clean_bytes(&self.tail);
        self.shrink();
        changed
    }

    /// Takes in what stands right before the first byte; nothing once something was dropped there. No line behind the
    /// first gets another number.
    pub fn prepend(&mut self, data: &[u8]) {
        if self.dropped {
            return;
        }
        let end = self.end();
        self.offset = self.offset.saturating_sub(data.len() as u64);
        self.bytes += data.len();
        let mut earlier = Self::new(0, usize::MAX);
        if self.lines.pop_front().is_some() {
            earlier.take([data, &self.head].concat());
            if !earlier.tail.is_empty() {
                earlier.finish();
            }
        } else {
            earlier.take([data, &self.tail].concat());
            self.tail = earlier.tail;
        }
        earlier.lines.append(&mut self.lines);
        self.lines = earlier.lines;
        self.head = earlier.head;
        self.open = plain::clean_bytes(&self.tail);
        self.first += end - self.end();
    }

    fn take(&mut self, data: impl AsRef<[u8]>) {
        for piece in data.as_ref().split_inclusive(|byte| *byte == b'\n') {
            self.extend(piece);
        }
    }

    /// One line, or the begin of one.
    fn extend(&mut self, piece: &[u8]) {
        self.tail.extend_from_slice(piece);
        while self.tail.len() > LONGEST {
            let rest = self.tail.split_off(LONGEST);
            self.finish();
            self.tail = rest;
        }
        if self.tail.ends_with(b"\n") {
            self.finish();
        }
    }

    fn finish(&mut self) {
        let raw = std::mem::take(&mut self.tail);
        let text = plain::clean_bytes(raw.strip_suffix(b"\n").unwrap_or(&raw)).into_boxed_str();
        self.lines.push_back(Line { text, length: raw.len() });
        if self.lines.len() == 1 {
            self.head = raw;
        }
    }

    fn shrink(&mut self) {
        while self.bytes > self.limit {
            let Some(line) = self.lines.pop_front() else { return };
            self.bytes -= line.length;
            self.offset += line.length as u64;
            self.first += 1;
            self.head.clear();
            self.dropped = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Buffer, LIMIT};

    fn lines(buffer: &Buffer) -> Vec<String> {
        (buffer.first()..buffer.end()).map(|number| buffer.get(number).unwrap().to_owned()).collect()
    }

    #[test]
    fn the_oldest_lines_go_and_the_others_keep_their_numbers() {
        let mut buffer = Buffer::new(100, 12);
        assert_eq!(buffer.append(b"one\ntwo\nth"), 0);
        let three = buffer.end() - 1;
        assert_eq!((buffer.append(b"ree\nfour"), buffer.get(three)), (three, Some("three")));
        assert_eq!((lines(&buffer), buffer.offset()), (vec!["three".to_owned(), "four".to_owned()], 108));
        assert!(buffer.dropped && !buffer.has_room(3) && buffer.has_room(2));
        buffer.prepend(b"two\n");
        assert_eq!(buffer.get(three), Some("three"));
        assert_eq!(buffer.get(three - 1), None);
    }

    #[test]
    fn an_endless_line_is_broken() {
        let mut buffer = Buffer::new(0, LIMIT);
        for _ in 0..1000 {
            buffer.append(&[b'x'; 1000]);
        }
        let longest = lines(&buffer).iter().map(String::len).max().unwrap();
        assert_eq!((longest, lines(&buffer).concat().len()), (64 * 1024, 1_000_000));
    }

    proptest! {
        /// However a file comes, backwards from the middle and then forwards, its lines are the same.
        #[test]
        fn the_pieces_do_not_show(
            text in "[aé\u{1b}m\\[0\n\r\t]{0,80}",
            cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..6),
            from in any::<prop::sample::Index>(),
        ) {
            let bytes = text.as_bytes();
            let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).chain([0, bytes.len()]).collect();
            cuts.sort_unstable();
            let pieces: Vec<_> = cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
            let (before, behind) = pieces.split_at(from.index(pieces.len() + 1));
            let middle: usize = before.iter().map(|piece| piece.len()).sum();

            let mut whole = Buffer::new(0, LIMIT);
            whole.append(bytes);
            let mut pieced = Buffer::new(middle as u64, LIMIT);
            for piece in behind {
                pieced.append(piece);
            }
            let end = pieced.end();
            before.iter().rev().for_each(|piece| pieced.prepend(piece));
            prop_assert_eq!(lines(&pieced), lines(&whole));
            prop_assert_eq!(pieced.offset(), 0);
            prop_assert_eq!(pieced.end(), end);
        }
    }
}
