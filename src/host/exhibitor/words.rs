//! Four-letter words: a connection for each, the word, and all that comes until the other side closes.

use std::{io, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// For the connection and the whole answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// Of an answer, in bytes; the rest is left.
const LONGEST: u64 = 1024 * 1024;

/// Asks the ZooKeeper at `host:port`.
///
/// # Errors
/// When it does not answer, or not in time.
pub async fn ask(zookeeper: &str, word: &str) -> io::Result<String> {
    let answer = async {
        let mut socket = TcpStream::connect(zookeeper).await?;
        socket.write_all(word.as_bytes()).await?;
        let mut answer = Vec::new();
        socket.take(LONGEST).read_to_end(&mut answer).await?;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    };
    timeout(PATIENCE, answer).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}
