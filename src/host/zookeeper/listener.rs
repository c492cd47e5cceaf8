//! The listener: who may connect, and how many from one address.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use tokio::net::{TcpListener, TcpStream};

use super::{Shared, connection, outlet::Outlet};
use crate::{
    host::socket,
    runtime::Tasks,
    services::zookeeper::{ConnectionId, Input},
};

/// From a failure to accept to the next attempt: no file descriptor is free until somebody leaves.
const PAUSE: Duration = Duration::from_millis(100);

/// Accepts connections for ever, up to `most` from one address (0: any number).
pub async fn accept(shared: Arc<Shared>, tasks: Tasks, listener: TcpListener, most: usize) {
    let mut next = 1;
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                if shared.is_full_for(peer, most) {
                    tracing::warn!(%peer, most, "too many connections from one address");
                    continue;
                }
                open(&shared, &tasks, stream, peer, ConnectionId(next));
                next += 1;
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

impl Shared {
    fn is_full_for(&self, peer: SocketAddr, most: usize) -> bool {
        most > 0 && self.core().server.connections_from(peer.ip()) >= most
    }
}
