//! Clients that others wrote, against ours and against the real one: what they see is the same.

use std::{net::SocketAddr, path::Path, process::Stdio, time::Duration};

use mesoslab::runtime::Tasks;
use tokio::{io::AsyncWriteExt, process::Command, time::timeout};

use super::{differential::start_ours, real::Real};
use crate::support::skipped;

const ZK_CLI: &str = "/usr/share/zookeeper/bin/zkCli.sh";

/// What `zookeeper_clients.py` prints; none without kazoo.
async fn kazoo(address: SocketAddr) -> Option<String> {
    let python = std::env::var("MESOSLAB_TEST_PYTHON").unwrap_or_else(|_| "python3".into());
    let import = Command::new(&python).args(["-c", "import kazoo"]).output().await;
    if !import.is_ok_and(|output| output.status.success()) {
        skipped("there is no kazoo; see tests/python/*.txt");
        return None;
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/zookeeper_clients.py");
    let run = Command::new(python).arg(script).arg(address.to_string()).kill_on_drop(true).output();
    let output = timeout(Duration::from_secs(240), run).await.expect("the script ends").unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    Some(text)
}

#[tokio::test(flavor = "multi_thread")]
async fn kazoo_and_its_recipes_see_the_same() {
    let tasks = Tasks::new();
    let ours = start_ours(&tasks).await;
    let Some(own) = kazoo(ours.endpoint()).await else { return };
    assert!(own.lines().count() > 70, "{own}");
    for recipe in
        ["elections", "locks", "counters", "parties", "barriers", "queues", "recipes_that_watch", "sessions"]
    {
        assert!(own.contains(&format!("[\"{recipe}\", 0,")), "{recipe}: {own}");
    }
    tasks.stop().await;
    let Some(real) = Real::start().await else { return };
    let other = kazoo(real.address).await.expect("it was there");
    let differing = own.lines().zip(other.lines()).filter(|(own, other)| own != other);
    assert_eq!(differing.collect::<Vec<_>>(), []);
    assert_eq!(own.lines().count(), other.lines().count());
}

const COMMANDS: &str = "\
create /cli one
create -e /cli/e two
create -s /cli/s- three
create -c /cli/c
create -t 90000 /cli/t ttl
create /cli/none/x y
ls /cli
ls -R /cli
get /cli
get -s /cli
set /cli changed
set -v 9 /cli never
stat /cli
stat /none
addWatch -m PERSISTENT_RECURSIVE /cli
printwatches on
create /cli/w
set /cli/w x
delete /cli/w
removewatches /cli
setAcl /cli world:anyone:cdrwa,digest:ann:hash:r
getAcl /cli
addauth digest ann:secret
create /cli/own x auth::cdrwa
getAcl /cli/own
whoami
getEphemerals /cli
getAllChildrenNumber /cli
sync /cli
delete /cli
delete -v 5 /cli/own
deleteall /cli
ls /
quit
";

/// What Debian's own client says, without what differs from run to run; none without it.
async fn zk_cli(address: SocketAddr) -> Option<Vec<String>> {
    if !Path::new(ZK_CLI).exists() {
        skipped("there is no zkCli.sh of Debian");
        return None;
    }
    let mut client = Command::new(ZK_CLI)
        .args(["-server", &address.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    client.stdin.take().unwrap().write_all(COMMANDS.as_bytes()).await.unwrap();
    let output =
        timeout(Duration::from_secs(120), client.wait_with_output()).await.expect("it ends").unwrap();
    let text = [output.stdout, output.stderr].concat();
    let varies = [
        "Connecting",
        "ctime",
        "mtime",
        "cZxid",
        "mZxid",
        "pZxid",
        "ephemeralOwner",
        "WatchedEvent state:None",
    ];
    let logged = |line: &str| [" INFO ", " WARN ", " DEBUG "].iter().any(|level| line.contains(level));
    let mut lines: Vec<String> = String::from_utf8_lossy(&text)
        .lines()
        .filter(|line| !logged(line) && !varies.iter().any(|word| line.starts_with(word)))
        .map(str::to_owned)
        .collect();
    // The client prints events from a thread of its own.
    lines.sort();
    Some(lines)
}

#[tokio::test(flavor = "multi_thread")]
async fn zk_cli_sees_the_same() {
    let tasks = Tasks::new();
    let ours = start_ours(&tasks).await;
    let Some(own) = zk_cli(ours.endpoint()).await else { return };
    for line in ["[c, e, s-0000000001, t]", "dataLength = 7", "'digest,'ann:hash", "[zookeeper]"] {
        assert!(own.iter().any(|said| said == line), "{line}: {own:#?}");
    }
    tasks.stop().await;
    let Some(real) = Real::start().await else { return };
    assert_eq!(own, zk_cli(real.address).await.expect("it was there"));
}
