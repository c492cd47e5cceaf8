//! The scheduler feed: the events of our scheduler, while there is one.

use std::{convert::Infallible, time::Duration};

use crate::{
    client::{ClientError, scheduler_api::SchedulerApi},
    cluster::{
        Change,
        link::Link,
        watch::feed::{Feed, Line, words},
    },
    scheduler::api::Event,
};

/// While there is none. The place is looked at in between.
const LONG: Duration = Duration::from_secs(3600);

pub async fn run(feed: Feed) -> Infallible {
    let mut line = Line::new(&feed);
    loop {
        let place = feed.locate();
        let scheduler = place.as_ref().map(|addresses| addresses.scheduler.as_deref());
        let problem = match scheduler {
            Ok(Some(url)) => words(&watch(&feed, &mut line, url).await),
            Ok(None) => {
                let why = place.as_ref().map(|addresses| addresses.no_scheduler.clone()).unwrap_or_default();
                feed.send(Change::SchedulerLink(Link::Absent { why })).await;
                feed.pause(feed.now() + LONG, &place).await;
                continue;
            }
            Err(problem) => problem.clone(),
        };
        let now = feed.now();
        let retry_at = now + line.wait(now, &place);
        feed.send(Change::SchedulerLink(Link::Lost { since: line.stale_since(), problem, retry_at })).await;
        feed.stir.notify_one();
        feed.pause(retry_at, &place).await;
    }
}

/// Sends all that the stream tells. Returns why it ended.
async fn watch(feed: &Feed, line: &mut Line, url: &str) -> ClientError {
    let events = async { SchedulerApi::new(feed.http.clone(), url)?.events().await };
    let mut events = match events.await {
        Ok(events) => events,
        Err(error) => return error,
    };
    loop {
        let event = match events.next().await {
            Ok(event) => event,
            Err(error) => {
                line.breaks(feed.now(), &error);
                return error;
            }
        };
        line.hears(feed.now());
        let begins = matches!(event, Event::Snapshot { .. });
        feed.send(Change::Scheduler(Box::new(event))).await;
        if begins {
            line.is_up(feed.now());
            feed.send(Change::SchedulerLink(Link::Live { since: feed.now() })).await;
            feed.stir.notify_one();
        }
    }
}
