//! The way out: the state file and the calls in their order; acknowledgements beside them, several at a time.

use std::{sync::Arc, time::Duration};

use tokio::sync::{Mutex, mpsc, oneshot};

use super::Shared;
use crate::{
    client::ClientError,
    mesos::v1::scheduler::Call,
    runtime::Tasks,
    scheduler::{CallFailure, Input},
};

/// How many acknowledgements are under way at once.
const BESIDE: usize = 4;
const SOON: Duration = Duration::from_millis(100);

/// A call of the subscription `epoch`.
#[derive(Debug)]
pub struct Outgoing {
    pub epoch: u64,
    pub call: Box<Call>,
}

/// What leaves in order.
#[derive(Debug)]
pub enum Order {
    /// The state file is to hold what the core knows now.
    Save,
    Call(Outgoing),
    /// Give up the subscription.
    Stop,
    /// Say when everything before this is done.
    Flush(oneshot::Sender<()>),
}

/// Works off orders one by one. When the state cannot be saved, the calls that follow in the same breath are not made.
pub async fn in_order(shared: Arc<Shared>, mut orders: mpsc::UnboundedReceiver<Order>) {
    let mut unsaved = None;
    while let Some(order) = orders.recv().await {
        match order {
            Order::Save => unsaved = save(&shared).await.err(),
            Order::Call(outgoing) => match &unsaved {
                Some(problem) => shared.input(Input::CallFailed {
                    call: outgoing.call,
                    failure: CallFailure::NotSent(problem.clone()),
                }),
                None => call(&shared, outgoing).await,
            },
            Order::Stop => {
                shared.connection.give_up(shared.connection.epoch(), true);
            }
            Order::Flush(done) => {
                let _ = save(&shared).await;
                let _ = done.send(());
            }
        }
    }
}

/// Brings the state file up to what the core knows now.
pub async fn save(shared: &Shared) -> Result<(), String> {
    let saved = shared.store.save(|| {
        let core = shared.core();
        (core.generation, core.scheduler.saved())
    });
    saved.await.map_err(|error| {
        tracing::error!(%error, "the scheduler cannot save its state");
        error.to_string()
    })
}

async fn call(shared: &Shared, outgoing: Outgoing) {
    let failure = match shared.connection.caller(outgoing.epoch) {
        None => CallFailure::NotSent("the subscription has ended".to_owned()),
        Some(caller) => match caller.call(&outgoing.call).await {
            Ok(()) => return,
            Err(ClientError::Refused { status, body }) => {
                CallFailure::Refused { status, message: body.message }
            }
            Err(error) => CallFailure::Unknown(error.to_string()),
        },
    };
    tracing::warn!(call = outgoing.call.r#type().as_str_name(), ?failure, "a call to the master failed");
    shared.input(Input::CallFailed { call: outgoing.call, failure });
}

/// Starts the workers that acknowledge. What fails is not told: the agent sends the update again.
pub fn beside(tasks: &Tasks, shared: &Arc<Shared>, outgoing: mpsc::UnboundedReceiver<Outgoing>) {
    let outgoing = Arc::new(Mutex::new(outgoing));
    for _ in 0..BESIDE {
        tasks.spawn(acknowledge(Arc::clone(shared), Arc::clone(&outgoing)));
    }
}

async fn acknowledge(shared: Arc<Shared>, outgoing: Arc<Mutex<mpsc::UnboundedReceiver<Outgoing>>>) {
    loop {
        let next = outgoing.lock().await.recv().await;
        let Some(next) = next else { return };
        let Some(caller) = shared.connection.caller(next.epoch) else { continue };
        if let Err(error) = caller.call(&next.call).await {
            tracing::debug!(%error, "failed to acknowledge an update");
        }
    }
}

/// Saves what needs no haste, a little later and all at once; the more seldom, the longer it takes.
pub async fn save_soon(shared: Arc<Shared>) {
    let mut pause = SOON;
    loop {
        shared.save.notified().await;
        tokio::time::sleep(pause).await;
        let begun = shared.clock.now();
        let _ = save(&shared).await;
        pause = SOON.max(shared.clock.now().since(begun) * 10);
    }
}
