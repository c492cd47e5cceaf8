//! The `zookeeper-client` crate, whose makers know nothing of us, against ours and against the real one.

use std::net::SocketAddr;

use mesoslab::runtime::Tasks;
use zookeeper_client::{
    Acls, AddWatchMode, Client, CreateMode, CreateOptions, Error, EventType, LockOptions, LockPrefix,
};

use super::{differential::start_ours, real::Real};

/// What the client sees, step by step.
async fn story(address: SocketAddr) -> Vec<String> {
    let mut seen = Vec::new();
    let client = Client::connect(&address.to_string()).await.expect("a session");
    let all = |mode: CreateMode| -> CreateOptions<'static> { mode.with_acls(Acls::anyone_all()) };
    let persistent = all(CreateMode::Persistent);

    let (none, born) = client.check_and_watch_stat("/rust").await.expect("exists");
    assert!(none.is_none());
    client.create("/rust", b"one", &persistent).await.expect("create");
    seen.push(format!("{:?}", born.changed().await.event_type));
    let (_, stat, changed) = client.get_and_watch_data("/rust").await.expect("get");
    client.set_data("/rust", b"two", Some(stat.version)).await.expect("set");
    seen.push(format!("{:?}", changed.changed().await.event_type));
    let stale = client.set_data("/rust", b"three", Some(stat.version)).await;
    seen.push(format!("{:?}", stale.expect_err("an old version")));

    let mut watcher = client.watch("/rust", AddWatchMode::PersistentRecursive).await.expect("addWatch");
    for _ in 0..2 {
        let sequential = all(CreateMode::EphemeralSequential);
        let (_, sequence) = client.create("/rust/member-", b"", &sequential).await.expect("create");
        seen.push(format!("{sequence} {:?}", watcher.changed().await.event_type));
    }
    let mut children = client.list_children("/rust").await.expect("children");
    children.sort();
    seen.push(children.join(" "));

    let mut writer = client.new_multi_writer();
    writer.add_create("/rust/a", b"", &persistent).expect("an operation");
    writer.add_delete("/rust/none", None).expect("an operation");
    seen.push(format!("{:?}", writer.commit().await.expect_err("nothing to delete")));
    seen.push(format!("{:?}", client.check_stat("/rust/a").await.expect("exists").is_some()));

    let prefix = LockPrefix::new_curator("/rust/locks", "latch-").expect("a prefix");
    let options = LockOptions::new(Acls::anyone_all()).with_ancestor_options(persistent).expect("options");
    let latch = client.lock(prefix, b"", options).await.expect("the lock");
    latch.create("/rust/held", b"", &all(CreateMode::Ephemeral)).await.expect("create under the lock");
    drop(latch);

    client.auth("digest", b"me:secret").await.expect("auth");
    let own = CreateMode::Persistent.with_acls(Acls::creator_all());
    client.create("/rust/private", b"mine", &own).await.expect("create");
    let stranger = Client::connect(&address.to_string()).await.expect("a session");
    let refused = stranger.get_data("/rust/private").await.expect_err("not theirs");
    assert!(matches!(refused, Error::NoAuth), "{refused:?}");
    let (_, gone) = stranger.check_and_watch_stat("/rust/held").await.expect("exists");
    drop((client, watcher));
    let event = gone.changed().await;
    assert_eq!(event.event_type, EventType::NodeDeleted, "ephemeral nodes go with their session");
    seen
}

#[tokio::test(flavor = "multi_thread")]
async fn the_crate_sees_the_same() {
    let tasks = Tasks::new();
    let ours = start_ours(&tasks).await;
    let own = story(ours.endpoint()).await;
    let told =
        ["NodeCreated", "NodeDataChanged", "BadVersion", "0000000000 NodeCreated", "0000000001 NodeCreated"];
    assert_eq!(own[..5], told);
    tasks.stop().await;
    let Some(real) = Real::start().await else { return };
    assert_eq!(story(real.address).await, own);
}
