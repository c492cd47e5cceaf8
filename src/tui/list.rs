//! The mechanism of every tab with rows: which rows are shown, in which order, and where the cursor is.

use crate::cluster::rows::Key;

/// One line of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// The head of a group.
    Group {
        title: String,
        count: usize,
    },
    Row(Key),
}

#[derive(Debug, Default)]
pub struct List {
    /// What is shown, in order.
    pub lines: Vec<Line>,
    /// The row under the cursor; it is kept whatever moves around it.
    pub cursor: Option<Key>,
    /// The line that stands first on the screen.
    pub top: usize,
}
