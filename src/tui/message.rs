//! What comes in and what goes out of `update`.

use bytes::Bytes;
use crossterm::event::{KeyEvent, MouseEvent};
use ratatui::layout::Size;

use crate::{
    cluster::Change,
    scheduler::{
        api::{ConfigView, Explain},
        forecast::{Forecast, Question},
    },
};

/// How much of a log is read at once.
pub const PIECE: u64 = 256 * 1024;

/// What happens to the dashboard.
#[derive(Debug)]
pub enum Msg {
    Key(KeyEvent),
    Mouse(MouseEvent),
    Paste(String),
    Resize(Size),
    Changes(Vec<Change>),
    /// [`crate::tui::update::next_tick`] has come.
    Tick,
    Answer(Answer),
}

/// What the dashboard wants done. Each ends in an [`Answer`], or needs none.
#[derive(Debug)]
pub enum Effect {
    Scale(u64),
    /// Ends a task of ours.
    Kill(String),
    /// Answered with `Answer::Forecast` of the same number.
    Forecast {
        number: u64,
        question: Box<Question>,
    },
    Explain,
    /// Follows a file; ends the log that was followed before.
    OpenLog(LogFile),
    /// Reads what comes before `offset` of the log that is followed.
    LogBefore {
        offset: u64,
    },
    CloseLog,
    /// Gives the terminal to a shell in the container of a task, until that ends. Answered with `Answer::Shell`.
    Shell(ShellIn),
    /// To the clipboard, by OSC 52.
    Copy(String),
    /// The screen as it is, as text, to a file.
    Save,
    /// Gives the terminal back until the process is continued, as Ctrl-Z does.
    Suspend,
    Quit,
}

/// A file in a sandbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogFile {
    /// Of the agent: `http://127.0.0.1:5051`.
    pub agent: String,
    /// As `client::agent_files::sandbox` makes it, with `/stdout` at its end.
    pub path: String,
    /// Tells the answers for one log from those for another.
    pub number: u64,
}

/// The task in whose container a shell is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShellIn {
    /// Of its agent: `http://127.0.0.1:5051`.
    pub agent: String,
    pub framework_id: String,
    pub task_id: String,
}

/// What became of an effect. Errors are for people.
#[derive(Debug)]
pub enum Answer {
    Scaled {
        wanted: u64,
        result: Result<Box<ConfigView>, String>,
    },
    Killed {
        task: String,
        result: Result<(), String>,
    },
    Forecast {
        number: u64,
        forecast: Box<Forecast>,
    },
    Explain(Result<Box<Explain>, String>),
    /// The exit code of the shell.
    Shell {
        task: String,
        result: Result<u8, String>,
    },
    Log {
        number: u64,
        news: LogNews,
    },
    /// The path of the file.
    Saved(Result<String, String>),
}

#[derive(Debug)]
pub enum LogNews {
    /// The first piece: the end of the file from `offset` on.
    Tail { offset: u64, data: Bytes },
    /// What came before the first piece that is there.
    Before { offset: u64, data: Bytes },
    /// What was written since.
    More(Bytes),
    /// The file has shrunk and is read anew.
    Truncated,
    /// Reading failed; it is tried again.
    Failed(String),
    /// There is no such file: not yet, or not any more. It is looked for again.
    Missing,
}
