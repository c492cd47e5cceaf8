//! Elections: names and contents of members, and campaigns against a ZooKeeper of Apache.

use std::time::Duration;

use tokio::{sync::mpsc, time::timeout};

use super::{
    members::{Member, leader, read, to_json},
    *,
};
use crate::client::zookeeper::tests::java::Java;

const PATIENCE: Duration = Duration::from_secs(20);

fn info(id: &str) -> MasterInfo {
    MasterInfo { id: id.into(), ip: 16_777_343, port: 5050, ..MasterInfo::default() }
}

#[test]
fn the_lowest_number_leads() {
    let names =
        ["json.info_0000000012", "registry", "log_replicas", "info_0000000009", "json.info_0000000010"];
    let names = names.map(str::to_owned);
    assert_eq!(leader(&names).unwrap().name, "info_0000000009");
    assert_eq!(leader(&names[1..3]), None);
    assert_eq!(Member::of("0000000004").unwrap().label, None);
}

#[test]
fn a_leader_is_read_in_every_form() {
    let member = |name: &str| Member::of(name).unwrap();
    let json = to_json(&info("a"));
    assert_eq!(read(&member("json.info_0000000001"), json.as_bytes()), Ok(info("a")));
    let protobuf = prost::Message::encode_to_vec(&info("b"));
    assert_eq!(read(&member("info_0000000001"), &protobuf), Ok(info("b")));
    let old = read(&member("0000000001"), b"master@127.0.0.1:5050").unwrap();
    assert_eq!((members::address(&old), old.ip), ("127.0.0.1:5050".parse().unwrap(), 16_777_343));
    let refused = |name: &str, data: &[u8]| read(&member(name), data).unwrap_err();
    assert!(refused("json.info_0000000001", b"{").starts_with("Failed to parse data into valid JSON: "));
    assert_eq!(refused("other_0000000001", b""), "Failed to parse data of unknown label 'other'");
}

struct Candidate {
    tasks: Tasks,
    news: mpsc::UnboundedReceiver<News>,
}

impl Candidate {
    fn new(url: &ZooKeeperUrl, id: &str) -> Self {
        let (tasks, (tell, news)) = (Tasks::new(), mpsc::unbounded_channel());
        tasks.spawn(follow(tasks.clone(), url.clone(), Duration::from_millis(800), Some(info(id)), tell));
        Self { tasks, news }
    }

    async fn next(&mut self) -> News {
        timeout(PATIENCE, self.news.recv()).await.unwrap().unwrap()
    }

    async fn joins(&mut self) -> (ZooKeeper, String) {
        match self.next().await {
            News::Joined { client, node } => (client, node),
            other => panic!("{other:?}"),
        }
    }

    async fn is_led_by(&mut self, id: Option<&str>) {
        loop {
            if let News::Leader(info) = self.next().await
                && info.as_ref().map(|info| info.id.as_str()) == id
            {
                return;
            }
        }
    }
}

#[tokio::test]
async fn one_after_the_other_leads() {
    let Some(mut server) = Java::start().await else { return };
    let url: ZooKeeperUrl = format!("zk://{}/mesos/deep", server.address).parse().unwrap();
    let watching = Tasks::new();
    let mut detected = detect(&watching, url.clone(), Duration::from_millis(800));
    timeout(PATIENCE, detected.wait_for(|it| *it == Detection::Nobody)).await.unwrap().unwrap();

    let mut first = Candidate::new(&url, "first");
    let (_, node) = first.joins().await;
    assert_eq!(node, "/mesos/deep/json.info_0000000000");
    first.is_led_by(Some("first")).await;
    let mut second = Candidate::new(&url, "second");
    let (client, node) = second.joins().await;
    second.is_led_by(Some("first")).await;

    first.tasks.cancel();
    second.is_led_by(Some("second")).await;
    let leads = |it: &Detection| it.leader().is_some_and(|info| info.id == "second");
    timeout(PATIENCE, detected.wait_for(leads)).await.unwrap().unwrap();

    client.delete(&node, None).await.unwrap();
    assert!(matches!(second.next().await, News::LostCandidacy));
    second.joins().await;
    second.is_led_by(Some("second")).await;

    server.kill();
    second.is_led_by(None).await;
    timeout(PATIENCE, detected.wait_for(|it| *it == Detection::Nobody)).await.unwrap().unwrap();
    server.revive().await;
    second.joins().await;
    second.is_led_by(Some("second")).await;
    second.tasks.cancel();
    watching.cancel();
}
