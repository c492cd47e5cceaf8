//! What an agent answers over HTTP: the endpoints that people curl, and `/api/v1`. Views do the telling; nothing
//! here changes the agent.

use std::collections::BTreeMap;

use prost::Message;

use super::{AgentHandle, files, providers};
use crate::{
    engine::agent::view::{
        Measured,
        legacy::Endpoint,
        v1::{Source, logging_level, respond, response_to_json},
    },
    host::{
        api,
        http::{HeaderName, Request, Response, Router, StatusCode, header},
        master::system,
        pages,
        process::usage,
        verbosity,
    },
    mesos::{
        media::{self, MediaType},
        v1::{
            ContainerId,
            agent::{Call, Response as CallResponse, call::Type},
            executor,
        },
    },
};

type Answer = fn(&AgentHandle, &Request) -> Response;

/// Every path that answers, `/slave(1)/x` also as `/x`.
const ENDPOINTS: [(&str, Answer); 18] = [
    ("/slave(1)/api/v1", |agent, request| call(agent, request).unwrap_or_else(|refusal| refusal)),
    ("/slave(1)/api/v1/executor", |agent, request| {
        executor_call(agent, request).unwrap_or_else(|refusal| refusal)
    }),
    ("/slave(1)/api/v1/resource_provider", providers::api),
    ("/slave(1)/containerizer/debug", providers::debug),
    ("/slave(1)/health", |_, _| Response::ok()),
    ("/slave(1)/state", |agent, request| read(agent, request, Endpoint::State)),
    ("/slave(1)/flags", |agent, request| read(agent, request, Endpoint::Flags)),
    ("/slave(1)/containers", |agent, request| read(agent, request, Endpoint::Containers)),
    ("/slave(1)/monitor/statistics", |agent, request| read(agent, request, Endpoint::MonitorStatistics)),
    ("/version", |agent, request| read(agent, request, Endpoint::Version)),
    ("/metrics/snapshot", |agent, request| read(agent, request, Endpoint::MetricsSnapshot)),
    ("/system/stats.json", |agent, request| read(agent, request, Endpoint::SystemStats)),
    ("/__processes__", |agent, request| read(agent, request, Endpoint::Processes)),
    ("/files/debug", |agent, request| read(agent, request, Endpoint::FilesDebug)),
    ("/files/browse", files::browse),
    ("/files/read", files::read),
    ("/files/download", files::download),
    ("/", page),
];

/// Names the form of the records in a stream.
const MESSAGE_ACCEPT: HeaderName = HeaderName::from_static("message-accept");
const MESSAGE_CONTENT_TYPE: HeaderName = HeaderName::from_static("message-content-type");

pub(super) fn router(agent: &AgentHandle) -> Router {
    let router = pages::parts(Router::new("slave(1)"), pages::AGENT);
    let clock = agent.clone();
    let router = verbosity::routes(router, agent.0.verbosity.clone(), move || clock.now());
    ENDPOINTS.iter().fold(router, |router, (path, answer)| {
        let (agent, answer) = (agent.clone(), *answer);
        router.route(path, move |request| answer(&agent, request))
    })
}

/// The agent of Mesos has nothing at `/`, as programs may know.
fn page(_: &AgentHandle, request: &Request) -> Response {
    if pages::is_browser(request) { pages::answer(pages::AGENT, request) } else { Response::not_found() }
}

fn read(agent: &AgentHandle, request: &Request, endpoint: Endpoint) -> Response {
    let measured = match endpoint {
        Endpoint::Containers | Endpoint::MonitorStatistics => measure(agent),
        _ => Measured::new(),
    };
    match with_source(agent, &measured, |source| endpoint.render(source, &request.query)) {
        Ok(json) => Response::json(String::from_utf8_lossy(&json).into_owned(), request.jsonp()),
        Err(error) => Response::internal_error(error),
    }
}

fn with_source<T>(agent: &AgentHandle, measured: &Measured, look: impl FnOnce(Source<'_>) -> T) -> T {
    let (now, system) = (agent.now(), system::read());
    agent.with(|agent| look(Source { agent, now, system: &system, measured }))
}

/// What every live container uses.
fn measure(agent: &AgentHandle) -> Measured {
    let processes: BTreeMap<_, _> = agent.with(|agent| {
        let executors = agent.frameworks.values().flat_map(|framework| framework.executors.values());
        executors.map(|executor| (executor.container_id.clone(), executor.processes().collect())).collect()
    });
    usage::measure(&processes, agent.now())
}

fn call(agent: &AgentHandle, request: &Request) -> Result<Response, Response> {
    api::post_only(request)?;
    check_content_type(request)?;
    let accepted = accepted(request)?;
    let call: Call = api::read_call(request)?;
    validate(&call)
        .map_err(|error| Response::bad_request(format!("Failed to validate agent::Call: {error}")))?;
    let media = accepted.ok_or_else(|| {
        let name = call.r#type().as_str_name();
        Response::not_acceptable(format!("Streaming response is not supported for {name} call"))
    })?;
    Ok(match call.r#type() {
        Type::Unknown => Response::not_implemented(),
        Type::GetLoggingLevel => encode(&logging_level(agent.0.verbosity.level(agent.now())), media),
        Type::SetLoggingLevel => {
            let set = call.set_logging_level.unwrap_or_default();
            agent.0.verbosity.set(agent.now(), set.level, &set.duration)
        }
        Type::ListFiles => files::list_call(agent, &call, media),
        Type::ReadFile => files::read_call(agent, &call, media),
        _ => answer(agent, &call, media),
    })
}

fn answer(agent: &AgentHandle, call: &Call, media: MediaType) -> Response {
    let measured = if call.r#type() == Type::GetContainers { measure(agent) } else { Measured::new() };
    match with_source(agent, &measured, |source| respond(source, call)) {
        Some(response) => encode(&response, media),
        None => providers::answer(call).unwrap_or_else(|| refuse_container_call(call)),
    }
}

/// 200 with a response of the agent API.
pub(super) fn encode(response: &CallResponse, media: MediaType) -> Response {
    match media {
        MediaType::Protobuf => Response::bytes(media.as_str(), response.encode_to_vec()),
        _ => Response::bytes(media.as_str(), response_to_json(response).to_string()),
    }
}

/// Containers beside those of tasks there are none: whoever asks for one asks for something unknown.
#[expect(deprecated, reason = "the calls of 1.11 that are older than KILL_CONTAINER and WAIT_CONTAINER")]
fn refuse_container_call(call: &Call) -> Response {
    let missing = |id: &ContainerId| {
        Response::text(StatusCode::NOT_FOUND, format!("Container '{}' cannot be found", full_name(id)))
    };
    let killed = |id: &ContainerId| {
        let text = format!("Container '{}' cannot be found (or is already killed)", full_name(id));
        Response::text(StatusCode::NOT_FOUND, text)
    };
    let nested_wait = call.wait_nested_container.as_ref().map(|wait| missing(&wait.container_id));
    let wait = call.wait_container.as_ref().map(|wait| missing(&wait.container_id));
    let nested_kill = call.kill_nested_container.as_ref().map(|kill| killed(&kill.container_id));
    let kill = call.kill_container.as_ref().map(|kill| killed(&kill.container_id));
    nested_wait.or(wait).or(nested_kill).or(kill).unwrap_or_else(|| {
        let text = format!("{} is not supported by this agent", call.r#type().as_str_name());
        Response::text(StatusCode::NOT_IMPLEMENTED, text)
    })
}

/// Parents first, as Mesos writes nested containers.
fn full_name(id: &ContainerId) -> String {
    match &id.parent {
        Some(parent) => format!("{}.{}", full_name(parent), id.value),
        None => id.value.clone(),
    }
}

fn check_content_type(request: &Request) -> Result<(), Response> {
    let content_type = request.header(header::CONTENT_TYPE);
    let streaming = content_type == Some(MediaType::RecordIo.as_str());
    let known =
        streaming || matches!(content_type, None | Some("application/json" | "application/x-protobuf"));
    if !known {
        return Err(Response::unsupported_media_type(
            "Expecting 'Content-Type' of application/json or application/x-protobuf or application/recordio",
        ));
    }
    if streaming {
        return Err(Response::bad_request(
            "Expecting 'Message-Content-Type' to be set for streaming requests",
        ));
    }
    if request.headers.contains_key(MESSAGE_CONTENT_TYPE) {
        return Err(Response::unsupported_media_type(
            "Expecting 'Message-Content-Type' to be not set for non-streaming requests",
        ));
    }
    Ok(())
}

/// The form of the answer; `Ok(None)` when the client takes a stream only.
fn accepted(request: &Request) -> Result<Option<MediaType>, Response> {
    let accept = request.header(header::ACCEPT);
    let allowed = |kind: &MediaType| media::accepts(accept, *kind);
    match [MediaType::Json, MediaType::Protobuf].into_iter().find(allowed) {
        Some(_) if request.headers.contains_key(MESSAGE_ACCEPT) => Err(Response::not_acceptable(
            "Expecting 'Message-Accept' to be not set for non-streaming responses",
        )),
        Some(media) => Ok(Some(media)),
        None if allowed(&MediaType::RecordIo) => Ok(None),
        None => Err(Response::not_acceptable(
            "Expecting 'Accept' to allow application/json or application/x-protobuf or application/recordio",
        )),
    }
}

/// The part that a call of its type has to have.
#[expect(deprecated, reason = "the calls of 1.11 that are older than KILL_CONTAINER and WAIT_CONTAINER")]
fn validate(call: &Call) -> Result<(), String> {
    let Some(kind) = call.r#type.and_then(|kind| Type::try_from(kind).ok()) else {
        return Err("Expecting 'type' to be present".to_owned());
    };
    let (name, present) = match kind {
        Type::GetMetrics => ("get_metrics", call.get_metrics.is_some()),
        Type::SetLoggingLevel => ("set_logging_level", call.set_logging_level.is_some()),
        Type::ListFiles => ("list_files", call.list_files.is_some()),
        Type::ReadFile => ("read_file", call.read_file.is_some()),
        Type::LaunchNestedContainer => ("launch_nested_container", call.launch_nested_container.is_some()),
        Type::WaitNestedContainer => ("wait_nested_container", call.wait_nested_container.is_some()),
        Type::KillNestedContainer => ("kill_nested_container", call.kill_nested_container.is_some()),
        Type::WaitContainer => ("wait_container", call.wait_container.is_some()),
        Type::KillContainer => ("kill_container", call.kill_container.is_some()),
        Type::LaunchContainer => ("launch_container", call.launch_container.is_some()),
        _ => return providers::validate(call),
    };
    if present { Ok(()) } else { Err(format!("Expecting '{name}' to be present")) }
}

/// `/api/v1/executor`: no executor of this agent speaks HTTP, so none is ever found.
fn executor_call(agent: &AgentHandle, request: &Request) -> Result<Response, Response> {
    api::post_only(request)?;
    let call: executor::Call = api::read_call(request)?;
    if call.r#type.is_none() {
        return Err(Response::bad_request(
            "Failed to validate Executor::Call: Expecting 'type' to be present",
        ));
    }
    let known = agent.with(|agent| agent.frameworks.contains_key(&call.framework_id));
    Ok(Response::bad_request(if known { "Executor cannot be found" } else { "Framework cannot be found" }))
}
