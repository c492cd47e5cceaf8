//! The real binary as a keeper of task processes: it adopts what tasks leave behind, and buries it.

use std::{collections::BTreeMap, fs, path::Path, time::Duration};

use mesoslab::{
    engine::agent::{Command, Launch},
    host::{
        keeper::{ARGUMENT, KeeperConfig, KeeperHub},
        process::Event,
    },
    mesos::v1::ContainerId,
    runtime::Tasks,
};
use tokio::sync::mpsc;

use crate::support::PATIENCE;

/// Leaves a process in a session of its own, which ends when it is told to.
const LEAVES_AN_ORPHAN: &str =
    "(setsid sh -c 'echo $$ > orphan; while ! test -e go; do sleep 0.01; done' &); sleep 1000; true";

fn launch(work_dir: &Path) -> Launch {
    let sandbox = work_dir.join("sandbox").display().to_string();
    Launch {
        setup: mesoslab::engine::agent::setup::Setup::default(),
        container_id: ContainerId::new("c"),
        latest: work_dir.join("latest").display().to_string(),
        environment: BTreeMap::from([
            ("PATH".to_owned(), "/usr/local/bin:/usr/bin:/bin".to_owned()),
            ("MESOS_SANDBOX".to_owned(), sandbox.clone()),
        ]),
        directory: sandbox,
        command: Command::Shell(LEAVES_AN_ORPHAN.to_owned()),
        survives: true,
    }
}

async fn until(mut condition: impl FnMut() -> bool) {
    let waiting = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.expect("the condition never came true");
}

fn number(path: &Path) -> Option<u32> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

fn parent(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()
}

#[tokio::test]
async fn a_keeper_adopts_orphans_and_buries_them() {
    let directory = tempfile::tempdir().unwrap();
    let config = KeeperConfig {
        program: env!("CARGO_BIN_EXE_mesoslab").into(),
        arguments: vec![ARGUMENT.into(), directory.path().into()],
        ..KeeperConfig::this_binary(directory.path()).unwrap()
    };
    let tasks = Tasks::new();
    let (hub, _none) = KeeperHub::attach(config, &tasks).await.unwrap();
    let (sender, mut events) = mpsc::unbounded_channel();
    hub.launch(launch(directory.path()).into(), sender);
    assert!(matches!(events.recv().await, Some(Event::Launched { .. })));
    let keeper = number(&directory.path().join("meta/keeper.lock")).unwrap();
    let orphan = || number(&directory.path().join("sandbox/orphan"));
    until(|| orphan().and_then(parent) == Some(keeper)).await;
    fs::write(directory.path().join("sandbox/go"), "").unwrap();
    until(|| parent(orphan().unwrap()).is_none()).await;
    hub.goodbye().await;
    assert!(matches!(events.recv().await, Some(Event::Exited { .. })));
    assert_eq!(parent(keeper), None, "gone, and no zombie");
}
