//! `/api/v1/executor`: the calls of custom executors, and the event streams that SUBSCRIBE opens.
//!
//! ```text
//! request > fed to the loop > Agent::handle > Effect::ExecutorAnswer > response
//!                                        `--> Effect::Event, Close > stream
//! ```

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use prost::Message;
use tokio::sync::oneshot;

use super::AgentHandle;
use crate::{
    engine::{
        agent::{ExecutorAnswer, Input, validate_call},
        executor::custom::ExecutorStream,
    },
    host::{
        api,
        http::{Request, Response, Sink, StatusCode, channel},
    },
    mesos::{
        json,
        media::MediaType,
        recordio,
        v1::executor::{Call, Event, call::Type},
    },
};

/// The bytes of events that may wait for a slow executor before its connection is dropped.
const BACKLOG: usize = 16 * 1024 * 1024;

/// Requests that wait for the loop, and streams that are open.
#[derive(Debug, Default)]
pub(super) struct Executors(Mutex<Open>);

#[derive(Debug, Default)]
struct Open {
    last: u64,
    waiting: BTreeMap<ExecutorStream, oneshot::Sender<ExecutorAnswer>>,
    streams: BTreeMap<ExecutorStream, (Sink, MediaType)>,
}

impl Executors {
    fn lock(&self) -> MutexGuard<'_, Open> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter(&self) -> (ExecutorStream, oneshot::Receiver<ExecutorAnswer>) {
        let (sender, receiver) = oneshot::channel();
        let mut open = self.lock();
        open.last += 1;
        let request = ExecutorStream(open.last);
        open.waiting.insert(request, sender);
        (request, receiver)
    }

    /// Tells a request what became of it; a stream is only for those who have subscribed.
    pub fn answer(&self, request: ExecutorStream, answer: ExecutorAnswer) {
        let mut open = self.lock();
        if answer != ExecutorAnswer::Subscribed {
            open.streams.remove(&request);
        }
        if let Some(waiting) = open.waiting.remove(&request) {
            // Whoever has hung up needs no answer.
            let _gone = waiting.send(answer);
        }
    }

    /// Sends an event. A reader that is gone is reported by its own connection.
    pub fn send(&self, stream: ExecutorStream, event: &Event) {
        if let Some((sink, media)) = self.lock().streams.get(&stream) {
            let body = match media {
                MediaType::Protobuf => event.encode_to_vec(),
                _ => json::to_json_string(event).into_bytes(),
            };
            sink.send(recordio::encode(&body)).unwrap_or_default();
        }
    }

    pub fn close(&self, stream: ExecutorStream) {
        self.lock().streams.remove(&stream);
    }

    /// The agent runs no more: nobody is answered, every stream ends.
    pub fn close_all(&self) {
        let mut open = self.lock();
        open.waiting.clear();
        open.streams.clear();
    }
}

pub(super) async fn answer(agent: AgentHandle, request: Request) -> Response {
    call(&agent, &request).await.unwrap_or_else(|refusal| refusal)
}

async fn call(agent: &AgentHandle, request: &Request) -> Result<Response, Response> {
    api::post_only(request)?;
    let call: Call = api::read_call(request)?;
    validate_call(&call)
        .map_err(|error| Response::bad_request(format!("Failed to validate Executor::Call: {error}")))?;
    if call.r#type() == Type::Subscribe {
        return subscribe(agent, request, call).await;
    }
    let (id, answered) = agent.0.executors.enter();
    feed(agent, Input::Executor { request: id, call: Box::new(call) });
    Ok(response(answered.await.ok()))
}

async fn subscribe(agent: &AgentHandle, request: &Request, call: Call) -> Result<Response, Response> {
    let media = api::accepted(request)?;
    tracing::debug!(executor = %call.executor_id, framework = %call.framework_id, "an executor subscribes");
    let (sink, body) = channel(request, BACKLOG);
    let (id, answered) = agent.0.executors.enter();
    agent.0.executors.lock().streams.insert(id, (sink, media));
    let gone = agent.clone();
    let body = body.on_gone(move || {
        gone.0.executors.close(id);
        feed(&gone, Input::ExecutorGone(id));
    });
    feed(agent, Input::Executor { request: id, call: Box::new(call) });
    match answered.await.ok() {
        Some(ExecutorAnswer::Subscribed) => Ok(Response::stream(media.as_str(), body)),
        other => Err(response(other)),
    }
}

/// A loop that has ended hears nothing.
fn feed(agent: &AgentHandle, input: Input) {
    if agent.0.inputs.send(input).is_err() || agent.0.stopped.is_cancelled() {
        agent.0.executors.close_all();
    }
}

fn response(answer: Option<ExecutorAnswer>) -> Response {
    match answer {
        Some(ExecutorAnswer::Accepted) => Response::accepted(),
        Some(ExecutorAnswer::BadRequest(text)) => Response::bad_request(text),
        Some(ExecutorAnswer::Forbidden(text)) => Response::forbidden(text),
        Some(ExecutorAnswer::NotImplemented) => Response::not_implemented(),
        Some(ExecutorAnswer::Subscribed) => Response::ok(),
        None => Response::text(StatusCode::SERVICE_UNAVAILABLE, "Agent has stopped"),
    }
}
