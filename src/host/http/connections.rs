//! Who is connected to a listener, and who has to go: whoever is silent for too long, and when there are too many, the
//! one that has been silent the longest. A client that is being answered stays, a reader of a stream above all.
//!
//! A connection whose last request was a message is a link: its sender keeps it for as long as it lives, sends when
//! it has something to say, and takes its end for our death. A link may be silent for ever and never makes room. So
//! that a flood of them cannot shut out everybody else, at most half of the places are for links, first come, first
//! kept: what comes beyond is idle like any other connection, and the links that were there before the flood stay.
//! The kernel finds out whose host has vanished.
//!
//! ```text
//! waiting --first byte--> head --> body --> answering --> sending --its end--> draining --flushed--> waiting
//!                                                  \----> streaming
//! ```

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio_util::sync::CancellationToken;

use crate::{mesos::time::Time, runtime::Clock};

/// How long a client may be silent, by what it is at.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Between two requests: longer than pools of connections keep theirs, so that clients close first. Not for links.
    pub waiting: Duration,
    /// From the first byte of a head to its end, however busily it drips.
    pub head: Duration,
    /// From one piece of a body to the next.
    pub body: Duration,
    /// From one piece of an answer that it reads to the next; streams are bounded by their backlog instead.
    pub sending: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            waiting: Duration::from_secs(600),
            head: Duration::from_secs(30),
            body: Duration::from_secs(30),
            sending: Duration::from_secs(60),
        }
    }
}

/// What a connection is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    Waiting,
    Head,
    Body,
    Answering,
    Sending,
    /// The answer is complete and partly still on its way.
    Draining,
    Streaming,
}

impl Phase {
    fn patience(self, patience: &Patience) -> Option<Duration> {
        match self {
            Self::Waiting => Some(patience.waiting),
            Self::Head => Some(patience.head),
            Self::Body => Some(patience.body),
            Self::Sending | Self::Draining => Some(patience.sending),
            Self::Answering | Self::Streaming => None,
        }
    }
}

/// One connection, as its socket, its request and its answer see it.
#[derive(Debug)]
pub struct Connection {
    clock: Clock,
    links: Arc<Links>,
    at: Mutex<At>,
    closed: CancellationToken,
}

#[derive(Debug)]
struct At {
    phase: Phase,
    since: Time,
    /// The last request was a message.
    message: bool,
    link: Option<Link>,
}

impl Connection {
    pub fn new(clock: Clock, links: Arc<Links>) -> Self {
        let at = At { phase: Phase::Waiting, since: clock.now(), message: false, link: None };
        Self { clock, links, at: Mutex::new(at), closed: CancellationToken::new() }
    }

    /// Cancelling it ends the connection at once.
    pub fn closed(&self) -> &CancellationToken {
        &self.closed
    }

    pub fn enter(&self, phase: Phase) {
        let mut at = self.at();
        (at.phase, at.since) = (phase, self.clock.now());
    }

    /// A request begins, which is a message or is none.
    pub fn carries(&self, message: bool) {
        let mut at = self.at();
        at.message = message;
        if !message {
            at.link = None;
        } else if at.link.is_none() {
            at.link = self.links.place();
        }
    }

    /// Whether what is answered is a message.
    pub fn carries_message(&self) -> bool {
        self.at().message
    }

    /// Whether an answer is being made or sent that a client who leaves does not want; a message wants none.
    pub fn is_waited_for(&self) -> bool {
        let at = self.at();
        !at.message && matches!(at.phase, Phase::Answering | Phase::Sending | Phase::Streaming)
    }

    /// Bytes have come. Those of a head do not prolong it; what is sent ahead during an answer waits.
    pub fn has_read(&self) {
        let phase = self.at().phase;
        match phase {
            Phase::Waiting => self.enter(Phase::Head),
            Phase::Body => self.enter(phase),
            _ => {}
        }
    }

    /// The client has taken bytes.
    pub fn has_written(&self) {
        let phase = self.at().phase;
        if matches!(phase, Phase::Sending | Phase::Draining) {
            self.enter(phase);
        }
    }

    /// The client has taken all bytes there were.
    pub fn has_flushed(&self) {
        if self.at().phase == Phase::Draining {
            self.enter(Phase::Waiting);
        }
    }

    fn at(&self) -> MutexGuard<'_, At> {
        self.at.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_overdue(&self, now: Time, patience: &Patience) -> bool {
        let at = self.at();
        let is_silent_link = at.link.is_some() && at.phase == Phase::Waiting;
        let bounded = at.phase.patience(patience).filter(|_| !is_silent_link);
        bounded.is_some_and(|patience| now.since(at.since) > patience)
    }

    /// Since when it could be closed without harm.
    fn idle_since(&self) -> Option<Time> {
        let at = self.at();
        let idle = at.link.is_none() && matches!(at.phase, Phase::Waiting | Phase::Head | Phase::Body);
        idle.then_some(at.since)
    }
}

/// How many connections may be links.
#[derive(Debug)]
pub struct Links {
    limit: usize,
    held: AtomicUsize,
}

/// A place among the links, given back when it is dropped.
#[derive(Debug)]
struct Link(Arc<Links>);

impl Links {
    fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { limit, held: AtomicUsize::new(0) })
    }

    fn place(self: &Arc<Self>) -> Option<Link> {
        let one_more = |held| (held < self.limit).then_some(held + 1);
        let placed = self.held.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more);
        placed.is_ok().then(|| Link(Arc::clone(self)))
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.0.held.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Every connection of a listener.
#[derive(Debug)]
pub struct Connections {
    limit: usize,
    patience: Patience,
    links: Arc<Links>,
    open: Mutex<Open>,
    turned_away: AtomicUsize,
}

#[derive(Debug, Default)]
struct Open {
    connections: BTreeMap<u64, Arc<Connection>>,
    last: u64,
}

/// A place among the connections, given back when it is dropped.
pub struct Place {
    pub connection: Arc<Connection>,
    number: u64,
    connections: Arc<Connections>,
}

impl Connections {
    pub fn new(limit: usize, patience: Patience) -> Self {
        let links = Links::new(limit / 2);
        Self { limit, patience, links, open: Mutex::default(), turned_away: AtomicUsize::new(0) }
    }

    /// A place for a new connection, at the cost of the longest idle one where all are taken; None when none is idle.
    pub fn admit(self: &Arc<Self>, clock: Clock) -> Option<Place> {
        let mut open = self.open();
        if open.connections.len() >= self.limit {
            self.turned_away.fetch_add(1, Ordering::Relaxed);
            let idle = open.connections.iter().filter_map(|(number, c)| Some((c.idle_since()?, *number)));
            let (_, longest) = idle.min()?;
            open.connections.remove(&longest).inspect(|connection| connection.closed.cancel());
        }
        open.last += 1;
        let (number, connection) = (open.last, Arc::new(Connection::new(clock, Arc::clone(&self.links))));
        open.connections.insert(number, Arc::clone(&connection));
        Some(Place { connection, number, connections: Arc::clone(self) })
    }

    /// Closes whoever has been silent for too long; how many that were.
    pub fn close_overdue(&self, now: Time) -> usize {
        let open = self.open();
        let overdue =
            open.connections.values().filter(|connection| connection.is_overdue(now, &self.patience));
        overdue.inspect(|connection| connection.closed.cancel()).count()
    }

    /// How many connections were one too many since this was last asked.
    pub fn turned_away(&self) -> usize {
        self.turned_away.swap(0, Ordering::Relaxed)
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.connections.open().connections.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connections(limit: usize) -> Arc<Connections> {
        Arc::new(Connections::new(limit, Patience::default()))
    }

    fn is_closed(place: &Place) -> bool {
        place.connection.closed.is_cancelled()
    }

    #[test]
    fn the_longest_idle_makes_room_and_nobody_who_is_answered() {
        let (all, clock) = (connections(3), Clock::start());
        let admit = || all.admit(clock);
        let [stream, first, second] = [admit(), admit(), admit()].map(Option::unwrap);
        stream.connection.enter(Phase::Streaming);
        first.connection.has_read();
        let third = admit().unwrap();
        assert!(is_closed(&second) && !is_closed(&first) && !is_closed(&stream));
        for place in [&first, &third] {
            place.connection.enter(Phase::Answering);
        }
        assert!(admit().is_none());
        assert_eq!((all.turned_away(), all.turned_away()), (2, 0));
        drop(third);
        assert!(admit().is_some());
    }

    #[test]
    fn silence_is_borne_by_what_it_is_in() {
        let (all, clock) = (connections(10), Clock::start());
        let places: Vec<_> = std::iter::repeat_with(|| all.admit(clock).unwrap()).take(7).collect();
        let phases = [
            Phase::Waiting,
            Phase::Head,
            Phase::Body,
            Phase::Answering,
            Phase::Sending,
            Phase::Draining,
            Phase::Streaming,
        ];
        for (place, phase) in places.iter().zip(phases) {
            place.connection.enter(phase);
        }
        let closed_after = |seconds| {
            all.close_overdue(clock.now() + Duration::from_secs(seconds));
            let closed = places.iter().zip(phases).filter(|(place, _)| is_closed(place));
            closed.map(|(_, phase)| phase).collect::<Vec<_>>()
        };
        assert_eq!(closed_after(29), []);
        assert_eq!(closed_after(31), [Phase::Head, Phase::Body]);
        assert_eq!(closed_after(599), [Phase::Head, Phase::Body, Phase::Sending, Phase::Draining]);
        let all_but_two = [Phase::Waiting, Phase::Head, Phase::Body, Phase::Sending, Phase::Draining];
        assert_eq!(closed_after(100_000), all_but_two);
    }

    #[test]
    fn bytes_prolong_a_body_and_no_head() {
        let connection = Connection::new(Clock::start(), Links::new(1));
        let at = || {
            let at = connection.at();
            (at.phase, at.since)
        };
        connection.has_read();
        let head = at();
        assert_eq!(head.0, Phase::Head);
        connection.has_read();
        assert_eq!(at(), head);
        connection.enter(Phase::Body);
        let body = at().1;
        connection.has_read();
        assert!(at().1 > body);
    }

    #[test]
    fn links_may_be_silent_and_are_at_most_half() {
        let (all, clock) = (connections(6), Clock::start());
        let mut places: Vec<_> = std::iter::repeat_with(|| all.admit(clock).unwrap()).take(6).collect();
        for place in &places[..4] {
            place.connection.carries(true);
        }
        let more: Vec<_> = std::iter::repeat_with(|| all.admit(clock).unwrap()).take(3).collect();
        assert_eq!(places.iter().map(is_closed).collect::<Vec<_>>(), [false, false, false, true, true, true]);
        drop(more);
        assert_eq!(all.close_overdue(clock.now() + Duration::from_secs(100_000)), 0);
        places[0].connection.carries(false);
        assert_eq!(all.close_overdue(clock.now() + Duration::from_secs(100_000)), 1);
        places.remove(0).connection.carries(true);
        assert_eq!(all.links.held.load(Ordering::Relaxed), 2, "its place went with it");
        places[0].connection.enter(Phase::Body);
        assert_eq!(all.close_overdue(clock.now() + Duration::from_secs(31)), 1, "half a message");
    }
}
