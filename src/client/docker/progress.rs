//! What happens while an image is built, pulled or pushed.

use std::time::Duration;

/// Something that happened to an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The image, by its reference.
    pub image: String,
    pub what: What,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// A step of its Dockerfile begins; the first one is 1.
    Step {
        at: u32,
        of: u32,
        text: String,
    },
    /// How far a layer is, in bytes where that is told.
    Layer {
        id: String,
        status: String,
        current: u64,
        total: Option<u64>,
    },
    /// The way to a registry failed, and is tried again.
    Retry {
        after: Duration,
        reason: String,
    },
    Done(Outcome),
}

/// How an image came to be where it is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    Built,
    /// As it was built before.
    Unchanged,
    Pulled,
    /// It was there.
    Present,
    Pushed,
}

impl Outcome {
    pub fn word(self) -> &'static str {
        match self {
            Self::Built => "built",
            Self::Unchanged => "unchanged",
            Self::Pulled => "pulled",
            Self::Present => "present",
            Self::Pushed => "pushed",
        }
    }
}

/// Is told of every event, in order for each image.
pub type Watch<'a> = &'a (dyn Fn(&Event) + Send + Sync);

/// Whoever watches one image.
#[derive(Clone, Copy)]
pub(super) struct Teller<'a> {
    pub image: &'a str,
    pub watch: Watch<'a>,
}

impl Teller<'_> {
    pub(super) fn tell(&self, what: What) {
        (self.watch)(&Event { image: self.image.to_owned(), what });
    }
}
