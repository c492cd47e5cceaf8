//! The task of one destination: a connection that is held, or one for the messages that wait.

use std::{io, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use tokio::{
    io::AsyncWriteExt,
    net::TcpStream,
    sync::{Notify, SemaphorePermit},
    time::{error::Elapsed, timeout},
};

use super::peer::{Link, Next, Shared, Take};
use crate::host::socket;

/// Of the reason for a refusal, so many characters go into the log.
const LONGEST_REASON: usize = 500;

/// Serves a destination until it has neither a link nor messages.
pub async fn serve(shared: Arc<Shared>, to: SocketAddr) {
    while let Some(next) = shared.next(to) {
        match next {
            Next::Link(link) => hold(&shared, to, &link).await,
            Next::Temporary(changed) => {
                if let Some(_place) = place(&shared, to, &changed).await {
                    deliver(&shared, to).await;
                }
            }
        }
    }
}

/// A place among the temporary connections; none is needed any more when a link is wanted meanwhile.
async fn place<'a>(shared: &'a Shared, to: SocketAddr, changed: &Notify) -> Option<SemaphorePermit<'a>> {
    let mut place = pin!(shared.temporary.acquire());
    loop {
        tokio::select! {
            place = &mut place => return place.ok(),
            () = changed.notified() => {
                if matches!(shared.next(to), Some(Next::Link(_))) {
                    return None;
                }
            }
        }
    }
}

/// Holds a link until it breaks or is not wanted any more.
async fn hold(shared: &Shared, to: SocketAddr, link: &Link) {
    let held = link.cut.run_until_cancelled(carry(shared, to, Some(link))).await;
    if let Some(Err(error)) = held {
        tracing::debug!(%to, %error, "link broken");
        shared.broken(to, link.number);
    }
    link.cut.cancel();
}

/// Sends what waits on a connection of its own.
async fn deliver(shared: &Shared, to: SocketAddr) {
    let patience = shared.limits.connect + shared.limits.write + shared.limits.drain;
    let sent = timeout(patience, carry(shared, to, None)).await;
    if let Err(error) = sent.map_err(too_slow).flatten() {
        tracing::debug!(%to, %error, "messages lost: there is no link, and no connection was to be had");
        shared.give_up(to);
    }
}

/// Connects, and writes until nothing is to be written any more. An end from the other side is an error.
async fn carry(shared: &Shared, to: SocketAddr, link: Option<&Link>) -> io::Result<()> {
    let connecting = timeout(shared.limits.connect, connect(to)).await;
    let mut connection = connecting.map_err(too_slow).flatten()?;
    tokio::select! {
        ended = read(to, &connection) => return ended.and(Err(io::ErrorKind::UnexpectedEof.into())),
        written = write(shared, to, link, &connection) => written?,
    }
    close(to, &mut connection, shared.limits.drain).await;
    Ok(())
}

async fn connect(to: SocketAddr) -> io::Result<TcpStream> {
    let connection = TcpStream::connect(to).await?;
    if connection.local_addr()? == to {
        return Err(io::Error::other(
            "connected to itself: nobody listens, and the port was free to come from",
        ));
    }
    socket::prepare(&connection)?;
    Ok(connection)
}

/// Reads and throws away until the other side has closed. A refusal is told once: nothing else would say why there
/// is no answer.
async fn read(to: SocketAddr, connection: &TcpStream) -> io::Result<()> {
    let mut told = false;
    loop {
        connection.readable().await?;
        let mut answers = [0; 16 * 1024];
        match connection.try_read(&mut answers) {
            Ok(0) => return Ok(()),
            Ok(size) if !told => {
                let refusal = refusal(&answers[..size]);
                told = refusal.is_some();
                refusal.iter().for_each(|reason| tracing::warn!(%to, reason, "our messages are refused"));
            }
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
}

async fn write(
    shared: &Shared,
    to: SocketAddr,
    link: Option<&Link>,
    connection: &TcpStream,
) -> io::Result<()> {
    loop {
        match shared.take(to, link) {
            Take::Chunk(chunk) => write_all(connection, &chunk).await?,
            Take::Wait(changed) => changed.notified().await,
            Take::End => return Ok(()),
        }
    }
}

async fn write_all(connection: &TcpStream, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        connection.writable().await?;
        match connection.try_write(bytes) {
            Ok(written) => bytes = &bytes[written..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// The reason in an answer that forbids us to send; a head and a reason come in one piece.
fn refusal(answer: &[u8]) -> Option<String> {
    let answer = String::from_utf8_lossy(answer.strip_prefix(b"HTTP/1.1 403 ")?);
    let (_, body) = answer.split_once("\r\n\r\n")?;
    Some(body.lines().next().unwrap_or_default().chars().take(LONGEST_REASON).collect())
}

/// Says that nothing more comes, and lets the other side end first, so that our end resets nothing on its way.
async fn close(to: SocketAddr, connection: &mut TcpStream, patience: Duration) {
    if connection.shutdown().await.is_ok() {
        let _ended_or_not = timeout(patience, read(to, connection)).await;
    }
}

fn too_slow(_: Elapsed) -> io::Error {
    io::ErrorKind::TimedOut.into()
}
