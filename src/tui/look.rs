//! What every state looks like: a symbol, a word, a tone. No state is told by its colour alone.

use ratatui::style::Style;

use crate::{
    cluster::{
        agent::AgentState, component::Health, framework::FrameworkState, history::Weight, offer::Verdict,
    },
    mesos::v1::TaskState,
    tui::theme::Theme,
};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tone {
    #[default]
    Plain,
    Dim,
    Info,
    Good,
    Warning,
    Bad,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    pub symbol: char,
    pub word: &'static str,
    pub tone: Tone,
}

impl Tone {
    pub fn style(self, theme: &Theme) -> Style {
        match self {
            Self::Plain => theme.text,
            Self::Dim => theme.dim,
            Self::Info => theme.info,
            Self::Good => theme.good,
            Self::Warning => theme.warning,
            Self::Bad => theme.bad,
        }
    }
}

impl From<Weight> for Tone {
    fn from(weight: Weight) -> Self {
        match weight {
            Weight::Info => Self::Info,
            Weight::Good => Self::Good,
            Weight::Warning => Self::Warning,
            Weight::Bad => Self::Bad,
        }
    }
}

impl Look {
    /// `● running`
    pub fn text(self) -> String {
        format!("{} {}", self.symbol, self.word)
    }
}

const fn look(symbol: char, word: &'static str, tone: Tone) -> Look {
    Look { symbol, word, tone }
}

pub fn task(state: TaskState) -> Look {
    match state {
        TaskState::TaskRunning => look('●', "running", Tone::Good),
        TaskState::TaskStarting => look('◐', "starting", Tone::Info),
        TaskState::TaskStaging => look('◌', "staging", Tone::Info),
        TaskState::TaskKilling => look('◑', "killing", Tone::Warning),
        TaskState::TaskFinished => look('✓', "finished", Tone::Dim),
        TaskState::TaskFailed => look('✗', "failed", Tone::Bad),
        TaskState::TaskError => look('✗', "error", Tone::Bad),
        TaskState::TaskKilled => look('■', "killed", Tone::Dim),
        TaskState::TaskLost => look('▲', "lost", Tone::Bad),
        TaskState::TaskUnreachable => look('▲', "unreachable", Tone::Warning),
        TaskState::TaskDropped => look('▲', "dropped", Tone::Bad),
        TaskState::TaskGone => look('▲', "gone", Tone::Bad),
        TaskState::TaskGoneByOperator => look('▲', "gone by operator", Tone::Bad),
        TaskState::TaskUnknown => look('?', "unknown", Tone::Warning),
    }
}

pub fn agent(state: AgentState) -> Look {
    match state {
        AgentState::Active => look('●', "active", Tone::Good),
        AgentState::Inactive => look('▲', "inactive", Tone::Bad),
        AgentState::Deactivated => look('■', "deactivated", Tone::Warning),
        AgentState::Draining => look('◑', "draining", Tone::Warning),
    }
}

pub fn framework(state: FrameworkState) -> Look {
    match state {
        FrameworkState::Active => look('●', "active", Tone::Good),
        FrameworkState::Inactive => look('◌', "inactive", Tone::Warning),
        FrameworkState::Disconnected => look('▲', "disconnected", Tone::Bad),
        FrameworkState::Recovered => look('◐', "recovered", Tone::Warning),
        FrameworkState::Completed => look('✓', "completed", Tone::Dim),
    }
}

pub fn health(health: Health) -> Look {
    match health {
        Health::Ready => look('●', "ready", Tone::Good),
        Health::Degraded => look('▲', "degraded", Tone::Warning),
        Health::Down => look('✗', "down", Tone::Bad),
        Health::Stopped => look('■', "stopped", Tone::Dim),
        Health::Unknown => look('?', "unknown", Tone::Dim),
    }
}

pub fn verdict(verdict: Verdict) -> Look {
    match verdict {
        Verdict::Outstanding => look('◌', "outstanding", Tone::Info),
        Verdict::Accepted => look('✓', "accepted", Tone::Good),
        Verdict::Declined => look('✗', "declined", Tone::Dim),
        Verdict::Rescinded => look('▲', "rescinded", Tone::Warning),
        Verdict::Gone => look('■', "gone", Tone::Dim),
    }
}

pub fn weight(weight: Weight) -> Look {
    match weight {
        Weight::Info => look('·', "info", Tone::Info),
        Weight::Good => look('✓', "good", Tone::Good),
        Weight::Warning => look('▲', "warning", Tone::Warning),
        Weight::Bad => look('✗', "bad", Tone::Bad),
    }
}
