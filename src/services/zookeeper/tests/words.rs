//! The four-letter words, as ZooKeeper 3.8 writes them.

use super::make::{Lab, create, watch};
use crate::{
    services::zookeeper::{Effect, Input, Word},
    zookeeper::{CreateMode, Request},
};

fn said(lab: &mut Lab, word: Word) -> String {
    let connection = lab.open();
    let effects = lab.input(Input::Word { connection, word });
    let [Effect::Say { text, .. }, Effect::Close { .. }] = &effects[..] else { panic!("{effects:?}") };
    text.clone()
}

#[test]
fn words_have_four_letters() {
    for word in Word::ALL {
        let letters: [u8; 4] = word.text().as_bytes().try_into().unwrap();
        assert_eq!(Word::from_bytes(letters), Some(*word));
    }
    assert_eq!(Word::from_bytes(*b"nope"), None);
}

#[test]
fn what_they_say() {
    let mut lab = Lab::new();
    let (client, session) = lab.client();
    lab.ask(client, &create("/e", CreateMode::Ephemeral)).unwrap();
    lab.ask(client, &Request::GetData(watch("/e"))).unwrap();
    let id = format!("{:#x}", session.session_id);
    assert_eq!(said(&mut lab, Word::Ruok), "imok");
    assert_eq!(said(&mut lab, Word::Isro), "rw");
    assert_eq!(said(&mut lab, Word::Wchs), "1 connections watching 1 paths\nTotal watches:1\n");
    assert_eq!(said(&mut lab, Word::Wchc), format!("{id}\n\t/e\n\n"));
    assert_eq!(said(&mut lab, Word::Wchp), format!("/e\n\t{id}\n\n"));
    let srvr = said(&mut lab, Word::Srvr);
    assert!(srvr.starts_with("Zookeeper version: 3.8.0-mesoslab-"), "{srvr}");
    assert!(srvr.contains("\nZxid: 0x2\nMode: standalone\nNode count: 6\n"), "{srvr}");
    let stat = said(&mut lab, Word::Stat);
    assert!(stat.contains("\nClients:\n /127.0.0.1:999[1](queued=3,recved=3,sent=0)\n"), "{stat}");
    let cons = said(&mut lab, Word::Cons);
    assert!(
        cons.contains(&format!("sid={id},lop=GETD,est=1700000000000,to=10000,lcxid=0x7,lzxid=0x2,")),
        "{cons}"
    );
    let dump = said(&mut lab, Word::Dump);
    let sessions = format!("Session Sets (1)/(1):\n1 expire at Tue Nov 14 22:13:30 UTC 2023:\n\t{id}\n");
    assert!(dump.starts_with(&format!("SessionTracker dump:\n{sessions}ephemeral nodes dump:\n")), "{dump}");
    assert!(
        dump.contains(&format!("Sessions with Ephemerals (1):\n{id}:\n\t/e\nConnections dump:\n")),
        "{dump}"
    );
    let conf = said(&mut lab, Word::Conf);
    assert!(
        conf.contains(
            "\ntickTime=2000\nmaxClientCnxns=60\nminSessionTimeout=4000\nmaxSessionTimeout=40000\n"
        )
    );
    let mntr = said(&mut lab, Word::Mntr);
    for line in [
        "zk_server_state\tstandalone\n",
        "zk_znode_count\t6\n",
        "zk_ephemerals_count\t1\n",
        "zk_watch_count\t1\n",
    ] {
        assert!(mntr.contains(line), "{mntr}");
    }
    assert_eq!(said(&mut lab, Word::Srst), "Server stats reset.\n");
    assert!(said(&mut lab, Word::Srvr).contains("\nReceived: 1\nSent: 0\nConnections: 2\n"));
}
