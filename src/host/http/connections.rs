//! Who is connected to a listener, and who has to go: whoever is silent for too long, and when there are too many, the
//! one that has been silent the longest. A client that is being answered stays, a reader of a stream above all.
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
    /// Between two requests: longer than pools of connections keep theirs, so that clients close first.
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
    at: Mutex<(Phase, Time)>,
    closed: CancellationToken,
}

impl Connection {
    pub fn new(clock: Clock) -> Self {
        let at = Mutex::new((Phase::Waiting, clock.now()));
        Self { clock, at, closed: CancellationToken::new() }
    }

    /// Cancelling it ends the connection at once.
    pub fn closed(&self) -> &CancellationToken {
        &self.closed
    }

    pub fn enter(&self, phase: Phase) {
        *self.at() = (phase, self.clock.now());
    }

    /// Bytes have come. Those of a head do not prolong it; what is sent ahead during an answer waits.
    pub fn has_read(&self) {
        let phase = self.at().0;
        match phase {
            Phase::Waiting => self.enter(Phase::Head),
            Phase::Body => self.enter(phase),
            _ => {}
        }
    }

    /// The client has taken bytes.
    pub fn has_written(&self) {
        let phase = self.at().0;
        if matches!(phase, Phase::Sending | Phase::Draining) {
            self.enter(phase);
        }
    }

    /// The client has taken all bytes there were.
    pub fn has_flushed(&self) {
        if self.at().0 == Phase::Draining {
            self.enter(Phase::Waiting);
        }
    }

    fn at(&self) -> MutexGuard<'_, (Phase, Time)> {
        self.at.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_overdue(&self, now: Time, patience: &Patience) -> bool {
        let (phase, since) = *self.at();
        phase.patience(patience).is_some_and(|patience| now.since(since) > patience)
    }

    /// Since when it could be closed without harm.
    fn idle_since(&self) -> Option<Time> {
        let (phase, since) = *self.at();
        matches!(phase, Phase::Waiting | Phase::Head | Phase::Body).then_some(since)
    }
}

/// Every connection of a listener.
#[derive(Debug)]
pub struct Connections {
    limit: usize,
    patience: Patience,
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
        Self { limit, patience, open: Mutex::default(), turned_away: AtomicUsize::new(0) }
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
        let (number, connection) = (open.last, Arc::new(Connection::new(clock)));
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
        let connection = Connection::new(Clock::start());
        connection.has_read();
        let head = *connection.at();
        assert_eq!(head.0, Phase::Head);
        connection.has_read();
        assert_eq!(*connection.at(), head);
        connection.enter(Phase::Body);
        let body = connection.at().1;
        connection.has_read();
        assert!(connection.at().1 > body);
    }
}
