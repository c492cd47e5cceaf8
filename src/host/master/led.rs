//! What a master says that does not lead: where the leader is.

use super::MasterHandle;
use crate::{
    engine::master::{Standing, view::legacy::redirect_location},
    host::http::{Request, Response},
};

/// Endpoints that every master answers itself.
const OWN: [&str; 12] = [
    "/master/health",
    "/master/redirect",
    "/master/flags",
    "/version",
    "/metrics/snapshot",
    "/system/stats.json",
    "/registrar(1)/registry",
    "/allocator/offer_constraints_debug",
    "/__processes__",
    "/files/debug",
    "/files/browse",
    "/files/read",
];

/// Of these, some also wait for the registry.
const API: [&str; 2] = ["/master/api/v1", "/master/api/v1/scheduler"];

/// Whether the leader alone answers at this path.
pub fn is_of_the_leader(path: &str) -> bool {
    !OWN.contains(&path) && path != "/" && path != "/files/download"
}

/// What stands behind host and port.
fn location_of(request: &Request) -> String {
    let pairs: Vec<_> =
        request.query.iter().map(|(key, value)| format!("{}={}", encode(key), encode(value))).collect();
    let mark = if pairs.is_empty() { "" } else { "?" };
    format!("{}{mark}{}", request.path, pairs.join("&"))
}

fn encode(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let bytes = text.bytes().map(|byte| match plain(byte) {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    });
    bytes.collect()
}

/// What is answered in the leader's place; none when this master leads.
pub fn elsewhere(master: &MasterHandle, path: &str, request: &Request) -> Option<Response> {
    let (standing, leader) = master.with(|master| (master.standing(), redirect_location(master)));
    match (standing, leader) {
        (Standing::Leading, _) => None,
        (Standing::Recovering, _) if API.contains(&path) => {
            Some(Response::unavailable("Master has not finished recovery"))
        }
        (Standing::Recovering, _) => None,
        (Standing::Following, None) => Some(Response::unavailable("No leader elected")),
        (Standing::Following, Some(leader)) => {
            Some(Response::redirect(format!("{leader}{}", location_of(request))))
        }
    }
}
