//! `mesoslab conformance`: the whole list against labs of ours, servers that are no Mesos, and what is left afterwards.

use std::{
    collections::BTreeSet,
    io::{Read as _, Write as _},
    net::{Shutdown, TcpListener},
    process::Stdio,
};

use mesoslab::runtime;
use serde_json::Value;

use crate::support::{Lab, Ran, eventually};

/// The group of which labs with one master skip checks: nobody stands by.
pub const SKIPPED: [&str; 1] = ["standby"];

/// The names of the checks of a document for which this holds.
fn names(document: &Value, is_wanted: impl Fn(&Value) -> bool) -> BTreeSet<&str> {
    let checks = document.as_array().expect("a list").iter().filter(|check| is_wanted(check));
    checks.map(|check| check["name"].as_str().expect("a name")).collect()
}

/// Runs the whole list by `mesoslab ARGS`; exactly the checks that are marked as known to differ fail, and none are skipped
/// but of these groups.
pub fn holds(mesoslab: impl Fn(&[&str]) -> Ran, skipped: &[&str]) {
    let read = |ran: &Ran| -> Value { serde_json::from_str(&ran.stdout()).expect("JSON on stdout") };
    let listed = read(&mesoslab(&["conformance", "--list", "-o", "json"]));
    let known = names(&listed, |check| check.get("known_difference").is_some());
    let ran = mesoslab(&["conformance", "-o", "json"]);
    let report = read(&ran);
    let failed: Vec<_> =
        report["checks"].as_array().expect("a list").iter().filter(|c| c["verdict"] == "fail").collect();
    assert_eq!(names(&report["checks"], |check| check["verdict"] == "fail"), known, "{failed:#?}");
    let others = names(&report["checks"], |check| {
        let group = check["name"].as_str().and_then(|name| name.split('.').next()).unwrap_or_default();
        check["verdict"] == "skipped" && !skipped.contains(&group)
    });
    assert!(others.is_empty(), "skipped: {others:?}");
    assert_eq!(report["checks"].as_array().map(Vec::len), listed.as_array().map(Vec::len));
    assert_eq!(ran.code(), i32::from(!known.is_empty()), "{}", ran.stderr());
    let frameworks = read(&mesoslab(&["frameworks", "-o", "json"]));
    assert_eq!(ours(&frameworks), 0, "no framework of the run is left");
}

/// How many frameworks of a run are there.
fn ours(frameworks: &Value) -> usize {
    let of_a_run = |framework: &&Value| {
        framework["name"].as_str().is_some_and(|name| name.starts_with("mesoslab conformance"))
            && framework["state"] != "completed"
    };
    frameworks.as_array().expect("a list").iter().filter(of_a_run).count()
}

#[test]
fn an_embedded_lab_conforms() {
    let lab = Lab::new().up(&["--agents", "2"]);
    holds(|args| lab.run(args), &SKIPPED);
}

#[test]
fn masters_that_elect_their_leader_conform() {
    let lab = Lab::new().up(&["--agents", "1", "--masters", "2"]);
    let ran = lab.ok(&["conformance", "-o", "json", "--only", "standby", "scheduler.http"]);
    let report: Value = serde_json::from_str(&ran.stdout()).expect("JSON on stdout");
    assert_eq!(names(&report["checks"], |check| check["verdict"] != "pass"), BTreeSet::new(), "{report:#}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_master_and_agents_of_their_own_conform() {
    let mut cluster = crate::processes::cluster::Cluster::start(2, &[], &[]);
    let lab = Lab::new();
    let master = format!("http://{}", cluster.master.address());
    holds(|args| lab.run(&[&["--master", &master], args].concat()), &SKIPPED);
    cluster.end();
}

#[test]
fn a_run_can_be_narrowed_and_printed_in_three_forms() {
    let lab = Lab::new().up(&["--agents", "1"]);
    let table = lab.ok(&["conformance", "--only", "operator.get.health", "scheduler.http"]).stdout();
    let lines: Vec<&str> = table.lines().collect();
    assert!(lines[..lines.len() - 1].iter().all(|line| line.starts_with("pass     ")), "{table}");
    assert!(table.contains("pass     operator.get.health\n"), "{table}");
    assert!(lines[lines.len() - 1].contains(" passed, 0 failed, 0 skipped in "), "{table}");
    let xml = lab.ok(&["conformance", "--only", "operator.get.health", "-o", "junit"]).stdout();
    assert!(xml.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites "), "{xml}");
    assert!(xml.contains("<testcase classname=\"operator.get\" name=\"health\" time="), "{xml}");
    let unknown = lab.run(&["conformance", "--only", "no.such.check"]);
    assert_eq!(unknown.code(), 2);
    assert!(unknown.stderr().contains("there is no check `no.such.check`"), "{}", unknown.stderr());
}

/// A server that answers every connection like this, and then closes it.
fn server(answer: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let serve = move || {
        for mut socket in listener.incoming().flatten() {
            let mut begin = [0; 1024];
            let _read = socket.read(&mut begin);
            let _written = socket.write_all(answer);
            let _closed = socket.shutdown(Shutdown::Both);
        }
    };
    runtime::thread("a server that is no Mesos", serve).expect("a thread");
    format!("http://{address}")
}

#[test]
fn what_is_no_mesos_is_told_in_one_sentence() {
    let lab = Lab::new();
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let nobody =
        TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("an address");
    let page = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>";
    for master in [
        server(page),
        server(b""),
        server(b"SSH-2.0-OpenSSH_9.2\r\n"),
        format!("http://{}", silent.local_addr().expect("an address")),
        format!("http://{nobody}"),
    ] {
        let ran = lab.run(&["conformance", "--master", &master, "--timeout", "1s"]);
        assert_eq!(ran.code(), 1, "{}", ran.stderr());
        assert_eq!(ran.stdout(), "");
        let said = ran.stderr();
        assert!(said.starts_with(&format!("error: there is no Mesos master at {master}: ")), "{said}");
        assert_eq!(said.lines().filter(|line| line.starts_with("error")).count(), 1, "{said}");
    }
}

#[test]
fn an_interrupted_run_leaves_no_framework_behind() {
    let lab = Lab::new().up(&["--agents", "1"]);
    let mut command = lab.command(&["conformance", "--only", "task", "scheduler.offers"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary runs");
    eventually("the run has frameworks", || ours(&lab.json(&["frameworks"])) > 1);
    let pid = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw).expect("a pid");
    rustix::process::kill_process(pid, rustix::process::Signal::INT).expect("signal the run");
    let ran = Ran::from(child.wait_with_output().expect("it ends"));
    assert_eq!(ran.code(), 1, "{}", ran.stderr());
    assert!(ran.stderr().contains("interrupted; all that was made is torn down"), "{}", ran.stderr());
    eventually("nothing of the run is left", || ours(&lab.json(&["frameworks"])) == 0);
}
