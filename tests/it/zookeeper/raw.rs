//! A client that sends what it is told, and gives back what comes, frame by frame.

use std::{net::SocketAddr, time::Duration};

use bytes::{BufMut, Bytes, BytesMut};
use mesoslab::zookeeper::{ConnectRequest, ConnectResponse, FrameCodec, jute::Jute};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_util::codec::Decoder;

/// One connection.
pub struct Raw {
    stream: TcpStream,
    bytes: BytesMut,
    codec: FrameCodec,
    pub session: ConnectResponse,
}

impl Raw {
    /// A connection with a new session.
    pub async fn connect(address: SocketAddr) -> Self {
        Self::with(address, ConnectRequest { timeout: 40_000, ..Self::request() }).await.expect("a session")
    }

    fn request() -> ConnectRequest {
        ConnectRequest {
            passwd: Some(Bytes::from_static(&[0; 16])),
            read_only: Some(false),
            ..ConnectRequest::default()
        }
    }

    /// Comes back with a session.
    pub async fn back(address: SocketAddr, session: &ConnectResponse) -> Option<Self> {
        let request = ConnectRequest {
            timeout: session.timeout,
            session_id: session.session_id,
            passwd: session.passwd.clone(),
            ..Self::request()
        };
        Self::with(address, request).await
    }

    /// None when the server hangs up without a word.
    pub async fn with(address: SocketAddr, request: ConnectRequest) -> Option<Self> {
        let stream = TcpStream::connect(address).await.ok()?;
        stream.set_nodelay(true).unwrap();
        let codec = FrameCodec::new(64 * 1024 * 1024);
        let mut raw = Self { stream, bytes: BytesMut::new(), codec, session: ConnectResponse::default() };
        raw.send(&request.to_bytes()).await;
        raw.session = ConnectResponse::read(&mut raw.next().await?).unwrap();
        Some(raw)
    }

    pub async fn send(&mut self, content: &[u8]) {
        let mut frame = BytesMut::new();
        frame.put_u32(u32::try_from(content.len()).unwrap());
        frame.put_slice(content);
        let _broken = self.stream.write_all(&frame).await;
    }

    /// The next frame; none when the server has hung up.
    pub async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(frame) = self.codec.decode(&mut self.bytes).unwrap() {
                return Some(frame);
            }
            let read = self.stream.read_buf(&mut self.bytes);
            let read = tokio::time::timeout(Duration::from_secs(20), read).await.expect("an answer");
            if !matches!(read, Ok(1..)) {
                return None;
            }
        }
    }
}
