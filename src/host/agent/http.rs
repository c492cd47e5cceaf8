//! What an agent answers over HTTP: the endpoints that people curl, and `/api/v1`. Views do the telling; what
//! changes something is an order to the loop, see [`containers`] and [`executors`].

use std::collections::BTreeMap;

use prost::Message;

use super::{AgentHandle, containers, executors, files, providers};
use crate::{
    engine::{
        agent::view::{
            Measured,
            legacy::Endpoint,
            v1::{Source, logging_level, respond, response_to_json},
        },
        master::validation::agent_call,
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
        v1::agent::{Call, Response as CallResponse, call::Type},
    },
};

type Answer = fn(&AgentHandle, &Request) -> Response;

/// Where calls of the operator API go, also as `/api/v1`.
const API: &str = "/slave(1)/api/v1";

/// Where those of executors go.
const EXECUTOR_API: &str = "/slave(1)/api/v1/executor";

/// Every path that answers at once, `/slave(1)/x` also as `/x`.
const ENDPOINTS: [(&str, Answer); 16] = [
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
pub(super) const MESSAGE_CONTENT_TYPE: HeaderName = HeaderName::from_static("message-content-type");

pub(super) fn router(agent: &AgentHandle) -> Router {
    let router = pages::parts(Router::new("slave(1)"), pages::AGENT);
    let clock = agent.clone();
    let router = verbosity::routes(router, agent.0.verbosity.clone(), move || clock.now());
    let (of_calls, of_streams, of_executors) = (agent.clone(), agent.clone(), agent.clone());
    let router = router
        .route_async(API, move |request| {
            let agent = of_calls.clone();
            async move { call(&agent, &request).await.unwrap_or_else(|refusal| refusal) }
        })
        .streaming(API, MediaType::RecordIo.as_str(), move |request, body| {
            containers::streamed(of_streams.clone(), request, body)
        })
        .route_async(EXECUTOR_API, move |request| executors::answer(of_executors.clone(), request));
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
        let executors =
            executors.map(|executor| (executor.container_id.clone(), executor.processes().collect()));
        let alone = agent.guests.containers.iter().filter(|(container_id, _)| container_id.parent.is_none());
        let alone = alone.map(|(container_id, guest)| (container_id.clone(), Vec::from_iter(guest.pid)));
        executors.chain(alone).collect()
    });
    usage::measure(&processes, agent.now())
}

async fn call(agent: &AgentHandle, request: &Request) -> Result<Response, Response> {
    api::post_only(request)?;
    check_content_type(request)?;
    let forms = accepted(request)?;
    let call: Call = api::read_call(request)?;
    agent_call::validate(&call)
        .and_then(|()| providers::validate(&call))
        .map_err(|error| Response::bad_request(format!("Failed to validate agent::Call: {error}")))?;
    let (kind, name) = (call.r#type(), call.r#type().as_str_name());
    if kind == Type::AttachContainerInput {
        let text = format!("Expecting 'Content-Type' to be application/recordio for {name} call");
        return Err(Response::unsupported_media_type(text));
    }
    let streams = matches!(kind, Type::AttachContainerOutput | Type::LaunchNestedContainerSession);
    if forms.message_accept.is_some() && !streams {
        let text = format!("Streaming response is not supported for {name} call");
        return Err(Response::not_acceptable(text));
    }
    if let Some(response) = containers::answer(agent, request, &call, forms).await {
        return Ok(response);
    }
    Ok(match kind {
        Type::Unknown => Response::not_implemented(),
        Type::GetLoggingLevel => encode(&logging_level(agent.0.verbosity.level(agent.now())), forms.accept),
        Type::SetLoggingLevel => {
            let set = call.set_logging_level.unwrap_or_default();
            agent.0.verbosity.set(agent.now(), set.level, &set.duration)
        }
        Type::ListFiles => files::list_call(agent, &call, forms.accept),
        Type::ReadFile => files::read_call(agent, &call, forms.accept),
        _ => answer(agent, &call, forms.accept),
    })
}

fn answer(agent: &AgentHandle, call: &Call, media: MediaType) -> Response {
    let measured = if call.r#type() == Type::GetContainers { measure(agent) } else { Measured::new() };
    match with_source(agent, &measured, |source| respond(source, call)) {
        Some(response) => encode(&response, media),
        None => providers::answer(call).unwrap_or_else(|| {
            let text = format!("{} is not supported by this agent", call.r#type().as_str_name());
            Response::text(StatusCode::NOT_IMPLEMENTED, text)
        }),
    }
}

/// 200 with a response of the agent API.
pub(super) fn encode(response: &CallResponse, media: MediaType) -> Response {
    match media {
        MediaType::Protobuf => Response::bytes(media.as_str(), response.encode_to_vec()),
        _ => Response::bytes(media.as_str(), response_to_json(response).to_string()),
    }
}

fn check_content_type(request: &Request) -> Result<(), Response> {
    let content_type = request.header(header::CONTENT_TYPE);
    if !matches!(content_type, None | Some("application/json" | "application/x-protobuf")) {
        return Err(Response::unsupported_media_type(
            "Expecting 'Content-Type' of application/json or application/x-protobuf or application/recordio",
        ));
    }
    if request.headers.contains_key(MESSAGE_CONTENT_TYPE) {
        return Err(Response::unsupported_media_type(
            "Expecting 'Message-Content-Type' to be not set for non-streaming requests",
        ));
    }
    Ok(())
}

/// The forms in which a client takes an answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Forms {
    /// Of the answer, RecordIO where the client takes a stream only.
    pub accept: MediaType,
    /// Of the records in a stream, where `accept` is RecordIO.
    pub message_accept: Option<MediaType>,
}

pub(super) fn accepted(request: &Request) -> Result<Forms, Response> {
    let accept = request.header(header::ACCEPT);
    if let Some(accept) = MediaType::negotiate(accept) {
        return match request.headers.contains_key(MESSAGE_ACCEPT) {
            true => Err(Response::not_acceptable(
                "Expecting 'Message-Accept' to be not set for non-streaming responses",
            )),
            false => Ok(Forms { accept, message_accept: None }),
        };
    }
    if !media::accepts(accept, MediaType::RecordIo) {
        return Err(Response::not_acceptable(
            "Expecting 'Accept' to allow application/json or application/x-protobuf or application/recordio",
        ));
    }
    let message_accept = MediaType::negotiate(request.header(MESSAGE_ACCEPT)).ok_or_else(|| {
        Response::not_acceptable(
            "Expecting 'Message-Accept' to allow application/json or application/x-protobuf",
        )
    })?;
    Ok(Forms { accept: MediaType::RecordIo, message_accept: Some(message_accept) })
}
