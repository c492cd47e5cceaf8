//! Raw bytes over a socket: one exchange, or a stream that stays open.

use std::{net::SocketAddr, time::Duration};

use mesoslab::runtime::Tasks;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::watch,
    time::timeout,
};

use super::{exchange::Exchange, http};

/// How long anything is waited for.
pub const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Default)]
struct Received {
    bytes: Vec<u8>,
    ended: bool,
}

/// A request whose answer is still coming.
pub struct Stream {
    request: Vec<u8>,
    received: watch::Receiver<Received>,
    reader: Tasks,
}

impl Stream {
    pub async fn open(address: SocketAddr, request: Vec<u8>) -> Self {
        let mut socket = TcpStream::connect(address).await.unwrap();
        // A server may answer and close before it has read everything.
        socket.write_all(&request).await.ok();
        let (sender, received) = watch::channel(Received::default());
        let reader = Tasks::new();
        reader.spawn(async move {
            let mut buffer = vec![0; 1 << 16];
            loop {
                let n = socket.read(&mut buffer).await.unwrap_or(0);
                sender.send_modify(|r| {
                    r.bytes.extend_from_slice(&buffer[..n]);
                    r.ended = n == 0;
                });
                if n == 0 {
                    break;
                }
            }
        });
        Self { request, received, reader }
    }

    /// What has come so far.
    pub fn so_far(&self) -> Exchange {
        Exchange {
            request: self.request.clone(),
            response: self.received.borrow().bytes.clone(),
            events: None,
        }
    }

    /// Waits until `enough` holds for what has come, the answer is complete, or the server has closed.
    pub async fn until(&mut self, patience: Duration, enough: impl Fn(&Exchange) -> bool) -> bool {
        let request = self.request.clone();
        let to_head = request.starts_with(b"HEAD ");
        let done = self.received.wait_for(|r| {
            let exchange = Exchange { request: request.clone(), response: r.bytes.clone(), events: None };
            r.ended || http::complete(&r.bytes, to_head) || enough(&exchange)
        });
        timeout(patience, done).await.is_ok()
    }

    pub fn is_closed(&self) -> bool {
        let received = self.received.borrow();
        received.ended || http::complete(&received.bytes, false)
    }

    /// Hangs up.
    pub async fn close(self) -> Exchange {
        self.reader.stop().await;
        self.so_far()
    }
}

/// Sends `request` and reads until the answer is complete, holds `events` events, or nothing comes any more.
pub async fn exchange(address: SocketAddr, request: Vec<u8>, events: usize, patience: Duration) -> Exchange {
    let mut stream = Stream::open(address, request).await;
    stream.until(patience, |e| events > 0 && e.events().len() >= events).await;
    stream.close().await
}
