//! Over real sockets on loopback: what arrives, what is seen on the wire, and what becomes of nonsense.

mod garbage;
mod half_close;
mod links;
mod probes;
mod sending;

use std::{net::SocketAddr, time::Duration};

use bytes::Bytes;
use tokio::{
    io::AsyncReadExt,
    net::{TcpListener, TcpStream},
    sync::mpsc,
    time::timeout,
};

use super::{Peer, PeerEvent, PeerLimits};
use crate::{
    host::{
        http::{Guard, Incoming, Limits, Options, Receipt, Request, Response, Router, Sink, channel, serve},
        networks::Networks,
    },
    mesos::upid::Upid,
    runtime::{Clock, Tasks},
};

/// Nothing that is waited for takes so long.
const PATIENCE: Duration = Duration::from_secs(30);

/// A listener with two processes, `master` and `slave(1)`, and two endpoints of the former.
struct Process {
    address: SocketAddr,
    inbox: mpsc::UnboundedReceiver<Incoming>,
    sinks: mpsc::UnboundedReceiver<Sink>,
    gone: mpsc::UnboundedReceiver<()>,
    tasks: Tasks,
}

impl Drop for Process {
    fn drop(&mut self) {
        self.tasks.cancel();
    }
}

async fn listening() -> Process {
    listening_with(Options::default()).await
}

async fn listening_with(options: Options) -> Process {
    listening_on(TcpListener::bind("127.0.0.1:0").await.unwrap(), options)
}

fn listening_on(listener: TcpListener, options: Options) -> Process {
    let address = listener.local_addr().unwrap();
    let tasks = Tasks::new();
    let (delivered, inbox) = mpsc::unbounded_channel();
    let (sink, sinks) = mpsc::unbounded_channel();
    let (left, gone) = mpsc::unbounded_channel();
    let stream = move |request: &Request| {
        let (events, body) = channel(request, 1 << 20);
        sink.send(events).unwrap();
        let left = left.clone();
        Response::stream("application/json", body.on_gone(move || left.send(()).unwrap_or_default()))
    };
    let receive = move |message: Incoming| {
        if !["master", "slave(1)"].contains(&message.to.as_str()) {
            return Receipt::NoSuchProcess;
        }
        delivered.send(message).unwrap_or_default();
        Receipt::Accepted
    };
    let router = Router::new("master")
        .route("/master/health", |_| Response::ok())
        .route("/master/stream", stream)
        .messages(receive);
    tasks.spawn(serve(listener, tasks.clone(), Clock::start(), router, options));
    Process { address, inbox, sinks, gone, tasks }
}

impl Process {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    fn upid(&self) -> Upid {
        Upid::new("master", self.address)
    }

    async fn received(&mut self) -> Incoming {
        within(self.inbox.recv()).await.unwrap()
    }
}

/// A peer that calls itself `127.0.0.1:1`, and the news it has.
fn peer(limits: PeerLimits) -> (Peer, mpsc::UnboundedReceiver<PeerEvent>, Tasks) {
    let (events, news) = mpsc::unbounded_channel();
    let tasks = Tasks::new();
    let address = "127.0.0.1:1".parse().unwrap();
    (Peer::start(&tasks, address, Networks::loopback(), limits, events), news, tasks)
}

async fn within<T>(work: impl Future<Output = T>) -> T {
    timeout(PATIENCE, work).await.expect("it comes to pass")
}

/// Reads until there are as many bytes, or the other side has closed; what has come.
async fn read(socket: &mut TcpStream, length: usize) -> String {
    let mut read = Vec::new();
    while read.len() < length {
        match within(socket.read_buf(&mut read)).await {
            Ok(0) | Err(_) => break,
            Ok(_) => {}
        }
    }
    String::from_utf8_lossy(&read).into_owned()
}

const ACCEPTED: &str = "HTTP/1.1 202 Accepted\r\nDate: DATE\r\nContent-Length: 0\r\n\r\n";

/// As many bytes as an answer has whose date is masked.
fn length_of(masked: &str) -> usize {
    let dates = masked.matches("DATE").count();
    masked.len() + dates * ("Thu, 01 Jan 1970 00:00:00 GMT".len() - "DATE".len())
}

fn masked(text: &str) -> String {
    let Some((before, rest)) = text.split_once("Date: ") else { return text.to_owned() };
    let (_, behind) = rest.split_once("\r\n").unwrap();
    format!("{before}Date: DATE\r\n{}", masked(behind))
}
