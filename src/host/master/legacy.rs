//! The endpoints that people curl, by one table: those that read are the views', those that change something become
//! operator calls.

use super::{MasterHandle, changes, files, system};
use crate::{
    engine::{
        legacy::System,
        master::view::legacy::{Endpoint, redirect_location},
    },
    host::http::{Method, Request, Response},
    mesos::duration,
};

type Answer = fn(&MasterHandle, &Request) -> Response;

/// Every path that answers, `/master/x` also as `/x`.
pub const ENDPOINTS: [(&str, Answer); 30] = [
    ("/master/health", |_, _| Response::ok()),
    ("/master/redirect", redirect),
    ("/master/state", |master, request| read(master, request, Endpoint::State)),
    ("/master/state-summary", |master, request| read(master, request, Endpoint::StateSummary)),
    ("/master/slaves", |master, request| read(master, request, Endpoint::Slaves)),
    ("/master/frameworks", |master, request| read(master, request, Endpoint::Frameworks)),
    ("/master/tasks", |master, request| read(master, request, Endpoint::Tasks)),
    ("/master/roles", |master, request| read(master, request, Endpoint::Roles)),
    ("/master/flags", |master, request| read(master, request, Endpoint::Flags)),
    ("/version", |master, request| read(master, request, Endpoint::Version)),
    ("/metrics/snapshot", metrics),
    ("/system/stats.json", |master, request| read(master, request, Endpoint::SystemStats)),
    ("/registrar(1)/registry", |master, request| read(master, request, Endpoint::Registry)),
    ("/allocator/offer_constraints_debug", |master, request| {
        read(master, request, Endpoint::OfferConstraintsDebug)
    }),
    ("/__processes__", |master, request| read(master, request, Endpoint::Processes)),
    ("/files/debug", |master, request| read(master, request, Endpoint::FilesDebug)),
    ("/files/browse", files::browse),
    ("/files/read", files::browse),
    ("/files/download", files::download),
    ("/master/quota", quota),
    ("/master/weights", weights),
    ("/master/maintenance/schedule", schedule),
    ("/master/maintenance/status", |master, request| match request.method {
        Method::GET => read(master, request, Endpoint::MaintenanceStatus),
        _ => Response::method_not_allowed(&["GET"], &request.method),
    }),
    ("/master/teardown", changes::teardown),
    ("/master/reserve", changes::reserve),
    ("/master/unreserve", changes::unreserve),
    ("/master/create-volumes", changes::create_volumes),
    ("/master/destroy-volumes", changes::destroy_volumes),
    ("/master/machine/down", changes::machine_down),
    ("/master/machine/up", changes::machine_up),
];

fn read(master: &MasterHandle, request: &Request, endpoint: Endpoint) -> Response {
    let of_machine = matches!(endpoint, Endpoint::MetricsSnapshot | Endpoint::SystemStats);
    let system = if of_machine { system::read() } else { System::default() };
    let now = master.now();
    match master.with(|state| endpoint.render(state, now, &system, &request.query)) {
        Ok(json) => Response::json(json, request.jsonp()),
        Err(error) => Response::internal_error(error),
    }
}

/// `/redirect` leads to the leading master; below it nothing does, lest a client goes round in circles.
fn redirect(master: &MasterHandle, request: &Request) -> Response {
    match (request.path.as_str(), master.with(redirect_location)) {
        (_, None) => Response::unavailable("No leader elected"),
        ("/redirect" | "/master/redirect", Some(location)) => Response::redirect(location),
        (_, Some(_)) => Response::not_found(),
    }
}

/// The timeout is for metrics that take their time; ours do not.
fn metrics(master: &MasterHandle, request: &Request) -> Response {
    let timeout = request.query("timeout");
    if let Some((timeout, Err(error))) = timeout.map(|timeout| (timeout, duration::parse(timeout))) {
        return Response::bad_request(format!("Invalid timeout '{timeout}': {error}.\n"));
    }
    read(master, request, Endpoint::MetricsSnapshot)
}

fn quota(master: &MasterHandle, request: &Request) -> Response {
    match request.method {
        Method::GET => read(master, request, Endpoint::Quota),
        Method::POST => changes::set_quota(master, request),
        Method::DELETE => changes::remove_quota(master, request),
        _ => Response::method_not_allowed(&["GET", "POST", "DELETE"], &request.method),
    }
}

fn weights(master: &MasterHandle, request: &Request) -> Response {
    match request.method {
        Method::GET => read(master, request, Endpoint::Weights),
        Method::PUT => changes::update_weights(master, request),
        _ => Response::method_not_allowed(&["GET", "PUT"], &request.method),
    }
}

fn schedule(master: &MasterHandle, request: &Request) -> Response {
    match request.method {
        Method::GET => read(master, request, Endpoint::MaintenanceSchedule),
        Method::POST => changes::update_schedule(master, request),
        _ => Response::method_not_allowed(&["GET", "POST"], &request.method),
    }
}
