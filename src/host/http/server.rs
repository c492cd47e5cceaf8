//! The listener's loop and the life of a connection: read a request within the limits, guard, route, answer.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::{Arc, atomic::Ordering},
    task::{Context, Poll},
    time::{Duration, UNIX_EPOCH},
};

use bytes::Bytes;
use http::{HeaderValue, Method, StatusCode, header, request::Parts};
use hyper::{
    body::{Frame, Incoming, SizeHint},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};

use super::{
    connections::{Connection, Connections, Patience, Phase, Place},
    encoding::gunzip,
    guard::Guard,
    memory::Memory,
    percent,
    request::{Request, RequestBody, Uncollected},
    response::{Body, Response},
    router::Router,
    silent::Silent,
};
use crate::{
    host::{networks::Networks, socket},
    mesos::time::Time,
    runtime::{Clock, Tasks},
};

/// How much of a client's data and time is taken.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of request line and headers; above it the connection is closed without a reply, as libprocess does.
    pub head: usize,
    /// Bytes of a request body, compressed or not; above it 413. A launch of 10,000 tasks takes a few million.
    pub body: usize,
    /// Bytes of large bodies and of large answers on their way, of all clients together; above it 503.
    pub memory: usize,
    /// Connections at once; above it the longest idle one makes room.
    pub connections: usize,
    pub patience: Patience,
}

/// A test with a thousand frameworks fits in, several times.
const CONNECTIONS: u64 = 4096;

impl Default for Limits {
    fn default() -> Self {
        Self {
            head: 80 * 1024,
            body: 16 * 1024 * 1024,
            memory: 256 * 1024 * 1024,
            connections: connections_of(
                rustix::process::getrlimit(rustix::process::Resource::Nofile).current,
            ),
            patience: Patience::default(),
        }
    }
}

/// A listener leaves files for the others, and for tasks.
fn connections_of(open_files: Option<u64>) -> usize {
    let share = open_files.map_or(CONNECTIONS, |files| (files / 4).clamp(8, CONNECTIONS));
    usize::try_from(share).unwrap_or(usize::MAX)
}

/// From one look for silent clients to the next.
const PATROL: Duration = Duration::from_secs(5);

/// From a failure to accept to the next attempt: no file descriptor is free until somebody leaves.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// What a listener takes and from whom.
#[derive(Clone, Debug, Default)]
pub struct Options {
    pub limits: Limits,
    pub guard: Guard,
    /// Where clients may come from; who comes from elsewhere gets 403.
    pub networks: Networks,
}

impl Options {
    /// The reason why this client may not ask this.
    pub(super) fn refusal(
        &self,
        parts: &Parts,
        peer: IpAddr,
        local: IpAddr,
        message: bool,
    ) -> Option<String> {
        if !self.networks.admits(peer) {
            return Some(foreign(peer.to_canonical()));
        }
        self.guard.refusal(&parts.uri, &parts.headers, local, message)
    }
}

/// What every connection of a listener shares.
struct Server {
    router: Router,
    options: Options,
    clock: Clock,
    connections: Arc<Connections>,
    memory: Memory,
}

/// Accepts connections until `tasks` is cancelled; each connection is a task of the group.
pub async fn serve(listener: TcpListener, tasks: Tasks, clock: Clock, router: Router, options: Options) {
    let Limits { connections, patience, memory, .. } = options.limits;
    let connections = Arc::new(Connections::new(connections, patience));
    let memory = Memory::new(memory);
    let server = Arc::new(Server { router, options, clock, connections, memory });
    tasks.spawn(patrol(Arc::clone(&server)));
    let mut failing = false;
    loop {
        match listener.accept().await {
            Ok((socket, peer)) => {
                failing = false;
                if let Some(place) = server.connections.admit(clock) {
                    tasks.spawn(connection(Arc::clone(&server), place, socket, peer));
                }
            }
            Err(error) => {
                if !std::mem::replace(&mut failing, true) {
                    tracing::warn!(%error, "failed to accept a connection");
                }
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Closes connections of silent clients.
async fn patrol(server: Arc<Server>) {
    let mut interval = tokio::time::interval(PATROL.min(server.options.limits.patience.head));
    loop {
        interval.tick().await;
        let overdue = server.connections.close_overdue(server.clock.now());
        if overdue > 0 {
            tracing::debug!(overdue, "closed connections of silent clients");
        }
        let turned_away = server.connections.turned_away();
        if turned_away > 0 {
            tracing::warn!(turned_away, limit = server.options.limits.connections, "too many connections");
        }
    }
}

async fn connection(server: Arc<Server>, place: Place, socket: TcpStream, peer: SocketAddr) {
    let Ok(local) = prepare(&socket) else { return };
    let connection = &place.connection;
    let socket = Silent::new(socket, Arc::clone(connection));
    let http10 = socket.speaks_http10();
    let service = service_fn(async |request| {
        let once = http10.load(Ordering::Relaxed) && !keeps_alive(&request);
        let mut response = server.respond(request, peer, local, connection).await?;
        if once {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        Ok::<_, Unanswered>(response)
    });
    let serving = http1::Builder::new()
        .title_case_headers(true)
        .auto_date_header(false)
        .half_close(true)
        .max_buf_size(server.options.limits.head)
        .serve_connection(TokioIo::new(socket), service);
    if let Some(Err(error)) = connection.closed().run_until_cancelled(serving).await {
        tracing::debug!(%peer, %error, "connection ended");
    }
}

/// A client of HTTP/1.0 says so if it wants to.
fn keeps_alive(request: &http::Request<Incoming>) -> bool {
    let connection = request.headers().get(header::CONNECTION);
    connection.is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"keep-alive"))
}

fn prepare(socket: &TcpStream) -> io::Result<SocketAddr> {
    socket::prepare(socket)?;
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
        connection: &Arc<Connection>,
    ) -> Result<http::Response<WireBody>, Unanswered> {
        let (parts, body) = request.into_parts();
        let accept_encoding = parts.headers.get(header::ACCEPT_ENCODING).cloned();
        let message = self.router.is_message(&parts.method, &parts.headers);
        connection.carries(message);
        let response = match self.options.refusal(&parts, peer.ip(), local.ip(), message) {
            Some(reason) => Response::forbidden(reason),
            None => self.answer(parts, body, [peer, local], connection).await?,
        };
        let accept_encoding = accept_encoding.as_ref().and_then(|value| value.to_str().ok());
        Ok(self.on_wire(response.compressed_for(accept_encoding), connection))
    }

    /// The answer to a request that is let in; an error closes without a reply.
    async fn answer(
        &self,
        parts: Parts,
        body: Incoming,
        addresses: [SocketAddr; 2],
        connection: &Arc<Connection>,
    ) -> Result<Response, Unanswered> {
        if !is_known(&parts.method) || head_size(&parts) > self.options.limits.head {
            return Err(Unanswered);
        }
        let request = self.request(parts, addresses, connection)?;
        let body = RequestBody::new(body, Arc::clone(connection), self.memory.clone());
        if let Some(reader) = self.router.reader(&request.path, &request.headers) {
            connection.enter(Phase::Answering);
            return Ok(reader(request, body).await);
        }
        Ok(match self.read(request, body).await? {
            Ok(request) => self.router.answer(request).await,
            Err(refusal) => refusal,
        })
    }

    /// The request without its body.
    fn request(
        &self,
        parts: Parts,
        [peer, local]: [SocketAddr; 2],
        connection: &Connection,
    ) -> Result<Request, Unanswered> {
        let pairs = percent::decode_pairs(parts.uri.query().unwrap_or_default()).map_err(|_| Unanswered)?;
        Ok(Request {
            method: parts.method,
            path: parts.uri.path().to_owned(),
            query: pairs.iter().cloned().collect(),
            pairs,
            headers: parts.headers,
            body: Bytes::new(),
            peer,
            local,
            connection: connection.closed().clone(),
            memory: self.memory.clone(),
        })
    }

    /// The request with its body; `Ok(Err)` is a refusal to send, `Err` closes without a reply.
    async fn read(
        &self,
        request: Request,
        mut body: RequestBody,
    ) -> Result<Result<Request, Response>, Unanswered> {
        let body = match body.collect(self.options.limits.body).await {
            Ok(body) => body,
            Err(Uncollected::Gone(_)) => return Err(Unanswered),
            Err(Uncollected::TooLarge(_)) => return Ok(Err(self.too_large())),
            Err(Uncollected::NoRoom(_)) => return Ok(Err(self.too_much())),
        };
        let zipped = request.headers.get(header::CONTENT_ENCODING).is_some_and(|coding| coding == "gzip");
        let body = match zipped {
            true => self.memory.hold(gunzip(&body, self.options.limits.body).map_err(|_| Unanswered)?),
            false => Some(body),
        };
        Ok(match body {
            Some(body) => Ok(Request { body, ..request }),
            None => Err(self.too_much()),
        })
    }

    fn too_large(&self) -> Response {
        let limit = self.options.limits.body;
        Response::text(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("413 Payload Too Large. The limit is {limit} bytes."),
        )
    }

    fn too_much(&self) -> Response {
        let limit = self.memory.limit();
        let text =
            format!("503 Service Unavailable. Other requests and answers fill the {limit} bytes for them.");
        Response::text(StatusCode::SERVICE_UNAVAILABLE, text)
    }

    fn on_wire(&self, response: Response, connection: &Arc<Connection>) -> http::Response<WireBody> {
        let response = response.held_by(&self.memory).unwrap_or_else(|| self.too_much());
        let (status, headers, body) = response.into_wire(date(self.clock.now()));
        let body = WireBody { body, connection: Arc::clone(connection) };
        connection.enter(if body.is_stream() { Phase::Streaming } else { Phase::Sending });
        let mut response = http::Response::new(body);
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        response
    }
}

fn foreign(peer: IpAddr) -> String {
    let bits = if peer.is_ipv4() { 32 } else { 128 };
    format!(
        "403 Forbidden. {peer} is in none of the networks that this listener answers. \
         Start it with --allow_networks={peer}/{bits}, or with the network that {peer} is in."
    )
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
struct WireBody {
    body: Body,
    connection: Arc<Connection>,
}

impl WireBody {
    fn is_stream(&self) -> bool {
        matches!(self.body, Body::Stream(_))
    }
}

/// Its last bytes may still be on their way.
impl Drop for WireBody {
    fn drop(&mut self) {
        self.connection.enter(Phase::Draining);
    }
}

impl hyper::body::Body for WireBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let data = match &mut self.body {
            Body::Full(body) if body.is_empty() => return Poll::Ready(None),
            Body::Full(body) => Poll::Ready(Some(Ok(std::mem::take(body)))),
            Body::Pieces { pieces, .. } => pieces.as_mut().poll_next(context),
            Body::Stream(stream) => stream.poll_next(context).map(|record| record.map(Ok)),
        };
        data.map(|data| data.map(|data| data.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        matches!(&self.body, Body::Full(body) if body.is_empty())
    }

    fn size_hint(&self) -> SizeHint {
        match &self.body {
            Body::Full(body) => SizeHint::with_exact(u64::try_from(body.len()).unwrap_or(u64::MAX)),
            Body::Pieces { length, .. } => SizeHint::with_exact(*length),
            Body::Stream(_) => SizeHint::new(),
        }
    }
}
