//! A server that says what a test has written down, byte by byte.

use std::sync::{Arc, Mutex};

use prost::Message;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpSocket, TcpStream},
};

use crate::{mesos::recordio, runtime::Tasks};

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Received {
    pub head: String,
    pub body: Vec<u8>,
}

impl Received {
    /// `POST /api/v1`
    pub fn target(&self) -> String {
        self.head.split(' ').take(2).collect::<Vec<_>>().join(" ")
    }

    pub fn header(&self, name: &str) -> Option<String> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned()).next()
    }
}

/// What the server answers: each piece is written at once and alone.
#[derive(Clone, Debug, Default)]
pub struct Reply {
    pieces: Vec<Vec<u8>>,
    /// Close the connection behind the pieces; else leave it open.
    close: bool,
}

impl Reply {
    pub fn full(status: &str, headers: &str, body: &[u8]) -> Self {
        let head = format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\n\r\n", body.len());
        Self { pieces: vec![[head.as_bytes(), body].concat()], close: false }
    }

    /// These bytes, whatever they are.
    pub fn raw(bytes: &[u8]) -> Self {
        Self { pieces: vec![bytes.to_vec()], close: true }
    }

    pub fn message(message: &impl Message) -> Self {
        Self::full("200 OK", "Content-Type: application/x-protobuf\r\n", &message.encode_to_vec())
    }

    /// A stream with one HTTP chunk per piece.
    pub fn stream(pieces: impl IntoIterator<Item = Vec<u8>>) -> Self {
        let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nMesos-Stream-Id: stream-1\r\n\r\n";
        let chunk = |piece: Vec<u8>| [format!("{:x}\r\n", piece.len()).as_bytes(), &piece, b"\r\n"].concat();
        let pieces = std::iter::once(head.as_bytes().to_vec()).chain(pieces.into_iter().map(chunk));
        Self { pieces: pieces.collect(), close: false }
    }

    pub fn then_close(self) -> Self {
        Self { close: true, ..self }
    }
}

/// One message as a record.
pub fn record(message: &impl Message) -> Vec<u8> {
    recordio::encode(&message.encode_to_vec()).to_vec()
}

pub struct Server {
    pub url: String,
    received: Arc<Mutex<Vec<Received>>>,
    tasks: Tasks,
}

impl Server {
    /// Answers each request by itself; connections are kept alive.
    pub async fn start(answer: impl Fn(&Received) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (received, tasks) = (Arc::default(), Tasks::new());
        let (log, group, answer) = (Arc::clone(&received), tasks.clone(), Arc::new(answer));
        tasks.spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (log, answer) = (Arc::clone(&log), Arc::clone(&answer));
                group.spawn(async move { converse(socket, &log, &*answer).await });
            }
        });
        Self { url, received, tasks }
    }

    pub fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }
}

/// An address where nobody listens: the port is taken, so that nobody else will.
pub struct Dead {
    pub url: String,
    _socket: TcpSocket,
}

impl Dead {
    pub fn new() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
        Self { url: format!("http://{}", socket.local_addr().unwrap()), _socket: socket }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.tasks.cancel();
    }
}

async fn converse(
    mut socket: TcpStream,
    log: &Mutex<Vec<Received>>,
    answer: &(dyn Fn(&Received) -> Reply + Sync),
) {
    while let Some(request) = read_request(&mut socket).await {
        log.lock().unwrap().push(request.clone());
        let reply = answer(&request);
        for piece in reply.pieces {
            socket.write_all(&piece).await.unwrap();
            socket.flush().await.unwrap();
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
        if reply.close {
            return;
        }
    }
}

async fn read_request(socket: &mut TcpStream) -> Option<Received> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(socket.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).unwrap();
    let mut request = Received { head, body: Vec::new() };
    let length = request.header("content-length").map_or(0, |length| length.parse().unwrap());
    request.body = vec![0; length];
    socket.read_exact(&mut request.body).await.ok()?;
    Some(request)
}
