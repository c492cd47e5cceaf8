//! The whole of Marathon: one struct, one entry.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use bytes::Bytes;
use rand::{RngCore, SeedableRng, rngs::SmallRng};

use super::{
    api::{Answer, Request},
    deploy::Deployment,
    events::{self, Frame},
    launcher::{Launcher, api as launch},
    model::{AppDefinition, AppId, Instance, RootGroup, TaskFailure, Timestamp},
    options::Options,
    saved::{self, History, Saved, SavedRoot},
};
use crate::mesos::{
    time::Time,
    v1::{
        FrameworkId,
        scheduler::{Call, Event},
    },
};

/// What happens to Marathon.
#[derive(Clone, Debug)]
pub enum Input {
    /// A request, under a number by which it is answered.
    Request {
        token: u64,
        request: Box<Request>,
    },
    /// Somebody listens to events from now on.
    Attached {
        remote: String,
    },
    Detached {
        remote: String,
    },
    /// A connection to this master is being made.
    Connecting {
        master: String,
    },
    /// An event of the subscription.
    Event(Box<Event>),
    /// The subscription has ended, or could not be had.
    Disconnected {
        reason: String,
    },
    /// The master did not take a call; `certain` when it surely did nothing of it, `stale` when the subscription is over.
    CallFailed {
        call: Box<Call>,
        certain: bool,
        stale: bool,
    },
    /// What came of a probe.
    Probed {
        probe: launch::ProbeId,
        outcome: launch::Outcome,
    },
    /// [`Marathon::next_deadline`] has come.
    Tick,
}

/// What Marathon wants done, in this order.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Save this before anything that follows is done.
    Save {
        key: String,
        value: Bytes,
    },
    Delete {
        key: String,
    },
    /// Make this call; calls arrive at the master in their order.
    Call(Box<Call>),
    /// Drop the subscription and make another.
    Resubscribe,
    Answer {
        token: u64,
        answer: Answer,
    },
    /// Tell whoever listens to events.
    Tell(Frame),
    /// Make this probe and answer with [`Input::Probed`].
    Probe(Box<launch::Probe>),
    /// Give up leadership: start anew from what is saved.
    Abdicate,
}

/// How the framework stands with its master.
#[derive(Clone, Debug, Default)]
pub(super) struct Link {
    pub subscribed: bool,
    /// Whether it was subscribed before.
    pub known: bool,
    pub master: Option<String>,
    pub problem: Option<String>,
}

/// Marathon.
#[derive(Debug)]
pub struct Marathon {
    pub(super) options: Options,
    pub(super) root: RootGroup,
    pub(super) roots: BTreeMap<Timestamp, SavedRoot>,
    pub(super) history: History,
    pub(super) deployments: Vec<Deployment>,
    pub(super) failures: BTreeMap<AppId, TaskFailure>,
    pub(super) launcher: Launcher,
    pub(super) framework_id: Option<FrameworkId>,
    pub(super) link: Link,
    pub(super) started_at: Time,
    pub(super) now: Time,
    pub(super) rng: SmallRng,
    pub(super) effects: Vec<Effect>,
}

impl Marathon {
    /// Goes on from what is saved; `seed` makes ids that no earlier run has used.
    pub fn new(now: Time, options: Options, saved: Saved, seed: u64) -> Self {
        let root = saved.root_group();
        let before = saved.deployments.iter().flat_map(|deployment| deployment.before.values().cloned());
        let definitions = saved.history.values().flat_map(|versions| versions.values().cloned());
        let definitions: Vec<Arc<AppDefinition>> = before.chain(definitions).map(Arc::new).collect();
        let mut launcher = Launcher::new(now, options.launcher.clone(), seed);
        launcher.restore(saved.instances, definitions);
        let mut marathon = Self {
            options,
            root,
            roots: saved.roots,
            history: saved.history,
            deployments: saved.deployments,
            failures: saved.failures,
            launcher,
            framework_id: saved.framework_id.map(FrameworkId::new),
            link: Link::default(),
            started_at: now,
            now,
            rng: SmallRng::seed_from_u64(seed.rotate_left(32)),
            effects: Vec::new(),
        };
        marathon.hold_all();
        marathon
    }

    /// The one entry.
    pub fn handle(&mut self, now: Time, input: Input) -> Vec<Effect> {
        self.now = self.now.max(now);
        match input {
            Input::Request { token, request } => {
                let answer = self.answer(&request);
                self.advance();
                self.effects.push(Effect::Answer { token, answer });
            }
            Input::Attached { remote } => self.tell(events::attached(self.timestamp(), &remote)),
            Input::Detached { remote } => self.tell(events::detached(self.timestamp(), &remote)),
            Input::Connecting { master } => self.link.master = Some(master),
            Input::Event(event) => self.event(*event),
            Input::Disconnected { reason } => self.disconnected(reason),
            Input::CallFailed { call, certain, stale } => self.call_failed(call, certain, stale),
            Input::Probed { probe, outcome } => self.feed(launch::Input::Probed { probe, outcome }),
            Input::Tick => self.feed(launch::Input::Tick),
        }
        self.advance();
        std::mem::take(&mut self.effects)
    }

    /// When [`Input::Tick`] is wanted.
    pub fn next_deadline(&self) -> Option<Time> {
        self.launcher.next_deadline()
    }

    pub fn options(&self) -> &Options {
        &self.options
    }

    /// How many apps there are.
    pub fn app_count(&self) -> usize {
        self.root.apps.len()
    }

    pub fn is_subscribed(&self) -> bool {
        self.link.subscribed
    }

    /// Tells the launcher, and takes up what it wants done.
    pub(super) fn feed(&mut self, input: launch::Input) {
        let mut effects: VecDeque<launch::Effect> = self.launcher.handle(self.now, input).into();
        while let Some(effect) = effects.pop_front() {
            self.launched(effect);
        }
    }

    fn launched(&mut self, effect: launch::Effect) {
        match effect {
            launch::Effect::Save(id) => {
                if let Some(instance) = self.launcher.instance(&id) {
                    let value = saved::to_bytes(instance);
                    self.effects.push(Effect::Save { key: saved::instance_key(&id), value });
                }
            }
            launch::Effect::Forget(id) => {
                self.effects.push(Effect::Delete { key: saved::instance_key(&id) });
            }
            launch::Effect::Call(call) => self.effects.push(Effect::Call(call)),
            launch::Effect::Roles(_) => self.update_framework(),
            launch::Effect::Failure(failure) => {
                self.save(saved::failure_key(&failure.app_id), &*failure);
                self.failures.insert(failure.app_id.clone(), *failure);
            }
            launch::Effect::Probe(probe) => self.effects.push(Effect::Probe(probe)),
            launch::Effect::Event(event) => {
                let frame = events::of_launcher(self.timestamp(), &event);
                self.tell(frame);
            }
        }
    }

    pub(super) fn save(&mut self, key: String, value: &impl serde::Serialize) {
        self.effects.push(Effect::Save { key, value: saved::to_bytes(value) });
    }

    pub(super) fn delete(&mut self, key: String) {
        self.effects.push(Effect::Delete { key });
    }

    pub(super) fn tell(&mut self, frame: Frame) {
        self.effects.push(Effect::Tell(frame));
    }

    pub(super) fn timestamp(&self) -> Timestamp {
        Timestamp::from(self.now)
    }

    /// The instances of an app.
    pub(super) fn instances_of(&self, app: &AppId) -> Vec<&Instance> {
        self.launcher.instances_of(app).collect()
    }

    /// A new uuid.
    pub(super) fn uuid(&mut self) -> String {
        let mut bytes = [0; 16];
        self.rng.fill_bytes(&mut bytes);
        uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
    }
}
