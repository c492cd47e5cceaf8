//! A framework of a check: subscribes in JSON, makes calls, and reads its events one after the other.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::conformance::{
    check::{Miss, Outcome},
    expect::{accepted, fits, short},
    http::{Answer, Request, post},
    site::{Peer, Site, credentials},
    stream::Stream,
};

pub const SCHEDULER: &str = "/api/v1/scheduler";

/// What a framework says of itself when it subscribes.
#[derive(Clone, Debug)]
pub struct Info {
    info: Value,
    id: Option<String>,
    suppressed: Value,
}

impl Info {
    /// A framework of the run's role that goes when its stream ends.
    pub fn new(site: &Site) -> Self {
        let info = json!({
            "user": site.options.user,
            "name": "mesoslab conformance",
            "failover_timeout": 0,
            "roles": [site.options.role],
            "capabilities": [{"type": "MULTI_ROLE"}],
        });
        Self { info, id: None, suppressed: json!([]) }
    }

    /// Nothing is offered to it.
    #[must_use]
    pub fn suppressed(mut self) -> Self {
        self.suppressed = self.info["roles"].clone();
        self
    }

    #[must_use]
    pub fn capable_of(self, capabilities: &[&str]) -> Self {
        let list: Vec<Value> = capabilities.iter().map(|name| json!({"type": name})).collect();
        self.with("capabilities", json!(list))
    }

    /// Sets a field of FrameworkInfo; `null` takes it away.
    #[must_use]
    pub fn with(mut self, field: &str, value: Value) -> Self {
        match value {
            Value::Null => drop(self.info.as_object_mut().and_then(|info| info.remove(field))),
            value => self.info[field] = value,
        }
        self
    }

    /// Subscribes again, as the framework of this id.
    #[must_use]
    pub fn again(mut self, id: &str) -> Self {
        self.id = Some(id.to_owned());
        self.with("id", json!({"value": id}))
    }

    /// FrameworkInfo as JSON.
    pub fn json(&self) -> &Value {
        &self.info
    }

    pub fn request(&self) -> Request {
        let mut call = json!({"type": "SUBSCRIBE", "subscribe": {"framework_info": self.info}});
        if let Some(id) = &self.id {
            call["framework_id"] = json!({"value": id});
        }
        if self.suppressed != json!([]) {
            call["subscribe"]["suppressed_roles"] = self.suppressed.clone();
        }
        post(SCHEDULER).json(&call)
    }
}

/// A subscribed framework.
pub struct Framework {
    site: Arc<Site>,
    pub id: String,
    pub stream_id: String,
    pub subscribed: Value,
    stream: Stream,
    /// The types of the events that were passed over since the last one that was waited for.
    passed: Vec<String>,
}

impl Framework {
    /// Subscribes, and reads SUBSCRIBED.
    ///
    /// # Errors
    /// When the master does not let it.
    pub async fn subscribe(site: &Arc<Site>, info: Info) -> Outcome<Self> {
        let (stream_id, stream, subscribed) = opened(site, &info.request()).await?;
        let id = subscribed["subscribed"]["framework_id"]["value"].as_str().unwrap_or_default().to_owned();
        if subscribed["type"] != "SUBSCRIBED" || id.is_empty() {
            return Err(Miss::fail("SUBSCRIBED with a framework_id", short(&subscribed.to_string())));
        }
        site.made(&id, &stream_id);
        Ok(Self { site: Arc::clone(site), id, stream_id, subscribed, stream, passed: Vec::new() })
    }

    /// A call of this framework that is not sent yet; `body` is the field of the call's name.
    pub fn request(&self, kind: &str, body: Value) -> Request {
        call(&self.id, &self.stream_id, kind, body)
    }

    /// Makes a call.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn call(&self, kind: &str, body: Value) -> Outcome<Answer> {
        self.site.ask(Peer::Master, &self.request(kind, body)).await
    }

    /// Makes a call that must be accepted.
    ///
    /// # Errors
    /// When it is answered with something else than 202.
    pub async fn tell(&self, kind: &str, body: Value) -> Outcome {
        accepted().hold(&self.call(kind, body).await?)
    }

    /// The next event; none when the stream has ended.
    ///
    /// # Errors
    /// When nothing comes in time, or what comes is no event.
    pub async fn event(&mut self) -> Outcome<Option<Value>> {
        let read = self.site.within(self.stream.event()).await;
        read.and_then(|read| read).map_err(|broken| Miss::fail("an event", broken))
    }

    /// Waits for an event that fits; others are passed over, and offers among them stay as they are.
    ///
    /// # Errors
    /// When none comes in time, or the stream ends.
    pub async fn until(&mut self, pattern: &Value) -> Outcome<Value> {
        self.passed.clear();
        let site = Arc::clone(&self.site);
        let found = site
            .within(async {
                while let Some(event) = self.stream.event().await? {
                    if fits(pattern, &event) {
                        return Ok(event);
                    }
                    let kind = event["type"].as_str().unwrap_or("?");
                    self.passed.push(if kind == "UPDATE" { short(&event.to_string()) } else { kind.into() });
                }
                Err("the stream ended".to_owned())
            })
            .await;
        found.and_then(|found| found).map_err(|why| {
            let passed = if self.passed.is_empty() { "no event".to_owned() } else { self.passed.join(", ") };
            Miss::fail(pattern.to_string(), format!("{why}, after {passed}"))
        })
    }

    /// Waits for offers, and gives the first.
    ///
    /// # Errors
    /// As [`Framework::until`].
    pub async fn offer(&mut self) -> Outcome<Value> {
        let event = self.until(&json!({"type": "OFFERS"})).await?;
        Ok(event["offers"]["offers"][0].clone())
    }

    /// Tears it down.
    ///
    /// # Errors
    /// When the master does not accept that.
    pub async fn end(self) -> Outcome {
        self.tell("TEARDOWN", Value::Null).await?;
        self.site.gone(&self.id);
        Ok(())
    }

    /// Waits for the end of the stream of a framework that somebody else has torn down.
    ///
    /// # Errors
    /// When it is told anything before.
    pub async fn ended_by_others(mut self) -> Outcome {
        self.site.gone(&self.id);
        while let Some(event) = self.event().await? {
            if event["type"] != "HEARTBEAT" {
                return Err(Miss::fail("the end of the stream", short(&event.to_string())));
            }
        }
        Ok(())
    }

    /// Lets go of the stream without a word, as a framework that dies.
    pub fn vanish(self) -> String {
        self.id
    }
}

/// A call of a framework.
pub fn call(id: &str, stream_id: &str, kind: &str, body: Value) -> Request {
    let mut call = json!({"type": kind, "framework_id": {"value": id}});
    if !body.is_null() {
        call[kind.to_lowercase()] = body;
    }
    post(SCHEDULER).json(&call).header("Mesos-Stream-Id", stream_id)
}

/// Opens a stream of events, and reads the first: the id of the stream, the stream and the event.
///
/// # Errors
/// When the answer is no stream, or nothing comes on it.
pub async fn opened(site: &Arc<Site>, request: &Request) -> Outcome<(String, Stream, Value)> {
    let opened = site.within(Stream::open(&site.master, request)).await;
    let (answer, stream) =
        opened.and_then(|opened| opened).map_err(|why| Miss::fail("a stream of events", why))?;
    let Some(mut stream) = stream else {
        return match answer.status {
            401 => Err(credentials()),
            status => Err(Miss::fail("a stream of events", format!("{status}, {}", short(&answer.text())))),
        };
    };
    let stream_id = answer.header("Mesos-Stream-Id").unwrap_or_default().to_owned();
    let first = site.within(stream.event()).await.and_then(|read| read);
    match first {
        Ok(Some(event)) => Ok((stream_id, stream, event)),
        Ok(None) => Err(Miss::fail("an event", "the stream ended without one")),
        Err(why) => Err(Miss::fail("an event", why)),
    }
}
