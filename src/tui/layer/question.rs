//! A question before something that cannot be taken back.

use crate::tui::message::Effect;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    Kill { task: String },
}

impl Question {
    /// What is asked, and what would happen.
    pub fn text(&self) -> [String; 2] {
        match self {
            Self::Kill { task } => [
                format!("kill task {task}?"),
                "It gets TERM, then KILL; its place is filled again by another task.".to_owned(),
            ],
        }
    }

    /// What Yes does.
    pub fn yes(self) -> Effect {
        match self {
            Self::Kill { task } => Effect::Kill(task),
        }
    }
}
