//! Where the lab's components listen: the usual port, else the one from last time, else any that is free.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use tokio::net::TcpListener;

use crate::{
    provider::ready::{self, NotReady},
    runtime::Clock,
};

/// How long a part that ends may hold its port.
const LETTING_GO: Duration = Duration::from_secs(5);

/// A listener on loopback, and whether the port that was wished for was taken.
#[derive(Debug)]
pub struct Bound {
    pub listener: TcpListener,
    /// The port that somebody else uses.
    pub in_use: Option<u16>,
}

/// Listens on `wished`, or on `last` when that is taken, or on a free port.
///
/// # Errors
/// When loopback gives no port at all.
pub async fn bind(wished: u16, last: Option<u16>) -> io::Result<Bound> {
    if let Ok(listener) = listen(wished).await {
        return Ok(Bound { listener, in_use: None });
    }
    let fallback = match last {
        Some(port) => listen(port).await.ok(),
        None => None,
    };
    let listener = match fallback {
        Some(listener) => listener,
        None => listen(0).await?,
    };
    Ok(Bound { listener, in_use: Some(wished) })
}

async fn listen(port: u16) -> io::Result<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await
}

/// Listens once more where something of ours is just ending.
///
/// # Errors
/// When somebody else has taken the port since.
pub async fn again(clock: Clock, address: SocketAddr) -> io::Result<TcpListener> {
    let bound = ready::until(clock, LETTING_GO, async || {
        TcpListener::bind(address).await.map_err(|error| NotReady(format!("listen on {address}: {error}")))
    });
    bound.await.map_err(io::Error::other)
}

/// A port for a process that is yet to start: the one that is wished for, or the last one, or a free one.
///
/// # Errors
/// When loopback gives no port at all.
pub async fn reserve(wished: u16, last: Option<u16>) -> io::Result<(SocketAddr, Option<u16>)> {
    let bound = bind(wished, last).await?;
    Ok((bound.listener.local_addr()?, bound.in_use))
}

/// The port of a URL such as `http://127.0.0.1:5050`.
pub fn port_of(url: &str) -> Option<u16> {
    url.rsplit(':').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{bind, port_of};

    #[tokio::test]
    async fn a_port_in_use_is_replaced_and_named() {
        let first = bind(0, None).await.expect("a free port");
        let taken = first.listener.local_addr().expect("address").port();
        let second = bind(taken, None).await.expect("another port");
        assert_eq!(second.in_use, Some(taken));
        let third = bind(taken, Some(0)).await.expect("another port");
        assert!(third.in_use.is_some());
        assert_eq!(port_of(&format!("http://127.0.0.1:{taken}")), Some(taken));
    }
}
