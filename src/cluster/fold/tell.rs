//! Writing down what happened: at once, or after a snapshot in one go, so that a great change is no flood.

use crate::cluster::{
    ClusterView,
    history::{Happening, Kind, Weight},
};

/// A snapshot that changes more than this is summed up.
const TOLD: usize = 50;

#[derive(Debug, Default)]
pub enum Voice {
    #[default]
    Aloud,
    /// Collects what a snapshot has changed.
    Later(Vec<Happening>),
    /// The first snapshot: nothing has happened, it is there.
    Silent,
}

impl ClusterView {
    /// Whether anybody wants to hear.
    pub(super) fn speaks(&self) -> bool {
        !matches!(self.fold.voice, Voice::Silent)
    }

    pub(super) fn tell(&mut self, kind: Kind, weight: Weight, subject: &str, text: String) {
        let happening = Happening { at: self.fold.now, kind, weight, subject: subject.to_owned(), text };
        match &mut self.fold.voice {
            Voice::Aloud => {
                self.history.push(happening);
            }
            Voice::Later(collected) => collected.push(happening),
            Voice::Silent => {}
        }
    }

    pub(super) fn begin_snapshot(&mut self) {
        self.fold.voice = if self.fold.begun { Voice::Later(Vec::new()) } else { Voice::Silent };
    }

    /// Says that there is a connection, where there was none, and then what has changed.
    pub(super) fn end_snapshot(&mut self) {
        let voice = std::mem::take(&mut self.fold.voice);
        if !self.master_link.is_up() {
            self.connected_to_master();
        }
        let Voice::Later(collected) = voice else { return };
        let (tasks, others): (Vec<_>, Vec<_>) =
            collected.into_iter().partition(|happening| happening.kind == Kind::Task);
        for happening in others {
            self.history.push(happening);
        }
        if tasks.len() <= TOLD {
            for happening in tasks {
                self.history.push(happening);
            }
        } else {
            let bad = tasks.iter().filter(|happening| happening.weight == Weight::Bad).count();
            let text = format!("{} tasks have changed, {bad} of them have failed", tasks.len());
            self.tell(Kind::Task, if bad > 0 { Weight::Bad } else { Weight::Info }, "", text);
        }
    }
}
