//! Who may speak with the keeper, and what others can do to it: nothing.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
};

use super::{
    super::{
        message::{FromKeeper, ToKeeper, VERSION},
        wire::Wire,
    },
    *,
};

#[tokio::test]
async fn a_second_agent_on_the_work_directory_is_refused() {
    let lab = lab();
    let mut agent = lab.attach().await;
    let refused = KeeperHub::attach(config(&lab.work_dir), &Tasks::new()).await.unwrap_err();
    let us = std::process::id();
    let wanted = format!("another agent (process {us}) uses the work directory `{}`", lab.work_dir.display());
    assert_eq!(refused.to_string(), wanted);
    agent.launch(lab.launch("c", TREE)).await;
    agent.hub.goodbye().await;
    lab.until_nothing_is_left().await;
}

#[tokio::test]
async fn garbage_does_no_harm() {
    let lab = lab();
    let mut agent = lab.attach().await;
    agent.launch(lab.launch("before", TREE)).await;
    let silent = lab.place().connect().await.unwrap();
    for garbage in [
        b"GET / HTTP/1.1\r\n\r\n".as_slice(),
        &[0xff; 100_000],
        &[0, 0, 0, 0],
        &[0, 0, 0, 2, b'{', b'}'],
        b"\0\0\0\x09\"Goodbye\"",
        &[0, 0],
    ] {
        assert!(is_hung_up_on(lab.place().connect().await.unwrap(), garbage).await, "{garbage:?}");
    }
    agent.launch(lab.launch("after", TREE)).await;
    until(|| lab.members("before") == 3).await;
    drop(silent);
    agent.hub.goodbye().await;
    lab.until_nothing_is_left().await;
}

/// Whether the keeper ends the connection after these bytes, without a word.
async fn is_hung_up_on(mut stream: UnixStream, garbage: &[u8]) -> bool {
    let _hung_up_early = stream.write_all(garbage).await;
    let _hung_up = stream.shutdown().await;
    let mut answer = Vec::new();
    let _reset = stream.read_to_end(&mut answer).await;
    answer.is_empty()
}

#[tokio::test]
async fn another_version_is_refused_and_changes_nothing() {
    let lab = lab();
    let mut agent = lab.attach().await;
    agent.launch(Launch { survives: false, ..lab.launch("c", TREE) }).await;
    let mut wire = Wire::new(lab.place().connect().await.unwrap());
    let hello = ToKeeper::Hello { version: VERSION + 1, recovery_timeout: Duration::ZERO };
    wire.send(&hello).unwrap();
    assert_eq!(wire.next().await.unwrap(), Some(FromKeeper::Refused { version: VERSION }));
    assert_eq!(wire.next::<FromKeeper>().await.unwrap(), None);
    agent.launch(lab.launch("d", TREE)).await;
    agent.hub.goodbye().await;
    lab.until_nothing_is_left().await;
}

#[tokio::test]
async fn a_newer_agent_takes_the_place_of_an_older() {
    let lab = lab();
    let mut agent = lab.attach().await;
    let pid = agent.launch(lab.launch("survivor", TREE)).await;
    agent.launch(Launch { survives: false, ..lab.launch("mortal", TREE) }).await;
    agent.die().await;
    let mut wires = Vec::new();
    for _ in 0..2 {
        let mut wire = Wire::new(lab.place().connect().await.unwrap());
        wire.send(&ToKeeper::Hello { version: VERSION, recovery_timeout: Duration::ZERO }).unwrap();
        assert_eq!(wire.next().await.unwrap(), Some(FromKeeper::Welcome { containers: 1 }));
        let Some(FromKeeper::Kept(kept)) = wire.next().await.unwrap() else { panic!("not kept") };
        assert_eq!(kept.pid, Some(pid));
        wires.push(wire);
    }
    let mut newer = wires.pop().unwrap();
    assert_eq!(wires[0].next::<FromKeeper>().await.unwrap(), None);
    newer.send(&ToKeeper::Goodbye).unwrap();
    let mut ends = Vec::new();
    while let Some(FromKeeper::Event(event)) = newer.next().await.unwrap() {
        ends.push(event);
    }
    let survivor = Event::Exited { container_id: id("survivor"), exit: Exit::signal(9) };
    assert!(ends.contains(&survivor), "{ends:?}");
    lab.until_nothing_is_left().await;
}
