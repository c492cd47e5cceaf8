//! The screen as a picture that is no terminal: drawn in memory, then written as text or as SVG.

use std::{
    fs::File,
    io::{self, Write},
};

use ratatui::{
    Terminal,
    backend::TestBackend,
    buffer::{Buffer, Cell},
};
use unicode_width::UnicodeWidthStr;

use crate::tui::{model::Model, view};

/// The model as it looks on a terminal of its size.
pub fn of(model: &Model) -> Buffer {
    let Ok(mut terminal) = Terminal::new(TestBackend::new(model.size.width, model.size.height));
    let Ok(_) = terminal.draw(|frame| view::draw(frame, model));
    terminal.backend().buffer().clone()
}

/// One line per row, without blanks at its end.
pub fn text(buffer: &Buffer) -> String {
    let rows = (0..buffer.area.height).map(|row| {
        let line: String = cells(buffer, row).map(|(_, cell)| cell.symbol()).collect();
        line.trim_end().to_owned() + "\n"
    });
    rows.collect()
}

/// The cells of a row that show something: what lies under the right half of a wide character does not.
pub(super) fn cells(buffer: &Buffer, row: u16) -> impl Iterator<Item = (u16, &Cell)> {
    let mut next = 0;
    (0..buffer.area.width).filter_map(move |column| {
        let cell = buffer.cell((column, row))?;
        if column < next {
            return None;
        }
        next = column + width(cell);
        Some((column, cell))
    })
}

/// How many columns a cell takes.
pub(super) fn width(cell: &Cell) -> u16 {
    cell.symbol().width().clamp(1, 2) as u16
}

/// Writes the screen as text to a new file in the current directory: its name. The error is for people.
pub fn save(model: &Model) -> Result<String, String> {
    let text = text(&of(model));
    let written = new_file().and_then(|(name, mut file)| file.write_all(text.as_bytes()).map(|()| name));
    written.map_err(|error| format!("the screen could not be saved: {error}"))
}

/// The first of `mesoslab-screen.txt`, `mesoslab-screen-2.txt`, ... that is not there.
fn new_file() -> io::Result<(String, File)> {
    let numbered = (2..10_000).map(|number| format!("mesoslab-screen-{number}.txt"));
    let mut names = std::iter::once("mesoslab-screen.txt".to_owned()).chain(numbered);
    names
        .find_map(|name| match File::create_new(&name) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => None,
            result => Some(result.map(|file| (name, file))),
        })
        .unwrap_or_else(|| Err(io::Error::other("there are too many pictures here")))
}

#[cfg(test)]
mod tests {
    use ratatui::buffer::Buffer;

    use super::text;

    #[test]
    fn text_is_what_is_seen() {
        let mut buffer = Buffer::with_lines(["● ok     ", "         "]);
        buffer.set_string(0, 1, "漢字 x", ratatui::style::Style::new());
        assert_eq!(text(&buffer), "● ok\n漢字 x\n");
    }
}
