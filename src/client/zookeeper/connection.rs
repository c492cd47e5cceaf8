//! One connection to one server, from its first frame: who has a session, and until when.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use tokio::{
    io::AsyncWriteExt,
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
};
use tokio_util::codec::{Encoder, FramedRead};

use crate::zookeeper::{ConnectRequest, ConnectResponse, FrameCodec, jute::Jute};

/// The longest frame that is taken from a server: the children of one node may be many.
const LONGEST: usize = 64 * 1024 * 1024;

/// A session as the server knows it.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// 0: none yet.
    pub id: i64,
    pub password: Option<Bytes>,
    /// What the server has granted.
    pub timeout: Duration,
    /// The last transaction seen.
    pub zxid: i64,
}

/// An open connection.
#[derive(Debug)]
pub struct Connection {
    pub frames: FramedRead<OwnedReadHalf, FrameCodec>,
    pub writer: OwnedWriteHalf,
    /// Not yet written.
    pub out: BytesMut,
}

#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    #[error("{0}")]
    Failed(String),
    /// The server does not know the session any more.
    #[error("the session has expired")]
    Expired,
}

fn failed(error: impl ToString) -> ConnectError {
    ConnectError::Failed(error.to_string())
}

impl Connection {
    /// Connects, and takes up the session or gets a new one.
    pub async fn open(server: &str, known: &mut Known, wanted: Duration) -> Result<Self, ConnectError> {
        let stream = TcpStream::connect(server).await.map_err(failed)?;
        stream.set_nodelay(true).map_err(failed)?;
        let (reader, writer) = stream.into_split();
        let frames = FramedRead::new(reader, FrameCodec::new(LONGEST));
        let mut connection = Self { frames, writer, out: BytesMut::new() };
        connection.introduce(known, wanted).await?;
        Ok(connection)
    }

    async fn introduce(&mut self, known: &mut Known, wanted: Duration) -> Result<(), ConnectError> {
        let request = ConnectRequest {
            protocol_version: 0,
            last_zxid_seen: known.zxid,
            timeout: i32::try_from(wanted.as_millis()).unwrap_or(i32::MAX),
            session_id: known.id,
            passwd: Some(known.password.clone().unwrap_or_else(|| Bytes::from_static(&[0; 16]))),
            read_only: Some(false),
        };
        let mut content = BytesMut::new();
        request.write(&mut content);
        self.put(content.freeze()).map_err(failed)?;
        self.writer.write_all_buf(&mut self.out).await.map_err(failed)?;
        let answer = self.frames.next().await.ok_or_else(|| failed("the server hangs up"))?;
        let answer = ConnectResponse::read(&mut answer.map_err(failed)?).map_err(failed)?;
        match (answer.expired(), known.id) {
            (true, 0) => return Err(failed("the server gives no session")),
            (true, _) => return Err(ConnectError::Expired),
            (false, _) => {}
        }
        known.id = answer.session_id;
        known.password = answer.passwd;
        known.timeout = Duration::from_millis(u64::try_from(answer.timeout).unwrap_or_default());
        Ok(())
    }

    /// Has a frame with this content written.
    pub fn put(&mut self, content: Bytes) -> Result<(), crate::zookeeper::frame::FrameError> {
        FrameCodec::new(LONGEST).encode(content, &mut self.out)
    }
}
