//! What is no message, or more than can be taken: nothing of it arrives, nothing of it stays.

use tokio::io::AsyncWriteExt;

use super::*;
use crate::host::libprocess::message::Message;

const HEAD: &str = "POST /master/x.Y HTTP/1.1\r\nLibprocess-From: x@127.0.0.1:1\r\nHost: \r\n";

/// Sends, leaves, and waits for the end; what was answered.
async fn exchange(process: &Process, bytes: &[u8]) -> String {
    let mut socket = process.connect().await;
    let (mut answers, mut requests) = socket.split();
    let mut answer = Vec::new();
    let (_, _) = within(async {
        tokio::join!(answers.read_to_end(&mut answer), async {
            requests.write_all(bytes).await.unwrap_or_default();
            requests.shutdown().await.unwrap_or_default();
        })
    })
    .await;
    String::from_utf8_lossy(&answer).into_owned()
}

/// The listener takes one message more, and has taken no other.
async fn only_this_arrives(process: &mut Process) {
    let request = [HEAD, "Content-Length: 4\r\n\r\nlast"].concat();
    assert_eq!(masked(&exchange(process, request.as_bytes()).await), ACCEPTED);
    assert_eq!(process.received().await.body, "last");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn noise_of_thousands_of_connections_is_closed_without_a_word() {
    let mut process = listening().await;
    let mut seed = 1_u64;
    for round in 0..3000 {
        let noise: Vec<u8> = std::iter::repeat_with(|| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            seed.to_be_bytes()[0]
        })
        .take(1 + round % 700)
        .collect();
        assert_eq!(exchange(&process, &noise).await, "", "{noise:?}");
    }
    only_this_arrives(&mut process).await;
}

#[tokio::test]
async fn lies_about_a_body_are_no_message() {
    let mut process = listening().await;
    for rest in [
        "Transfer-Encoding: chunked\r\n\r\n5\r\nabc\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nabc\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nabc\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n-3\r\nabc\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n\r\nabc\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
        "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n",
        "Content-Length: 10\r\n\r\nabc",
        "Content-Length: -1\r\n\r\nabc",
        "Content-Length: 99999999999999999999\r\n\r\nabc",
        "Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
    ] {
        let request = [HEAD, rest].concat();
        assert_eq!(exchange(&process, request.as_bytes()).await, "", "{rest}");
    }
    only_this_arrives(&mut process).await;
}

#[tokio::test]
async fn what_is_too_large_is_no_message() {
    let mut process = listening_with(Options {
        limits: Limits { body: 10_000, ..Limits::default() },
        ..Options::default()
    })
    .await;
    let id = format!("POST /{}/x.Y HTTP/1.1\r\nLibprocess-From: x@127.0.0.1:1\r\n\r\n", "a".repeat(1 << 20));
    assert_eq!(exchange(&process, id.as_bytes()).await, "");
    let from =
        format!("POST /master/x.Y HTTP/1.1\r\nLibprocess-From: {}@127.0.0.1:1\r\n\r\n", "a".repeat(1 << 20));
    assert_eq!(exchange(&process, from.as_bytes()).await, "");
    let body = format!("{HEAD}Content-Length: 10001\r\n\r\n{}", "a".repeat(10_001));
    assert!(exchange(&process, body.as_bytes()).await.starts_with("HTTP/1.1 413 "));
    only_this_arrives(&mut process).await;
}

#[tokio::test]
async fn nobody_sends_to_nobody() {
    let mut process = listening().await;
    for (path, from, status) in [
        ("/", "x@127.0.0.1:1", "404"),
        ("//x.Y", "x@127.0.0.1:1", "404"),
        ("/%zz/x.Y", "x@127.0.0.1:1", "404"),
        ("/%ff/x.Y", "x@127.0.0.1:1", "404"),
        ("/Master/x.Y", "x@127.0.0.1:1", "404"),
        ("/slave(2)/x.Y", "x@127.0.0.1:1", "404"),
        ("/master/../x.Y", "@", "202"),
        ("/master/x.Y", "", "202"),
        ("/master/x.Y", "x@localhost:1", "202"),
        ("/master/x.Y", "x@127.0.0.1:1 y", "202"),
        ("/master/x.Y", "\u{e4}@127.0.0.1:1", "202"),
    ] {
        let request = format!("POST {path} HTTP/1.1\r\nLibprocess-From: {from}\r\nHost: \r\n\r\n");
        let answer = exchange(&process, request.as_bytes()).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{path} {from}: {answer}");
    }
    only_this_arrives(&mut process).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sender_that_reads_no_answer_is_heard_all_the_same() {
    const MESSAGES: usize = 200_000;
    let mut process = listening().await;
    let mut message = Vec::new();
    Message { from: "x", address: "127.0.0.1:1", to: "master", name: "x.Y", body: b"" }
        .write_to(&mut message);
    let mut socket = process.connect().await;
    let sending = async {
        for _ in 0..MESSAGES / 1000 {
            socket.write_all(&message.repeat(1000)).await.unwrap();
        }
        socket
    };
    let receiving = async {
        for _ in 0..MESSAGES {
            process.inbox.recv().await.unwrap();
        }
    };
    let (_unread, ()) = within(async { tokio::join!(sending, receiving) }).await;
}

#[tokio::test]
async fn a_flood_of_links_costs_neither_older_links_nor_other_clients() {
    let limits = Limits { connections: 16, ..Limits::default() };
    let mut process = listening_with(Options { limits, ..Options::default() }).await;
    let mut message = Vec::new();
    Message { from: "x", address: "127.0.0.1:1", to: "master", name: "x.Y", body: b"" }
        .write_to(&mut message);
    let mut links = Vec::new();
    for _ in 0..300 {
        let mut link = process.connect().await;
        link.write_all(&message).await.unwrap();
        process.received().await;
        links.push(link);
    }
    for link in &mut links[..8] {
        assert_eq!(masked(&read(link, length_of(ACCEPTED)).await), ACCEPTED);
        link.write_all(&message).await.unwrap();
        assert_eq!(masked(&read(link, length_of(ACCEPTED)).await), ACCEPTED);
        process.received().await;
    }
    for link in &mut links[8..280] {
        assert_eq!(masked(&read(link, usize::MAX).await), ACCEPTED, "closed");
    }
    let health = exchange(&process, b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    assert!(health.starts_with("HTTP/1.1 200 OK"));
}
