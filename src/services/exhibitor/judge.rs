//! What four-letter words tell: which of them Exhibitor passes on, and how well a ZooKeeper is by its answers.

/// The words that may be asked for by name.
pub const WORDS: [&str; 11] =
    ["ruok", "stat", "reqs", "dump", "conf", "cons", "srvr", "wchs", "wchc", "wchp", "mntr"];

/// The word, if it is one of [`WORDS`] in whatever case.
pub fn word(text: &str) -> Option<&'static str> {
    WORDS.into_iter().find(|word| word.eq_ignore_ascii_case(text))
}

/// How well a ZooKeeper is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InstanceState {
    /// Nothing is known yet.
    #[default]
    Latent,
    Down,
    /// It answers, but has no quorum.
    NotServing,
    Serving,
}

impl InstanceState {
    pub fn code(self) -> u8 {
        match self {
            Self::Latent => 0,
            Self::Down => 1,
            Self::NotServing => 2,
            Self::Serving => 3,
        }
    }

    pub fn description(self) -> &'static str {
        match self {
            Self::Latent => "latent",
            Self::Down => "down",
            Self::NotServing => "not serving",
            Self::Serving => "serving",
        }
    }
}

/// What one look at a ZooKeeper gave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Judgement {
    pub state: InstanceState,
    /// A leader, or alone.
    pub is_leader: bool,
}

impl Judgement {
    pub const DOWN: Self = Self { state: InstanceState::Down, is_leader: false };
}

/// Judges the answers to `ruok` and `srvr`; none when there was none.
pub fn judge(ruok: Option<&str>, srvr: Option<&str>) -> Judgement {
    if ruok.map(str::trim) != Some("imok") {
        return Judgement::DOWN;
    }
    srvr.unwrap_or_default().lines().find_map(of_line).unwrap_or(Judgement::DOWN)
}

fn of_line(line: &str) -> Option<Judgement> {
    if line.contains("not currently serving") {
        return Some(Judgement { state: InstanceState::NotServing, is_leader: false });
    }
    let line = line.to_ascii_lowercase();
    let mode = line.strip_prefix("mode")?.trim_start().strip_prefix(':').unwrap_or_default().trim();
    Some(Judgement { state: InstanceState::Serving, is_leader: matches!(mode, "leader" | "standalone") })
}
