//! The master feed: one stream of the master that leads, opened again whenever it ends.

use std::convert::Infallible;

use crate::{
    client::{
        masters::Masters,
        operator::{Operator, OperatorEvents},
        published::Published,
    },
    cluster::{
        Change,
        link::Link,
        watch::{
            feed::{Feed, Line, words},
            polling::{Polled, poll},
            refresh::{News, refresh},
        },
    },
    mesos::v1::master::{Event, event::Subscribed, response::GetMaster},
};

/// As [`Addresses`](super::Addresses) has them: the masters, and where they answer.
type Named = (String, Published);

pub struct Master {
    feed: Feed,
    line: Line,
    /// The masters that were named, and who of them was found to lead.
    operator: Option<(Named, Operator)>,
    /// What the read model has been told.
    published: Published,
}

impl Master {
    pub fn new(feed: Feed) -> Self {
        Self { line: Line::new(&feed), feed, operator: None, published: Published::default() }
    }

    pub async fn run(mut self) -> Infallible {
        loop {
            let place = self.feed.locate();
            let problem = match &place {
                Ok(addresses) => self.watch((addresses.master.clone(), addresses.published.clone())).await,
                Err(problem) => problem.clone(),
            };
            let now = self.feed.now();
            let retry_at = now + self.line.wait(now, &place);
            let since = self.line.stale_since();
            self.feed.send(Change::MasterLink(Link::Lost { since, problem, retry_at })).await;
            self.feed.stir.notify_one();
            self.feed.pause(retry_at, &place).await;
        }
    }

    /// Returns what went wrong.
    async fn watch(&mut self, masters: Named) -> String {
        if self.published != masters.1 {
            self.published = masters.1.clone();
            self.feed.send(Change::Published(masters.1.clone())).await;
        }
        let operator = match self.operator.take() {
            Some((named, operator)) if named == masters => operator,
            _ => match Masters::parse(&masters.0) {
                Ok(known) => {
                    let known = known.published_at(masters.1.clone());
                    Operator::new(self.feed.http.clone(), known)
                }
                Err(error) => return error.to_string(),
            },
        };
        let problem = self.connect(&operator).await;
        self.operator = Some((masters, operator));
        problem
    }

    async fn connect(&mut self, operator: &Operator) -> String {
        let events = match operator.subscribe().await {
            Ok(events) => events,
            Err(error) if error.is_denial() => {
                match poll(&self.feed, &mut self.line, operator, &words(&error)).await {
                    Polled::Accepted(events) => events,
                    Polled::Lost(problem) => return problem,
                }
            }
            Err(error) => return words(&error),
        };
        let news = News::default();
        let feed = self.feed.clone();
        tokio::select! {
            problem = self.pass_on(operator, events, &news) => problem,
            never = refresh(&feed, operator, &news) => match never {},
        }
    }

    /// Sends all that the stream tells. Returns why it ended.
    async fn pass_on(&mut self, operator: &Operator, mut events: OperatorEvents, news: &News) -> String {
        loop {
            let event = match events.next().await {
                Ok(event) => event,
                Err(error) => {
                    self.line.breaks(self.feed.now(), &error);
                    return words(&error);
                }
            };
            self.line.hears(self.feed.now());
            match event {
                Event { subscribed: Some(subscribed), .. } => self.begin(operator, subscribed).await,
                event => self.feed.send(Change::Event(Box::new(news.of(event)))).await,
            }
            news.come();
        }
    }

    async fn begin(&mut self, operator: &Operator, subscribed: Subscribed) {
        let now = self.feed.now();
        self.line.is_up(now);
        self.feed.send(here(operator)).await;
        self.feed.send(Change::Snapshot(Box::new(subscribed.get_state.unwrap_or_default().into()))).await;
        self.feed.send(Change::MasterLink(Link::Live { since: now })).await;
        self.feed.stir.notify_one();
    }
}

/// The address alone; the rest is asked for later.
pub fn here(operator: &Operator) -> Change {
    Change::Master { url: url(operator), answer: Box::new(GetMaster::default()), version: String::new() }
}

/// Without a slash at its end.
pub fn url(operator: &Operator) -> String {
    operator.master().as_str().trim_end_matches('/').to_owned()
}
