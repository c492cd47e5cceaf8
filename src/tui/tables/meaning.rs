//! What states look like: a symbol and a word for each, and a colour that only repeats what they say.

use ratatui::style::Style;

use crate::{
    cluster::{
        agent::AgentState,
        component::Health,
        framework::FrameworkState,
        history::{self, Weight},
        offer::Verdict,
    },
    mesos::v1::TaskState,
    tui::theme::Theme,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sign {
    pub symbol: &'static str,
    pub word: &'static str,
    pub tone: Tone,
}

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

impl Tone {
    pub fn style(self, theme: &Theme) -> Style {
        match self {
            Self::Plain => Style::new(),
            Self::Dim => theme.dim,
            Self::Info => theme.info,
            Self::Good => theme.good,
            Self::Warning => theme.warning,
            Self::Bad => theme.bad,
        }
    }
}

impl Sign {
    /// `● running`
    pub fn text(self) -> String {
        format!("{} {}", self.symbol, self.word)
    }
}

const fn sign(symbol: &'static str, word: &'static str, tone: Tone) -> Sign {
    Sign { symbol, word, tone }
}

pub fn task(state: TaskState) -> Sign {
    match state {
        TaskState::TaskStaging => sign("◌", "staging", Tone::Info),
        TaskState::TaskStarting => sign("◐", "starting", Tone::Info),
        TaskState::TaskRunning => sign("●", "running", Tone::Good),
        TaskState::TaskKilling => sign("◑", "killing", Tone::Warning),
        TaskState::TaskUnreachable => sign("▲", "unreachable", Tone::Warning),
        TaskState::TaskUnknown => sign("?", "unknown", Tone::Warning),
        TaskState::TaskFinished => sign("✓", "finished", Tone::Dim),
        TaskState::TaskKilled => sign("■", "killed", Tone::Dim),
        TaskState::TaskFailed => sign("✗", "failed", Tone::Bad),
        TaskState::TaskError => sign("✗", "error", Tone::Bad),
        TaskState::TaskLost => sign("▲", "lost", Tone::Bad),
        TaskState::TaskDropped => sign("▲", "dropped", Tone::Bad),
        TaskState::TaskGone => sign("▲", "gone", Tone::Bad),
        TaskState::TaskGoneByOperator => sign("▲", "gone by op.", Tone::Bad),
    }
}

/// In which order groups of tasks in each state stand: what needs a look first.
pub fn task_rank(state: TaskState) -> u8 {
    match state {
        TaskState::TaskUnreachable | TaskState::TaskUnknown => 0,
        TaskState::TaskStaging => 1,
        TaskState::TaskStarting => 2,
        TaskState::TaskRunning => 3,
        TaskState::TaskKilling => 4,
        TaskState::TaskFailed | TaskState::TaskError => 5,
        TaskState::TaskLost | TaskState::TaskDropped => 6,
        TaskState::TaskGone | TaskState::TaskGoneByOperator => 7,
        TaskState::TaskKilled => 8,
        TaskState::TaskFinished => 9,
    }
}

pub fn agent(state: AgentState) -> Sign {
    match state {
        AgentState::Active => sign("●", "active", Tone::Good),
        AgentState::Inactive => sign("▲", "inactive", Tone::Bad),
        AgentState::Deactivated => sign("■", "deactivated", Tone::Warning),
        AgentState::Draining => sign("◑", "draining", Tone::Warning),
    }
}

pub fn framework(state: FrameworkState) -> Sign {
    match state {
        FrameworkState::Active => sign("●", "active", Tone::Good),
        FrameworkState::Inactive => sign("◌", "inactive", Tone::Info),
        FrameworkState::Disconnected => sign("▲", "disconnected", Tone::Bad),
        FrameworkState::Recovered => sign("◐", "recovered", Tone::Warning),
        FrameworkState::Completed => sign("✓", "completed", Tone::Dim),
    }
}

pub fn component(health: Health) -> Sign {
    match health {
        Health::Ready => sign("●", "ready", Tone::Good),
        Health::Degraded => sign("▲", "degraded", Tone::Warning),
        Health::Down => sign("✗", "down", Tone::Bad),
        Health::Stopped => sign("■", "stopped", Tone::Dim),
        Health::Unknown => sign("◌", "unknown", Tone::Dim),
    }
}

pub fn verdict(verdict: Verdict) -> Sign {
    match verdict {
        Verdict::Outstanding => sign("◌", "outstanding", Tone::Info),
        Verdict::Accepted => sign("✓", "accepted", Tone::Good),
        Verdict::Declined => sign("✗", "declined", Tone::Warning),
        Verdict::Rescinded => sign("↩", "rescinded", Tone::Dim),
        Verdict::Gone => sign("·", "gone", Tone::Dim),
    }
}

/// Whether a task says that it is healthy.
pub fn healthy(healthy: Option<bool>) -> Sign {
    match healthy {
        Some(true) => sign("✓", "good", Tone::Good),
        Some(false) => sign("✗", "bad", Tone::Bad),
        None => sign("-", "", Tone::Dim),
    }
}

/// How much something matters.
pub fn weight(weight: Weight) -> Sign {
    match weight {
        Weight::Info => sign("·", "info", Tone::Plain),
        Weight::Good => sign("✓", "good", Tone::Good),
        Weight::Warning => sign("▲", "warning", Tone::Warning),
        Weight::Bad => sign("✗", "bad", Tone::Bad),
    }
}

/// What happened, by how much it matters.
pub fn happening(kind: history::Kind, weight: Weight) -> Sign {
    let word = match kind {
        history::Kind::Task => "task",
        history::Kind::Agent => "agent",
        history::Kind::Framework => "framework",
        history::Kind::Offer => "offer",
        history::Kind::Scheduler => "scheduler",
        history::Kind::Connection => "connection",
        history::Kind::User => "user",
    };
    Sign { word, ..self::weight(weight) }
}
