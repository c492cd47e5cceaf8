//! Answers as clients read them.

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Value, json};

use crate::{
    mesos::time::Time,
    services::exhibitor::{
        Config, InstanceState, Judgement, SetError, Supervisor,
        analysis::{self, Lock, Usage},
        explorer, forms, judge,
        judge::word,
    },
    zookeeper::Stat,
};

fn config() -> Config {
    Config::new("localhost", 2181, Duration::from_secs(1))
}

#[test]
fn words_judge_a_zookeeper() {
    let of = |ruok, srvr| judge(ruok, srvr);
    let serving = |is_leader| Judgement { state: InstanceState::Serving, is_leader };
    assert_eq!(of(None, None), Judgement::DOWN);
    assert_eq!(of(Some("ruok is not executed"), Some("Mode: leader")), Judgement::DOWN);
    assert_eq!(of(Some("imok"), None), Judgement::DOWN);
    assert_eq!(of(Some("imok"), Some("Zxid: 0x1\nMode: standalone\n")), serving(true));
    assert_eq!(of(Some("imok"), Some("Mode: leader")), serving(true));
    assert_eq!(of(Some("imok"), Some("Mode: follower")), serving(false));
    let quorumless = "This ZooKeeper instance is not currently serving requests\n";
    assert_eq!(of(Some("imok"), Some(quorumless)).state, InstanceState::NotServing);
    assert_eq!(word("RUOK"), Some("ruok"));
    assert_eq!(word("crst"), None);
}

#[test]
fn results_are_wrapped_for_a_host() {
    assert_eq!(forms::result(Ok(())), json!({"message": "OK", "succeeded": true}));
    assert_eq!(forms::result(Err("Not found".into())), json!({"message": "Not found", "succeeded": false}));
    assert_eq!(
        forms::wrapped(Ok("imok".into())),
        json!({"response": "imok", "errorMessage": "", "success": true})
    );
    assert_eq!(
        forms::wrapped(Err("no such host".into())),
        json!({"response": {}, "errorMessage": "no such host", "success": false})
    );
}

#[test]
fn lists_servers_for_curator_too() {
    let hosts = ["localhost".to_owned(), "a b".to_owned()];
    assert_eq!(forms::list(&hosts, 2181), json!({"servers": ["localhost", "a b"], "port": 2181}));
    assert_eq!(forms::form_list(&hosts, 2181), "count=2&server0=localhost&server1=a+b&port=2181");
}

#[test]
fn a_state_has_its_switches() {
    let supervisor = Supervisor::new(Time::default(), Duration::from_secs(1), true);
    assert_eq!(
        forms::state(&supervisor),
        json!({
            "switches": {"restarts": true, "cleanup": true, "backups": true},
            "state": 0, "description": "latent", "isLeader": false,
        })
    );
    let status = forms::status("h", Judgement { state: InstanceState::Serving, is_leader: true });
    assert_eq!(status, json!([{"code": 3, "description": "serving", "hostname": "h", "isLeader": true}]));
}

#[test]
fn settings_are_taken_whole_or_not_at_all() {
    let mut config = config();
    let seen = config.tag();
    assert_eq!(config.to_json()["checkMs"], 1000);
    assert_eq!(config.to_json()["serversSpec"], "1:localhost");
    let mut wanted = config.to_json();
    wanted["checkMs"] = "2500".into();
    wanted["javaEnvironment"] = "export X=1".into();
    config.set(wanted.to_string().as_bytes(), Some(&seen)).unwrap();
    assert_eq!(config.check_every(), Duration::from_millis(2500));
    assert_eq!(config.to_json()["javaEnvironment"], "export X=1");

    let before = config.clone();
    let mut refused = |body: Value, seen: Option<&str>| config.set(body.to_string().as_bytes(), seen);
    assert_eq!(refused(json!({"checkMs": 5000}), Some(&seen)), Err(SetError::LostRace));
    assert_eq!(refused(json!({"checkMs": 5000, "clientPort": 1}), None), Err(SetError::Fixed("clientPort")));
    assert_eq!(refused(json!({"serversSpec": "1:a,2:b"}), None), Err(SetError::Fixed("serversSpec")));
    assert_eq!(refused(json!({"checkMs": "soon"}), None), Err(SetError::NoNumber("checkMs")));
    assert_eq!(refused(json!({"checkMs": 1}), None), Err(SetError::TooOften));
    assert!(matches!(refused(json!([]), None), Err(SetError::NoObject(_))));
    assert_eq!(config, before);
}

#[test]
fn nodes_are_shown_as_a_tree() {
    let names = ["n-10", "b", "n-9", "a"].map(str::to_owned).to_vec();
    let shown = explorer::children("/", names);
    let keys: Vec<&str> = shown.as_array().unwrap().iter().map(|it| it["key"].as_str().unwrap()).collect();
    assert_eq!(keys, ["/a", "/b", "/n-9", "/n-10"]);
    assert_eq!(shown[0], json!({"title": "a", "key": "/a", "isLazy": true, "expand": false}));
    assert_eq!(explorer::no_children()[0]["key"], "*");
    assert_eq!(explorer::below("/a", "b"), "/a/b");
    assert_eq!(explorer::path_of("a/b/"), "/a/b");
    assert_eq!(explorer::path_of(""), "/");
}

#[test]
fn data_is_shown_as_digits_and_text() {
    let stat = Stat { czxid: 1, mzxid: 2, data_length: 2, ..Stat::default() };
    let shown = explorer::node_data(b"ok", &stat);
    assert_eq!(shown["bytes"], "6f 6b ");
    assert_eq!(shown["str"], "ok");
    assert_eq!(
        shown["stat"],
        "czxid: 1, mzxid: 2, ctime: 0, mtime: 0, version: 0, cversion: 0, aversion: 0, ephemeralOwner: 0, \
         dataLength: 2, numChildren: 0, pzxid: 0"
    );
    assert_eq!(explorer::bytes("6f 6B"), Ok(b"ok".to_vec()));
    assert_eq!(explorer::bytes("\"6f6b\""), Ok(b"ok".to_vec()));
    assert_eq!(explorer::bytes(""), Ok(Vec::new()));
    assert!(explorer::bytes("6f6").is_err());
    assert!(explorer::bytes("zz").is_err());
}

#[test]
fn locks_that_wait_for_each_other_are_a_cycle() {
    let lock =
        |path: &str, ids: [&str; 2]| Lock { path: path.into(), max: 1, ids: ids.map(str::to_owned).to_vec() };
    let circle = [lock("/a", ["one", "two"]), lock("/b", ["two", "one"])];
    let found = analysis::analysis(Ok(&circle));
    assert_eq!(found["nodes"][0], json!({"path": "/a", "max": 1, "childIds": ["one", "two"]}));
    assert_eq!(
        found["possibleCycles"],
        json!([{"ids": ["PATH:/a", "PATH:/b", "PROCESS:one", "PROCESS:two"]}])
    );
    let line = [lock("/a", ["one", "two"]), lock("/b", ["one", "two"])];
    assert_eq!(analysis::analysis(Ok(&line))["possibleCycles"], json!([]));
    assert_eq!(analysis::analysis(Err("Path not found: /x".into()))["error"], "Path not found: /x");
}

#[test]
fn a_listing_counts_what_is_below() {
    let node = |children| Usage { created: 7, children };
    let nodes = [("/", node(1)), ("/a", node(2)), ("/a/b", node(0)), ("/a/c", node(0))];
    let nodes: BTreeMap<String, Usage> = nodes.into_iter().map(|(p, n)| (p.to_owned(), n)).collect();
    assert_eq!(
        analysis::usage_text(&nodes),
        "Path\tCreateDate\tChildQty\tDeepChildQty\n/\t7\t1\t3\n/a\t7\t2\t2\n/a/b\t7\t0\t0\n/a/c\t7\t0\t0\n"
    );
}
