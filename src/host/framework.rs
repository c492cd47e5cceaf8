//! The connection of a framework to its master: subscribes, listens, and subscribes again, with patience, until the
//! framework wants no more.

use std::{sync::Arc, time::Duration};

use tokio::sync::watch;

use crate::{
    client::{
        ClientError, Http,
        masters::Masters,
        retry::Retry,
        scheduler::{Caller, Events, subscribe},
    },
    mesos::v1::scheduler::{Call, Event, event},
};

/// Whose connection it is.
pub trait Framework: Send + Sync + 'static {
    /// The SUBSCRIBE call for the next connection; none when there is to be no other.
    fn subscribe(&self) -> Option<Call>;

    /// A connection to this master is being made.
    fn connecting(self: &Arc<Self>, master: String);

    fn event(self: &Arc<Self>, event: Box<Event>);

    /// The subscription has ended, or could not be had.
    fn disconnected(self: &Arc<Self>, reason: String);

    /// What calls are made through.
    fn connection(&self) -> &Link;
}

/// The subscription that calls belong to.
#[derive(Debug, Default)]
pub struct Link(watch::Sender<Connection>);

/// One subscription, or the time before and between.
#[derive(Clone, Debug, Default)]
struct Connection {
    /// Grows with every subscription.
    epoch: u64,
    caller: Option<Caller>,
    stopped: bool,
}

impl Link {
    /// Which subscription this is.
    pub fn epoch(&self) -> u64 {
        self.0.borrow().epoch
    }

    /// None when that subscription has ended.
    pub fn caller(&self, epoch: u64) -> Option<Caller> {
        let connection = self.0.borrow();
        (connection.epoch == epoch).then(|| connection.caller.clone()).flatten()
    }

    /// Drops that subscription; with `stopped`, no other is made.
    pub fn give_up(&self, epoch: u64, stopped: bool) {
        self.0.send_if_modified(|connection| {
            let concerned = connection.epoch == epoch;
            if concerned {
                connection.caller = None;
                connection.stopped |= stopped;
            }
            concerned
        });
    }

    /// Waits until it has stopped for good.
    pub async fn stopped(&self) {
        // The sender lives as long as this link.
        let _ = self.0.subscribe().wait_for(|connection| connection.stopped).await;
    }

    fn open(&self, caller: Caller) {
        self.0.send_modify(|connection| {
            *connection = Connection { epoch: connection.epoch + 1, caller: Some(caller), stopped: false };
        });
    }
}

/// Before a new leader is tried, however soon it is elected.
const SHORTEST_PAUSE: Duration = Duration::from_millis(20);

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

/// Keeps a framework subscribed; `name` is for the log.
pub async fn run<F: Framework>(
    name: &'static str,
    framework: Arc<F>,
    http: Http,
    mut masters: Masters,
    seed: u64,
) {
    let mut tries = Tries::new(seed);
    let link = framework.connection();
    loop {
        let Some(call) = framework.subscribe() else { return };
        framework.connecting(masters.current().to_string().trim_end_matches('/').to_owned());
        let reason = match subscribe(&http, &mut masters, &call).await {
            Ok((caller, events)) => {
                link.open(caller);
                listen(&framework, events, &mut tries, &masters).await
            }
            Err(error) => error.to_string(),
        };
        link.give_up(link.epoch(), false);
        if tries.is_news(&reason) {
            tracing::info!(%reason, "{name} is not subscribed");
        }
        framework.disconnected(reason);
        if link.0.borrow().stopped {
            return;
        }
        let moved = async {
            tokio::time::sleep(SHORTEST_PAUSE).await;
            masters.moved().await;
        };
        tokio::select! {
            () = tokio::time::sleep(tries.retry.wait()) => {}
            () = moved => tries.retry.succeeded(),
        }
    }
}

/// Hands on events until the subscription ends; returns why it has ended.
async fn listen<F: Framework>(
    framework: &Arc<F>,
    mut events: Events,
    tries: &mut Tries,
    masters: &Masters,
) -> String {
    let mut connection = framework.connection().0.subscribe();
    let mut complaint = None;
    loop {
        let event = tokio::select! {
            event = events.next() => event,
            () = dropped(&mut connection) => Err(ClientError::Closed("given up".to_owned())),
            () = masters.moved() => Err(ClientError::Closed("another master leads".to_owned())),
        };
        match event {
            Ok(event) => {
                let kind = event.r#type();
                if kind == event::Type::Error {
                    complaint = event.error.as_ref().map(|error| error.message.clone());
                }
                if kind == event::Type::Subscribed {
                    tries.succeeded();
                }
                framework.event(Box::new(event));
            }
            Err(error) => return complaint.unwrap_or_else(|| error.to_string()),
        }
    }
}

/// Waits until somebody has dropped the connection.
async fn dropped(connection: &mut watch::Receiver<Connection>) {
    // The sender lives as long as the framework.
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
