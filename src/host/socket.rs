//! What every connection of ours has set: bytes go out at once, and a host that has vanished is noticed.

use std::{io, time::Duration};

use rustix::net::sockopt;
use tokio::net::TcpStream;

/// Of silence, before the other side's kernel is asked whether it is there.
const SILENCE: Duration = Duration::from_secs(60);

/// From one question to the next, and how many of them may stay without an answer.
const QUESTIONS: (Duration, u32) = (Duration::from_secs(15), 4);

/// Sets what every connection has.
///
/// # Errors
/// When the connection is gone already.
pub fn prepare(socket: &TcpStream) -> io::Result<()> {
    socket.set_nodelay(true)?;
    sockopt::set_socket_keepalive(socket, true)?;
    sockopt::set_tcp_keepidle(socket, SILENCE)?;
    sockopt::set_tcp_keepintvl(socket, QUESTIONS.0)?;
    sockopt::set_tcp_keepcnt(socket, QUESTIONS.1)?;
    Ok(())
}
