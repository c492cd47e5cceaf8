//! What the mutex holds: the server, the ways out, and what waits for the log; and the two loops that wait: for the disk and
//! for time.

use std::{collections::HashMap, mem, sync::Arc};

use bytes::{Bytes, BytesMut};
use tokio_util::sync::CancellationToken;

use super::{
    Shared,
    log::Log,
    outlet::{End, Outlet},
};
use crate::{
    mesos::time::Time,
    runtime,
    services::zookeeper::{ConnectionId, Effect, Input, Server},
};

/// So many bytes may wait for the log until clients have to.
const MOST_WAITING: usize = 32 * 1024 * 1024;

/// What is done under the lock.
pub struct Core {
    pub server: Server,
    outlets: HashMap<ConnectionId, Arc<Outlet>>,
    batch: Batch,
    /// Whether there is a log.
    durable: bool,
    /// A batch is being written: what comes now waits, too.
    writing: bool,
    /// What the timer waits for.
    pub armed: Option<Time>,
}

/// What goes to the log at once, and what waits for it.
#[derive(Default)]
struct Batch {
    entries: BytesMut,
    count: u64,
    then: Vec<Effect>,
    /// Of what waits.
    bytes: usize,
}

impl Core {
    pub fn new(server: Server, durable: bool) -> Self {
        let batch = Batch::default();
        Self { server, outlets: HashMap::new(), batch, durable, writing: false, armed: None }
    }

    pub fn open(&mut self, id: ConnectionId, outlet: Arc<Outlet>) {
        self.outlets.insert(id, outlet);
    }

    pub fn forget(&mut self, id: ConnectionId) {
        self.outlets.remove(&id);
    }

    pub fn has_to_append(&self) -> bool {
        !self.writing && self.batch.count > 0
    }

    /// Does what can be done, and keeps what has to wait for the log, in order.
    pub fn take(&mut self, now: Time, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Append(_) if !self.durable => {}
                Effect::Append(entry) => {
                    self.batch.entries.extend_from_slice(&entry);
                    self.batch.count += 1;
                }
                effect if self.writing || self.batch.count > 0 => {
                    self.batch.bytes += size(&effect);
                    self.batch.then.push(effect);
                }
                effect => self.dispatch(now, effect),
            }
        }
    }

    fn dispatch(&mut self, now: Time, effect: Effect) {
        match effect {
            Effect::Append(_) => {}
            Effect::Send { connection, content, since } => {
                if let Some(outlet) = self.outlets.get(&connection) {
                    outlet.frame(&content);
                }
                self.server.sent(now, connection, since);
            }
            Effect::Say { connection, text } => {
                if let Some(outlet) = self.outlets.get(&connection) {
                    outlet.say(&text);
                }
            }
            Effect::Close { connection } => {
                if let Some(outlet) = self.outlets.get(&connection) {
                    outlet.end(End::Drained);
                }
            }
        }
    }

    fn hang_up(&mut self) {
        self.outlets.values().for_each(|outlet| outlet.end(End::Dropped));
    }
}

fn size(effect: &Effect) -> usize {
    match effect {
        Effect::Append(bytes) => bytes.len(),
        Effect::Send { content, .. } => content.len(),
        Effect::Say { text, .. } => text.len(),
        Effect::Close { .. } => 0,
    }
}

/// What one turn of the log's loop writes.
struct Turn {
    entries: Bytes,
    count: u64,
    /// The state after these entries and the number of the last, when the log has grown long.
    snapshot: Option<(i64, Bytes)>,
}

/// Writes what waits, again and again: one batch, one fsync, then the answers.
pub async fn write_log(shared: Arc<Shared>, mut log: Log, stop: CancellationToken) {
    while stop.run_until_cancelled(shared.append.notified()).await.is_some() {
        while let Some((turn, then)) = shared.begin_turn(&log) {
            let wrote = runtime::compute(move || {
                let result = log.write(&turn.entries, turn.count, turn.snapshot);
                (log, result)
            });
            match wrote.await {
                Some((written, Ok(()))) => log = written,
                Some((_, Err(error))) => return shared.fail(&error.to_string()),
                None => return shared.fail("the writer died"),
            }
            shared.end_turn(then, log.bytes());
        }
    }
}

/// Wakes the server when a session or a node may be over, and only then.
pub async fn run_timer(shared: Arc<Shared>) {
    loop {
        let due = {
            let mut core = shared.core();
            core.armed = core.server.deadline();
            core.armed
        };
        let wake = shared.clock.reach(due);
        tokio::select! {
            () = wake => shared.input(Input::Tick),
            () = shared.earlier.notified() => {}
        }
    }
}

impl Shared {
    fn begin_turn(&self, log: &Log) -> Option<(Turn, Vec<Effect>)> {
        let mut core = self.core();
        if core.batch.count == 0 {
            core.writing = false;
            let (now, batch) = (self.clock.now(), mem::take(&mut core.batch));
            batch.then.into_iter().for_each(|effect| core.dispatch(now, effect));
            return None;
        }
        core.writing = true;
        let batch = mem::take(&mut core.batch);
        let snapshot = log.is_long().then(|| (core.server.zxid(), core.server.snapshot()));
        let turn = Turn { entries: batch.entries.freeze(), count: batch.count, snapshot };
        Some((turn, batch.then))
    }

    /// What waited for the turn goes out.
    fn end_turn(&self, then: Vec<Effect>, disk: u64) {
        let mut core = self.core();
        let now = self.clock.now();
        then.into_iter().for_each(|effect| core.dispatch(now, effect));
        core.server.set_disk(disk);
        drop(core);
        self.flushed.notify_waiters();
    }

    fn fail(&self, error: &str) {
        tracing::error!(error, "the log of ZooKeeper cannot be written: nothing is answered any more");
        self.core().hang_up();
        self.failed.cancel();
    }

    /// Waits while too much waits for the disk.
    pub async fn patience(&self) {
        loop {
            let flushed = self.flushed.notified();
            tokio::pin!(flushed);
            flushed.as_mut().enable();
            if self.core().batch.bytes < MOST_WAITING {
                return;
            }
            flushed.await;
        }
    }
}
