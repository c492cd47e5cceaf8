//! A server with clients that are numbers.

use std::time::Duration;

use bytes::Bytes;

use crate::{
    mesos::time::Time,
    services::zookeeper::{Config, ConnectionId, Effect, Entry, Input, Server},
    zookeeper::{
        Acl, ConnectRequest, ConnectResponse, CreateMode, ErrorCode, ReplyHeader, Request, Response,
        WatchedEvent,
        jute::Jute,
        request::{Create, CreateForm, PathVersion, PathWatch, SetData},
    },
};

pub struct Lab {
    pub server: Server,
    pub now: Time,
    /// What was written to the log.
    pub log: Vec<Bytes>,
    next: u64,
}

pub fn create(path: &str, mode: CreateMode) -> Request {
    let form = match mode {
        CreateMode::Container => CreateForm::Container,
        CreateMode::PersistentWithTtl | CreateMode::PersistentSequentialWithTtl => CreateForm::Ttl(5000),
        _ => CreateForm::Create,
    };
    let data = Some(Bytes::from_static(b"x"));
    Request::Create(Create { form, path: path.to_owned(), data, acl: Acl::open(), flags: mode.flag() })
}

pub fn delete(path: &str) -> Request {
    Request::Delete(PathVersion { path: path.to_owned(), version: -1 })
}

pub fn set(path: &str) -> Request {
    Request::SetData(SetData { path: path.to_owned(), data: None, version: -1 })
}

pub fn watch(path: &str) -> PathWatch {
    PathWatch { path: path.to_owned(), watch: true }
}

impl Lab {
    pub fn new() -> Self {
        let config = Config { reap_interval: Duration::from_secs(1), ..Config::default() };
        Self::with(Server::new(config))
    }

    pub fn with(mut server: Server) -> Self {
        let now = Time::from_epoch(Duration::from_secs(1_700_000_000));
        server.start(now);
        Self { server, now, log: Vec::new(), next: 0 }
    }

    pub fn input(&mut self, input: Input) -> Vec<Effect> {
        let effects = self.server.handle(self.now, input);
        let entry =
            |effect: &Effect| if let Effect::Append(entry) = effect { Some(entry.clone()) } else { None };
        self.log.extend(effects.iter().filter_map(entry));
        effects
    }

    pub fn open(&mut self) -> ConnectionId {
        self.next += 1;
        let connection = ConnectionId(self.next);
        self.input(Input::Opened { connection, peer: "127.0.0.1:999".parse().unwrap() });
        connection
    }

    pub fn connect(&mut self, request: &ConnectRequest) -> (ConnectionId, Option<ConnectResponse>) {
        let connection = self.open();
        let effects = self.input(Input::Frame { connection, content: request.to_bytes() });
        let response = frames(&effects, connection).pop();
        (connection, response.map(|mut frame| ConnectResponse::read(&mut frame).unwrap()))
    }

    /// A connection with a session of ten seconds.
    pub fn client(&mut self) -> (ConnectionId, ConnectResponse) {
        let request = ConnectRequest { timeout: 10_000, ..ConnectRequest::default() };
        let (connection, response) = self.connect(&request);
        (connection, response.unwrap())
    }

    pub fn ask(&mut self, connection: ConnectionId, request: &Request) -> Result<Response, ErrorCode> {
        let effects = self.input(Input::Frame { connection, content: request.to_frame(7) });
        let mut frame = frames(&effects, connection).pop().expect("an answer");
        let header = ReplyHeader::read(&mut frame).unwrap();
        header.error().map_or_else(|| Ok(Response::read_body(request.op(), &mut frame).unwrap()), Err)
    }

    /// Time goes on until the server wakes, for `span` at most.
    pub fn sleep(&mut self, span: Duration) -> Vec<Effect> {
        let end = self.now + span;
        let mut effects = Vec::new();
        while let Some(due) = self.server.deadline().filter(|due| *due <= end) {
            self.now = self.now.max(due);
            effects.extend(self.input(Input::Tick));
        }
        self.now = end;
        effects
    }

    /// A server from the log alone.
    pub fn replayed(&self) -> Server {
        let mut server = Server::new(Config::default());
        for entry in &self.log {
            server.replay(&Entry::read(&mut entry.clone()).unwrap());
        }
        server
    }
}

pub fn frames(effects: &[Effect], to: ConnectionId) -> Vec<Bytes> {
    let frame = |effect: &Effect| match effect {
        Effect::Send { connection, content, .. } if *connection == to => Some(content.clone()),
        _ => None,
    };
    effects.iter().filter_map(frame).collect()
}

/// The events among what a connection was sent.
pub fn events(effects: &[Effect], to: ConnectionId) -> Vec<String> {
    let event = |mut frame: Bytes| {
        let header = ReplyHeader::read(&mut frame).ok().filter(|header| header.xid == -1)?;
        assert_eq!(header.zxid, -1);
        let event = WatchedEvent::read(&mut frame).unwrap();
        Some(format!("{:?} {}", event.kind, event.path))
    };
    frames(effects, to).into_iter().filter_map(event).collect()
}
