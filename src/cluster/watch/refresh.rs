//! What the stream of a master does not tell, asked for soon after something happened, and now and then when nothing does.

use std::{
    convert::Infallible,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use tokio::{sync::Notify, time::sleep};

use crate::{
    client::{ClientError, operator::Operator},
    cluster::{
        Change,
        watch::{feed::Feed, master::url, state_json},
    },
    mesos::v1::master::{
        Event,
        event::Type,
        response::{GetAgents, GetFrameworks},
    },
};

/// Several things that happen at once are one piece of news.
const SOON: Duration = Duration::from_millis(100);
const QUIET: Duration = Duration::from_secs(2);
/// At most this part of a master's time is ours.
const PART: u32 = 20;

/// What the stream has told since the beginning.
#[derive(Default)]
pub struct News {
    come: Notify,
    /// How often an agent or a framework came, went or changed.
    members: AtomicU64,
}

impl News {
    pub fn come(&self) {
        self.come.notify_one();
    }

    /// Notes what `event` is about.
    pub fn of(&self, event: Event) -> Event {
        match event.r#type() {
            Type::AgentAdded
            | Type::AgentRemoved
            | Type::FrameworkAdded
            | Type::FrameworkUpdated
            | Type::FrameworkRemoved => drop(self.members.fetch_add(1, Ordering::Relaxed)),
            Type::TaskAdded | Type::TaskUpdated | Type::Subscribed | Type::Heartbeat | Type::Unknown => {}
        }
        event
    }

    fn members(&self) -> u64 {
        self.members.load(Ordering::Relaxed)
    }
}

/// Asks again and again, from the first piece of news on.
pub async fn refresh(feed: &Feed, operator: &Operator, news: &News) -> Infallible {
    news.come.notified().await;
    about(feed, operator).await;
    loop {
        let (members, begun) = (news.members(), feed.now());
        let answer = ask(operator).await;
        let cost = feed.now().since(begun) * PART;
        match answer {
            // An answer that is older than an event would take back what the event has told.
            Ok((agents, frameworks)) if members == news.members() => {
                let (agents, frameworks) = (Box::new(agents), Box::new(frameworks));
                feed.send(Change::Refresh { agents, frameworks }).await;
            }
            _ => {}
        }
        tokio::select! {
            () = sleep(QUIET.max(cost)) => {}
            () = news.come.notified() => sleep(SOON.max(cost)).await,
        }
    }
}

/// Who the master is; what it refuses to say stays unknown.
async fn about(feed: &Feed, operator: &Operator) {
    let (master, version) = tokio::join!(operator.get_master(), operator.get_version());
    let version = version.map(|version| version.version).unwrap_or_default();
    let answer = Box::new(master.unwrap_or_default());
    feed.send(Change::Master { url: url(operator), answer, version }).await;
}

async fn ask(operator: &Operator) -> Result<(GetAgents, GetFrameworks), ClientError> {
    let both = async { tokio::try_join!(operator.get_agents(), operator.get_frameworks()) };
    match both.await {
        Err(error) if error.is_denial() => {
            let state =
                state_json::read(&operator.state_json().await?).map_err(ClientError::Malformed)?.state;
            Ok((state.get_agents.unwrap_or_default(), state.get_frameworks.unwrap_or_default()))
        }
        answer => answer,
    }
}
