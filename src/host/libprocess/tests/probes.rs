//! Requests that were made by hand to Apache Mesos, and its answers, byte by byte.

use tokio::io::AsyncWriteExt;

use super::*;

/// A recorded request, its answer with the date masked, and whether the connection was closed then.
struct Probe {
    title: &'static str,
    request: &'static [u8],
    answer: String,
    closed: bool,
}

static P01: &[u8] = include_bytes!("../../../../tests/golden/libprocess/p01-raw-probes/PROBES.txt");
static P03: &str =
    include_str!("../../../../tests/golden/libprocess/p03-require-peer-address-ip-match/PROBES.txt");

fn split(text: &'static [u8], at: &[u8]) -> Vec<&'static [u8]> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(end) = rest.windows(at.len()).position(|window| window == at) {
        parts.push(&rest[..end]);
        rest = &rest[end + at.len()..];
    }
    parts.push(rest);
    parts
}

fn probes() -> Vec<Probe> {
    split(P01, b"##### ").into_iter().skip(1).map(probe).collect()
}

fn probe(section: &'static [u8]) -> Probe {
    let [title, exchange] = split(section, b"\n>>>\n").try_into().unwrap();
    let [request, answer] = split(exchange, b"\n<<<\n").try_into().unwrap();
    let title = std::str::from_utf8(title).unwrap();
    let answer = masked(std::str::from_utf8(answer).unwrap()).trim_end_matches('\n').to_owned();
    Probe { title, request, answer: complete(answer), closed: title.contains("server: True") }
}

/// An answer without a body ends with an empty line, which the file's own empty lines hide.
fn complete(answer: String) -> String {
    if answer.ends_with('\r') { answer + "\n" } else { answer }
}

/// What we answer: hyper says that it closes; Mesos only closes.
async fn answer(process: &Process, probe: &Probe) -> (String, bool) {
    let mut socket = process.connect().await;
    socket.write_all(probe.request).await.unwrap();
    let length = if probe.closed { usize::MAX } else { length_of(&probe.answer) };
    let answer = masked(&read(&mut socket, length).await).replace("Connection: close\r\n", "");
    let again = b"POST /master/x.Y HTTP/1.1\r\nLibprocess-From: x@127.0.0.1:19999\r\nHost: \r\n\r\n";
    let closed = socket.write_all(again).await.is_err()
        || masked(&read(&mut socket, length_of(ACCEPTED)).await) != ACCEPTED;
    (answer, closed)
}

#[tokio::test]
async fn every_recorded_form_is_answered_as_recorded() {
    let mut process = listening_with(Options { guard: Guard::open(), ..Options::default() }).await;
    let probes = probes();
    assert_eq!(probes.len(), 25);
    for probe in &probes {
        let answered = answer(&process, probe).await;
        assert_eq!(answered, (probe.answer.clone(), probe.closed), "{}", probe.title);
    }
    let mut delivered = Vec::new();
    while let Ok(message) = process.inbox.try_recv() {
        delivered.extend((message.name != "x.Y").then_some((message.to, message.name, message.body)));
    }
    let pongs =
        delivered.iter().filter(|(to, name, _)| to == "master" && name.ends_with(".PongSlaveMessage"));
    assert_eq!(pongs.count(), 13);
    let bodies = |length| delivered.iter().filter(|(_, _, body)| body.len() == length).count();
    assert_eq!((bodies(2), bodies(3)), (3, 1), "two bytes by length, in two chunks, and after `Expect`");
    for (to, name) in [("master", ""), ("master", "health"), ("slave(1)", "mesos.internal.PingSlaveMessage")]
    {
        assert!(delivered.iter().any(|(t, n, _)| t == to && n == name), "{to} {name}");
    }
    assert_eq!(delivered.len(), 19, "a sender that is no process is nobody");
}

/// It depends on the number of digits of a port.
fn without_length(answer: &str) -> String {
    let lines = answer.trim_end().lines().filter(|line| !line.starts_with("Content-Length"));
    lines.collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn a_sender_may_have_to_stand_where_its_message_comes_from() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let tasks = Tasks::new();
    let router = Router::new("master").messages(|_| Receipt::Accepted).match_addresses();
    let options = Options { guard: Guard::open(), ..Options::default() };
    tasks.spawn(serve(listener, tasks.clone(), Clock::start(), router, options));
    for exchange in P03.split("POST ").skip(1) {
        let (request, answer) = exchange.split_once("<<<\n").unwrap();
        let mut socket = TcpStream::connect(address).await.unwrap();
        let port = socket.local_addr().unwrap().port().to_string();
        socket.write_all(format!("POST {request}").as_bytes()).await.unwrap();
        socket.shutdown().await.unwrap();
        let answered = masked(&read(&mut socket, usize::MAX).await).replace(&port, "44484");
        assert_eq!(without_length(&answered), without_length(&masked(answer)), "{request}");
    }
    tasks.stop().await;
}

#[tokio::test]
async fn names_of_others_are_refused_for_messages_too() {
    let mut process = listening().await;
    for (headers, status) in [
        ("Host: \r\n", "202"),
        ("", "202"),
        ("Host: localhost\r\n", "202"),
        ("Host: evil.test\r\n", "403"),
        ("Host: \r\nOrigin: http://evil.test\r\n", "403"),
        ("Host: \r\nHost: evil.test\r\n", "403"),
    ] {
        let mut socket = process.connect().await;
        let head = format!("POST /master/x.Y HTTP/1.1\r\nLibprocess-From: x@127.0.0.1:1\r\n{headers}\r\n");
        socket.write_all(head.as_bytes()).await.unwrap();
        socket.shutdown().await.unwrap();
        let answer = read(&mut socket, usize::MAX).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{headers}{answer}");
    }
    let mut page = process.connect().await;
    page.write_all(b"POST /master/x.Y HTTP/1.1\r\nHost: \r\n\r\n").await.unwrap();
    assert!(read(&mut page, 12).await.starts_with("HTTP/1.1 403"), "no message, no empty host");
    for _ in 0..3 {
        process.received().await;
    }
    assert!(process.inbox.try_recv().is_err());
}

#[tokio::test]
async fn without_an_inbox_it_is_a_request() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let tasks = Tasks::new();
    let router = Router::new("master").route("/master/health", |_| Response::ok());
    tasks.spawn(serve(listener, tasks.clone(), Clock::start(), router, Options::default()));
    for (path, status) in [("/master/health", "200"), ("/master/x.Y", "404")] {
        let mut socket = TcpStream::connect(address).await.unwrap();
        let request = format!("POST {path} HTTP/1.1\r\nLibprocess-From: x@127.0.0.1:1\r\n\r\n");
        socket.write_all(request.as_bytes()).await.unwrap();
        let answer = read(&mut socket, 12).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{path}: {answer}");
    }
    tasks.stop().await;
}
