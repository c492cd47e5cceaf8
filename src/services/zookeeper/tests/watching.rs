//! Which events whom reach, and in which order.

use super::make::{Lab, create, delete, events, frames, set, watch};
use crate::{
    services::zookeeper::Input,
    zookeeper::{
        CreateMode, ErrorCode, Request,
        request::{AddWatch, SetWatches, Watches},
    },
};

/// What one client is told while the other does things.
fn told(prepare: &[Request], watched: &[Request], done: &[Request]) -> Vec<String> {
    let mut lab = Lab::new();
    let ((watcher, _), (doer, _)) = (lab.client(), lab.client());
    for request in prepare {
        lab.ask(doer, request).unwrap();
    }
    for request in watched {
        _ = lab.ask(watcher, request);
    }
    let mut all = Vec::new();
    for request in done {
        let effects = lab.input(Input::Frame { connection: doer, content: request.to_frame(1) });
        all.extend(events(&effects, watcher));
        assert_eq!(frames(&effects, doer).len(), 1);
    }
    all
}

fn node(path: &str) -> Request {
    create(path, CreateMode::Persistent)
}

#[test]
fn watches_for_once() {
    let watches =
        [Request::GetData(watch("/a")), Request::GetChildren(watch("/a")), Request::Exists(watch("/a/b"))];
    let done = [set("/a"), set("/a"), node("/a/b"), set("/a/b"), delete("/a/b"), delete("/a")];
    let seen = ["NodeDataChanged /a", "NodeCreated /a/b", "NodeChildrenChanged /a"];
    assert_eq!(told(&[node("/a")], &watches, &done), seen);
}

#[test]
fn a_deletion_is_told_once_to_who_watches_data_and_children() {
    let watches =
        [Request::GetData(watch("/a")), Request::GetChildren(watch("/a")), Request::GetChildren(watch("/"))];
    let seen = ["NodeDeleted /a", "NodeChildrenChanged /"];
    assert_eq!(told(&[node("/a")], &watches, &[delete("/a")]), seen);
}

#[test]
fn persistent_watches() {
    let done = [node("/a"), node("/a/b"), set("/a"), set("/a"), set("/a/b"), delete("/a/b"), delete("/a")];
    let add = |mode| [Request::AddWatch(AddWatch { path: "/a".to_owned(), mode })];
    let plain = [
        "NodeCreated /a",
        "NodeChildrenChanged /a",
        "NodeDataChanged /a",
        "NodeDataChanged /a",
        "NodeChildrenChanged /a",
        "NodeDeleted /a",
    ];
    assert_eq!(told(&[], &add(0), &done), plain);
    let recursive = [
        "NodeCreated /a",
        "NodeCreated /a/b",
        "NodeDataChanged /a",
        "NodeDataChanged /a",
        "NodeDataChanged /a/b",
        "NodeDeleted /a/b",
        "NodeDeleted /a",
    ];
    assert_eq!(told(&[], &add(1), &done), recursive);
    let mut lab = Lab::new();
    let (client, _) = lab.client();
    assert_eq!(
        lab.ask(client, &Request::AddWatch(AddWatch::default())),
        Ok(crate::zookeeper::Response::Number(0))
    );
    let wrong = Request::AddWatch(AddWatch { path: "/a".to_owned(), mode: 2 });
    assert_eq!(lab.ask(client, &wrong), Err(ErrorCode::MarshallingError));
}

#[test]
fn removed_watches_tell_nothing() {
    let remove = |kind| Request::RemoveWatches(Watches { path: "/a".to_owned(), kind });
    let watches = [Request::GetData(watch("/a")), Request::GetChildren(watch("/a")), remove(2)];
    let seen = told(&[node("/a")], &watches, &[set("/a"), node("/a/b")]);
    assert_eq!(seen, ["NodeChildrenChanged /a"]);
    let mut lab = Lab::new();
    let (client, _) = lab.client();
    assert_eq!(lab.ask(client, &remove(3)), Err(ErrorCode::NoWatcher));
}

#[test]
fn who_comes_back_is_told_what_was_missed() {
    let mut lab = Lab::new();
    let (doer, _) = lab.client();
    for path in ["/same", "/changed", "/children", "/gone", "/new"] {
        if path != "/new" {
            lab.ask(doer, &node(path)).unwrap();
        }
    }
    let since = lab.server.zxid();
    for request in [set("/changed"), node("/children/x"), delete("/gone"), node("/new")] {
        lab.ask(doer, &request).unwrap();
    }
    let (back, _) = lab.client();
    let paths = |paths: &[&str]| paths.iter().map(|path| (*path).to_owned()).collect();
    let watches = SetWatches {
        relative_zxid: since,
        data: paths(&["/same", "/changed", "/gone"]),
        exist: paths(&["/new", "/never"]),
        child: paths(&["/children", "/same"]),
        ..SetWatches::default()
    };
    let content = Request::SetWatches(watches).to_frame(-8);
    let effects = lab.input(Input::Frame { connection: back, content });
    let missed = [
        "NodeDataChanged /changed",
        "NodeDeleted /gone",
        "NodeCreated /new",
        "NodeChildrenChanged /children",
    ];
    assert_eq!(events(&effects, back), missed);
    let effects = lab.input(Input::Frame { connection: doer, content: set("/same").to_frame(1) });
    assert_eq!(events(&effects, back), ["NodeDataChanged /same"]);
}

#[test]
fn who_may_not_read_a_node_is_not_told_of_it() {
    use crate::zookeeper::{Acl, Id, Perms, request::Create};
    let acl = vec![Acl::new(Perms::ALL, Id::new("digest", "nobody:hash"))];
    let hidden = Request::Create(Create { path: "/a/hidden".to_owned(), acl, ..Create::default() });
    let watches = [Request::AddWatch(AddWatch { path: "/a".to_owned(), mode: 1 })];
    assert_eq!(told(&[node("/a")], &watches, &[hidden, node("/a/seen")]), ["NodeCreated /a/seen"]);
}

#[test]
fn the_event_comes_before_the_answer_that_shows_the_change() {
    let mut lab = Lab::new();
    let (client, _) = lab.client();
    lab.ask(client, &node("/a")).unwrap();
    lab.ask(client, &Request::GetData(watch("/a"))).unwrap();
    let effects = lab.input(Input::Frame { connection: client, content: set("/a").to_frame(9) });
    let frames = frames(&effects, client);
    assert!(frames[0].starts_with(&(-1_i32).to_be_bytes()) && frames[1].starts_with(&9_i32.to_be_bytes()));
}
