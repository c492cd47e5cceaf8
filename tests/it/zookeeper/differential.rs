//! The same requests to ours and to the real one: the answers and the events are the same, byte for byte, but for times and
//! the numbers of sessions.

use std::net::SocketAddr;

use bytes::{Bytes, BytesMut};
use mesoslab::{
    host::zookeeper::{self, ZooKeeperHandle},
    runtime::{Clock, Tasks},
    zookeeper::{
        Acl, Id, OpCode, Perms, ReplyHeader, Request, Response, Stat, WatchedEvent,
        jute::Jute,
        multi::OpResult,
        request::{
            AddWatch, Auth, Create, CreateForm, PathVersion, PathWatch, Reconfig, SetAcl, SetData,
            SetWatches, Watches,
        },
    },
};
use rand::{Rng, SeedableRng, rngs::SmallRng, seq::IndexedRandom};
use tokio::net::TcpListener;

use super::{raw::Raw, real::Real};

/// How many clients take turns.
const CLIENTS: usize = 3;

const PATHS: [&str; 18] = [
    "/",
    "/a",
    "/a/b",
    "/a/b/c",
    "/a/s-",
    "/b",
    "/b/s-",
    "/b/x",
    "/c",
    "/c/d",
    "/zookeeper",
    "/zookeeper/config",
    "",
    "a",
    "/a/",
    "/a//b",
    "/a/../b",
    "/a/\u{1}",
];

pub async fn start_ours(tasks: &Tasks) -> ZooKeeperHandle {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut config = zookeeper::Config::default();
    config.service.reap_interval = std::time::Duration::from_secs(3600);
    config.service.max_client_cnxns = 0;
    zookeeper::start(tasks, Clock::start(), listener, config).unwrap()
}

/// What is asked at random.
struct Asker(SmallRng);

impl Asker {
    fn path(&mut self) -> String {
        (*PATHS.choose(&mut self.0).unwrap()).to_owned()
    }

    /// The real one fails to look above a path without a slash.
    fn absolute(&mut self) -> String {
        (*PATHS.iter().filter(|path| path.starts_with('/')).collect::<Vec<_>>().choose(&mut self.0).unwrap())
            .to_string()
    }

    fn version(&mut self) -> i32 {
        *[-1, -1, -1, 0, 1, 2].choose(&mut self.0).unwrap()
    }

    fn data(&mut self) -> Option<Bytes> {
        [None, Some(Bytes::new()), Some(Bytes::from_static(b"x")), Some(Bytes::from_static(b"data"))]
            .choose(&mut self.0)
            .unwrap()
            .clone()
    }

    fn acl(&mut self) -> Vec<Acl> {
        let digest = Id::new("digest", "ann:yXTRIiSZ0ANERlvkvUbN9QbBD2s=");
        match self.0.random_range(0..24) {
            0 => Vec::new(),
            1 => Acl::creator(),
            2 => Acl::read_only(),
            3 => vec![Acl::new(Perms::ALL, digest)],
            4 => vec![Acl::new(Perms::ALL, Id::new("ip", "127.0.0.0/8"))],
            5 => vec![Acl::new(Perms::ALL, Id::new("ip", "10.0.0.1")), Acl::new(Perms::READ, Id::anyone())],
            6 => vec![Acl::new(Perms::ALL, Id::new("ip", "300.0.0.1"))],
            7 => vec![Acl::new(Perms::ALL, Id::new("digest", "nocolon"))],
            8 => vec![Acl::new(Perms::ALL, Id::new("world", "someone"))],
            9 => vec![Acl::new(Perms::ALL, Id::new("nobody", "x"))],
            10 => [Acl::open(), Acl::open()].concat(),
            11 => vec![
                Acl::new(Perms::READ | Perms::CREATE, Id::anyone()),
                Acl::new(Perms::ALL, Id::new("digest", "bob:x")),
            ],
            _ => Acl::open(),
        }
    }

    fn create(&mut self, alone: bool) -> Request {
        let form = match self.0.random_range(0..8) {
            0 if alone => CreateForm::Create2,
            1 => CreateForm::Container,
            2 => CreateForm::Ttl(*[-1, 0, 1, 100_000, i64::MAX].choose(&mut self.0).unwrap()),
            _ => CreateForm::Create,
        };
        let flags = match form {
            CreateForm::Container => 4,
            // With another mode this ends the real server.
            CreateForm::Ttl(-1) => 5,
            CreateForm::Ttl(_) => *[5, 5, 6, 0].choose(&mut self.0).unwrap(),
            _ if alone => *[0, 0, 0, 1, 2, 3, 5, 7, -1].choose(&mut self.0).unwrap(),
            _ => *[0, 0, 0, 1, 2, 3].choose(&mut self.0).unwrap(),
        };
        // A transaction with such a creation is not read by the real one.
        let form = if !alone && matches!(form, CreateForm::Ttl(_)) { CreateForm::Ttl(100_000) } else { form };
        let flags = if !alone && matches!(form, CreateForm::Ttl(_)) { 5 } else { flags };
        Request::Create(Create { form, path: self.path(), data: self.data(), acl: self.acl(), flags })
    }

    fn path_version(&mut self) -> PathVersion {
        PathVersion { path: self.path(), version: self.version() }
    }

    fn path_watch(&mut self) -> PathWatch {
        PathWatch { path: self.path(), watch: self.0.random() }
    }

    fn set_data(&mut self) -> Request {
        Request::SetData(SetData { path: self.path(), data: self.data(), version: self.version() })
    }

    fn write(&mut self) -> Request {
        match self.0.random_range(0..6) {
            0 | 1 => self.create(false),
            2 | 3 => self.set_data(),
            4 => Request::Check(self.path_version()),
            _ => Request::Delete(self.path_version()),
        }
    }

    fn multi(&mut self) -> Request {
        let count = self.0.random_range(0..4);
        Request::Multi((0..count).map(|_| self.write()).collect())
    }

    fn multi_read(&mut self) -> Request {
        let count = self.0.random_range(0..4);
        let one = |asker: &mut Self| match asker.0.random() {
            true => Request::GetData(asker.path_watch()),
            false => Request::GetChildren(asker.path_watch()),
        };
        Request::MultiRead((0..count).map(|_| one(self)).collect())
    }

    fn watches(&mut self) -> Watches {
        Watches { path: self.absolute(), kind: self.0.random_range(0..5) }
    }

    fn set_watches(&mut self) -> SetWatches {
        let mut paths = || (0..self.0.random_range(0..3)).map(|_| self.absolute()).collect();
        let (data, exist, child) = (paths(), paths(), paths());
        let (persistent, persistent_recursive) = (paths(), paths());
        let relative_zxid = self.0.random_range(0..200);
        SetWatches { relative_zxid, data, exist, child, persistent, persistent_recursive }
    }

    fn auth(&mut self) -> Request {
        let auth = *["ann:secret", "bob:", "nocolon", ""].choose(&mut self.0).unwrap();
        let auth = Some(Bytes::from_static(auth.as_bytes()));
        Request::Auth(Auth { kind: 0, scheme: Some("digest".to_owned()), auth })
    }

    fn request(&mut self) -> Request {
        match self.0.random_range(0..40) {
            0..8 => self.create(true),
            8..11 => Request::Delete(self.path_version()),
            11..14 => self.set_data(),
            14..17 => Request::Exists(self.path_watch()),
            17..20 => Request::GetData(self.path_watch()),
            20..22 => Request::GetChildren(self.path_watch()),
            22..24 => Request::GetChildren2(self.path_watch()),
            24 => Request::GetAcl(self.path()),
            25 => Request::SetAcl(SetAcl { path: self.path(), acl: self.acl(), version: self.version() }),
            26..29 => self.multi(),
            29 => self.multi_read(),
            30 => Request::SetWatches2(self.set_watches()),
            31 => Request::AddWatch(AddWatch { path: self.absolute(), mode: self.0.random_range(-1..3) }),
            32 => Request::RemoveWatches(self.watches()),
            33 => Request::CheckWatches(self.watches()),
            34 => Request::GetEphemerals(Some(self.path())),
            35 => Request::GetAllChildrenNumber(self.path()),
            36 => Request::WhoAmI,
            37 => self.auth(),
            38 => Request::Sync(self.path()),
            _ => Request::Reconfig(Reconfig { config: -1, ..Reconfig::default() }),
        }
    }
}

/// Without what differs between two servers that do the same.
fn masked(stat: Stat) -> Stat {
    Stat { ctime: 0, mtime: 0, ephemeral_owner: i64::from(stat.ephemeral_owner != 0), ..stat }
}

fn sorted(mut names: Vec<String>) -> Vec<String> {
    names.sort();
    names
}

fn comparable(response: Response) -> Response {
    match response {
        Response::Created { path, stat } => Response::Created { path, stat: masked(stat) },
        Response::Stat(stat) => Response::Stat(masked(stat)),
        Response::Data { data, stat } => Response::Data { data, stat: masked(stat) },
        Response::Acl { acl, stat } => Response::Acl { acl, stat: masked(stat) },
        Response::Children(children) => Response::Children(sorted(children)),
        Response::ChildrenStat { children, stat } => {
            Response::ChildrenStat { children: sorted(children), stat: masked(stat) }
        }
        Response::Clients(mut clients) => {
            clients.sort_by(|one, other| (&one.scheme, &one.user).cmp(&(&other.scheme, &other.user)));
            Response::Clients(clients)
        }
        Response::Multi(parts) => Response::Multi(parts.into_iter().map(comparable_part).collect()),
        other => other,
    }
}

fn comparable_part(part: OpResult) -> OpResult {
    match part {
        OpResult::Create2(response) => OpResult::Create2(comparable(response)),
        OpResult::GetData(response) => OpResult::GetData(comparable(response)),
        OpResult::SetData(stat) => OpResult::SetData(masked(stat)),
        OpResult::GetChildren(children) => OpResult::GetChildren(sorted(children)),
        other => other,
    }
}

/// A frame with what may differ masked; its bytes are compared, its meaning is shown when they differ.
fn seen(op: OpCode, mut frame: Bytes) -> (Bytes, String) {
    let header = ReplyHeader::read(&mut frame).unwrap();
    if header.xid == -1 {
        let event = WatchedEvent::read(&mut frame).unwrap();
        return (event.to_bytes(), format!("{event:?}"));
    }
    let mut out = BytesMut::new();
    header.write(&mut out);
    if header.err == 0 {
        let response = comparable(Response::read_body(op, &mut frame).unwrap());
        response.write_body(&mut out);
        let rest = frame.len();
        assert_eq!(rest, 0, "{response:?} and {rest} bytes more");
        return (out.freeze(), format!("{header:?} {response:?}"));
    }
    out.extend_from_slice(&frame);
    (out.freeze(), format!("{header:?} {} bytes, {:?}", frame.len(), header.error()))
}

/// Sends, and gives everything up to the answer.
async fn ask(client: &mut Raw, content: &[u8], op: OpCode, xid: i32) -> Vec<(Bytes, String)> {
    client.send(content).await;
    let mut all = Vec::new();
    loop {
        let Some(frame) = client.next().await else {
            all.push((Bytes::from_static(b"hung up"), "hung up".to_owned()));
            return all;
        };
        let is_answer = frame.starts_with(&xid.to_be_bytes());
        all.push(seen(op, frame));
        if is_answer {
            return all;
        }
    }
}

/// One server with its clients.
struct Side {
    address: SocketAddr,
    clients: Vec<Raw>,
}

impl Side {
    async fn new(address: SocketAddr) -> Self {
        let mut clients = Vec::new();
        for _ in 0..CLIENTS {
            clients.push(Raw::connect(address).await);
        }
        Self { address, clients }
    }

    /// One client asks, and then all tell what they were told.
    async fn step(&mut self, client: usize, content: &[u8], op: OpCode, xid: i32) -> Vec<(Bytes, String)> {
        let mut all = ask(&mut self.clients[client], content, op, xid).await;
        if all.last().is_some_and(|(bytes, _)| bytes == "hung up") || op == OpCode::CloseSession {
            self.clients[client] = Raw::connect(self.address).await;
        }
        for client in &mut self.clients {
            let ping = Request::Ping.to_frame(-2);
            all.extend(ask(client, &ping, OpCode::Ping, -2).await);
        }
        if op == OpCode::CloseSession {
            // The real one deletes the session's nodes in no certain order.
            all.sort();
        }
        all
    }
}

async fn compare(seed: u64, steps: usize, ours: SocketAddr, real: SocketAddr) {
    let mut asker = Asker(SmallRng::seed_from_u64(seed));
    let (mut ours, mut real) = (Side::new(ours).await, Side::new(real).await);
    let mut history = Vec::new();
    for step in 0..steps {
        let client = asker.0.random_range(0..CLIENTS);
        let request = if asker.0.random_ratio(1, 150) { Request::CloseSession } else { asker.request() };
        let xid = i32::try_from(step).unwrap() + 1;
        let mut content = request.to_frame(xid);
        if asker.0.random_ratio(1, 40) && content.len() > 9 && request.op() != OpCode::Auth {
            content.truncate(asker.0.random_range(8..content.len()));
        }
        history.push(format!("{step} client {client}: {request:?} ({} bytes)", content.len()));
        let op = request.op();
        let (own, other) =
            (ours.step(client, &content, op, xid).await, real.step(client, &content, op, xid).await);
        if op == OpCode::Exists && own[0].1.contains("NoAuth") {
            // Debian's 3.8.0 tells everybody that a node exists; later ones of 3.8 do as ours.
            let path = if let Request::Exists(read) = request { read.path } else { String::new() };
            let forget = Request::RemoveWatches(Watches { path, kind: 2 }).to_frame(-9);
            ours.step(client, &forget, OpCode::RemoveWatches, -9).await;
            real.step(client, &forget, OpCode::RemoveWatches, -9).await;
            continue;
        }
        let bytes = |all: &[(Bytes, String)]| all.iter().map(|(bytes, _)| bytes.clone()).collect::<Vec<_>>();
        if bytes(&own) != bytes(&other) {
            let last = history[history.len().saturating_sub(8)..].join("\n");
            let texts =
                |all: Vec<(Bytes, String)>| all.into_iter().map(|(_, text)| text + "\n").collect::<String>();
            panic!("seed {seed}\n{last}\nours:\n{}real:\n{}", texts(own), texts(other));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ours_and_the_real_one_answer_alike() {
    let Some(real) = Real::start().await else { return };
    let tasks = Tasks::new();
    let ours = start_ours(&tasks).await;
    compare(1, 3000, ours.endpoint(), real.address).await;
    tasks.stop().await;
}
