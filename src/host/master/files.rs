//! The files endpoints of a master: the texts of Mesos, and no file, as nothing is attached here.

use super::MasterHandle;
use crate::host::http::{Request, Response, StatusCode};

/// 404 with an empty text, as for any path that is not attached.
pub fn not_found() -> Response {
    Response::text(StatusCode::NOT_FOUND, "")
}

/// `/files/browse` and `/files/read`.
pub fn browse(_: &MasterHandle, request: &Request) -> Response {
    named(request).map_or_else(|refusal| refusal, |_| not_found())
}

pub fn download(_: &MasterHandle, request: &Request) -> Response {
    named(request).map_or_else(|refusal| refusal, |_| Response::not_found())
}

fn named(request: &Request) -> Result<&str, Response> {
    let path = request.query("path").filter(|path| !path.is_empty());
    path.ok_or_else(|| Response::bad_request("Expecting 'path=value' in query.\n"))
}
