//! The lab of the published images: ZooKeeper and the registry are the real ones, Mesos and Marathon are ours under the
//! published names, told by the published settings.

use super::stand_ins::StandIns;
use crate::support::{Lab, eventually};

fn of<'a>(name: &'a str, args: &[&'a str]) -> Vec<&'a str> {
    [args, &["--name", name]].concat()
}

#[test]
fn an_apache_lab_runs_tasks_and_is_taken_down() {
    let Some(_images) = StandIns::make() else { return };
    let lab = Lab::with_file("[lab]\nflavor = \"apache\"\n[[agents]]\ncount = 2\n").with_marathon();
    let name = format!("apache-{}", std::process::id());
    let report = lab.json(&of(&name, &["up", "--provider", "docker", "--tasks", "5", "--wait", "2m"]));
    assert_eq!((&report["provider"], &report["tasks"]["running"]), (&"docker".into(), &5.into()), "{report}");

    let status = lab.json(&of(&name, &["status"]));
    assert_eq!(status["state"], "running", "{status}");
    let zookeeper = lab.ok(&of(&name, &["logs", "zookeeper"])).stdout();
    assert!(zookeeper.contains("org.apache.zookeeper"), "the real one: {zookeeper}");
    lab.ok(&of(&name, &["scale", "3"]));
    lab.ok(&of(&name, &["chaos", "leader"]));
    eventually("three tasks run", || lab.json(&of(&name, &["status"]))["state"] == "running");
    lab.ok(&of(&name, &["down", "--purge"]));
    assert_eq!(lab.run(&of(&name, &["status"])).code(), 4);
}
