//! The tabs with rows, as they look.

use std::fmt::Write as _;

use ratatui::{Terminal, backend::TestBackend, layout::Size};

use crate::tui::{
    layout,
    model::{Model, Tab},
    tests::sample,
    update::settle,
    view,
};

/// The body of the screen as text, without the blanks at the ends of lines and at its end.
pub fn body(model: &mut Model) -> String {
    settle(model);
    let mut terminal = Terminal::new(TestBackend::new(model.size.width, model.size.height)).unwrap();
    terminal.draw(|frame| view::draw(frame, model)).unwrap();
    let area = layout::regions(model.size).unwrap().body;
    let buffer = terminal.backend().buffer();
    let mut text = String::new();
    for y in area.rows().map(|row| row.y) {
        let mut line = String::new();
        let mut covered = 0;
        for x in area.columns().map(|column| column.x) {
            if x >= covered {
                let symbol = buffer[(x, y)].symbol();
                covered = x + view::text::width(symbol).max(1) as u16;
                line.push_str(symbol);
            }
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text.trim_end().to_owned()
}

/// All tabs with rows at one size.
fn tabs(mut model: Model, width: u16, height: u16) -> String {
    model.size = Size::new(width, height);
    let mut text = String::new();
    for tab in Tab::ALL.into_iter().filter(|tab| *tab != Tab::Overview) {
        model.tab = tab;
        let _ = writeln!(text, "{}\n", body(&mut model));
    }
    text
}

#[test]
fn of_a_lab() {
    insta::assert_snapshot!("lab_100x30", tabs(sample::lab(), 100, 30));
    insta::assert_snapshot!("lab_60x16", tabs(sample::lab(), 60, 16));
    insta::assert_snapshot!("lab_200x60", tabs(sample::lab(), 200, 60));
}

#[test]
fn of_a_lab_that_fails() {
    insta::assert_snapshot!("failing_100x30", tabs(sample::failing(), 100, 30));
    insta::assert_snapshot!("failing_60x16", tabs(sample::failing(), 60, 16));
    insta::assert_snapshot!("failing_200x60", tabs(sample::failing(), 200, 60));
}

#[test]
fn of_nothing() {
    insta::assert_snapshot!("nothing_60x16", tabs(sample::empty(), 60, 16));
}
