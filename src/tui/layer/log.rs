//! The log of a task: what is in memory of it, which part of that is seen, and what is looked for in it.

pub mod buffer;
pub mod plain;
pub mod search;
#[cfg(test)]
mod tests;
pub mod window;

use bytes::Bytes;

use crate::{
    client::agent_files::{in_pod, sandbox},
    cluster::{ClusterView, task::Task},
    tui::{
        layer::log::{
            buffer::{Buffer, LIMIT, Number},
            search::Search,
            window::Window,
        },
        message::{LogFile, LogNews, PIECE},
        tables::meaning::{self, Tone},
        view::units,
    },
};

#[derive(Debug)]
pub struct Log {
    pub task: String,
    pub stream: Stream,
    pub file: LogFile,
    pub buffer: Buffer,
    pub window: Window,
    pub search: Option<Search>,
    state: State,
    /// The earlier piece that was asked for has not come yet.
    loading: bool,
    /// Goes on loading until the begin of the file is there.
    to_begin: bool,
    /// The file has shrunk while it was looked at.
    truncated: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stream {
    #[default]
    Stdout,
    Stderr,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    Opening,
    Open,
    /// There is no such file: not yet, or not any more.
    Missing,
    Failed(String),
}

impl Stream {
    pub fn name(self) -> &'static str {
        match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
        }
    }

    pub fn other(self) -> Self {
        match self {
            Self::Stdout => Self::Stderr,
            Self::Stderr => Self::Stdout,
        }
    }
}

impl Log {
    /// # Errors
    /// When the cluster does not know where its sandbox is; for people.
    pub fn open(cluster: &ClusterView, task: &str, stream: Stream, number: u64) -> Result<Self, String> {
        let file = locate(cluster, task, stream, number)?;
        Ok(Self {
            task: task.to_owned(),
            stream,
            file,
            buffer: Buffer::default(),
            window: Window::default(),
            search: None,
            state: State::Opening,
            loading: false,
            to_begin: false,
            truncated: false,
        })
    }

    /// Turns to another file: the other stream, or the same one at another address.
    pub fn turn_to(&mut self, file: LogFile, stream: Stream) {
        (self.file, self.stream) = (file, stream);
        self.state = State::Opening;
        (self.loading, self.to_begin, self.truncated) = (false, false, false);
        self.restart(0);
    }

    /// Whether its file is elsewhere than where it is read from.
    pub fn has_moved(&self, cluster: &ClusterView) -> bool {
        let file = locate(cluster, &self.task, self.stream, self.file.number);
        file.is_ok_and(|file| file != self.file)
    }

    /// Takes in what came of its file.
    pub fn news(&mut self, news: LogNews) {
        match news {
            LogNews::Tail { offset, data } => {
                self.restart(offset);
                self.append(&data);
            }
            LogNews::Before { offset, data } => self.prepend(offset, &data),
            LogNews::More(data) => self.append(&data),
            LogNews::Truncated => {
                self.restart(0);
                self.truncated = true;
                self.state = State::Open;
            }
            LogNews::Failed(problem) => (self.state, self.loading) = (State::Failed(problem), false),
            LogNews::Missing => self.state = State::Missing,
        }
    }

    fn restart(&mut self, offset: u64) {
        self.buffer = Buffer::new(offset, LIMIT);
        self.window.restart();
        self.loading = false;
        if let Some(search) = &mut self.search {
            search.anew(&self.buffer);
        }
    }

    fn append(&mut self, data: &Bytes) {
        self.state = State::Open;
        let changed = self.buffer.append(data);
        if let Some(search) = &mut self.search {
            search.appended(&self.buffer, changed);
        }
    }

    fn prepend(&mut self, offset: u64, data: &Bytes) {
        self.loading = false;
        if offset + data.len() as u64 != self.buffer.offset() {
            return;
        }
        self.buffer.prepend(data);
        if let Some(search) = &mut self.search {
            search.anew(&self.buffer);
        }
        if self.to_begin {
            self.window.to_first(&self.buffer);
        }
    }

    /// The offset before which more is wanted, if more is: the first line is seen, and there is room.
    pub fn wants_before(&mut self, up: bool) -> Option<u64> {
        let wanted = up || self.to_begin;
        let at_first = self.window.is_at_first(&self.buffer);
        let there_is =
            self.buffer.offset() > 0 && !self.buffer.dropped && self.buffer.has_room(PIECE as usize);
        if !there_is {
            self.to_begin = false;
        }
        let asks = wanted && at_first && there_is && !self.loading && self.state == State::Open;
        self.loading |= asks;
        asks.then_some(self.buffer.offset())
    }

    /// To the first line of the file, as far as memory allows.
    pub fn go_to_begin(&mut self) {
        self.to_begin = true;
        self.window.to_first(&self.buffer);
    }

    pub fn stay(&mut self) {
        self.to_begin = false;
    }

    /// Looks for `text`, from what is seen on; an empty one ends the search.
    pub fn look_for(&mut self, text: &str) {
        if text.is_empty() {
            self.search = None;
            return;
        }
        let search = Search::new(text, &self.buffer);
        let from = self.window.first(&self.buffer);
        if let Some(hit) = search.at_or_after(from) {
            self.window.show(&self.buffer, hit, search.column(&self.buffer, hit));
        }
        self.search = Some(search);
    }

    /// To the next match, or the one before; false when there is none.
    pub fn next_match(&mut self, forward: bool) -> bool {
        let from = self.window.place(&self.buffer);
        let Some(search) = &self.search else { return false };
        let Some(hit) = search.step(from, forward) else { return false };
        let column = search.column(&self.buffer, hit);
        self.window.show(&self.buffer, hit, column);
        true
    }

    /// What there is to be said about it, in a line.
    pub fn words(&self, cluster: &ClusterView) -> Option<(Tone, String)> {
        let task = cluster.tasks.find(&self.task);
        let agent_gone = task.is_some_and(|task| cluster.agents.key(&task.agent_id).is_none());
        match &self.state {
            _ if agent_gone => Some((Tone::Bad, "its agent is gone, and its sandbox with it".to_owned())),
            State::Failed(problem) => Some((Tone::Bad, format!("{problem}; trying again"))),
            State::Missing => Some(missing(task)),
            State::Opening => Some((Tone::Dim, "reading".to_owned())),
            State::Open => self.words_of_open(task),
        }
    }

    fn words_of_open(&self, task: Option<&Task>) -> Option<(Tone, String)> {
        let mut words = Vec::new();
        let mut tone = Tone::Dim;
        match task {
            Some(task) if task.is_over() => {
                words.push(format!("the task has ended: {}", meaning::task(task.state).word))
            }
            None => words.push("the task is not known any more".to_owned()),
            Some(_) => {}
        }
        if self.truncated {
            tone = Tone::Warning;
            words.push("the file has shrunk: read anew".to_owned());
        }
        if self.buffer.dropped {
            words.push(format!("the first {} are not kept", size(self.buffer.offset())));
        } else if self.loading {
            words.push("loading what was before".to_owned());
        } else if self.buffer.offset() > 0 && self.window.is_at_first(&self.buffer) {
            let full = !self.buffer.has_room(PIECE as usize);
            let more = size(self.buffer.offset());
            words.push(if full {
                format!("{more} before this are not loaded")
            } else {
                format!("{more} before this")
            });
        }
        if words.is_empty() && self.buffer.is_empty() {
            words.push(format!("{} is empty", self.stream.name()));
        }
        (!words.is_empty()).then(|| (tone, words.join(", ")))
    }

    /// `line 3 of 120`, as far as is known.
    pub fn position(&self) -> String {
        let (first, end) = (self.buffer.first(), self.buffer.end());
        let at: Number = self.window.first(&self.buffer) - first + 1;
        let more = if self.buffer.offset() > 0 { "+" } else { "" };
        format!("{}/{}{more}", at.min(end - first), end - first)
    }
}

fn missing(task: Option<&Task>) -> (Tone, String) {
    match task {
        Some(task) if !task.is_over() => (Tone::Info, "it has no sandbox yet; waiting for one".to_owned()),
        _ => (Tone::Warning, "its sandbox is gone: the agent has removed it".to_owned()),
    }
}

/// `12 bytes`, `3.4 MB`
fn size(bytes: u64) -> String {
    match bytes {
        0..1024 => units::counted(bytes, "byte"),
        1024..1_048_576 => format!("{} kB", bytes / 1024),
        _ => units::megabytes(bytes as f64 / 1_048_576.0),
    }
}

fn locate(cluster: &ClusterView, task: &str, stream: Stream, number: u64) -> Result<LogFile, String> {
    let known = cluster.tasks.find(task).ok_or_else(|| format!("there is no task {task}"))?;
    let agent = cluster.agents.find(&known.agent_id);
    let agent = agent.ok_or_else(|| format!("the agent of task {task} is gone, and its sandbox with it"))?;
    let executor = if known.executor_id.is_empty() { &known.id } else { &known.executor_id };
    let sandbox = sandbox(&(*known.framework_id).into(), &executor.as_str().into());
    let sandbox = match known.more.pod {
        Some(_) => in_pod(&sandbox, &known.id),
        None => sandbox,
    };
    Ok(LogFile { agent: agent.url.clone(), path: format!("{sandbox}/{}", stream.name()), number })
}
