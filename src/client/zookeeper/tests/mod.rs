//! The client against a ZooKeeper of Apache, where there is one on this machine.

pub mod java;

use std::time::Duration;

use tokio::time::timeout;

use self::java::Java;
use super::*;

const PATIENCE: Duration = Duration::from_secs(20);

struct Lab {
    server: Java,
    tasks: Tasks,
}

impl Drop for Lab {
    fn drop(&mut self) {
        self.tasks.cancel();
    }
}

impl Lab {
    async fn start() -> Option<Self> {
        Some(Self { server: Java::start().await?, tasks: Tasks::new() })
    }

    async fn client(&self, session_timeout: Duration) -> ZooKeeper {
        let config = Config { session_timeout, ..Config::new(["127.0.0.1:1", &self.server.address]) };
        let client = ZooKeeper::connect(&self.tasks, config);
        in_time(client.connected()).await.unwrap();
        client
    }
}

async fn in_time<T>(work: impl Future<Output = T>) -> T {
    timeout(PATIENCE, work).await.unwrap()
}

async fn reaches(client: &ZooKeeper, state: State) {
    let mut status = client.status();
    in_time(status.wait_for(|status| status.state == state)).await.unwrap();
}

fn code<T: std::fmt::Debug>(answer: Result<T, ZooKeeperError>) -> ErrorCode {
    answer.unwrap_err().code
}

#[tokio::test]
async fn nodes_of_every_kind() {
    let Some(lab) = Lab::start().await else { return };
    let (client, other) = (lab.client(PATIENCE).await, lab.client(PATIENCE).await);
    let open = Acl::open();
    client.ensure_path("/a/b", &open).await.unwrap();
    client.ensure_path("/a/b", &open).await.unwrap();
    let (data, stat) = client.get("/a/b").await.unwrap();
    assert_eq!((data.len(), stat.version), (0, 0));
    assert_eq!(client.set("/a/b", "one", Some(0)).await.unwrap().version, 1);
    assert_eq!(code(client.set("/a/b", "two", Some(0)).await), ErrorCode::BadVersion);
    assert_eq!(client.get("/a/b").await.unwrap().0, "one");
    assert_eq!(code(client.get("/a/c").await), ErrorCode::NoNode);
    assert_eq!(code(client.delete("/a", None).await), ErrorCode::NotEmpty);
    assert_eq!(client.exists("/a/c").await.unwrap(), None);
    assert_eq!(code(client.create("/a/b", "", CreateMode::Persistent, &open).await), ErrorCode::NodeExists);

    let numbered = client.create("/a/n_", "x", CreateMode::EphemeralSequential, &open).await.unwrap();
    assert_eq!(numbered, "/a/n_0000000001");
    let stat = other.exists(&numbered).await.unwrap().unwrap();
    assert_eq!(stat.ephemeral_owner, client.session_id());
    assert_eq!(
        code(client.create(&format!("{numbered}/x"), "", CreateMode::Persistent, &open).await),
        ErrorCode::NoChildrenForEphemerals
    );
    client.create("/a/held", "", CreateMode::Container, &open).await.unwrap();

    let (mut children, mut watch) = other.children_watched("/a").await.unwrap();
    children.sort();
    assert_eq!(children, ["b", "held", "n_0000000001"]);
    in_time(client.close()).await;
    let event = in_time(watch.changed()).await.unwrap();
    assert_eq!(event, WatchedEvent::of_node(EventType::NodeChildrenChanged, "/a"));
    other.sync("/a").await.unwrap();
    assert_eq!(other.exists(&numbered).await.unwrap(), None, "a closed session takes its nodes along");
}

#[tokio::test]
async fn all_or_nothing() {
    let Some(lab) = Lab::start().await else { return };
    let client = lab.client(PATIENCE).await;
    let create = |path: &str| Op::Create {
        path: path.to_owned(),
        data: Bytes::new(),
        mode: CreateMode::Persistent,
        acl: Acl::open(),
    };
    let check = |path: &str| Op::Check { path: path.to_owned(), version: None };
    assert_eq!(client.multi(vec![create("/m"), create("/m/a")]).await.unwrap(), ["/m", "/m/a"]);
    let refused = client.multi(vec![check("/m"), create("/m/b"), check("/gone")]).await.unwrap_err();
    assert_eq!((refused.code, refused.path.as_str()), (ErrorCode::NoNode, "/gone"));
    assert_eq!(refused.to_string(), "multi `/gone` in ZooKeeper: NoNode");
    assert_eq!(client.children("/m").await.unwrap(), ["a"]);
    let set = Op::Set { path: "/m".into(), data: "x".into(), version: Some(0) };
    let delete = Op::Delete { path: "/m/a".into(), version: None };
    assert!(client.multi(vec![set, delete]).await.unwrap().is_empty());
    assert_eq!(client.get("/m").await.unwrap().0, "x");
}

#[tokio::test]
async fn a_session_and_its_watches_outlive_a_server() {
    let Some(mut lab) = Lab::start().await else { return };
    let client = lab.client(PATIENCE).await;
    let open = Acl::open();
    client.create("/stays", "1", CreateMode::Ephemeral, &open).await.unwrap();
    client.create("/data", "1", CreateMode::Persistent, &open).await.unwrap();
    let (_, _, mut data) = client.get_watched("/data").await.unwrap();
    let (none, mut coming) = client.exists_watched("/coming").await.unwrap();
    assert_eq!(none, None);
    let session = client.session_id();
    lab.server.kill();
    reaches(&client, State::Suspended).await;
    let waiting = client.get("/stays");
    lab.server.revive().await;
    let (value, stat) = in_time(waiting).await.unwrap();
    assert_eq!((value.as_ref(), stat.ephemeral_owner), (b"1".as_ref(), session));
    assert_eq!(client.session_id(), session);

    let other = lab.client(PATIENCE).await;
    other.set("/data", "2", None).await.unwrap();
    other.create("/coming", "", CreateMode::Persistent, &open).await.unwrap();
    let changed = in_time(data.changed()).await.unwrap();
    assert_eq!(changed, WatchedEvent::of_node(EventType::NodeDataChanged, "/data"));
    let created = in_time(coming.changed()).await.unwrap();
    assert_eq!(created, WatchedEvent::of_node(EventType::NodeCreated, "/coming"));
}

#[tokio::test]
async fn a_session_that_is_not_back_in_time_has_expired() {
    let Some(mut lab) = Lab::start().await else { return };
    let client = lab.client(Duration::from_millis(600)).await;
    client.create("/e", "", CreateMode::Ephemeral, &Acl::open()).await.unwrap();
    let (_, mut watch) = client.exists_watched("/e").await.unwrap();
    lab.server.kill();
    assert_eq!(in_time(client.ended()).await, State::Expired);
    assert!(in_time(watch.changed()).await.unwrap_err().is_expiry());
    assert_eq!(code(client.get("/e").await), ErrorCode::SessionExpired);
    lab.server.revive().await;
    let next = lab.client(PATIENCE).await;
    loop {
        let (there, mut watch) = in_time(next.exists_watched("/e")).await.unwrap();
        if there.is_none() {
            break;
        }
        in_time(watch.changed()).await.unwrap();
    }
}

#[tokio::test]
async fn credentials_open_what_they_have_closed() {
    let Some(lab) = Lab::start().await else { return };
    let url: ZooKeeperUrl = format!("zk://user:secret@{}/closed", lab.server.address).parse().unwrap();
    let client = ZooKeeper::connect(&lab.tasks, Config::from(&url));
    client.create("/closed", "x", CreateMode::Persistent, &Acl::creator()).await.unwrap();
    let stranger = lab.client(PATIENCE).await;
    assert_eq!(code(stranger.get("/closed").await), ErrorCode::NoAuth);
    stranger.authenticate("digest", "user:secret").await.unwrap();
    assert_eq!(stranger.get("/closed").await.unwrap().0, "x");
    assert_eq!(code(stranger.authenticate("nonsense", "x").await), ErrorCode::AuthFailed);
    assert_eq!(in_time(stranger.ended()).await, State::AuthFailed);
}
