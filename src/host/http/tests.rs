//! End to end over real sockets, byte by byte where the recordings say so.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    time::timeout,
};

use super::*;
use crate::runtime::{Clock, Tasks};

struct Server {
    address: SocketAddr,
    sinks: mpsc::UnboundedReceiver<Sink>,
    gone: mpsc::UnboundedReceiver<()>,
    tasks: Tasks,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.tasks.cancel();
    }
}

fn router(sinks: mpsc::UnboundedSender<Sink>, gone: mpsc::UnboundedSender<()>) -> Router {
    let stream = move |request: &Request| {
        let (sink, body) = channel(request, 1 << 20);
        let gone = gone.clone();
        sinks.send(sink).unwrap();
        Response::stream("application/json", body.on_gone(move || gone.send(()).unwrap_or_default()))
            .with_first(HeaderName::from_static("mesos-stream-id"), "some-id")
    };
    Router::new("master")
        .route("/version", |request| Response::json("{\"version\":1}".to_owned(), request.jsonp()))
        .route("/master/large", |_| Response::json("x".repeat(5000), None))
        .route("/master/huge", |_| Response::json("x".repeat(HUGE), None))
        .route("/master/echo", |request| Response::bytes("application/octet-stream", request.body.clone()))
        .route("/master/post", |request| match request.method {
            Method::POST => Response::accepted(),
            _ => Response::method_not_allowed(&["POST"], &request.method),
        })
        .route("/master/file", |_| {
            let pieces = [Ok(Bytes::from_static(b"ab")), Ok(Bytes::from_static(b"c"))];
            Response::pieces("text/plain", 3, futures_util::stream::iter(pieces))
        })
        .route("/master/torn", |_| {
            let pieces = [Ok(Bytes::from_static(b"ab")), Err(std::io::Error::other("gone"))];
            Response::pieces("text/plain", 3, futures_util::stream::iter(pieces))
        })
        .route_async("/master/slow", |_| async {
            tokio::time::sleep(Duration::from_millis(20)).await;
            Response::ok()
        })
        .route("/master/stream", stream)
        .reading(|request, mut body| async move {
            if request.path != "/read" {
                return Response::not_found();
            }
            let (mut size, mut collected) = (0, Vec::new());
            while let Ok(Some(piece)) = body.next().await {
                size += piece.len();
                collected = piece.to_vec();
            }
            Response::text(
                StatusCode::OK,
                format!("{} {size} {}", request.body.len(), collected.len() < size),
            )
        })
}

/// More than the buffers of a connection take.
const HUGE: usize = 16 * 1024 * 1024;

async fn start() -> Server {
    start_with(Limits { body: 10_000, ..Limits::default() }).await
}

async fn start_with(limits: Limits) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let tasks = Tasks::new();
    let (sink, sinks) = mpsc::unbounded_channel();
    let (left, gone) = mpsc::unbounded_channel();
    let options = Options { limits, ..Options::default() };
    tasks.spawn(serve(listener, tasks.clone(), Clock::start(), router(sink, left), options));
    Server { address, sinks, gone, tasks }
}

impl Server {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// What comes back until the server closes or falls silent, with the date masked.
    async fn exchange(&self, request: impl AsRef<[u8]>) -> (String, bool) {
        let mut socket = self.connect().await;
        socket.write_all(request.as_ref()).await.ok();
        read(&mut socket).await
    }
}

async fn read(socket: &mut TcpStream) -> (String, bool) {
    let mut all = Vec::new();
    let mut part = [0; 65536];
    let closed = loop {
        match timeout(Duration::from_millis(150), socket.read(&mut part)).await {
            Ok(Ok(0) | Err(_)) => break true,
            Ok(Ok(n)) => all.extend_from_slice(&part[..n]),
            Err(_) => break false,
        }
    };
    (masked(&String::from_utf8_lossy(&all)), closed)
}

fn masked(text: &str) -> String {
    let Some((before, rest)) = text.split_once("Date: ") else { return text.to_owned() };
    let (date, behind) = rest.split_once("\r\n").unwrap();
    assert_eq!((date.len(), &date[date.len() - 4..]), (29, " GMT"));
    format!("{before}Date: DATE\r\n{}", masked(behind))
}

const VERSION: &str = "HTTP/1.1 200 OK\r\nDate: DATE\r\nContent-Length: 13\r\nContent-Type: application/json\r\n\r\n{\"version\":1}";
const NOT_FOUND: &str = "HTTP/1.1 404 Not Found\r\nDate: DATE\r\nContent-Type: text/plain; charset=utf-8\r\n\
    Content-Length: 14\r\n\r\n404 Not Found.";

#[tokio::test]
async fn headers_as_recorded() {
    let server = start().await;
    for request in [
        "GET /version HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET /version HTTP/1.1\r\n\r\n",
        "GET /version HTTP/1.1\nHost: localhost\n\n",
        "GET /%76ersion HTTP/1.1\r\n\r\n",
        "GET /version#frag HTTP/1.1\r\n\r\n",
        "GET http://127.0.0.1:15050/version HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET /version HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
        "GET /version HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello",
    ] {
        assert_eq!(server.exchange(request).await, (VERSION.to_owned(), false), "{request}");
    }
    let not_found = server.exchange("GET //version HTTP/1.1\r\n\r\n").await;
    assert_eq!(not_found, (NOT_FOUND.to_owned(), false));
    let relative = server.exchange("GET /master/../version HTTP/1.1\r\n\r\n").await;
    assert_eq!(relative, (NOT_FOUND.to_owned(), false));
}

#[tokio::test]
async fn connection_close_is_kept() {
    let server = start().await;
    let answer = server.exchange("GET /version HTTP/1.1\r\nConnection: close\r\n\r\n").await;
    let said = VERSION.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n");
    assert_eq!(answer, (said, true), "hyper says that it closes; Mesos only closes");
}

#[tokio::test]
async fn http_1_0() {
    let server = start().await;
    let (answer, closed) = server.exchange("GET /version HTTP/1.0\r\n\r\n").await;
    assert!(answer.ends_with("{\"version\":1}") && closed, "{answer}");
    let (answer, closed) = server.exchange("GET /version HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").await;
    assert!(answer.ends_with("{\"version\":1}") && !closed, "{answer}");
}

#[tokio::test]
async fn methods_and_targets() {
    let server = start().await;
    let wrong = "HTTP/1.1 405 Method Not Allowed\r\nDate: DATE\r\nAllow: POST\r\nContent-Type: text/plain; charset=utf-8\r\n\
        Content-Length: 72\r\n\r\n405 Method Not Allowed. Expecting one of { 'POST' }, but received 'GET'.";
    assert_eq!(server.exchange("GET /post HTTP/1.1\r\n\r\n").await.0, wrong);
    let accepted = "HTTP/1.1 202 Accepted\r\nDate: DATE\r\nContent-Length: 0\r\n\r\n";
    assert_eq!(server.exchange("POST /master/post HTTP/1.1\r\nContent-Length: 0\r\n\r\n").await.0, accepted);
    let star = "HTTP/1.1 400 Bad Request\r\nDate: DATE\r\nContent-Type: text/plain; charset=utf-8\r\n\
        Content-Length: 36\r\n\r\nRequest URL path must start with '/'";
    assert_eq!(server.exchange("OPTIONS * HTTP/1.1\r\n\r\n").await.0, star);
    let head = VERSION.strip_suffix("{\"version\":1}").unwrap();
    assert_eq!(server.exchange("HEAD /version HTTP/1.1\r\n\r\n").await.0, head);
    let jsonp = server.exchange("GET /version?jsonp=cb HTTP/1.1\r\n\r\n").await.0;
    assert!(
        jsonp.contains("Content-Length: 17\r\nContent-Type: text/javascript\r\n\r\ncb({\"version\":1})"),
        "{jsonp}"
    );
}

#[tokio::test]
async fn malformed_input_gets_no_reply() {
    let server = start().await;
    let long = format!("GET /version?x={} HTTP/1.1\r\n\r\n", "a".repeat(100_000));
    let header = format!("GET /version HTTP/1.1\r\nX: {}\r\n\r\n", "a".repeat(100_000));
    for request in [
        "FOO /version HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET  HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET /version?x=%zz HTTP/1.1\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "\x00\x01\x02\x03garbage\r\n\r\n",
        "GET /version HTTP/1.1\r\nno colon here\r\n\r\n",
        "POST /echo HTTP/1.1\r\nContent-Length: abc\r\n\r\n",
        "POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "POST /echo HTTP/1.1\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
        &long,
        &header,
    ] {
        let start = &request[..request.len().min(60)];
        assert_eq!(server.exchange(request).await, (String::new(), true), "{start}");
    }
    assert_eq!(server.exchange("GET /version HTTP/1.1\r\n\r\n").await.0, VERSION);
}

#[tokio::test]
async fn a_body_of_any_length_is_read_while_it_comes() {
    let server = start().await;
    let large = format!("PUT /read HTTP/1.1\r\nContent-Length: {HUGE}\r\n\r\n{}", "x".repeat(HUGE));
    let (answer, closed) = server.exchange(large).await;
    assert!(answer.ends_with(&format!("0 {HUGE} true")) && !closed, "{answer}");
    let chunks = "PUT /read HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
    assert!(server.exchange(chunks).await.0.contains("\r\n\r\n0 5 "));
    let unread = server.exchange("PUT /unread HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc").await.0;
    assert!(unread.starts_with("HTTP/1.1 404"), "{unread}");
    let refused =
        server.exchange("PUT /read HTTP/1.1\r\nHost: evil.test\r\nContent-Length: 3\r\n\r\nabc").await.0;
    assert!(refused.starts_with("HTTP/1.1 403"), "{refused}");
}

#[tokio::test]
async fn bodies() {
    let server = start().await;
    let chunked = "POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n";
    let (answer, _) = server.exchange(chunked).await;
    assert!(
        answer.ends_with("Content-Type: application/octet-stream\r\nContent-Length: 3\r\n\r\nabc"),
        "{answer}"
    );
    let large = format!("POST /echo HTTP/1.1\r\nContent-Length: 10001\r\n\r\n{}", "x".repeat(10_001));
    let (answer, _) = server.exchange(large).await;
    assert!(answer.starts_with("HTTP/1.1 413 Payload Too Large\r\n"), "{answer}");
    let mut socket = server.connect().await;
    socket.write_all(b"POST /echo HTTP/1.1\r\nContent-Length: 10\r\n\r\nhalf").await.unwrap();
    drop(socket);
    let pipelined = "GET /slow HTTP/1.1\r\n\r\nGET /version HTTP/1.1\r\n\r\n";
    let (answer, _) = server.exchange(pipelined).await;
    assert_eq!(answer, format!("HTTP/1.1 200 OK\r\nDate: DATE\r\nContent-Length: 0\r\n\r\n{VERSION}"));
}

#[tokio::test]
async fn files_go_out_in_pieces() {
    let server = start().await;
    let head = "HTTP/1.1 200 OK\r\nDate: DATE\r\nContent-Length: 3\r\nContent-Type: text/plain\r\n\r\n";
    assert_eq!(server.exchange("GET /file HTTP/1.1\r\n\r\n").await, (format!("{head}abc"), false));
    let (answer, closed) = server.exchange("GET /torn HTTP/1.1\r\n\r\n").await;
    assert!(head.starts_with(&answer) || answer == format!("{head}ab"), "{answer}");
    assert!(closed);
}

#[tokio::test]
async fn compresses_what_is_large() {
    let server = start().await;
    let (answer, _) = server.exchange("GET /large HTTP/1.1\r\nAccept-Encoding: gzip\r\n\r\n").await;
    let head = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nDate: DATE\r\nContent-Length: ";
    assert!(answer.starts_with(head) && answer.len() < 400, "{answer}");
    assert_eq!(server.exchange("GET /version HTTP/1.1\r\nAccept-Encoding: gzip\r\n\r\n").await.0, VERSION);
    let head =
        "HTTP/1.1 200 OK\r\nDate: DATE\r\nContent-Length: 5000\r\nContent-Type: application/json\r\n\r\n";
    assert_eq!(server.exchange("HEAD /large HTTP/1.1\r\n\r\n").await.0, head);
}

#[tokio::test]
async fn web_pages_are_refused() {
    let server = start().await;
    for request in [
        "POST /post HTTP/1.1\r\nHost: evil.test\r\nContent-Length: 0\r\n\r\n",
        "POST /post HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.test\r\nContent-Length: 0\r\n\r\n",
    ] {
        assert!(server.exchange(request).await.0.starts_with("HTTP/1.1 403 Forbidden\r\n"), "{request}");
    }
}

#[test]
fn other_machines_are_refused_unless_their_network_is_listed() {
    let (parts, ()) = http::Request::post("/master/x").body(()).unwrap().into_parts();
    let refusal = |networks: &str, peer: &str| {
        let options = Options { networks: networks.parse().unwrap(), ..Options::default() };
        options.refusal(&parts, peer.parse().unwrap(), "10.1.2.1".parse().unwrap(), false)
    };
    assert_eq!(refusal("", "127.0.0.1"), None);
    assert_eq!(refusal("10.1.2.0/24", "::ffff:10.1.2.3"), None);
    let told = refusal("10.1.2.0/24", "10.1.3.3").unwrap();
    assert!(
        told.starts_with("403 Forbidden. 10.1.3.3 is ") && told.contains(" --allow_networks=10.1.3.3/32,")
    );
}

const SUBSCRIBE: &str = "POST /stream HTTP/1.1\r\nHost: localhost\r\n\r\n";

#[tokio::test]
async fn one_record_is_one_chunk_and_the_end_is_proper() {
    let mut server = start().await;
    let mut socket = server.connect().await;
    socket.write_all(SUBSCRIBE.as_bytes()).await.unwrap();
    let sink = server.sinks.recv().await.unwrap();
    for record in ["20\n{\"type\":\"HEARTBEAT\"}", "1\na"] {
        sink.send(Bytes::from_static(record.as_bytes())).unwrap();
    }
    drop(sink);
    let (answer, closed) = read(&mut socket).await;
    assert_eq!(
        answer,
        "HTTP/1.1 200 OK\r\nDate: DATE\r\nTransfer-Encoding: chunked\r\nMesos-Stream-Id: some-id\r\n\
         Content-Type: application/json\r\n\r\n17\r\n20\n{\"type\":\"HEARTBEAT\"}\r\n3\r\n1\na\r\n0\r\n\r\n"
    );
    assert!(!closed);
    server.gone.recv().await.unwrap();
}

#[tokio::test]
async fn a_vanished_client_is_noticed_at_once() {
    let mut server = start().await;
    let mut socket = server.connect().await;
    socket.write_all(SUBSCRIBE.as_bytes()).await.unwrap();
    let sink = server.sinks.recv().await.unwrap();
    drop(socket);
    timeout(Duration::from_millis(500), server.gone.recv()).await.unwrap().unwrap();
    assert_eq!(sink.send(Bytes::from_static(b"x")), Err(Closed));
}

#[tokio::test]
async fn a_slow_reader_is_dropped() {
    let mut server = start().await;
    let mut socket = server.connect().await;
    socket.write_all(SUBSCRIBE.as_bytes()).await.unwrap();
    let sink = Arc::new(server.sinks.recv().await.unwrap());
    let record = Bytes::from(vec![b'x'; 256 * 1024]);
    let mut sent = 0;
    while sink.send(record.clone()).is_ok() {
        sent += 1;
        assert!(sent < 1000, "the reader is waited for");
        tokio::task::yield_now().await;
    }
    timeout(Duration::from_millis(500), server.gone.recv()).await.unwrap().unwrap();
    assert_eq!(server.exchange("GET /version HTTP/1.1\r\n\r\n").await.0, VERSION);
}

const MOMENT: Duration = Duration::from_millis(40);
const LONG: Duration = Duration::from_secs(1000);

/// Waits until the server closes a connection; what it sent before is thrown away.
async fn closes(socket: &mut TcpStream) {
    let mut part = vec![0; 1 << 20];
    let closed = async { while socket.read(&mut part).await.is_ok_and(|read| read > 0) {} };
    timeout(Duration::from_secs(20), closed).await.expect("the connection is closed");
}

#[tokio::test]
async fn whoever_is_silent_within_a_request_goes_and_who_waits_stays() {
    let patience = Patience { waiting: LONG, head: MOMENT, body: MOMENT, sending: MOMENT };
    let mut server = start_with(Limits { patience, ..Limits::default() }).await;
    let [mut idle, mut stream, mut unread] =
        [server.connect().await, server.connect().await, server.connect().await];
    idle.write_all(b"GET /version HTTP/1.1\r\n\r\n").await.unwrap();
    assert_eq!(read(&mut idle).await.0, VERSION);
    stream.write_all(SUBSCRIBE.as_bytes()).await.unwrap();
    let sink = server.sinks.recv().await.unwrap();
    unread.write_all(b"GET /huge HTTP/1.1\r\n\r\n").await.unwrap();
    for half in ["GET /version HT", "POST /echo HTTP/1.1\r\nContent-Length: 100\r\n\r\nhalf"] {
        let mut socket = server.connect().await;
        socket.write_all(half.as_bytes()).await.unwrap();
        closes(&mut socket).await;
    }
    let mut dripping = server.connect().await;
    let mut drops = "GET /version?".bytes().chain(std::iter::repeat(b'x'));
    while dripping.write_all(&[drops.next().unwrap()]).await.is_ok() {
        tokio::time::sleep(MOMENT / 10).await;
    }
    closes(&mut unread).await;
    idle.write_all(b"GET /version HTTP/1.1\r\n\r\n").await.unwrap();
    assert_eq!(read(&mut idle).await.0, VERSION);
    sink.send(Bytes::from_static(b"1\na")).unwrap();
    assert!(read(&mut stream).await.0.ends_with("\r\n3\r\n1\na\r\n"));
}

#[tokio::test]
async fn who_waits_for_too_long_goes() {
    let patience = Patience { waiting: MOMENT, head: MOMENT, ..Patience::default() };
    let server = start_with(Limits { patience, ..Limits::default() }).await;
    let mut idle = server.connect().await;
    idle.write_all(b"GET /version HTTP/1.1\r\n\r\n").await.unwrap();
    closes(&mut idle).await;
}

#[tokio::test]
async fn too_many_connections_cost_the_longest_idle_one() {
    let mut server = start_with(Limits { connections: 2, ..Limits::default() }).await;
    let mut stream = server.connect().await;
    stream.write_all(SUBSCRIBE.as_bytes()).await.unwrap();
    let sink = server.sinks.recv().await.unwrap();
    let mut idle = server.connect().await;
    idle.write_all(b"GET /version HTTP/1.1\r\n\r\n").await.unwrap();
    assert_eq!(read(&mut idle).await.0, VERSION);
    assert_eq!(server.exchange("GET /version HTTP/1.1\r\n\r\n").await.0, VERSION);
    closes(&mut idle).await;
    let mut second = server.connect().await;
    second.write_all(SUBSCRIBE.as_bytes()).await.unwrap();
    let _second_sink = server.sinks.recv().await.unwrap();
    closes(&mut server.connect().await).await;
    sink.send(Bytes::from_static(b"1\na")).unwrap();
    assert!(read(&mut stream).await.0.ends_with("\r\n3\r\n1\na\r\n"));
}

#[tokio::test]
async fn what_all_clients_hold_is_bounded() {
    let server = start_with(Limits { memory: HUGE + HUGE / 2, ..Limits::default() }).await;
    let mut unread = server.connect().await;
    unread.write_all(b"GET /huge HTTP/1.1\r\n\r\n").await.unwrap();
    unread.readable().await.unwrap();
    let refused = server.exchange("GET /huge HTTP/1.1\r\n\r\n").await.0;
    assert!(refused.starts_with("HTTP/1.1 503 Service Unavailable\r\n"), "{}", &refused[..100]);
    let body = format!("POST /echo HTTP/1.1\r\nContent-Length: {HUGE}\r\n\r\n{}", "x".repeat(HUGE));
    let refused = server.exchange(body).await.0;
    assert!(refused.is_empty() || refused.starts_with("HTTP/1.1 503 "), "{}", &refused[..100]);
    assert_eq!(server.exchange("GET /version HTTP/1.1\r\n\r\n").await.0, VERSION);
    drop(unread);
    let mut answered = server.connect().await;
    while !{
        answered.write_all(b"GET /huge HTTP/1.1\r\n\r\n").await.unwrap();
        read(&mut answered).await.0.starts_with("HTTP/1.1 200 OK\r\n")
    } {}
}
