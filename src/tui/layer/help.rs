//! The help: made from the table of keys and the table of commands.

use crate::tui::{
    keys::{Binding, Chord, Scope},
    layer::command::COMMANDS,
    view::text,
};

#[derive(Debug, Default)]
pub struct Help {
    pub top: usize,
}

/// A head and what stands below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    pub title: &'static str,
    /// Keys, or what to type, and what that does.
    pub lines: Vec<(String, String)>,
}

/// In the order of the help.
const SCOPES: [Scope; 13] = [
    Scope::Everywhere,
    Scope::Always,
    Scope::Tabs,
    Scope::List,
    Scope::Tasks,
    Scope::Events,
    Scope::Draft,
    Scope::Pane,
    Scope::Detail,
    Scope::Log,
    Scope::Prompt,
    Scope::Question,
    Scope::Help,
];

const MOUSE: [(&str, &str); 7] = [
    ("click", "a tab, a row, a key in the footer"),
    ("click again", "open the row"),
    ("click a head", "sort by that column"),
    ("click, drag", "the slider"),
    ("wheel", "scroll, or slide"),
    ("click outside", "close what lies over the tab"),
    ("Shift", "held: select text as usual"),
];

pub fn sections() -> Vec<Section> {
    let keys = SCOPES.iter().map(|scope| Section { title: scope.title(), lines: lines(*scope) });
    let commands = COMMANDS.iter().map(|command| (command.usage(), command.help.to_owned()));
    let mouse = MOUSE.iter().map(|(what, does)| ((*what).to_owned(), (*does).to_owned()));
    let others = [
        Section { title: "Commands", lines: commands.collect() },
        Section { title: "With the mouse", lines: mouse.collect() },
    ];
    keys.chain(others).filter(|section| !section.lines.is_empty()).collect()
}

/// Neighbours that say the same share a line.
fn lines(scope: Scope) -> Vec<(String, String)> {
    let bindings: Vec<_> = scope.bindings().collect();
    let same = bindings.chunk_by(|one, other| one.help == other.help);
    same.map(|group| (keys(group), group[0].help.to_owned())).collect()
}

/// `j ↓, k ↑`; of many neighbours the first and the last: `1 … 7`.
fn keys(group: &[&Binding]) -> String {
    match group {
        [first, .., last] if group.len() > 2 => format!("{} … {}", first.keys[0], last.keys[0]),
        _ => {
            let all = joined(group, 2);
            if text::width(&all) < KEYS { all } else { joined(group, 1) }
        }
    }
}

/// The first keys of each: the others are for those who are used to them.
fn joined(group: &[&Binding], count: usize) -> String {
    let some = |binding: &&Binding| {
        binding.keys.iter().take(count).map(Chord::to_string).collect::<Vec<_>>().join(" ")
    };
    group.iter().map(some).collect::<Vec<_>>().join(", ")
}

/// A row of the help: up to two lines side by side.
pub type Row = Vec<Cell>;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    Head(&'static str),
    Line { keys: String, text: String },
    Space,
}

/// How wide the column of keys is.
pub const KEYS: usize = 22;
/// Below this there is one column.
const TWO: u16 = 110;

/// The sections in rows for `width`; in two columns where there is room.
pub fn rows(width: u16) -> Vec<Row> {
    let columns = usize::from(width >= TWO) + 1;
    let room = (usize::from(width) / columns).saturating_sub(KEYS + 2);
    let sections: Vec<Vec<Cell>> = sections().iter().map(|section| cells(section, room)).collect();
    let total: usize = sections.iter().map(Vec::len).sum();
    let (mut left, mut right) = (Vec::new(), Vec::new());
    for section in sections {
        let column = if columns == 1 || left.len() + section.len() / 2 < total.div_ceil(2) {
            &mut left
        } else {
            &mut right
        };
        column.extend(section);
    }
    let height = left.len().max(right.len());
    left.resize(height, Cell::Space);
    if columns == 1 {
        return left.into_iter().map(|cell| vec![cell]).collect();
    }
    right.resize(height, Cell::Space);
    left.into_iter().zip(right).map(|(left, right)| vec![left, right]).collect()
}

fn cells(section: &Section, room: usize) -> Vec<Cell> {
    let mut cells = vec![Cell::Head(section.title)];
    for (keys, does) in &section.lines {
        for (number, text) in text::wrap(does, room).into_iter().enumerate() {
            let keys = if number == 0 { keys.clone() } else { String::new() };
            cells.push(Cell::Line { keys, text });
        }
    }
    cells.push(Cell::Space);
    cells
}

#[cfg(test)]
mod tests {
    use super::{Cell, KEYS, rows, sections};
    use crate::tui::{keys::BINDINGS, layer::command::COMMANDS, view::text};

    #[test]
    fn every_key_and_every_command_is_in_the_help_with_its_words() {
        let sections = sections();
        let says = |title: &str, help: &str| {
            let section = sections.iter().find(|section| section.title == title);
            section.is_some_and(|section| section.lines.iter().any(|(_, text)| text == help))
        };
        for binding in BINDINGS {
            assert!(says(binding.scope.title(), binding.help), "{binding:?}");
        }
        assert!(COMMANDS.iter().all(|command| says("Commands", command.help)));
        for (keys, text) in sections.iter().flat_map(|section| &section.lines) {
            assert!(text::width(keys) < KEYS, "{keys}: {text}");
        }
    }

    #[test]
    fn nothing_is_lost_in_two_columns() {
        let count = |width| {
            rows(width)
                .into_iter()
                .flatten()
                .filter(|cell| matches!(cell, Cell::Line { keys, .. } if !keys.is_empty()))
                .count()
        };
        assert_eq!(count(200), count(58));
        assert_eq!([58, 200].map(|width| rows(width)[0].len()), [1, 2]);
        let lengths = [58, 200].map(|width| rows(width).len());
        assert!(lengths[1] < lengths[0] * 2 / 3, "{lengths:?}");
    }
}
