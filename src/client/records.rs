//! The messages of a stream, one RecordIO record each.

use std::time::Duration;

use bytes::BytesMut;
use prost::Message;
use reqwest::Response;
use tokio_util::codec::Decoder as _;

use crate::{client::ClientError, mesos::recordio::Decoder};

/// A record larger than this is taken for garbage. The snapshot of a large cluster is one record.
const LARGEST: usize = 256 << 20;

/// So many missed heartbeats, and the connection is taken for dead.
const MISSED_HEARTBEATS: f64 = 3.0;

/// How long to wait for a sign of life, once the master has said how often its heart beats.
pub(super) fn patience(heartbeat: Option<f64>) -> Option<Duration> {
    let seconds = heartbeat.filter(|seconds| *seconds > 0.0)?;
    Duration::try_from_secs_f64(seconds * MISSED_HEARTBEATS).ok()
}

pub(super) struct Records {
    response: Response,
    buffer: BytesMut,
    decoder: Decoder,
}

impl Records {
    pub fn new(response: Response) -> Self {
        Self { response, buffer: BytesMut::new(), decoder: Decoder::new(LARGEST) }
    }

    /// The next message. May be dropped and called again without losing one.
    pub async fn next<M: Message + Default>(&mut self, patience: Duration) -> Result<M, ClientError> {
        loop {
            let record = self.decoder.decode(&mut self.buffer);
            if let Some(record) = record.map_err(|error| ClientError::Malformed(error.to_string()))? {
                return M::decode(record).map_err(|error| ClientError::Malformed(error.to_string()));
            }
            let chunk = tokio::time::timeout(patience, self.response.chunk()).await;
            match chunk.map_err(|_| ClientError::Silent(patience))? {
                Ok(Some(chunk)) => self.buffer.extend_from_slice(&chunk),
                Ok(None) => return Err(ClientError::Closed("the other side ended it".to_owned())),
                Err(error) => return Err(ClientError::Closed(error.to_string())),
            }
        }
    }
}
