//! The listener: who may connect, and how many from one address.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use tokio::net::{TcpListener, TcpStream};

use super::{Shared, connection, outlet::Outlet};
use crate::{
    host::{networks::Networks, socket},
    runtime::Tasks,
    services::zookeeper::{ConnectionId, Input},
};

/// From a failure to accept to the next attempt: no file descriptor is free until somebody leaves.
const PAUSE: Duration = Duration::from_millis(100);

/// Who comes in.
pub struct Door {
    /// Connections from one address; 0 is any number.
    pub most: usize,
    pub networks: Networks,
}

impl Door {
    fn admits(&self, shared: &Shared, peer: SocketAddr) -> bool {
        if !self.networks.admits(peer.ip()) {
            tracing::warn!(%peer, "hung up on somebody from a network that may not connect");
            return false;
        }
        let full = self.most > 0 && shared.core().server.connections_from(peer.ip()) >= self.most;
        if full {
            tracing::warn!(%peer, most = self.most, "too many connections from one address");
        }
        !full
    }
}

/// Accepts connections for ever.
pub async fn accept(shared: Arc<Shared>, tasks: Tasks, listener: TcpListener, door: Door) {
    let mut next = 1;
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                if door.admits(&shared, peer) {
                    open(&shared, &tasks, stream, peer, ConnectionId(next));
                    next += 1;
                }
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

fn open(shared: &Arc<Shared>, tasks: &Tasks, stream: TcpStream, peer: SocketAddr, id: ConnectionId) {
    if let Err(error) = socket::prepare(&stream) {
        tracing::info!(%error, "a connection is gone already");
        return;
    }
    let outlet = Arc::new(Outlet::default());
    shared.core().open(id, outlet.clone());
    shared.input(Input::Opened { connection: id, peer });
    tasks.spawn(connection::serve(shared.clone(), id, outlet, stream));
}
