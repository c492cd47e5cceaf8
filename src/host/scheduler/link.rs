//! The connection to the master: subscribes, listens, and subscribes again, with patience, until the scheduler stops.

use std::sync::Arc;

use super::{Connection, Shared};
use crate::{
    client::{
        ClientError, Http,
        masters::Masters,
        retry::Retry,
        scheduler::{Events, subscribe},
    },
    mesos::v1::scheduler::event,
    scheduler::Input,
};

/// How the tries to subscribe go.
struct Tries {
    retry: Retry,
    /// The problem that was logged last, since the last success.
    told: Option<String>,
}

impl Tries {
    fn new(seed: u64) -> Self {
        Self { retry: Retry::new(seed), told: None }
    }

    fn succeeded(&mut self) {
        self.retry.succeeded();
        self.told = None;
    }

    /// Whether `reason` is worth a line in the log.
    fn is_news(&mut self, reason: &str) -> bool {
        let news = self.told.as_deref() != Some(reason);
        if news {
            self.told = Some(reason.to_owned());
        }
        news
    }
}

pub(super) async fn run(shared: Arc<Shared>, http: Http, mut masters: Masters) {
    let mut tries = Tries::new(super::seed());
    loop {
        let Some(call) = shared.core().scheduler.subscribe() else { return };
        shared.input(Input::Connecting {
            master: masters.current().to_string().trim_end_matches('/').to_owned(),
        });
        let reason = match subscribe(&http, &mut masters, &call).await {
            Ok((caller, events)) => {
                shared.connection.send_modify(|connection| {
                    *connection =
                        Connection { epoch: connection.epoch + 1, caller: Some(caller), stopped: false };
                });
                listen(&shared, events, &mut tries).await
            }
            Err(error) => error.to_string(),
        };
        let epoch = shared.connection.borrow().epoch;
        shared.drop_connection(epoch, false);
        if tries.is_news(&reason) {
            tracing::info!(%reason, "the scheduler is not subscribed");
        }
        shared.input(Input::Disconnected { reason });
        if shared.connection.borrow().stopped {
            return;
        }
        tokio::time::sleep(tries.retry.wait()).await;
    }
}

/// Hands on events until the subscription ends; returns why it has ended.
async fn listen(shared: &Shared, mut events: Events, tries: &mut Tries) -> String {
    let mut connection = shared.connection.subscribe();
    let mut complaint = None;
    loop {
        let event = tokio::select! {
            event = events.next() => event,
            () = dropped(&mut connection) => Err(ClientError::Closed("given up".to_owned())),
        };
        match event {
            Ok(event) => {
                let kind = event.r#type();
                if kind == event::Type::Error {
                    complaint = event.error.as_ref().map(|error| error.message.clone());
                }
                shared.input(Input::Event(Box::new(event)));
                if kind == event::Type::Subscribed {
                    tries.succeeded();
                    shared.subscribed.send_replace(true);
                }
            }
            Err(error) => return complaint.unwrap_or_else(|| error.to_string()),
        }
    }
}

/// Waits until somebody has dropped the connection.
async fn dropped(connection: &mut tokio::sync::watch::Receiver<Connection>) {
    // The sender lives as long as the scheduler.
    let _ = connection.wait_for(|connection| connection.caller.is_none()).await;
}

#[cfg(test)]
mod tests {
    use super::Tries;

    #[test]
    fn a_problem_is_told_once_until_it_changes_or_was_over() {
        let mut tries = Tries::new(1);
        let told = ["refused", "refused", "no leader", "refused"].map(|reason| tries.is_news(reason));
        assert_eq!(told, [true, false, true, true]);
        tries.succeeded();
        assert!(tries.is_news("refused"));
    }
}
