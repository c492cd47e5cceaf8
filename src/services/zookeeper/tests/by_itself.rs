//! What happens without anybody asking: expiry, containers, times to live; and that nothing happens when nothing can.

use std::time::Duration;

use super::make::{Lab, create, delete, set, watch};
use crate::{
    services::zookeeper::{Effect, Input},
    zookeeper::{CreateMode, ErrorCode, Request, Response},
};

const SECOND: Duration = Duration::from_secs(1);

fn exists(lab: &Lab, path: &str) -> bool {
    lab.server.tree.get(path).is_some()
}

#[test]
fn a_silent_session_expires_with_its_nodes() {
    let mut lab = Lab::new();
    let ((silent, _), (other, _)) = (lab.client(), lab.client());
    lab.ask(silent, &create("/e", CreateMode::Ephemeral)).unwrap();
    lab.ask(other, &Request::Exists(watch("/e"))).unwrap();
    for _ in 0..3 {
        lab.sleep(SECOND * 3);
        lab.ask(other, &Request::Ping).unwrap();
        assert!(exists(&lab, "/e"));
    }
    let effects = lab.sleep(SECOND * 2);
    assert!(!exists(&lab, "/e"));
    assert_eq!(super::make::events(&effects, other), ["NodeDeleted /e"]);
    assert!(effects.contains(&Effect::Close { connection: silent }));
}

#[test]
fn a_broken_connection_leaves_the_session_alone() {
    let mut lab = Lab::new();
    let (client, _) = lab.client();
    lab.ask(client, &create("/e", CreateMode::Ephemeral)).unwrap();
    lab.input(Input::Broken { connection: client });
    lab.sleep(SECOND * 9);
    assert!(exists(&lab, "/e"));
    lab.sleep(SECOND * 2);
    assert!(!exists(&lab, "/e"));
    assert_eq!(lab.server.deadline(), None, "nothing wakes a server that waits for nothing");
}

#[test]
fn the_end_of_a_session_is_answered_and_then_hung_up_on() {
    let mut lab = Lab::new();
    let (client, _) = lab.client();
    lab.ask(client, &create("/e", CreateMode::Ephemeral)).unwrap();
    let effects = lab.input(Input::Frame { connection: client, content: Request::CloseSession.to_frame(3) });
    assert!(matches!(effects[..], [Effect::Append(_), Effect::Send { .. }, Effect::Close { .. }]));
    assert!(!exists(&lab, "/e"));
}

#[test]
fn a_container_goes_after_its_last_child() {
    let mut lab = Lab::new();
    let (client, _) = lab.client();
    lab.ask(client, &create("/c", CreateMode::Container)).unwrap();
    lab.input(Input::Broken { connection: client });
    lab.sleep(SECOND * 60);
    assert!(exists(&lab, "/c"), "it never had a child");
    let (client, _) = lab.client();
    lab.ask(client, &create("/c/x", CreateMode::Persistent)).unwrap();
    lab.ask(client, &delete("/c/x")).unwrap();
    lab.sleep(SECOND * 2);
    assert!(!exists(&lab, "/c"));
}

#[test]
fn a_time_to_live_ends_what_is_left_alone() {
    let mut lab = Lab::new();
    let (client, _) = lab.client();
    lab.ask(client, &create("/t", CreateMode::PersistentWithTtl)).unwrap();
    lab.sleep(SECOND * 4);
    lab.ask(client, &set("/t")).unwrap();
    lab.sleep(SECOND * 4);
    assert!(exists(&lab, "/t"), "it changed meanwhile");
    lab.sleep(SECOND * 3);
    assert!(!exists(&lab, "/t"));
}

#[test]
fn numbers_of_names_never_come_again() {
    let mut lab = Lab::new();
    let (client, _) = lab.client();
    lab.ask(client, &create("/s", CreateMode::Persistent)).unwrap();
    for number in 0..3 {
        let path = format!("/s/n-{number:010}");
        let made = lab.ask(client, &create("/s/n-", CreateMode::PersistentSequential));
        assert_eq!(made, Ok(Response::Path(path.clone())));
        lab.ask(client, &delete(&path)).unwrap();
    }
}

#[test]
fn a_refused_write_has_a_number_and_is_in_the_log() {
    let mut lab = Lab::new();
    let (client, _) = lab.client();
    let before = lab.server.zxid();
    assert_eq!(lab.ask(client, &delete("/none")), Err(ErrorCode::NoNode));
    assert_eq!(lab.server.zxid(), before + 1);
    assert_eq!(lab.replayed().zxid(), before + 1, "a client that has seen the number can come back");
}
