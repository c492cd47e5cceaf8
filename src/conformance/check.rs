//! A check: one behaviour of Mesos with its name, its source, what it needs, and how it is looked at.

use std::{pin::Pin, sync::Arc};

use crate::conformance::{
    expect::Expect,
    http::Request,
    site::{Peer, Site},
};

/// Why a check did not pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Miss {
    /// What should have been, and what was.
    Fail { expected: String, seen: String },
    /// It could not be looked at, and why.
    Skip(String),
}

impl Miss {
    pub fn fail(expected: impl Into<String>, seen: impl Into<String>) -> Self {
        Self::Fail { expected: expected.into(), seen: seen.into() }
    }

    pub fn skip(why: impl Into<String>) -> Self {
        Self::Skip(why.into())
    }
}

pub type Outcome<T = ()> = Result<T, Miss>;

/// What a check needs beside a leading master.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// An agent whose HTTP API can be reached from here.
    Agent,
    /// An agent with resources to offer: the check launches a task or looks at offers.
    Offers,
    /// A second master that does not lead.
    Standby,
}

/// When a check runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// A few requests: a few of these at a time.
    Quick,
    /// It waits for events: all of these at once, so that their tasks are launched together.
    Events,
    /// It is about offers, and must be the only one who is offered anything: one after the other, when the others are done.
    Alone,
}

type Work = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// One behaviour of Mesos.
pub struct Check {
    /// Stable, with groups before dots: `scheduler.subscribe.no-framework-info`.
    pub name: &'static str,
    /// One sentence.
    pub about: String,
    /// Where Mesos says so: a file of its source or documentation, or a recording (`golden GROUP/NAME`).
    pub source: &'static str,
    pub needs: Vec<Need>,
    pub lane: Lane,
    /// Where our own lab is known to be otherwise: the row of the README's table of differences.
    pub differs: Option<&'static str>,
    work: Box<dyn Fn(Arc<Site>) -> Work + Send + Sync>,
}

impl Check {
    /// A check with code of its own.
    pub fn new<F, W>(name: &'static str, about: impl Into<String>, source: &'static str, work: F) -> Self
    where
        F: Fn(Arc<Site>) -> W + Send + Sync + 'static,
        W: Future<Output = Outcome> + Send + 'static,
    {
        Self {
            name,
            about: about.into(),
            source,
            needs: Vec::new(),
            lane: Lane::Quick,
            differs: None,
            work: Box::new(move |site| Box::pin(work(site))),
        }
    }

    /// One request and its answer. `$FRAMEWORK`, `$STREAM` and `$AGENT` stand for the ids of a subscribed framework, of its
    /// stream and of an agent, in the request and in the answer.
    pub fn exchange(
        name: &'static str,
        about: impl Into<String>,
        source: &'static str,
        with: Peer,
        request: Request,
        expect: Expect,
    ) -> Self {
        let check = Self::new(name, about, source, move |site| {
            let (request, expect) = (request.clone(), expect.clone());
            async move {
                let (request, expect) = site.filled(request, expect).await?;
                let answer = site.ask(with, &request).await?;
                expect.hold(&answer)
            }
        });
        if with == Peer::Agent { check.needing(Need::Agent) } else { check }
    }

    #[must_use]
    pub fn needing(mut self, need: Need) -> Self {
        self.needs.push(need);
        self
    }

    #[must_use]
    pub fn in_lane(mut self, lane: Lane) -> Self {
        self.lane = lane;
        self
    }

    #[must_use]
    pub fn differs(mut self, row: &'static str) -> Self {
        self.differs = Some(row);
        self
    }

    /// The part of the name before the last dot.
    pub fn group(&self) -> &'static str {
        self.name.rsplit_once('.').map_or(self.name, |(group, _)| group)
    }

    pub fn run(&self, site: Arc<Site>) -> Work {
        (self.work)(site)
    }
}

/// [`Check::exchange`] with the master that leads.
pub fn to_master(
    name: &'static str,
    about: &str,
    source: &'static str,
    request: Request,
    expect: Expect,
) -> Check {
    Check::exchange(name, about, source, Peer::Master, request, expect)
}

/// [`Check::exchange`] with the agent.
pub fn to_agent(
    name: &'static str,
    about: &str,
    source: &'static str,
    request: Request,
    expect: Expect,
) -> Check {
    Check::exchange(name, about, source, Peer::Agent, request, expect)
}
