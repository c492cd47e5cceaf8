//! `/api/v1/scheduler`: the calls of frameworks, and the event stream that SUBSCRIBE opens.

use http::HeaderName;

use super::{
    MasterHandle,
    outlets::{BACKLOG, Outlet},
};
use crate::{
    engine::master::{Input, Reply, StreamId, validate_scheduler_call},
    host::{
        api,
        http::{Request, Response, channel},
    },
    mesos::{
        media::MediaType,
        v1::scheduler::{Call, call::Type},
    },
};

const STREAM_ID: HeaderName = HeaderName::from_static("mesos-stream-id");

pub fn answer(master: &MasterHandle, request: &Request) -> Response {
    call(master, request).unwrap_or_else(|refusal| refusal)
}

fn call(master: &MasterHandle, request: &Request) -> Result<Response, Response> {
    api::post_only(request)?;
    let call: Call = api::read_call(request)?;
    tracing::debug!(call = call.r#type().as_str_name(), framework = ?call.framework_id, "scheduler call");
    let stream = request.header(STREAM_ID).map(StreamId::from);
    match (call.r#type(), api::accepted(request)) {
        (Type::Subscribe, Ok(media)) => Ok(subscribe(master, request, stream, call, media)),
        (Type::Subscribe | Type::ReconcileOperations, Err(refusal)) if is_valid(&call) => Err(refusal),
        _ => Ok(api::reply(master.input(Input::Call { stream, call: Box::new(call) }), MediaType::Json)),
    }
}

/// What is wrong with a call comes before what is wrong with `Accept`; the engine says it.
fn is_valid(call: &Call) -> bool {
    validate_scheduler_call(call).is_ok()
}

fn subscribe(
    master: &MasterHandle,
    request: &Request,
    stream: Option<StreamId>,
    call: Call,
    media: MediaType,
) -> Response {
    let (sink, body) = channel(request, BACKLOG);
    let reply = master.step(Input::Call { stream, call: Box::new(call) }, Some(Outlet::new(sink, media)));
    let Some(Reply::Stream(id)) = reply else { return api::reply(reply, media) };
    let text = id.to_string();
    let master = master.clone();
    let body = body.on_gone(move || {
        master.reader_gone(Input::Disconnected(id.clone()), |outlets| outlets.close_scheduler(&id));
    });
    Response::stream(media.as_str(), body).with_first(STREAM_ID, text)
}
