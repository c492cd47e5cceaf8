//! Manifests over HTTP, with what lists them: tags, the catalog, and who refers to one.

use std::io;

use bytes::Bytes;
use futures_util::stream;
use serde_json::json;

use super::{
    RegistryHandle,
    http::{DIGEST, FILTERS, SUBJECT, json, matches},
    store::Stored,
};
use crate::{
    host::http::{Method, Request, RequestBody, Response, StatusCode, Uncollected, header},
    services::registry::{
        self, Code, Digest, INDEX, LARGEST_MANIFEST, Manifest, Page, Reference, Refusal, Repository,
    },
};

/// GET, HEAD, PUT and DELETE of a manifest.
pub async fn manifest(
    registry: &RegistryHandle,
    (repository, reference): (Repository, Reference),
    request: &Request,
    body: &mut RequestBody,
) -> Result<Response, Refusal> {
    match request.method {
        Method::PUT => put(registry, repository, reference, request, body).await,
        Method::DELETE => delete(registry, repository, reference).await,
        _ => get(registry, repository, reference, request).await,
    }
}

fn unknown(reference: &Reference) -> Refusal {
    Refusal::new(Code::ManifestUnknown).with("reference", reference.to_string())
}

async fn get(
    registry: &RegistryHandle,
    repository: Repository,
    reference: Reference,
    request: &Request,
) -> Result<Response, Refusal> {
    let refusal = unknown(&reference);
    let found = registry.on_disk(move |store| Ok(store.manifest(&repository, &reference)?)).await?;
    let Stored { digest, media_type, content } = found.ok_or(refusal)?;
    let response = match matches(request, &digest) {
        true => Response::empty(StatusCode::NOT_MODIFIED),
        false => verbatim(&media_type, content),
    };
    Ok(response.with(DIGEST, digest.to_string()).with(header::ETAG, format!("\"{digest}\"")))
}

/// Never compressed: its digest and its length are those of what was pushed.
fn verbatim(media_type: &str, content: Vec<u8>) -> Response {
    let length = u64::try_from(content.len()).unwrap_or(u64::MAX);
    Response::pieces(media_type, length, stream::iter([Ok::<_, io::Error>(Bytes::from(content))]))
}

async fn put(
    registry: &RegistryHandle,
    repository: Repository,
    reference: Reference,
    request: &Request,
    body: &mut RequestBody,
) -> Result<Response, Refusal> {
    let content = body.collect(LARGEST_MANIFEST).await.map_err(uncollected)?;
    let digest = Digest::of(&content);
    if let Reference::Digest(wanted) = &reference
        && *wanted != digest
    {
        return Err(Refusal::new(Code::DigestInvalid).saying(format!("the content is {digest}")));
    }
    let manifest = Manifest::parse(request.header(header::CONTENT_TYPE), &content)?;
    let subject = manifest.subject.as_ref().map(Digest::to_string);
    let location = format!("/v2/{repository}/manifests/{digest}");
    let (said, to) = (reference.to_string(), repository.to_string());
    let stored = Stored {
        digest: digest.clone(),
        media_type: manifest.media_type.to_owned(),
        content: content.to_vec(),
    };
    let done = move |store: &super::Store| store.put_manifest(&repository, &reference, &manifest, &stored);
    registry.on_disk(done).await?;
    tracing::info!(repository = to, reference = said, %digest, "took a manifest");
    let response = Response::empty(StatusCode::CREATED)
        .with(header::LOCATION, location)
        .with(DIGEST, digest.to_string());
    Ok(subject.into_iter().fold(response, |response, subject| response.with(SUBJECT, subject)))
}

fn uncollected(error: Uncollected) -> Refusal {
    let (code, status) = match error {
        Uncollected::Gone(_) => (Code::ManifestInvalid, 400),
        Uncollected::TooLarge(_) => (Code::SizeInvalid, 413),
        Uncollected::NoRoom(_) => (Code::Unknown, 503),
    };
    Refusal::new(code).saying(error.to_string()).as_status(status)
}

async fn delete(
    registry: &RegistryHandle,
    repository: Repository,
    reference: Reference,
) -> Result<Response, Refusal> {
    let refusal = unknown(&reference);
    let (said, of) = (reference.to_string(), repository.to_string());
    if !registry.on_disk(move |store| Ok(store.delete(&repository, &reference)?)).await? {
        return Err(refusal);
    }
    tracing::info!(repository = of, reference = said, "removed a manifest or its tag");
    Ok(Response::accepted())
}

/// `{"name": ..., "tags": [...]}`
pub async fn tags(
    registry: &RegistryHandle,
    repository: Repository,
    request: &Request,
) -> Result<Response, Refusal> {
    let page = page(request)?;
    let of = repository.clone();
    let tags = registry.on_disk(move |store| Ok(store.tags(&of)?)).await?;
    let unknown = || Refusal::new(Code::NameUnknown).with("name", repository.as_str());
    let (tags, next) = page.cut(&format!("/v2/{repository}/tags/list"), tags.ok_or_else(unknown)?);
    Ok(linked(json(StatusCode::OK, json!({"name": repository.as_str(), "tags": tags}).to_string()), next))
}

/// `{"repositories": [...]}`
pub async fn catalog(registry: &RegistryHandle, request: &Request) -> Result<Response, Refusal> {
    let page = page(request)?;
    let names = registry.on_disk(|store| Ok(store.catalog()?)).await?;
    let (names, next) = page.cut("/v2/_catalog", names);
    Ok(linked(json(StatusCode::OK, json!({"repositories": names}).to_string()), next))
}

fn page(request: &Request) -> Result<Page, Refusal> {
    Page::of(request.query("n"), request.query("last"))
}

fn linked(response: Response, next: Option<String>) -> Response {
    next.into_iter().fold(response, |response, next| response.with(header::LINK, next))
}

/// An index of those who refer to a digest, of one type where the query names one.
pub async fn referrers(
    registry: &RegistryHandle,
    (repository, subject): (Repository, Digest),
    request: &Request,
) -> Result<Response, Refusal> {
    let mut referrers = registry.on_disk(move |store| Ok(store.referrers(&repository, &subject)?)).await?;
    let wanted = request.query("artifactType");
    if let Some(wanted) = wanted {
        referrers.retain(|referrer| referrer.is_of(wanted));
    }
    let response = Response::bytes(INDEX, registry::index(&referrers));
    Ok(wanted.into_iter().fold(response, |response, _| response.with(FILTERS, "artifactType")))
}
