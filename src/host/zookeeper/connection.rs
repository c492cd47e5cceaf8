//! One connection: four letters or frames come in, what the outlet holds goes out. Whatever is wrong with what comes in ends
//! this connection and no other.

use std::{sync::Arc, time::Duration};

use bytes::{Buf, BytesMut};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
};
use tokio_util::codec::Decoder;

use super::{
    Shared,
    outlet::{End, Outlet},
};
use crate::{
    services::zookeeper::{ConnectionId, Input, Word},
    zookeeper::FrameCodec,
};

/// How long a client may take to say what it is.
const GREETING: Duration = Duration::from_secs(10);

/// How long a client may take to read the last words.
const FAREWELL: Duration = Duration::from_secs(5);

/// How much is read at once.
const CHUNK: usize = 16 * 1024;

/// Serves a connection to its end.
pub async fn serve(shared: Arc<Shared>, id: ConnectionId, outlet: Arc<Outlet>, stream: TcpStream) {
    let (reader, writer) = stream.into_split();
    let mut incoming = Incoming { shared: &shared, id, outlet: &outlet, reader };
    let write = write(&outlet, writer);
    tokio::pin!(write);
    tokio::select! {
        () = incoming.read() => {
            outlet.end(End::Dropped);
            shared.input(Input::Broken { connection: id });
            shared.core().forget(id);
        }
        writer = &mut write => {
            shared.input(Input::Broken { connection: id });
            shared.core().forget(id);
            if let Some(mut writer) = writer {
                let _half_closed = writer.shutdown().await;
                let _silent = tokio::time::timeout(FAREWELL, incoming.discard()).await;
            }
        }
    }
}

/// Writes until nothing more is to come; gives the socket back when all was written.
async fn write(outlet: &Outlet, mut writer: OwnedWriteHalf) -> Option<OwnedWriteHalf> {
    loop {
        match outlet.next().await {
            Ok(bytes) => writer.write_all(&bytes).await.ok()?,
            Err(End::Drained) => return Some(writer),
            Err(End::Dropped) => return None,
        }
    }
}

struct Incoming<'a> {
    shared: &'a Shared,
    id: ConnectionId,
    outlet: &'a Outlet,
    reader: OwnedReadHalf,
}

impl Incoming<'_> {
    /// Reads until the client goes, or sends what is no frame.
    async fn read(&mut self) {
        let mut bytes = BytesMut::with_capacity(CHUNK);
        let greeting = tokio::time::timeout(GREETING, self.greeting(&mut bytes)).await;
        if greeting != Ok(Some(())) {
            return;
        }
        let mut codec = FrameCodec::new(self.shared.jute_max_buffer);
        loop {
            match codec.decode(&mut bytes) {
                Ok(Some(content)) => {
                    self.shared.input(Input::Frame { connection: self.id, content });
                    self.outlet.patience().await;
                    self.shared.patience().await;
                }
                Ok(None) => {
                    bytes.reserve(CHUNK);
                    if !matches!(self.reader.read_buf(&mut bytes).await, Ok(1..)) {
                        return;
                    }
                }
                Err(error) => {
                    tracing::info!(%error, "hung up on a client that sends no frames");
                    return;
                }
            }
        }
    }

    /// The first four bytes: a word is answered, and then nothing more is read.
    async fn greeting(&mut self, bytes: &mut BytesMut) -> Option<()> {
        while bytes.len() < 4 {
            let read = self.reader.read_buf(bytes).await;
            read.ok().filter(|read| *read > 0)?;
        }
        let head = *bytes.first_chunk::<4>()?;
        if let Some(word) = Word::from_bytes(head) {
            bytes.advance(4);
            self.shared.input(Input::Word { connection: self.id, word });
            std::future::pending().await
        } else {
            Some(())
        }
    }

    /// Reads what comes after the last word: with it unread the system would take the words back.
    async fn discard(&mut self) {
        let mut bytes = BytesMut::with_capacity(CHUNK);
        while matches!(self.reader.read_buf(&mut bytes).await, Ok(1..)) {
            bytes.clear();
        }
    }
}
