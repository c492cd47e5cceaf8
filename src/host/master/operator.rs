//! `/api/v1`: the calls of operators. Reading calls are answered from the views, the others by the engine.

use super::{
    MasterHandle, files,
    outlets::{BACKLOG, Outlet},
    system,
};
use crate::{
    engine::{
        legacy::System,
        master::{Input, Reply, validate_operator_call, view},
    },
    host::{
        api,
        http::{Request, Response, channel},
    },
    mesos::{
        media::MediaType,
        v1::master::{Call, call::Type},
    },
};

pub fn answer(master: &MasterHandle, request: &Request) -> Response {
    call(master, request).unwrap_or_else(|refusal| refusal)
}

fn call(master: &MasterHandle, request: &Request) -> Result<Response, Response> {
    api::post_only(request)?;
    let call: Call = api::read_call(request)?;
    validate_operator_call(&call)
        .map_err(|error| Response::bad_request(format!("Failed to validate master::Call: {error}")))?;
    let media = api::accepted(request)?;
    tracing::debug!(call = call.r#type().as_str_name(), "operator call");
    Ok(match call.r#type() {
        Type::Unknown => Response::not_implemented(),
        Type::Subscribe => subscribe(master, request, media),
        Type::ListFiles | Type::ReadFile => files::not_found(),
        Type::GetLoggingLevel => {
            let level = master.0.verbosity.level(master.now());
            api::operator_response(&view::v1::logging_level(level), media)
        }
        Type::SetLoggingLevel => {
            let set = call.set_logging_level.unwrap_or_default();
            master.0.verbosity.set(master.now(), set.level, &set.duration)
        }
        _ => read_or_change(master, call, media),
    })
}

fn read_or_change(master: &MasterHandle, call: Call, media: MediaType) -> Response {
    let system = if call.r#type() == Type::GetMetrics { system::read() } else { System::default() };
    let now = master.now();
    match master.with(|state| view::v1::respond(state, now, &system, &call)) {
        Some(response) => api::operator_response(&response, media),
        None => api::reply(master.input(Input::Operator(Box::new(call))), media),
    }
}

fn subscribe(master: &MasterHandle, request: &Request, media: MediaType) -> Response {
    let (sink, body) = channel(request, BACKLOG);
    let reply = master.step(Input::OperatorSubscribe, Some(Outlet::new(sink, media)));
    let Some(Reply::Subscriber(id)) = reply else { return api::reply(reply, media) };
    let master = master.clone();
    let body = body.on_gone(move || {
        master.reader_gone(Input::OperatorGone(id), |outlets| outlets.close_subscriber(id));
    });
    Response::stream(media.as_str(), body)
}
