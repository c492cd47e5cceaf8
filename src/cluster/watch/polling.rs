//! `/state` again and again, from masters that refuse their event stream.

use std::time::Duration;

use crate::{
    client::operator::{Operator, OperatorEvents},
    cluster::{
        Change,
        link::Link,
        watch::{
            feed::{Feed, Line, words},
            master::url,
            state_json,
        },
    },
};

const PACE: Duration = Duration::from_secs(1);
/// At most this part of a master's time is ours.
const PART: u32 = 10;
/// How often the stream is tried again.
const STREAM: Duration = Duration::from_secs(30);

pub enum Polled {
    /// The stream is no longer refused.
    Accepted(OperatorEvents),
    Lost(String),
}

/// Polls until it fails, or the stream is there. `why` is what the stream was refused with.
pub async fn poll(feed: &Feed, line: &mut Line, operator: &Operator, why: &str) -> Polled {
    let mut every = Duration::ZERO;
    let mut tried = feed.now();
    loop {
        let begun = feed.now();
        if let Err(problem) = look(feed, operator).await {
            return Polled::Lost(format!("its event stream is refused ({why}), and its /state: {problem}"));
        }
        let now = feed.now();
        let pace = pace(now.since(begun));
        if every != pace {
            if every.is_zero() {
                line.is_up(now);
                feed.stir.notify_one();
            }
            every = pace;
            let link = Link::Polling { since: now, every, why: why.to_owned() };
            feed.send(Change::MasterLink(link)).await;
        }
        line.hears(now);
        tokio::time::sleep(every).await;
        if feed.now().since(tried) > STREAM {
            tried = feed.now();
            if let Ok(events) = operator.subscribe().await {
                return Polled::Accepted(events);
            }
        }
    }
}

/// Whole seconds, so that it does not change with every answer.
fn pace(took: Duration) -> Duration {
    let whole = Duration::from_secs((took * PART).as_secs_f64().ceil() as u64);
    whole.max(PACE)
}

async fn look(feed: &Feed, operator: &Operator) -> Result<(), String> {
    let text = operator.state_json().await.map_err(|error| words(&error))?;
    let state_json::Read { master, version, state } = state_json::read(&text)?;
    feed.send(Change::Master { url: url(operator), answer: Box::new(master), version }).await;
    feed.send(Change::Snapshot(Box::new(state.into()))).await;
    Ok(())
}
