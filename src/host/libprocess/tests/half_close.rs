//! Senders that leave at once, and readers whose leaving must not go unnoticed for that.

use tokio::io::AsyncWriteExt;

use super::*;
use crate::host::libprocess::message::Message;

const ROUNDS: u32 = 500;

fn message(number: u32) -> Vec<u8> {
    let body = number.to_be_bytes();
    let body = if number.is_multiple_of(2) { &body[..] } else { b"" };
    let mut bytes = Vec::new();
    Message { from: "x", address: "127.0.0.1:1", to: "master", name: "x.Y", body }.write_to(&mut bytes);
    bytes
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_of_a_half_closed_connection_arrives() {
    let mut process = listening().await;
    for number in 0..ROUNDS {
        let mut socket = process.connect().await;
        socket.write_all(&message(number)).await.unwrap();
        socket.shutdown().await.unwrap();
        process.received().await;
        assert_eq!(masked(&read(&mut socket, usize::MAX).await), ACCEPTED);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_of_a_closed_connection_arrive() {
    let mut process = listening().await;
    for number in 0..ROUNDS {
        let mut socket = process.connect().await;
        socket.write_all(&[message(number), message(number + 1), message(number)].concat()).await.unwrap();
        drop(socket);
        for _ in 0..3 {
            process.received().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_in_pieces_arrives_and_half_a_one_does_not() {
    let mut process = listening().await;
    let whole = message(0);
    for cut in 1..whole.len() {
        let mut socket = process.connect().await;
        socket.write_all(&whole[..cut]).await.unwrap();
        let mut torn = process.connect().await;
        torn.write_all(&whole[..cut]).await.unwrap();
        torn.shutdown().await.unwrap();
        assert_eq!(read(&mut torn, usize::MAX).await, "", "{cut}");
        socket.write_all(&whole[cut..]).await.unwrap();
        socket.shutdown().await.unwrap();
        assert_eq!(process.received().await.body.len(), 4);
    }
    assert!(process.inbox.try_recv().is_err());
}

#[tokio::test]
async fn a_reader_of_a_stream_that_leaves_is_noticed_whatever_it_sent_before() {
    let mut process = listening().await;
    let subscribe = b"POST /stream HTTP/1.1\r\nHost: localhost\r\n\r\n";
    for before in [&b""[..], &message(0)] {
        let mut reader = process.connect().await;
        reader.write_all(before).await.unwrap();
        reader.write_all(subscribe).await.unwrap();
        let _sink = within(process.sinks.recv()).await.unwrap();
        reader.shutdown().await.unwrap();
        within(process.gone.recv()).await.unwrap();
    }
}

#[tokio::test]
async fn an_answer_that_nobody_waits_for_is_not_made() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let tasks = Tasks::new();
    let (asked, mut questions) = mpsc::unbounded_channel();
    let router = Router::new("master").route_async("/master/slow", move |_| {
        let (left, leaving) = tokio::sync::oneshot::channel::<()>();
        asked.send(leaving).unwrap();
        async move {
            let _left = left;
            std::future::pending().await
        }
    });
    tasks.spawn(serve(listener, tasks.clone(), Clock::start(), router, Options::default()));
    let mut client = TcpStream::connect(address).await.unwrap();
    client.write_all(b"GET /slow HTTP/1.1\r\n\r\n").await.unwrap();
    let leaving = within(questions.recv()).await.unwrap();
    drop(client);
    assert!(within(leaving).await.is_err(), "the handler is dropped");
    tasks.stop().await;
}
