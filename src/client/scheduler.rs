//! The v1 scheduler API from the side of a framework, in protobuf.
//!
//! ```text
//! POST /api/v1/scheduler SUBSCRIBE ──> 200, Mesos-Stream-Id: S, then records without end
//!      "20\n" <20 bytes: Event SUBSCRIBED>  "9\n" <9 bytes: Event HEARTBEAT>  ...
//! POST /api/v1/scheduler CALL, Mesos-Stream-Id: S ──> 202
//! ```

use std::time::Duration;

use reqwest::{Response, Url};

use crate::{
    client::{
        ClientError, Http,
        http::{accepted, within},
        masters::Masters,
        records::{Records, patience},
    },
    mesos::v1::scheduler::{Call, Event},
};

const PATH: &str = "/api/v1/scheduler";
const STREAM_ID: &str = "Mesos-Stream-Id";
/// Until the master has said how often its heart beats.
const FIRST_PATIENCE: Duration = Duration::from_secs(30);
const REDIRECTS: usize = 5;

/// Subscribes with the leading master, found through the others when need be.
///
/// # Errors
/// When nobody can be reached or the call is refused; `masters` then stands at the next one to try.
pub async fn subscribe(
    http: &Http,
    masters: &mut Masters,
    call: &Call,
) -> Result<(Caller, Events), ClientError> {
    masters.find().await?;
    for _ in 0..REDIRECTS {
        let url = masters.endpoint(PATH);
        let answer = within(&url, http.post(&url, call, &[])).await;
        let refused = match answer {
            Ok(response) => match accepted(response).await {
                Ok(response) => return opened(http, url, response),
                Err(refused) => refused,
            },
            Err(error) => error,
        };
        match &refused {
            ClientError::Refused { status: 307, body } if masters.redirected(&body.message) => {}
            _ => {
                masters.failed();
                return Err(refused);
            }
        }
    }
    masters.failed();
    Err(ClientError::NoLeader(format!("sent on {REDIRECTS} times")))
}

fn opened(http: &Http, url: Url, response: Response) -> Result<(Caller, Events), ClientError> {
    let stream_id = response.headers().get(STREAM_ID).and_then(|id| id.to_str().ok()).unwrap_or_default();
    let caller = Caller { http: http.clone(), url, stream_id: stream_id.to_owned() };
    Ok((caller, Events { records: Records::new(response), patience: FIRST_PATIENCE }))
}

/// Makes the calls of one subscription; clones share connections.
#[derive(Clone, Debug)]
pub struct Caller {
    http: Http,
    url: Url,
    stream_id: String,
}

impl Caller {
    /// Makes one call and waits until the master has taken it.
    ///
    /// # Errors
    /// When the master cannot be reached or refuses the call.
    pub async fn call(&self, call: &Call) -> Result<(), ClientError> {
        let headers = [(STREAM_ID, self.stream_id.as_str())];
        let response = within(&self.url, self.http.post(&self.url, call, &headers)).await?;
        accepted(response).await?.bytes().await.map_err(|error| ClientError::Closed(error.to_string()))?;
        Ok(())
    }
}

/// The events of one subscription.
pub struct Events {
    records: Records,
    patience: Duration,
}

impl Events {
    /// The next event. May be dropped and called again without losing one.
    ///
    /// # Errors
    /// When the stream ends, is garbled, or stays silent for three heartbeats.
    pub async fn next(&mut self) -> Result<Event, ClientError> {
        let event: Event = self.records.next(self.patience).await?;
        let subscribed = event.subscribed.as_ref();
        let seconds = subscribed.and_then(|subscribed| subscribed.heartbeat_interval_seconds);
        self.patience = patience(seconds).unwrap_or(self.patience);
        Ok(event)
    }
}
