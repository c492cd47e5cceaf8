//! The paths of a registry, and the headers that its answers have in common.

use super::{
    RegistryHandle,
    blobs::Blobs,
    manifests::{catalog, manifest, referrers, tags},
};
use crate::{
    host::http::{
        HeaderName, Method, Request, RequestBody, Response, Router, StatusCode, decode_path, header,
    },
    services::registry::{Code, Digest, Refusal, Route},
};

pub const DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");
pub const UPLOAD_ID: HeaderName = HeaderName::from_static("docker-upload-uuid");
pub const SUBJECT: HeaderName = HeaderName::from_static("oci-subject");
pub const FILTERS: HeaderName = HeaderName::from_static("oci-filters-applied");
const VERSION: HeaderName = HeaderName::from_static("docker-distribution-api-version");

/// Of the body of a request that is refused, what is read so that its sender hears why.
const DRAINED: usize = 256 * 1024;

pub fn router(registry: &RegistryHandle) -> Router {
    let registry = registry.clone();
    Router::new("v2").reading(move |request, body| {
        let registry = registry.clone();
        async move { answer(&registry, &request, body).await }
    })
}

async fn answer(registry: &RegistryHandle, request: &Request, mut body: RequestBody) -> Response {
    let response = match dispatch(registry, request, &mut body).await {
        Ok(response) => response,
        Err(refusal) => {
            drain(&mut body).await;
            refused(request, &refusal)
        }
    };
    response.with(VERSION, "registry/2.0")
}

async fn dispatch(
    registry: &RegistryHandle,
    request: &Request,
    body: &mut RequestBody,
) -> Result<Response, Refusal> {
    let path = decode_path(&request.path.replace('+', "%2B")).unwrap_or_default();
    let Some(route) = route(&path, &request.method)? else { return Ok(missing(StatusCode::NOT_FOUND)) };
    if !route.methods().contains(&request.method.as_str()) {
        let refusal = Refusal::new(Code::Unsupported);
        return Ok(refused(request, &refusal).with(header::ALLOW, route.methods().join(", ")));
    }
    if route != Route::Base {
        registry.settled().await;
    }
    match route {
        Route::Base => Ok(json(StatusCode::OK, "{}".to_owned())),
        Route::Catalog => catalog(registry, request).await,
        Route::Tags(repository) => tags(registry, repository, request).await,
        Route::Manifest(repository, reference) => {
            manifest(registry, (repository, reference), request, body).await
        }
        Route::Referrers(repository, digest) => referrers(registry, (repository, digest), request).await,
        Route::Blob(repository, digest) => {
            Blobs { registry, repository: &repository }.blob(digest, request).await
        }
        Route::Uploads(repository) => Blobs { registry, repository: &repository }.begin(request, body).await,
        Route::Upload(repository, id) => {
            Blobs { registry, repository: &repository }.upload(&id, request, body).await
        }
    }
}

/// A manifest under a tag that can be none is not there to be read, and wrong to be written.
fn route(path: &str, method: &Method) -> Result<Option<Route>, Refusal> {
    Route::parse(path).map_err(|refusal| match (refusal.code, method) {
        (Code::TagInvalid, method) if method != Method::PUT => Refusal::new(Code::ManifestUnknown),
        _ => refusal,
    })
}

fn refused(request: &Request, refusal: &Refusal) -> Response {
    if refusal.code == Code::Unknown {
        tracing::warn!(path = request.path, error = refusal.body(), "failed to answer");
    }
    let status = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    json(status, refusal.body())
}

async fn drain(body: &mut RequestBody) {
    let mut drained = 0;
    while let Ok(Some(piece)) = body.next().await {
        drained += piece.len();
        if drained > DRAINED {
            return;
        }
    }
}

pub fn json(status: StatusCode, body: String) -> Response {
    let mut response = Response::bytes("application/json", body);
    response.status = status;
    response
}

/// An answer that has nothing to say.
pub fn missing(status: StatusCode) -> Response {
    Response::text(status, format!("{status}.\n"))
}

/// Whether the client has it already, as `If-None-Match` says.
pub fn matches(request: &Request, digest: &Digest) -> bool {
    let digest = digest.to_string();
    let known = request.header(header::IF_NONE_MATCH).unwrap_or_default();
    known.split(',').any(|known| {
        let known = known.trim();
        known == "*" || known.strip_prefix("W/").unwrap_or(known).trim_matches('"') == digest
    })
}
