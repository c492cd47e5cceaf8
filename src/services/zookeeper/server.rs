//! The server as a whole: connections come and go, frames are read, sessions begin and end.

use std::{collections::BTreeMap, net::SocketAddr};

use bytes::Bytes;

use super::{
    Config, ConnectionId, Effect, Figures, Input, access,
    connection::{Connection, op_name},
    digest,
    figures::Latencies,
    sessions::Sessions,
    tree::Tree,
    txn::{Entry, Txn},
    watches::{Told, Watches},
};
use crate::{
    mesos::time::Time,
    zookeeper::{
        ConnectRequest, ConnectResponse, ErrorCode, OpCode, ReplyHeader, Request, RequestHeader, Response,
        jute::Jute, request::Auth, response::event_frame, xid,
    },
};

/// How long passwords of sessions are, in bytes.
const PASSWD: usize = 16;

/// Sessions of a server that is alone bear this in their highest byte, which is its number.
const SERVER_ID: i64 = 1 << 56;

/// A server that is alone. Everything it is asked to do is done at once; its host makes it last.
#[derive(Debug)]
pub struct Server {
    pub(super) config: Config,
    pub(super) tree: Tree,
    pub(super) sessions: Sessions,
    pub(super) watches: Watches,
    pub(super) connections: BTreeMap<ConnectionId, Connection>,
    /// The last transaction.
    pub(super) zxid: i64,
    next_session: i64,
    pub(super) totals: Totals,
    pub(super) reap_at: Option<Time>,
    pub(super) effects: Vec<Effect>,
}

/// What `srst` sets back.
#[derive(Clone, Debug, Default)]
pub(super) struct Totals {
    pub received: u64,
    pub sent: u64,
    pub latencies: Latencies,
    /// Bytes of log and snapshots, as the host says.
    pub disk: u64,
}

/// What is being answered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    pub at: Time,
    pub connection: ConnectionId,
    pub session: i64,
    pub xid: i32,
}

/// Milliseconds since 1970.
pub(super) fn millis(now: Time) -> i64 {
    now.as_nanos() / 1_000_000
}

impl Server {
    /// A server with an empty tree.
    pub fn new(config: Config) -> Self {
        Self {
            config,
            tree: Tree::default(),
            sessions: Sessions::default(),
            watches: Watches::default(),
            connections: BTreeMap::new(),
            zxid: 0,
            next_session: 0,
            totals: Totals::default(),
            reap_at: None,
            effects: Vec::new(),
        }
    }

    /// Does again what the log says, after the snapshot if there is one; entries that the snapshot has are left out.
    pub fn replay(&mut self, entry: &Entry) {
        if entry.zxid <= self.zxid {
            return;
        }
        self.zxid = entry.zxid;
        self.tree.apply(entry, &entry.txn, &mut Vec::new());
        match &entry.txn {
            Txn::CreateSession { timeout, passwd } => {
                self.sessions.insert(Time::default(), entry.session, *timeout, passwd.clone());
            }
            Txn::CloseSession { .. } => _ = self.sessions.remove(entry.session),
            _ => {}
        }
    }

    /// Begins to serve: sessions from before have their whole timeout to come back.
    pub fn start(&mut self, now: Time) {
        self.sessions.touch_all(now);
        let by_time = (millis(now) << 24 & i64::MAX) >> 8 | SERVER_ID;
        let last = self.sessions.iter().map(|(id, _)| id).max().unwrap_or_default();
        self.next_session = by_time.max(last + 1);
        self.schedule_reaping(now);
    }

    /// When [`Input::Tick`] is due; none while nothing can expire.
    pub fn deadline(&self) -> Option<Time> {
        self.sessions.next_expiry().into_iter().chain(self.reap_at).min()
    }

    /// The last transaction that was done.
    pub fn zxid(&self) -> i64 {
        self.zxid
    }

    /// The number of connections from an address.
    pub fn connections_from(&self, peer: std::net::IpAddr) -> usize {
        self.connections.values().filter(|connection| connection.peer.ip() == peer).count()
    }

    /// How many bytes the host keeps on disk.
    pub fn set_disk(&mut self, bytes: u64) {
        self.totals.disk = bytes;
    }

    pub fn figures(&self) -> Figures {
        Figures {
            connections: self.connections.len(),
            sessions: self.sessions.count(),
            nodes: self.tree.count(),
            ephemerals: self.tree.ephemerals().map(|(_, paths)| paths.len()).sum(),
            watches: self.watches.count(),
            size: self.tree.size(),
            zxid: self.zxid,
            received: self.totals.received,
            sent: self.totals.sent,
            outstanding: self.connections.values().map(|connection| connection.stats.outstanding).sum(),
            mean_latency: self.totals.latencies.mean(),
        }
    }

    /// What follows from an input, in order.
    pub fn handle(&mut self, now: Time, input: Input) -> Vec<Effect> {
        match input {
            Input::Opened { connection, peer } => self.opened(now, connection, peer),
            Input::Frame { connection, content } => self.frame(now, connection, content),
            Input::Word { connection, word } => self.word(now, connection, word),
            Input::Broken { connection } => self.gone(connection),
            Input::Tick => self.tick(now),
        }
        std::mem::take(&mut self.effects)
    }

    /// The host has handed over a frame of [`Effect::Send`].
    pub fn sent(&mut self, now: Time, connection: ConnectionId, since: Option<Time>) {
        self.totals.sent += 1;
        let latency = since.map(|since| now.since(since));
        if let Some(latency) = latency {
            self.totals.latencies.add(latency);
        }
        let Some(connection) = self.connections.get_mut(&connection) else { return };
        connection.stats.sent += 1;
        if let Some(latency) = latency {
            connection.stats.outstanding = connection.stats.outstanding.saturating_sub(1);
            connection.stats.last_latency = latency;
            connection.stats.last_response = now;
            connection.stats.latencies.add(latency);
        }
    }

    fn opened(&mut self, now: Time, id: ConnectionId, peer: SocketAddr) {
        self.connections.insert(id, Connection::new(now, peer));
    }

    /// The session lives on until it expires; the watches do not.
    fn gone(&mut self, id: ConnectionId) {
        self.watches.forget(id);
        let session = self.connections.remove(&id).and_then(|connection| connection.session);
        if let Some(session) = session.and_then(|session| self.sessions.get_mut(session))
            && session.connection == Some(id)
        {
            session.connection = None;
        }
    }

    fn close(&mut self, connection: ConnectionId) {
        self.gone(connection);
        self.effects.push(Effect::Close { connection });
    }

    fn tick(&mut self, now: Time) {
        while let Some(session) = self.sessions.expired(now) {
            tracing::info!(session = format_args!("{session:#x}"), "a session expired");
            self.end_session(now, session, None);
        }
        self.reap(now);
    }

    fn frame(&mut self, now: Time, id: ConnectionId, content: Bytes) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        self.totals.received += 1;
        connection.stats.received += 1;
        connection.stats.outstanding += 1;
        match connection.session {
            None => self.connect(now, id, content),
            Some(session) => self.request(now, id, session, content),
        }
    }

    fn connect(&mut self, now: Time, id: ConnectionId, mut content: Bytes) {
        let Ok(request) = ConnectRequest::read(&mut content) else { return self.close(id) };
        if request.last_zxid_seen > self.zxid {
            tracing::info!(
                seen = request.last_zxid_seen,
                zxid = self.zxid,
                "a client has seen what is not here"
            );
            return self.close(id);
        }
        let timeout = self.config.negotiate(request.timeout);
        if request.session_id == 0 {
            return self.begin_session(now, id, timeout, request.read_only);
        }
        let session = self.sessions.get_mut(request.session_id);
        match session.filter(|session| Some(&session.passwd) == request.passwd.as_ref()) {
            Some(session) => {
                session.timeout = timeout;
                if let Some(before) = session.connection.take() {
                    self.close(before);
                }
                self.sessions.touch(now, request.session_id);
                self.connected(now, id, request.session_id, request.read_only);
            }
            None => self.refuse(now, id, request.read_only),
        }
    }

    fn begin_session(&mut self, now: Time, id: ConnectionId, timeout: i32, read_only: Option<bool>) {
        let session = self.next_session;
        self.next_session += 1;
        let seed = [&self.config.secret.to_be_bytes()[..], &session.to_be_bytes()].concat();
        let passwd = Bytes::copy_from_slice(&digest::sha1(&seed)[..PASSWD]);
        self.sessions.insert(now, session, timeout, passwd.clone());
        self.commit(now, session, Txn::CreateSession { timeout, passwd });
        if let Some(connection) = self.connections.get_mut(&id) {
            connection.stats.last_op = op_name(OpCode::CreateSession);
        }
        self.connected(now, id, session, read_only);
    }

    fn connected(&mut self, now: Time, id: ConnectionId, session_id: i64, read_only: Option<bool>) {
        let Some(session) = self.sessions.get_mut(session_id) else { return };
        session.connection = Some(id);
        let response = ConnectResponse {
            protocol_version: 0,
            timeout: session.timeout,
            session_id,
            passwd: Some(session.passwd.clone()),
            read_only: read_only.map(|_| false),
        };
        if let Some(connection) = self.connections.get_mut(&id) {
            connection.session = Some(session_id);
        }
        self.effects.push(Effect::Send { connection: id, content: response.to_bytes(), since: Some(now) });
    }

    /// The session is none of ours any more, or the passwd is not its.
    fn refuse(&mut self, now: Time, id: ConnectionId, read_only: Option<bool>) {
        let passwd = Some(Bytes::from_static(&[0; PASSWD]));
        let response =
            ConnectResponse { passwd, read_only: read_only.map(|_| false), ..ConnectResponse::default() };
        self.effects.push(Effect::Send { connection: id, content: response.to_bytes(), since: Some(now) });
        self.close(id);
    }

    fn request(&mut self, now: Time, connection: ConnectionId, session: i64, mut content: Bytes) {
        let Ok(header) = RequestHeader::read(&mut content) else { return self.close(connection) };
        let xid = if header.op == OpCode::Ping.code() { xid::PING } else { header.xid };
        let asked = Asked { at: now, connection, session, xid };
        self.sessions.touch(now, session);
        let Some(op) = OpCode::from_code(header.op).filter(|op| is_for_clients(*op)) else {
            self.reply(asked, Err(ErrorCode::Unimplemented));
            return self.close(connection);
        };
        self.note(asked, op);
        let request = Request::read_body(op, &mut content);
        match request {
            Ok(Request::Auth(auth)) => self.authenticate(asked, &auth),
            Ok(Request::Sasl(_)) => self.refuse_identity(asked),
            Err(_) if matches!(op, OpCode::Auth | OpCode::Sasl) => self.close(connection),
            Ok(Request::CloseSession) => self.end_session(now, session, Some(asked)),
            request if is_write(op) => self.write(asked, op, request.map_err(ErrorCode::from)),
            request => {
                let response = request.map_err(ErrorCode::from).and_then(|request| self.read(asked, request));
                self.reply(asked, response);
            }
        }
    }

    fn note(&mut self, asked: Asked, op: OpCode) {
        if let Some(connection) = self.connections.get_mut(&asked.connection) {
            connection.stats.last_op = op_name(op);
            connection.stats.last_xid = i64::from(asked.xid);
            connection.stats.last_zxid = self.zxid;
        }
    }

    fn authenticate(&mut self, asked: Asked, auth: &Auth) {
        let scheme = auth.scheme.as_deref().unwrap_or_default();
        match access::authenticate(scheme, auth.auth.as_deref().unwrap_or_default()) {
            Ok(id) => {
                if let (Some(id), Some(connection)) = (id, self.connections.get_mut(&asked.connection)) {
                    connection.learn(id);
                }
                self.reply_at(0, asked, Ok(Response::Empty));
            }
            Err(_) => self.refuse_identity(asked),
        }
    }

    fn refuse_identity(&mut self, asked: Asked) {
        self.reply_at(0, asked, Err(ErrorCode::AuthFailed));
        self.close(asked.connection);
    }

    /// Ends a session because its client wants it or has been silent for too long.
    fn end_session(&mut self, now: Time, session: i64, asked: Option<Asked>) {
        let paths = self.tree.ephemerals_of(session).map(str::to_owned).collect();
        self.commit(now, session, Txn::CloseSession { paths });
        let connection = self.sessions.remove(session).and_then(|session| session.connection);
        if let Some(asked) = asked {
            self.reply(asked, Ok(Response::Empty));
        }
        if let Some(connection) = connection {
            self.close(connection);
        }
    }

    pub(super) fn reply(&mut self, asked: Asked, response: Result<Response, ErrorCode>) {
        self.reply_at(self.zxid, asked, response);
    }

    fn reply_at(&mut self, zxid: i64, asked: Asked, response: Result<Response, ErrorCode>) {
        let err = response.as_ref().err().map_or(0, |error| error.code());
        let header = ReplyHeader { xid: asked.xid, zxid, err };
        let content = response.unwrap_or(Response::Empty).to_frame(header);
        self.effects.push(Effect::Send { connection: asked.connection, content, since: Some(asked.at) });
    }

    pub(super) fn tell(&mut self, told: Vec<Told>) {
        let events = told.into_iter().map(|(connection, event)| Effect::Send {
            connection,
            content: event_frame(&event),
            since: None,
        });
        self.effects.extend(events);
    }
}

/// What servers ask of each other is unknown to clients.
fn is_for_clients(op: OpCode) -> bool {
    !matches!(op, OpCode::DeleteContainer | OpCode::CreateSession | OpCode::Error)
}

/// What gets a number, even when it is refused.
fn is_write(op: OpCode) -> bool {
    matches!(
        op,
        OpCode::Create
            | OpCode::Create2
            | OpCode::CreateContainer
            | OpCode::CreateTtl
            | OpCode::Delete
            | OpCode::SetData
            | OpCode::SetAcl
            | OpCode::Check
            | OpCode::Multi
            | OpCode::Reconfig
    )
}
