//! What can lie over a tab. The topmost layer gets the keys; Esc takes it away.

pub mod command;
pub mod detail;
pub mod explain;
pub mod help;
pub mod line_edit;
pub mod log;

pub mod place;
pub mod prompt;
pub mod question;
pub mod scroll;

use crate::tui::{
    keys::Scope,
    layer::{detail::Detail, explain::Explanation, help::Help, log::Log, prompt::Prompt, question::Question},
};

/// Something over the tab.
#[derive(Debug)]
pub enum Layer {
    Detail(Box<Detail>),
    Log(Box<Log>),
    Explain(Box<Explanation>),
    Help(Help),
    Question(Question),
    Prompt(Box<Prompt>),
}

impl Layer {
    /// Where keys are looked up while it is on top.
    pub fn scopes(&self) -> &'static [Scope] {
        use Scope as S;
        match self {
            Self::Detail(_) => &[S::Detail, S::Pane, S::Everywhere, S::Always],
            Self::Log(_) => &[S::Log, S::Pane, S::Everywhere, S::Always],
            Self::Explain(_) => &[S::Pane, S::Everywhere, S::Always],
            Self::Help(_) => &[S::Help, S::Pane, S::Everywhere, S::Always],
            Self::Question(_) => &[S::Question, S::Always],
            Self::Prompt(_) => &[S::Prompt, S::Always],
        }
    }
}
