//! Server-sent events as they come in pieces: blocks of lines that an empty line ends. Each byte is looked at once,
//! however large the block and however small the pieces.
//!
//! ```text
//! id: 7 \n event: task \n data: {"type": ...} \n \n     a line ends with LF or CR LF
//! : \n \n                                               a comment: a sign of life, no event
//! ```

use bytes::{Bytes, BytesMut};

use crate::client::ClientError;

/// A block larger than this is taken for garbage. The snapshot of 100,000 tasks is 40 MB.
const LARGEST: usize = 256 << 20;
const DATA: &[u8] = b"data:";

#[derive(Debug)]
pub(super) struct Blocks {
    buffer: BytesMut,
    /// Where the line begins that is not known to end yet.
    line: usize,
    /// Up to where there is no further end of a line.
    scanned: usize,
    largest: usize,
}

impl Default for Blocks {
    fn default() -> Self {
        Self { buffer: BytesMut::new(), line: 0, scanned: 0, largest: LARGEST }
    }
}

impl Blocks {
    pub fn push(&mut self, piece: &[u8]) {
        self.buffer.extend_from_slice(piece);
    }

    /// The data of the next block that has some; none until there is more to read.
    ///
    /// # Errors
    /// When a block is too large to be one.
    pub fn next(&mut self) -> Result<Option<Bytes>, ClientError> {
        while let Some(end) = self.end() {
            let block = self.buffer.split_to(end).freeze();
            (self.line, self.scanned) = (0, 0);
            let data = data(&block);
            if !data.is_empty() {
                return Ok(Some(data));
            }
        }
        if self.buffer.len() > self.largest {
            return Err(ClientError::Malformed(format!("an event is larger than {} bytes", self.largest)));
        }
        Ok(None)
    }

    /// Where the block ends with which the buffer begins.
    fn end(&mut self) -> Option<usize> {
        while let Some(at) = self.buffer[self.scanned..].iter().position(|byte| *byte == b'\n') {
            let newline = self.scanned + at;
            let is_empty = matches!(&self.buffer[self.line..newline], b"" | b"\r");
            (self.line, self.scanned) = (newline + 1, newline + 1);
            if is_empty {
                return Some(newline + 1);
            }
        }
        self.scanned = self.buffer.len();
        None
    }
}

/// The `data` lines of a block; copied only when there are several.
fn data(block: &Bytes) -> Bytes {
    let lines = block.split(|byte| *byte == b'\n').filter_map(|line| {
        let line = line.strip_suffix(b"\r").unwrap_or(line).strip_prefix(DATA)?;
        Some(line.strip_prefix(b" ").unwrap_or(line))
    });
    let lines: Vec<_> = lines.collect();
    match lines.as_slice() {
        [line] => block.slice_ref(line),
        lines => lines.join(&b'\n').into(),
    }
}

#[cfg(test)]
mod tests {
    use super::Blocks;

    fn read(text: &[u8], piece: usize) -> Vec<String> {
        let mut blocks = Blocks::default();
        let mut read = Vec::new();
        for piece in text.chunks(piece) {
            blocks.push(piece);
            while let Some(data) = blocks.next().unwrap() {
                read.push(String::from_utf8(data.to_vec()).unwrap());
            }
        }
        read
    }

    #[test]
    fn blocks_are_found_whatever_the_pieces_and_line_ends() {
        let text = ":\n\nid: 1\nevent: task\ndata: one\n\n\ndata:two\ndata: lines\n\n:\n\ndata: half";
        for text in [text.to_owned(), text.replace('\n', "\r\n")] {
            for piece in 1..text.len() {
                assert_eq!(read(text.as_bytes(), piece), ["one", "two\nlines"], "{piece}: {text:?}");
            }
        }
    }

    #[test]
    fn no_byte_is_looked_at_twice() {
        let mut blocks = Blocks::default();
        let mut looked_at = 0;
        blocks.push(b"data: ");
        for _ in 0..1_000 {
            blocks.push(&[b'x'; 1_000]);
            let before = blocks.scanned;
            assert!(blocks.next().unwrap().is_none());
            looked_at += blocks.buffer.len() - before;
        }
        assert_eq!(looked_at, blocks.buffer.len(), "the search goes on where it was");
        blocks.push(b"\n\n:\n\n");
        assert_eq!(blocks.next().unwrap().unwrap().len(), 1_000_000);
        assert!(blocks.next().unwrap().is_none() && blocks.buffer.is_empty());
    }

    #[test]
    fn what_never_ends_is_garbage() {
        let mut blocks = Blocks { largest: 100, ..Blocks::default() };
        blocks.push(&[b'x'; 100]);
        assert!(blocks.next().unwrap().is_none());
        blocks.push(b"x");
        assert!(blocks.next().is_err());
    }
}
