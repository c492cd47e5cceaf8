//! The listener's loop and the life of a connection: read a request within the limits, guard, route, answer.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, atomic::Ordering},
    task::{Context, Poll},
    time::{Duration, UNIX_EPOCH},
};

use bytes::Bytes;
use http::{HeaderValue, Method, StatusCode, header, request::Parts};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::{
    body::{Frame, Incoming, SizeHint},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use super::{
    encoding::gunzip,
    guard::Guard,
    percent,
    request::Request,
    response::{Body, Response},
    router::Router,
    silent::Silent,
};
use crate::{
    mesos::time::Time,
    runtime::{Clock, Tasks},
};

/// How much of a client's data is taken in.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of request line and headers; above it the connection is closed without a reply, as libprocess does.
    pub head: usize,
    /// Bytes of a request body, compressed or not; above it 413.
    pub body: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { head: 80 * 1024, body: 64 * 1024 * 1024 }
    }
}

/// What a listener takes and from whom.
#[derive(Clone, Debug, Default)]
pub struct Options {
    pub limits: Limits,
    pub guard: Guard,
}

/// What every connection of a listener shares.
struct Server {
    router: Router,
    options: Options,
    clock: Clock,
}

/// Accepts connections until `tasks` is cancelled; each connection is a task of the group.
pub async fn serve(listener: TcpListener, tasks: Tasks, clock: Clock, router: Router, options: Options) {
    let server = Arc::new(Server { router, options, clock });
    loop {
        match listener.accept().await {
            Ok((socket, peer)) => {
                tasks.spawn(connection(Arc::clone(&server), socket, peer));
            }
            Err(error) => {
                tracing::warn!(%error, "failed to accept a connection");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

async fn connection(server: Arc<Server>, socket: TcpStream, peer: SocketAddr) {
    let Ok(local) = prepare(&socket) else { return };
    let closed = CancellationToken::new();
    let socket = Silent::new(socket);
    let http10 = socket.speaks_http10();
    let service = service_fn(async |request| {
        let once = http10.load(Ordering::Relaxed) && !keeps_alive(&request);
        let mut response = server.respond(request, peer, local, &closed).await?;
        if once {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        Ok::<_, Unanswered>(response)
    });
    let serving = http1::Builder::new()
        .title_case_headers(true)
        .auto_date_header(false)
        .max_buf_size(server.options.limits.head)
        .serve_connection(TokioIo::new(socket), service);
    if let Some(Err(error)) = closed.run_until_cancelled(serving).await {
        tracing::debug!(%peer, %error, "connection ended");
    }
}

/// A client of HTTP/1.0 says so if it wants to.
fn keeps_alive(request: &http::Request<Incoming>) -> bool {
    let connection = request.headers().get(header::CONNECTION);
    connection.is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"keep-alive"))
}

fn prepare(socket: &TcpStream) -> io::Result<SocketAddr> {
    socket.set_nodelay(true)?;
    socket.local_addr()
}

/// Closes the connection without a reply.
#[derive(Debug, thiserror::Error)]
#[error("malformed request")]
struct Unanswered;

impl Server {
    async fn respond(
        &self,
        request: http::Request<Incoming>,
        peer: SocketAddr,
        local: SocketAddr,
        connection: &CancellationToken,
    ) -> Result<http::Response<WireBody>, Unanswered> {
        let (parts, body) = request.into_parts();
        let accept_encoding = parts.headers.get(header::ACCEPT_ENCODING).cloned();
        let response = match self.options.guard.refusal(&parts.uri, &parts.headers, local.ip()) {
            Some(reason) => Response::forbidden(reason),
            None => match self.read(parts, body, peer, local, connection).await? {
                Ok(request) => self.router.answer(request).await,
                Err(refusal) => refusal,
            },
        };
        let accept_encoding = accept_encoding.as_ref().and_then(|value| value.to_str().ok());
        Ok(self.on_wire(response.compressed_for(accept_encoding)))
    }

    /// The request with its body; `Ok(Err)` is a refusal to send, `Err` closes without a reply.
    async fn read(
        &self,
        parts: Parts,
        body: Incoming,
        peer: SocketAddr,
        local: SocketAddr,
        connection: &CancellationToken,
    ) -> Result<Result<Request, Response>, Unanswered> {
        if !is_known(&parts.method) || head_size(&parts) > self.options.limits.head {
            return Err(Unanswered);
        }
        let query = percent::decode_query(parts.uri.query().unwrap_or_default()).map_err(|_| Unanswered)?;
        let body = match Limited::new(body, self.options.limits.body).collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) if error.is::<LengthLimitError>() => return Ok(Err(self.too_large())),
            Err(_) => return Err(Unanswered),
        };
        let zipped = parts.headers.get(header::CONTENT_ENCODING).is_some_and(|coding| coding == "gzip");
        let body =
            if zipped { gunzip(&body, self.options.limits.body).map_err(|_| Unanswered)? } else { body };
        let path = parts.uri.path().to_owned();
        let connection = connection.clone();
        Ok(Ok(Request {
            method: parts.method,
            path,
            query,
            headers: parts.headers,
            body,
            peer,
            local,
            connection,
        }))
    }

    fn too_large(&self) -> Response {
        let limit = self.options.limits.body;
        Response::text(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("413 Payload Too Large. The limit is {limit} bytes."),
        )
    }

    fn on_wire(&self, response: Response) -> http::Response<WireBody> {
        let (status, headers, body) = response.into_wire(date(self.clock.now()));
        let mut response = http::Response::new(WireBody(body));
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        response
    }
}

/// Bytes of request line and headers, without line ends; hyper's own limit holds for what comes in pieces only.
fn head_size(parts: &Parts) -> usize {
    let headers = parts.headers.iter().map(|(name, value)| name.as_str().len() + value.len());
    parts.uri.path().len() + parts.uri.query().map_or(0, str::len) + headers.sum::<usize>()
}

/// The methods that libprocess' parser knows.
fn is_known(method: &Method) -> bool {
    METHODS.split(' ').any(|known| known == method.as_str())
}

const METHODS: &str = "GET HEAD POST PUT DELETE OPTIONS TRACE CONNECT PATCH COPY LOCK MKCOL MOVE PROPFIND PROPPATCH \
    SEARCH UNLOCK BIND REBIND UNBIND ACL REPORT MKACTIVITY CHECKOUT MERGE M-SEARCH NOTIFY SUBSCRIBE UNSUBSCRIBE PURGE \
    MKCALENDAR LINK UNLINK";

fn date(now: Time) -> HeaderValue {
    let since_epoch = now.since(Time::default());
    HeaderValue::from_str(&httpdate::fmt_http_date(UNIX_EPOCH + since_epoch))
        .unwrap_or(HeaderValue::from_static("Thu, 01 Jan 1970 00:00:00 GMT"))
}

/// The body as hyper takes it: whole, or chunk by chunk.
struct WireBody(Body);

impl hyper::body::Body for WireBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let data = match &mut self.0 {
            Body::Full(body) if body.is_empty() => return Poll::Ready(None),
            Body::Full(body) => Poll::Ready(Some(Ok(std::mem::take(body)))),
            Body::Pieces { pieces, .. } => pieces.as_mut().poll_next(context),
            Body::Stream(stream) => stream.poll_next(context).map(|record| record.map(Ok)),
        };
        data.map(|data| data.map(|data| data.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        matches!(&self.0, Body::Full(body) if body.is_empty())
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Body::Full(body) => SizeHint::with_exact(u64::try_from(body.len()).unwrap_or(u64::MAX)),
            Body::Pieces { length, .. } => SizeHint::with_exact(*length),
            Body::Stream(_) => SizeHint::new(),
        }
    }
}
