//! What all feeds share: where to ask, where to send, how long to wait.

use std::{convert::Infallible, sync::Arc, time::Duration};

use tokio::sync::{Notify, mpsc};

use crate::{
    client::{ClientError, Http, retry::Retry},
    cluster::{
        Change,
        watch::{Addresses, Locate},
    },
    mesos::time::Time,
    runtime::Clock,
};

/// A lab that was healed is found within the first, one that is down is looked for every second.
const LOOK: Duration = Duration::from_millis(500);
const LOOK_FOR_A_LAB: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// A connection that lasted this long was a good one: the next try is soon.
const LASTING: Duration = Duration::from_secs(2);

#[derive(Clone)]
pub struct Feed {
    pub http: Http,
    clock: Clock,
    locate: Locate,
    changes: mpsc::Sender<Change>,
    /// A connection has come or gone: the components may do otherwise than they did.
    pub stir: Arc<Notify>,
}

impl Feed {
    pub fn new(clock: Clock, locate: Locate, changes: mpsc::Sender<Change>) -> Self {
        Self { http: Http::new(), clock, locate, changes, stir: Arc::default() }
    }

    pub fn now(&self) -> Time {
        self.clock.now()
    }

    pub fn locate(&self) -> Result<Addresses, String> {
        (self.locate)()
    }

    /// Waits while the receiver has no room. When it is gone the whole feed ends.
    pub async fn send(&self, change: Change) {
        drop(self.changes.send(change).await);
    }

    pub async fn until_nobody_listens(self, work: impl Future<Output = Infallible>) {
        tokio::select! {
            never = work => match never {},
            () = self.changes.closed() => {}
        }
    }

    /// Sleeps until `at`; less when the cluster is then to be found elsewhere than at `place`.
    pub async fn pause(&self, at: Time, place: &Result<Addresses, String>) {
        while self.now() < at && self.locate() == *place {
            let next = at.min(self.now() + LOOK);
            tokio::time::sleep_until(self.clock.instant(next)).await;
        }
    }
}

/// One stream of one feed: since when what it told is old, and when to try again.
pub struct Line {
    heard: Time,
    up_since: Option<Time>,
    retry: Retry,
}

impl Line {
    pub fn new(feed: &Feed) -> Self {
        let now = feed.now();
        let seed = now.as_nanos().unsigned_abs();
        Self { heard: now, up_since: None, retry: Retry::new(seed).at_most(LONGEST_WAIT) }
    }

    pub fn is_up(&mut self, now: Time) {
        self.heard = now;
        self.up_since = Some(now);
    }

    /// Something came.
    pub fn hears(&mut self, now: Time) {
        self.heard = now;
    }

    /// The stream broke off: until then what it told was true. Not so when it was silent for too long.
    pub fn breaks(&mut self, now: Time, error: &ClientError) {
        if self.up_since.is_some() && !matches!(error, ClientError::Silent(_)) {
            self.heard = now;
        }
    }

    /// How old is what was told: the moment of the last news, or of the break.
    pub fn stale_since(&self) -> Time {
        self.heard
    }

    /// How long to wait before the next try.
    pub fn wait(&mut self, now: Time, place: &Result<Addresses, String>) -> Duration {
        let up_since = self.up_since.take();
        if up_since.is_some_and(|since| now.since(since) > LASTING) {
            self.retry.succeeded();
        }
        if place.is_err() { LOOK_FOR_A_LAB } else { self.retry.wait() }
    }
}

/// For people.
pub fn words(error: &ClientError) -> String {
    match error {
        ClientError::Unreachable { url, reason } => format!("{} does not answer: {reason}", host(url)),
        ClientError::Malformed(what) => format!("what it says cannot be read: {what}"),
        ClientError::Closed(why) => format!("the stream broke off: {why}"),
        ClientError::Silent(patience) => {
            format!("nothing was heard for {} s, not even a heartbeat", patience.as_secs())
        }
        ClientError::Refused { status: 503, body } if body.message.is_empty() => "it is not ready".to_owned(),
        ClientError::Refused { status, body } if !body.message.contains(&status.to_string()) => {
            format!("status {status}: {}", body.message.trim())
        }
        ClientError::NoLeader(_) => "no master leads".to_owned(),
        other => other.to_string(),
    }
}

/// `http://a:5050` of `http://a:5050/api/v1`.
fn host(url: &str) -> String {
    let parts: Vec<_> = url.splitn(4, '/').take(3).collect();
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use tokio::sync::mpsc;

    use super::{Feed, Line};
    use crate::{client::ClientError, cluster::watch::Addresses, runtime::Clock};

    #[test]
    fn what_a_stream_told_is_old_since_it_broke_and_since_the_last_word_when_it_was_silent() {
        let (changes, _held) = mpsc::channel(1);
        let feed = Feed::new(Clock::start(), Arc::new(|| Ok(Addresses::default())), changes);
        let start = feed.now();
        let later = start + Duration::from_secs(14);
        for (error, since) in [
            (ClientError::Closed("reset".to_owned()), later),
            (ClientError::Silent(Duration::from_secs(45)), start),
        ] {
            let mut line = Line::new(&feed);
            line.is_up(start);
            line.breaks(later, &error);
            assert_eq!(line.stale_since(), since, "{error}");
            line.wait(later, &Ok(Addresses::default()));
            line.breaks(later + Duration::from_secs(5), &error);
            assert_eq!(line.stale_since(), since, "a try that failed tells nothing: {error}");
        }
    }
}
