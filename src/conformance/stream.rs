//! A stream of events as the scheduler, the operator and the executor API send them: RecordIO in chunks.

use bytes::{Bytes, BytesMut};
use serde_json::Value;
use tokio_util::codec::Decoder as _;

use crate::{
    conformance::http::{Address, Answer, Connection, Request},
    mesos::recordio::Decoder,
};

/// The state of a large cluster as one event.
const LONGEST_RECORD: usize = 256 << 20;

/// A stream that was opened.
#[derive(Debug)]
pub struct Stream {
    connection: Connection,
    records: Decoder,
    read: BytesMut,
}

impl Stream {
    /// Asks for a stream. Of an answer that is none the whole body is read.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn open(to: &Address, request: &Request) -> Result<(Answer, Option<Self>), String> {
        let mut connection = Connection::open(to).await?;
        connection.send(&request.bytes(to)).await?;
        let mut answer = connection.head(false).await?;
        if answer.status == 200 && answer.header("Transfer-Encoding").is_some() {
            let (records, read) = (Decoder::new(LONGEST_RECORD), BytesMut::new());
            return Ok((answer, Some(Self { connection, records, read })));
        }
        let mut body = BytesMut::new();
        while let Some(piece) = connection.piece().await? {
            body.extend_from_slice(&piece);
        }
        answer.body = body.freeze();
        Ok((answer, None))
    }

    /// The next record; none at the end of the stream.
    ///
    /// # Errors
    /// When the connection breaks, or what comes is no RecordIO.
    pub async fn record(&mut self) -> Result<Option<Bytes>, String> {
        loop {
            match self.records.decode(&mut self.read) {
                Ok(Some(record)) => return Ok(Some(record)),
                Ok(None) => {}
                Err(error) => return Err(format!("no RecordIO: {error}")),
            }
            match self.connection.piece().await? {
                Some(piece) => self.read.extend_from_slice(&piece),
                None if self.read.is_empty() => return Ok(None),
                None => return Err("the stream ended within a record".to_owned()),
            }
        }
    }

    /// The next event of a stream in JSON; none at its end.
    ///
    /// # Errors
    /// As [`Stream::record`], and for a record that is no JSON.
    pub async fn event(&mut self) -> Result<Option<Value>, String> {
        let Some(record) = self.record().await? else { return Ok(None) };
        serde_json::from_slice(&record)
            .map(Some)
            .map_err(|error| format!("an event that is no JSON: {error}"))
    }
}
