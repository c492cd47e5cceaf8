//! The way out: what is to be saved, then calls, answers and events, in their order.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};

use super::Shared;
use crate::{
    client::ClientError,
    host::http::Sink,
    mesos::v1::scheduler::Call,
    services::marathon::{Frame, Input, api::Answer},
};

/// How often watchers get a sign of life, so that those who left are noticed.
const HEARTBEAT: Duration = Duration::from_secs(10);

/// What leaves in order.
#[derive(Debug)]
pub(super) enum Order {
    /// This is the value now; none is none.
    Keep {
        key: String,
        value: Option<Bytes>,
    },
    Call {
        epoch: u64,
        call: Box<Call>,
    },
    Answer {
        sender: oneshot::Sender<Answer>,
        answer: Answer,
    },
    Tell(Frame),
    Attach(Watcher),
    /// This watcher has left.
    Detach(u64),
    Abdicate,
    /// Say when everything before this is done.
    Flush(oneshot::Sender<()>),
}

/// Somebody who listens to events.
#[derive(Debug)]
pub(super) struct Watcher {
    pub id: u64,
    pub sink: Sink,
    /// The types that are wanted; all when there is none.
    pub kinds: BTreeSet<String>,
    pub remote: String,
}

/// Works off orders: all that waits is saved at once, then the rest is done one by one.
pub(super) async fn run(shared: Arc<Shared>, mut orders: mpsc::UnboundedReceiver<Order>) {
    let mut watchers: Vec<Watcher> = Vec::new();
    let mut heartbeat = tokio::time::interval(HEARTBEAT);
    loop {
        let first = tokio::select! {
            order = orders.recv() => order,
            _ = heartbeat.tick() => {
                tell(&shared, &mut watchers, None, &Bytes::from_static(b"\r\n"));
                continue;
            }
        };
        let Some(first) = first else { return };
        let mut batch = vec![first];
        while let Ok(order) = orders.try_recv() {
            batch.push(order);
        }
        let saved = save(&shared, &batch).await;
        for order in batch {
            work_off(&shared, order, &mut watchers, &saved).await;
        }
    }
}

async fn save(shared: &Shared, batch: &[Order]) -> Result<(), String> {
    let kept = batch.iter().filter_map(|order| match order {
        Order::Keep { key, value } => Some((key.clone(), value.clone())),
        _ => None,
    });
    let changes: Vec<(String, Option<Bytes>)> = kept.collect();
    if changes.is_empty() {
        return Ok(());
    }
    let saved = shared.seat.store.lock().await.save(changes).await;
    saved.map_err(|error| {
        tracing::error!(%error, "Marathon cannot save its state");
        error.to_string()
    })
}

async fn work_off(
    shared: &Arc<Shared>,
    order: Order,
    watchers: &mut Vec<Watcher>,
    saved: &Result<(), String>,
) {
    match order {
        Order::Keep { .. } => {}
        Order::Call { call, .. } if saved.is_err() => {
            shared.input(Input::CallFailed { call, certain: true, stale: false });
        }
        Order::Call { epoch, call } => make(shared, epoch, call).await,
        Order::Answer { sender, answer } => {
            let answer = match saved {
                Ok(()) => answer,
                Err(problem) => Answer::failure(500, problem),
            };
            // Whoever asked may have left.
            let _ = sender.send(answer);
        }
        Order::Tell(frame) => tell(shared, watchers, Some(frame.kind), &frame.to_text().into()),
        Order::Attach(watcher) => watchers.push(watcher),
        Order::Detach(id) => {
            let left: Vec<Watcher> = watchers.extract_if(.., |watcher| watcher.id == id).collect();
            left.into_iter().for_each(|watcher| shared.input(Input::Detached { remote: watcher.remote }));
        }
        Order::Abdicate => shared.seat.abdicated.notify_one(),
        Order::Flush(done) => {
            let _ = done.send(());
        }
    }
}

/// Sends a record to those who want its kind; without a kind, to all.
fn tell(shared: &Arc<Shared>, watchers: &mut Vec<Watcher>, kind: Option<&str>, record: &Bytes) {
    let wants =
        |watcher: &Watcher| kind.is_none_or(|kind| watcher.kinds.is_empty() || watcher.kinds.contains(kind));
    let gone: Vec<Watcher> = watchers
        .extract_if(.., |watcher| wants(watcher) && watcher.sink.send(record.clone()).is_err())
        .collect();
    gone.into_iter().for_each(|watcher| shared.input(Input::Detached { remote: watcher.remote }));
}

async fn make(shared: &Arc<Shared>, epoch: u64, call: Box<Call>) {
    let failure = match shared.link.caller(epoch) {
        None => return shared.input(Input::CallFailed { call, certain: true, stale: false }),
        Some(caller) => match caller.call(&call).await {
            Ok(()) => return,
            Err(failure) => failure,
        },
    };
    tracing::warn!(call = call.r#type().as_str_name(), %failure, "a call to the master failed");
    let status = if let ClientError::Refused { status, .. } = &failure { Some(*status) } else { None };
    let certain = status.is_some_and(|status| (400..500).contains(&status));
    // Whatever the master does not take as it should be taken is told again on a new subscription.
    let stale = status.is_none_or(|status| matches!(status, 307 | 400 | 403 | 404 | 503));
    shared.input(Input::CallFailed { call, certain, stale });
}
