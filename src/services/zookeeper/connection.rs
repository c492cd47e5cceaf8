//! What a server knows of a connection.

use std::{net::SocketAddr, time::Duration};

use super::{access, figures::Latencies};
use crate::{
    mesos::time::Time,
    zookeeper::{Id, OpCode},
};

/// One connection.
#[derive(Clone, Debug)]
pub struct Connection {
    pub peer: SocketAddr,
    /// None until the first frame was accepted.
    pub session: Option<i64>,
    /// Who the client is: its address, and what it has proven.
    pub identities: Vec<Id>,
    pub stats: ConnectionStats,
}

/// The figures of a connection for `cons`.
#[derive(Clone, Debug)]
pub struct ConnectionStats {
    pub established: Time,
    pub received: u64,
    pub sent: u64,
    pub outstanding: u64,
    pub last_op: &'static str,
    pub last_xid: i64,
    pub last_zxid: i64,
    pub last_response: Time,
    pub last_latency: Duration,
    pub latencies: Latencies,
}

impl Connection {
    pub fn new(now: Time, peer: SocketAddr) -> Self {
        let identities = vec![access::from_address(peer.ip())];
        Self { peer, session: None, identities, stats: ConnectionStats::new(now) }
    }

    pub fn learn(&mut self, id: Id) {
        if !self.identities.contains(&id) {
            self.identities.push(id);
        }
    }
}

impl ConnectionStats {
    fn new(now: Time) -> Self {
        Self {
            established: now,
            received: 0,
            sent: 0,
            outstanding: 0,
            last_op: "NA",
            last_xid: -1,
            last_zxid: -1,
            last_response: Time::default(),
            last_latency: Duration::ZERO,
            latencies: Latencies::default(),
        }
    }

    pub fn reset(&mut self) {
        *self = Self { outstanding: self.outstanding, ..Self::new(self.established) };
    }
}

/// The last operation as `cons` names it.
pub fn op_name(op: OpCode) -> &'static str {
    match op {
        OpCode::Ping => "PING",
        OpCode::Multi => "MULT",
        OpCode::MultiRead => "MLTR",
        OpCode::Create | OpCode::Create2 | OpCode::CreateTtl | OpCode::CreateContainer => "CREA",
        OpCode::Delete | OpCode::DeleteContainer => "DELE",
        OpCode::SetData => "SETD",
        OpCode::Reconfig => "RECO",
        OpCode::SetAcl => "SETA",
        OpCode::CloseSession => "CLOS",
        OpCode::Sync => "SYNC",
        OpCode::Check => "CHEC",
        OpCode::Exists => "EXIS",
        OpCode::GetData => "GETD",
        OpCode::SetWatches => "SETW",
        OpCode::SetWatches2 => "STW2",
        OpCode::AddWatch => "ADDW",
        OpCode::GetAcl => "GETA",
        OpCode::GetChildren | OpCode::GetChildren2 => "GETC",
        OpCode::GetAllChildrenNumber => "GETACN",
        OpCode::CheckWatches => "CHKW",
        OpCode::RemoveWatches => "REMW",
        OpCode::WhoAmI => "HOMI",
        OpCode::GetEphemerals => "GETE",
        OpCode::CreateSession => "SESS",
        OpCode::Auth | OpCode::Sasl | OpCode::Error => "NA",
    }
}
