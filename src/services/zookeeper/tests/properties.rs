//! Over random histories: log, snapshot and server agree; bytes of any kind harm nothing.

use bytes::Bytes;
use proptest::{collection::vec, prelude::*};

use super::make::{Lab, create, delete, set};
use crate::{
    services::zookeeper::{Config, Input, Server},
    zookeeper::{CreateMode, Request},
};

fn request() -> impl Strategy<Value = Request> {
    let path = prop::sample::select(vec!["/a", "/a/b", "/a/b/c", "/d", "/d/e"]);
    let mode = prop::sample::select(CreateMode::ALL.to_vec());
    let one = prop_oneof![
        3 => (path.clone(), mode).prop_map(|(path, mode)| create(path, mode)),
        1 => path.clone().prop_map(delete),
        1 => path.prop_map(set),
    ];
    prop_oneof![4 => one.clone(), 1 => vec(one, 0..4).prop_map(Request::Multi), 1 => Just(Request::CloseSession)]
}

proptest! {
    #[test]
    fn the_log_and_the_snapshot_are_the_server(requests in vec(request(), 0..60), cut: prop::sample::Index) {
        let mut lab = Lab::new();
        let (mut client, _) = lab.client();
        let mut halfway = (lab.server.snapshot(), 0);
        let at = cut.index(requests.len() + 1);
        for (step, request) in requests.iter().enumerate() {
            if step == at {
                halfway = (lab.server.snapshot(), lab.log.len());
            }
            _ = lab.ask(client, request);
            if *request == Request::CloseSession {
                client = lab.client().0;
            }
        }
        let now = lab.server.snapshot();
        prop_assert_eq!(&lab.replayed().snapshot(), &now, "from the log");
        let again = Server::restore(Config::default(), now.clone()).unwrap();
        prop_assert_eq!(&again.snapshot(), &now, "from the snapshot");
        let mut both = Server::restore(Config::default(), halfway.0).unwrap();
        for entry in &lab.log {
            use crate::zookeeper::jute::Jute;
            both.replay(&crate::services::zookeeper::Entry::read(&mut entry.clone()).unwrap());
        }
        prop_assert_eq!(&both.snapshot(), &now, "from both");
        let reachable = lab.server.tree.count_below("/") + 1;
        prop_assert_eq!(reachable, lab.server.tree.count());
    }

    #[test]
    fn a_refused_transaction_changes_nothing(parts in vec(request(), 0..5)) {
        let mut lab = Lab::new();
        let (client, _) = lab.client();
        let before = lab.server.tree.clone();
        let failing = [parts, vec![delete("/none")]].concat();
        lab.ask(client, &Request::Multi(failing)).ok();
        prop_assert_eq!(&lab.server.tree, &before);
    }

    #[test]
    fn any_bytes_are_answered_or_hung_up_on(frames in vec(vec(any::<u8>(), 0..60), 1..20), connected: bool) {
        let mut lab = Lab::new();
        let garbage = if connected { lab.client().0 } else { lab.open() };
        for mut frame in frames {
            if connected && frame.len() > 8 {
                let op = i32::from(frame[7] % 24).to_be_bytes();
                frame[4..8].copy_from_slice(&op);
            }
            lab.input(Input::Frame { connection: garbage, content: Bytes::from(frame) });
        }
        let (client, _) = lab.client();
        prop_assert!(lab.ask(client, &Request::Ping).is_ok());
    }

    #[test]
    fn no_bytes_make_the_snapshot_reader_panic(bytes in vec(any::<u8>(), 0..200)) {
        let _refused = Server::restore(Config::default(), Bytes::from(bytes));
    }
}
