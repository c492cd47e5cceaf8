//! Blobs over HTTP: begun, sent in one piece or in many, finished, mounted, read and removed.

use std::{fs::File, io::SeekFrom};

use bytes::Bytes;
use futures_util::stream;
use tokio::io::{AsyncReadExt, AsyncSeekExt};

use super::{
    RegistryHandle, blocking,
    http::{DIGEST, UPLOAD_ID, matches, missing},
    uploads::{Held, receive},
};
use crate::{
    host::http::{Method, Request, RequestBody, Response, StatusCode, header},
    services::registry::{ChunkRange, Code, Digest, Part, Refusal, Repository, part},
};

/// Bytes of a blob that are read at once.
const PIECE: usize = 256 * 1024;

const BYTES: &str = "application/octet-stream";

/// A repository whose blobs these are.
pub struct Blobs<'a> {
    pub registry: &'a RegistryHandle,
    pub repository: &'a Repository,
}

impl Blobs<'_> {
    /// POST: begins an upload, which may be the whole of it, or takes a blob from another repository.
    pub async fn begin(&self, request: &Request, body: &mut RequestBody) -> Result<Response, Refusal> {
        let mount = request.query("mount").and_then(|digest| digest.parse::<Digest>().ok());
        let from = request.query("from").and_then(|from| from.parse::<Repository>().ok());
        if let (Some(digest), Some(from)) = (mount, from)
            && self.mount(from, digest.clone()).await?
        {
            return Ok(self.created(&digest));
        }
        let uploads = &self.registry.0.uploads;
        let id = uploads.begin(self.repository);
        if request.query("digest").is_none() {
            return Ok(self.progress(StatusCode::ACCEPTED, &id, 0));
        }
        let finished = self.finish(&id, request, body).await;
        uploads.end(&id);
        finished
    }

    async fn mount(&self, from: Repository, digest: Digest) -> Result<bool, Refusal> {
        let to = self.repository.clone();
        self.registry.on_disk(move |store| Ok(store.mount(&from, &to, &digest)?)).await
    }

    /// GET, PATCH, PUT and DELETE of an upload that has begun.
    pub async fn upload(
        &self,
        id: &str,
        request: &Request,
        body: &mut RequestBody,
    ) -> Result<Response, Refusal> {
        match request.method {
            Method::PATCH => self.append(id, request, body).await,
            Method::PUT => self.finish(id, request, body).await,
            Method::DELETE => {
                let held = self.hold(id).await?;
                self.registry.0.uploads.end(id);
                drop(held);
                Ok(Response::empty(StatusCode::NO_CONTENT).with(UPLOAD_ID, id))
            }
            _ => Ok(self.progress(StatusCode::NO_CONTENT, id, self.hold(id).await?.size())),
        }
    }

    async fn hold(&self, id: &str) -> Result<Held, Refusal> {
        self.registry.0.uploads.hold(self.repository, id).await
    }

    async fn append(&self, id: &str, request: &Request, body: &mut RequestBody) -> Result<Response, Refusal> {
        let held = self.hold(id).await?;
        let size = held.size();
        match self.receive(held, request, body).await {
            Ok(held) => Ok(self.progress(StatusCode::ACCEPTED, id, held.size())),
            // A client that does not know how far it got finds it in this answer.
            Err(refusal) if refusal.code == Code::RangeInvalid => Ok(self
                .progress(StatusCode::RANGE_NOT_SATISFIABLE, id, size)
                .with(header::CONTENT_TYPE, "application/json")
                .with_body(refusal.body())),
            Err(refusal) => Err(refusal),
        }
    }

    /// What is sent, where it says that it belongs.
    async fn receive(&self, held: Held, request: &Request, body: &mut RequestBody) -> Result<Held, Refusal> {
        let Some(range) = request.header(header::CONTENT_RANGE) else { return receive(held, body).await };
        let range = ChunkRange::parse(range).filter(|range| range.first == held.size());
        let range = range.ok_or_else(|| Refusal::new(Code::RangeInvalid))?;
        let (mark, end) = (held.mark(), held.size() + range.length());
        let mut held = receive(held, body).await?;
        if held.size() != end {
            held.back_to(mark);
            return Err(Refusal::new(Code::SizeInvalid));
        }
        Ok(held)
    }

    async fn finish(&self, id: &str, request: &Request, body: &mut RequestBody) -> Result<Response, Refusal> {
        let held = self.hold(id).await?;
        let absent = || Refusal::new(Code::DigestInvalid).saying("digest missing");
        let digest: Digest = request.query("digest").ok_or_else(absent)?.parse()?;
        let held = self.receive(held, request, body).await?;
        self.registry.0.uploads.end(id);
        let content = held.digest();
        if content != digest {
            return Err(Refusal::new(Code::DigestInvalid).saying(format!("the content is {content}")));
        }
        self.adopt(held, digest.clone()).await?;
        tracing::debug!(repository = %self.repository, %digest, "took a blob");
        Ok(self.created(&digest))
    }

    async fn adopt(&self, held: Held, digest: Digest) -> Result<(), Refusal> {
        let (store, repository) = (self.registry.0.store.clone(), self.repository.clone());
        blocking(move || Ok(store.adopt(&held.finish()?, &repository, &digest)?)).await
    }

    fn created(&self, digest: &Digest) -> Response {
        Response::empty(StatusCode::CREATED)
            .with(header::LOCATION, format!("/v2/{}/blobs/{digest}", self.repository))
            .with(DIGEST, digest.to_string())
    }

    /// Of so many bytes; both ends of a range count, so that nothing looks like one byte.
    fn progress(&self, status: StatusCode, id: &str, size: u64) -> Response {
        Response::empty(status)
            .with(header::LOCATION, format!("/v2/{}/blobs/uploads/{id}", self.repository))
            .with(header::RANGE, format!("0-{}", size.saturating_sub(1)))
            .with(UPLOAD_ID, id)
    }

    /// GET, HEAD and DELETE of a blob.
    pub async fn blob(&self, digest: Digest, request: &Request) -> Result<Response, Refusal> {
        let unknown = Refusal::new(Code::BlobUnknown).with("digest", digest.to_string());
        let (repository, of) = (self.repository.clone(), digest.clone());
        if request.method == Method::DELETE {
            let removed =
                self.registry.on_disk(move |store| Ok(store.remove_blob(&repository, &of)?)).await?;
            return if removed {
                Ok(Response::accepted().with(DIGEST, digest.to_string()))
            } else {
                Err(unknown)
            };
        }
        let found = self.registry.on_disk(move |store| Ok(store.blob(&repository, &of)?)).await?;
        let (file, size) = found.ok_or(unknown)?;
        if matches(request, &digest) {
            return Ok(described(Response::empty(StatusCode::NOT_MODIFIED), &digest));
        }
        Ok(described(content(file, size, request), &digest))
    }
}

fn described(response: Response, digest: &Digest) -> Response {
    response
        .with(header::ACCEPT_RANGES, "bytes")
        .with(header::CACHE_CONTROL, "max-age=31536000")
        .with(DIGEST, digest.to_string())
        .with(header::ETAG, format!("\"{digest}\""))
}

/// The whole blob, or the part that is asked for.
fn content(file: File, size: u64, request: &Request) -> Response {
    match part(request.header(header::RANGE), size) {
        Part::Whole => read(file, 0, size),
        Part::From { first, length } => {
            let range = format!("bytes {first}-{}/{size}", first + length - 1);
            let mut response = read(file, first, length).with(header::CONTENT_RANGE, range);
            response.status = StatusCode::PARTIAL_CONTENT;
            response
        }
        Part::None => {
            missing(StatusCode::RANGE_NOT_SATISFIABLE).with(header::CONTENT_RANGE, format!("bytes */{size}"))
        }
    }
}

/// Reads as its client takes it; a file that is too short cuts the connection.
fn read(file: File, first: u64, length: u64) -> Response {
    let file = tokio::fs::File::from_std(file);
    let pieces = stream::try_unfold((file, Some(first), length), |(mut file, start, left)| async move {
        if let Some(start) = start {
            file.seek(SeekFrom::Start(start)).await?;
        }
        let wanted = usize::try_from(left).unwrap_or(usize::MAX).min(PIECE);
        if wanted == 0 {
            return Ok(None);
        }
        let mut piece = vec![0; wanted];
        file.read_exact(&mut piece).await?;
        let left = left - u64::try_from(wanted).unwrap_or(left);
        Ok(Some((Bytes::from(piece), (file, None, left))))
    });
    Response::pieces(BYTES, length, pieces)
}
