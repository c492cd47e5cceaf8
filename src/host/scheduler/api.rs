//! The scheduler's HTTP API. Bodies are those of `scheduler::api`; every error is `{"message", "details"}`.

use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use super::{Shared, lanes, watchers};
use crate::{
    host::http::{Method, Request, Response, Router, StatusCode, header},
    mesos::v1::TaskId,
    scheduler::{
        Input,
        api::ErrorBody,
        config::{ConfigError, SchedulerConfig},
    },
};

const INDEX: [(&str, &str); 10] = [
    ("/v1/config", "GET, PUT (the whole), PATCH (RFC 7386)"),
    ("/v1/state", "GET"),
    ("/v1/tasks", "GET"),
    ("/v1/tasks/{id}/kill", "POST"),
    ("/v1/offers", "GET: the last offers with the verdict on each"),
    ("/v1/explain", "GET: why tasks are not placed"),
    ("/v1/events", "GET: server-sent events"),
    ("/v1/teardown", "POST: ends the framework with its tasks, and the scheduler's work"),
    ("/health", "GET: 200 while subscribed with a master, else 503"),
    ("/metrics", "GET: for Prometheus"),
];

pub(super) fn router(shared: &Arc<Shared>) -> Router {
    let with = |handler: fn(&Shared, &Request) -> Response| {
        let shared = Arc::clone(shared);
        move |request: &Request| handler(&shared, request)
    };
    Router::new("v1")
        .route("/", with(index))
        .route("/health", with(|shared, request| leaf(request, "/health", || health(shared))))
        .route("/metrics", with(|shared, request| leaf(request, "/metrics", || metrics(shared))))
        .route_async("/v1/config", {
            let shared = Arc::clone(shared);
            move |request| config(Arc::clone(&shared), request)
        })
        .route(
            "/v1/state",
            with(|shared, request| leaf(request, "/v1/state", || view(&shared.core().scheduler.state()))),
        )
        .route("/v1/tasks", with(tasks))
        .route(
            "/v1/offers",
            with(|shared, request| {
                leaf(request, "/v1/offers", || view(&shared.core().scheduler.offer_list()))
            }),
        )
        .route("/v1/explain", with(|shared, request| leaf(request, "/v1/explain", || explain(shared))))
        .route_async("/v1/teardown", {
            let shared = Arc::clone(shared);
            move |request| teardown(Arc::clone(&shared), request)
        })
        .route(
            "/v1/events",
            with(|shared, request| leaf(request, "/v1/events", || watchers::watch(shared, request))),
        )
        .fallback(not_found)
}

/// A resource that is only read and has nothing below it.
fn leaf(request: &Request, path: &str, answer: impl FnOnce() -> Response) -> Response {
    if request.path.trim_end_matches('/') != path {
        return not_found(request);
    }
    match request.method {
        Method::GET | Method::HEAD => answer(),
        _ => not_allowed(request, "GET, HEAD"),
    }
}

fn index(_: &Shared, request: &Request) -> Response {
    let endpoints = || INDEX.iter().map(|(path, what)| ((*path).to_owned(), Value::from(*what)));
    leaf(request, "", || view(&Value::Object(endpoints().collect())))
}

fn health(shared: &Shared) -> Response {
    let health = shared.core().scheduler.health();
    let status = if health.healthy { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    view_as(status, &health)
}

fn metrics(shared: &Shared) -> Response {
    Response::bytes("text/plain; version=0.0.4; charset=utf-8", shared.core().scheduler.metrics())
}

fn explain(shared: &Shared) -> Response {
    view(&shared.core().scheduler.explain(shared.clock.now()))
}

async fn config(shared: Arc<Shared>, request: Request) -> Response {
    if request.path.trim_end_matches('/') != "/v1/config" {
        return not_found(&request);
    }
    let changed = match request.method {
        Method::GET | Method::HEAD => Ok(()),
        Method::PUT => configure(&shared, &request, |_, body| SchedulerConfig::from_value(body)).await,
        Method::PATCH => configure(&shared, &request, |now, patch| now.patched(&patch)).await,
        _ => Err(not_allowed(&request, "GET, HEAD, PUT, PATCH")),
    };
    match changed {
        Ok(()) => view(&shared.core().scheduler.config_view()),
        Err(refusal) => refusal,
    }
}

/// Answers only when the change is on disk.
async fn configure(
    shared: &Shared,
    request: &Request,
    wanted: impl FnOnce(&SchedulerConfig, Value) -> Result<SchedulerConfig, ConfigError>,
) -> Result<(), Response> {
    let body = serde_json::from_slice(&request.body)
        .map_err(|error| refusal(StatusCode::BAD_REQUEST, format!("the body is not JSON: {error}")))?;
    let current = shared.core().scheduler.config().clone();
    let checked = wanted(&current, body)
        .and_then(|config| shared.core().scheduler.options().check(&config).map(|()| config));
    let config = checked.map_err(|error| {
        let body = ErrorBody { message: "the configuration is invalid".to_owned(), details: error.0 };
        view_as(StatusCode::UNPROCESSABLE_ENTITY, &body)
    })?;
    shared.input(Input::Configure(Box::new(config)));
    lanes::save(shared).await.map_err(|error| {
        refusal(
            StatusCode::INTERNAL_SERVER_ERROR,
            format!("the configuration holds, but is not saved: {error}"),
        )
    })
}

/// `/v1/tasks` and `/v1/tasks/{id}/kill`.
fn tasks(shared: &Shared, request: &Request) -> Response {
    let below = request.path.trim_end_matches('/').strip_prefix("/v1/tasks").unwrap_or("?");
    match below.strip_prefix('/').and_then(|below| below.strip_suffix("/kill")) {
        None if below.is_empty() => leaf(request, "/v1/tasks", || view(&shared.core().scheduler.tasks())),
        Some(id) if !id.contains('/') => kill(shared, request, id),
        _ => not_found(request),
    }
}

fn kill(shared: &Shared, request: &Request, id: &str) -> Response {
    if request.method != Method::POST {
        return not_allowed(request, "POST");
    }
    let id = TaskId::new(id);
    if !shared.core().scheduler.has_task(&id) {
        return refusal(StatusCode::NOT_FOUND, format!("there is no task `{id}`"));
    }
    shared.input(Input::Kill(id));
    view_as(StatusCode::ACCEPTED, &Value::Object(serde_json::Map::new()))
}

/// Answers when the master has been told.
async fn teardown(shared: Arc<Shared>, request: Request) -> Response {
    if request.path.trim_end_matches('/') != "/v1/teardown" {
        return not_found(&request);
    }
    if request.method != Method::POST {
        return not_allowed(&request, "POST");
    }
    shared.input(Input::Teardown);
    shared.drain().await;
    view_as(StatusCode::ACCEPTED, &Value::Object(serde_json::Map::new()))
}

fn not_found(request: &Request) -> Response {
    refusal(StatusCode::NOT_FOUND, format!("there is nothing at `{}`; `/` lists what there is", request.path))
}

fn not_allowed(request: &Request, allowed: &str) -> Response {
    let message = format!("`{}` takes {allowed}, not {}", request.path, request.method);
    refusal(StatusCode::METHOD_NOT_ALLOWED, message).with(header::ALLOW, allowed)
}

fn refusal(status: StatusCode, message: String) -> Response {
    view_as(status, &ErrorBody { message, details: Vec::new() })
}

fn view_as(status: StatusCode, body: &impl Serialize) -> Response {
    let mut response = view(body);
    response.status = status;
    response
}

fn view(body: &impl Serialize) -> Response {
    match serde_json::to_string(body) {
        Ok(json) => Response::json(json, None),
        Err(error) => Response::internal_error(error),
    }
}
