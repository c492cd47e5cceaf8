//! Keeps one ZooKeeper going: looks at it again and again, and starts it again when it has stopped answering.
//!
//! ```text
//!            2 looks in a row: down          backoff is over, restarts are on
//! serving ───────────────────────> down ─────────────────────────────────────> Restart ──> looks
//!    ^      it has exited                 not serving for long ───────────────────^  │
//!    └───────────────────────────────────────────────────────────────────────────────┘
//! ```
//!
//! What an operator stops stays down until an operator starts it. (Apache-style Exhibitor starts it again unless restarts
//! are switched off, which its page warns of.)

use std::{str::FromStr, time::Duration};

use super::{
    activity::Activity,
    judge::{InstanceState, Judgement},
};
use crate::mesos::time::Time;

/// Looks in a row that find a ZooKeeper down before it is started again: a busy machine misses one.
const LOOKS: u32 = 2;
/// Checks for which a ZooKeeper may have no quorum before it is started again.
const UNSERVED_CHECKS: u32 = 10;
/// How long one that was started may take to answer, as long as it does not exit.
const GRACE: Duration = Duration::from_secs(10);
const FIRST_BACKOFF: Duration = Duration::from_millis(500);
pub const LONGEST_BACKOFF: Duration = Duration::from_secs(30);

/// What an operator may turn off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Switch {
    Restarts,
    Cleanup,
    Backups,
}

impl Switch {
    pub const ALL: [Self; 3] = [Self::Restarts, Self::Cleanup, Self::Backups];

    pub fn name(self) -> &'static str {
        match self {
            Self::Restarts => "restarts",
            Self::Cleanup => "cleanup",
            Self::Backups => "backups",
        }
    }
}

/// There is no such switch.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("no switch of this name")]
pub struct UnknownSwitch;

/// By its name, in whatever case.
impl FromStr for Switch {
    type Err = UnknownSwitch;

    fn from_str(text: &str) -> Result<Self, UnknownSwitch> {
        Self::ALL.into_iter().find(|switch| switch.name().eq_ignore_ascii_case(text)).ok_or(UnknownSwitch)
    }
}

/// What a supervisor hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// Time has passed.
    Tick,
    /// The answer to [`Effect::Check`].
    Checked(Judgement),
    /// The ZooKeeper has ended by itself; why, as far as is known.
    Exited(String),
    /// What an effect ordered cannot be done.
    Failed(String),
    Start,
    Stop,
    Restart,
    Switch(Switch, bool),
    /// The pause between two looks is another one.
    CheckEvery(Duration),
}

/// What a supervisor wants done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Ask `ruok` and `srvr`, and tell what was [`Input::Checked`].
    Check,
    /// Start it where it does not run.
    Start,
    Stop,
    /// Stop it, by force if need be, and start it.
    Restart,
}

/// The state machine.
#[derive(Clone, Debug)]
pub struct Supervisor {
    check_every: Duration,
    /// Whether anybody does what the effects say.
    governs: bool,
    wanted: bool,
    switches: [bool; 3],
    last: Judgement,
    /// Looks in a row that found it down.
    misses: u32,
    /// When it was first found without a quorum.
    unserved_since: Option<Time>,
    /// Until then a ZooKeeper that does not answer is held for one that is starting.
    patient_until: Time,
    next_check: Time,
    checking: bool,
    next_restart: Time,
    backoff: Duration,
    longest_backoff: Duration,
    restarts: u64,
    /// A restart that was due was told to be left out.
    skipped: bool,
    pub log: Activity,
}

impl Supervisor {
    /// A supervisor that looks for the first time at once. One that does not `govern` only looks: nobody would do what
    /// it orders.
    pub fn new(now: Time, check_every: Duration, governs: bool) -> Self {
        let mut log = Activity::default();
        log.add(now, "Exhibitor is started");
        Self {
            check_every,
            governs,
            wanted: true,
            switches: [true; 3],
            last: Judgement::default(),
            misses: 0,
            unserved_since: None,
            patient_until: now + GRACE,
            next_check: now,
            checking: false,
            next_restart: now,
            backoff: FIRST_BACKOFF,
            longest_backoff: LONGEST_BACKOFF,
            restarts: 0,
            skipped: false,
            log,
        }
    }

    /// With another longest pause between two restarts than [`LONGEST_BACKOFF`].
    #[must_use]
    pub fn pausing_at_most(self, longest_backoff: Duration) -> Self {
        Self { longest_backoff, ..self }
    }

    pub fn judgement(&self) -> Judgement {
        self.last
    }

    pub fn is_set(&self, switch: Switch) -> bool {
        self.switches[switch as usize]
    }

    /// Whether orders to start and stop have an effect.
    pub fn governs(&self) -> bool {
        self.governs
    }

    /// Whether it is to run, as far as operators have said.
    pub fn is_wanted(&self) -> bool {
        self.wanted
    }

    /// How often it was started again because it did not answer.
    pub fn restarts(&self) -> u64 {
        self.restarts
    }

    /// When to send a [`Input::Tick`]; none while an answer is waited for.
    pub fn next_deadline(&self) -> Option<Time> {
        (!self.checking).then_some(self.next_check)
    }

    pub fn handle(&mut self, now: Time, input: Input) -> Vec<Effect> {
        match input {
            Input::Tick => self.look(now),
            Input::Checked(judgement) => self.checked(now, judgement),
            Input::Exited(reason) => self.exited(now, &reason),
            Input::Failed(reason) => {
                self.log.add(now, format!("ZooKeeper could not be started: {reason}"));
                Vec::new()
            }
            Input::Start => self.order(now, true, Effect::Start, "start"),
            Input::Stop => self.order(now, false, Effect::Stop, "stop"),
            Input::Restart => self.order(now, true, Effect::Restart, "restart"),
            Input::Switch(switch, on) => {
                self.switches[switch as usize] = on;
                self.skipped = false;
                let word = if on { "on" } else { "off" };
                self.log.add(now, format!("Switched {word}: {}", switch.name()));
                Vec::new()
            }
            Input::CheckEvery(pause) => {
                self.check_every = pause;
                self.next_check = self.next_check.min(now + pause);
                Vec::new()
            }
        }
    }

    fn look(&mut self, now: Time) -> Vec<Effect> {
        if self.checking || now < self.next_check {
            return Vec::new();
        }
        self.checking = true;
        vec![Effect::Check]
    }

    fn checked(&mut self, now: Time, judgement: Judgement) -> Vec<Effect> {
        self.checking = false;
        self.next_check = now + self.check_every;
        let is_down = judgement.state == InstanceState::Down;
        self.misses = if is_down { self.misses + 1 } else { 0 };
        // One miss of a ZooKeeper that answered before is no news yet.
        if is_down && self.wanted && self.misses < LOOKS && self.last.state == InstanceState::Serving {
            self.next_check = now + self.check_every.min(FIRST_BACKOFF);
            return Vec::new();
        }
        self.found(now, judgement);
        self.heal(now)
    }

    /// Takes in what it is like now.
    fn found(&mut self, now: Time, judgement: Judgement) {
        if judgement.state != self.last.state {
            self.log.add(now, format!("State: {}", judgement.state.description()));
        }
        self.last = judgement;
        match judgement.state {
            InstanceState::NotServing => {
                self.unserved_since.get_or_insert(now);
            }
            InstanceState::Serving => {
                self.unserved_since = None;
                self.patient_until = now;
                self.skipped = false;
                if now >= self.next_restart + self.backoff {
                    self.backoff = FIRST_BACKOFF;
                }
            }
            InstanceState::Latent | InstanceState::Down => self.unserved_since = None,
        }
    }

    /// Starts it again when that is called for.
    fn heal(&mut self, now: Time) -> Vec<Effect> {
        let patience = self.check_every * UNSERVED_CHECKS;
        let is_silent = self.misses >= LOOKS && now >= self.patient_until;
        let is_ill = is_silent || self.unserved_since.is_some_and(|since| now >= since + patience);
        if !is_ill || !self.wanted || !self.governs {
            return Vec::new();
        }
        if !self.is_set(Switch::Restarts) {
            if !std::mem::replace(&mut self.skipped, true) {
                self.log.add(now, "Restart of ZooKeeper skipped due to control panel setting");
            }
            return Vec::new();
        }
        if now < self.next_restart {
            self.next_check = self.next_check.min(self.next_restart);
            return Vec::new();
        }
        let state = self.last.state.description();
        self.log.add(now, format!("Restarting ZooKeeper, which is {state}"));
        self.restarts += 1;
        self.restarted(now);
        vec![Effect::Restart]
    }

    /// Gives it time to come up before the next restart, more every time.
    fn restarted(&mut self, now: Time) {
        self.next_restart = now + self.backoff;
        self.backoff = (self.backoff * 2).min(self.longest_backoff);
        self.patient_until = now + GRACE;
        self.misses = 0;
        self.unserved_since = None;
        self.next_check = now + self.check_every.min(FIRST_BACKOFF);
    }

    /// Whoever is gone need not be asked.
    fn exited(&mut self, now: Time, reason: &str) -> Vec<Effect> {
        if self.wanted {
            self.log.add(now, format!("ZooKeeper has ended: {reason}"));
        }
        self.found(now, Judgement::DOWN);
        self.patient_until = now;
        self.misses = LOOKS;
        self.heal(now)
    }

    fn order(&mut self, now: Time, wanted: bool, effect: Effect, word: &str) -> Vec<Effect> {
        if !self.governs {
            self.log.add(now, format!("Asked to {word} ZooKeeper, which somebody else runs"));
            return Vec::new();
        }
        self.log.add(now, format!("Asked to {word} ZooKeeper"));
        self.wanted = wanted;
        self.patient_until = now + GRACE;
        self.misses = 0;
        self.backoff = FIRST_BACKOFF;
        self.next_restart = now + self.backoff;
        self.next_check = now + self.check_every.min(FIRST_BACKOFF);
        vec![effect]
    }
}
