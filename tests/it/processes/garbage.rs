//! Peers that talk nonsense, to a master and to an agent: both go on, keep who they know, and their memory.

use std::{
    io::{Read as _, Write as _},
    net::{Shutdown, TcpListener, TcpStream},
    time::Duration,
};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::{
    cluster::Cluster,
    http::{ask, json},
    process::Process,
};
use crate::{
    replay::http::{Answer, answers},
    support::{PATIENCE, eventually},
};

const STAYS: &str = "exec sleep 1000000";

/// What a process may have grown by after an attack, in bytes; test binaries have no optimisation.
const GROWTH: usize = 64 * 1024 * 1024;

/// A libprocess message as real ones are.
fn message(from: &str, to: &str, name: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "POST /{to}/{name} HTTP/1.1\r\nUser-Agent: libprocess/{from}\r\nLibprocess-From: {from}\r\n\
         Connection: Keep-Alive\r\nHost: \r\nContent-Length: {length}\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}

/// Sends all of it, and reads the codes of the answers.
fn send(address: &str, bytes: &[u8]) -> Vec<u16> {
    let mut socket = TcpStream::connect(address).expect("connect");
    socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    // Whoever is refused may find the connection closed.
    let _refused = socket.write_all(bytes);
    let _closed = socket.shutdown(Shutdown::Write);
    let mut raw = Vec::new();
    let _reset = socket.read_to_end(&mut raw);
    answers(&raw, false).iter().map(Answer::code).collect()
}

/// A RegisterSlaveMessage whose agent is nameless but for its port.
fn registration(port: u16) -> Vec<u8> {
    let hostname = b"\x0a\x09localhost";
    let mut info = hostname.to_vec();
    // SlaveInfo.port is field 8.
    info.extend([0x40, u8::try_from(port & 0x7f).expect("a byte") | 0x80]);
    info.extend([
        u8::try_from(port >> 7 & 0x7f).expect("a byte") | 0x80,
        u8::try_from(port >> 14).expect("a byte"),
    ]);
    let mut body = vec![0x0a, u8::try_from(info.len()).expect("a length")];
    body.extend(info);
    // RegisterSlaveMessage.version is field 2.
    body.extend(b"\x12\x061.11.0");
    body
}

#[test]
fn what_is_no_message_changes_nothing() {
    let mut cluster = Cluster::start(1, &[], &[]);
    let id = cluster.id_of(0);
    let mut framework = cluster.framework("frame", true, &[]);
    framework.run(&id, &[("stays", STAYS)]);
    let tasks = cluster.site.settled(1);
    let somebody = "slave(1)@127.0.0.1:9";
    for (address, process) in
        [(cluster.master.address(), "master"), (cluster.agents[0].address(), "slave(1)")]
    {
        let truncated = &registration(7)[..5];
        let known = [
            message(somebody, process, "mesos.internal.RegisterSlaveMessage", truncated),
            message(somebody, process, "mesos.internal.ShutdownMessage", &[0xff; 64]),
            message(somebody, process, "mesos.internal.StatusUpdateMessage", b""),
            message(somebody, process, "no.such.Message", b"?"),
            message("nobody", process, "mesos.internal.ShutdownMessage", b""),
        ];
        assert_eq!(send(address, &known.concat()), [202, 202, 202, 202, 202], "{process}");
        let unknown = message(somebody, "slave-observer(77)", "mesos.internal.PongSlaveMessage", b"");
        assert_eq!(send(address, &unknown), [404], "{process}");
        assert_eq!(send(address, &[0; 4096]), [0; 0], "{process}");
        assert_eq!(send(address, b"POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n"), [0; 0]);
    }
    // Not the master, whatever it calls itself: only its address counts.
    let foreign = message("master@127.0.0.1:9", "slave(1)", "mesos.internal.ShutdownMessage", b"");
    assert_eq!(send(cluster.agents[0].address(), &foreign), [202]);
    cluster.is_active(&id);
    assert_eq!(cluster.site.tasks(), tasks);
    framework.kill("stays", &id);
    framework.until_state("stays", "TASK_KILLED");
    framework.teardown();
    cluster.end();
}

#[test]
fn nobody_is_called_who_is_only_named() {
    let mut cluster = Cluster::start(1, &[], &[]);
    let asked = TcpListener::bind((cluster.site.host().ip, 0)).expect("a port");
    let port = asked.local_addr().expect("an address").port();
    // On loopback the master calls back, as it has to.
    let near = format!("slave(1)@{}", asked.local_addr().expect("an address"));
    let register =
        |from: &str| message(from, "master", "mesos.internal.RegisterSlaveMessage", &registration(port));
    assert_eq!(send(cluster.master.address(), &register(&near)), [202]);
    let (mut called, _) = asked.accept().expect("the master calls");
    called.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let mut start = [0; 5];
    called.read_exact(&mut start).expect("a message");
    assert_eq!(&start, b"POST ");
    let agents = || json(cluster.master.address(), "/slaves")["slaves"].as_array().map_or(0, Vec::len);
    assert_eq!(agents(), 2);
    // Elsewhere it does not, and there is no agent that nobody could reach.
    let far = register("slave(1)@192.0.2.1:5051");
    assert_eq!(send(cluster.master.address(), &far), [202]);
    assert!(cluster.master.said().contains("in none of the networks of --allow_networks"));
    assert_eq!(agents(), 2);
    drop(called);
    drop(asked);
    cluster.end();
}

#[test]
fn thousands_of_made_up_agents_leave_no_trace() {
    let mut cluster = Cluster::start(1, &super::cluster::PINGS, &[]);
    let id = cluster.id_of(0);
    let mut framework = cluster.framework("frame", true, &[]);
    framework.run(&id, &[("stays", STAYS)]);
    let before = cluster.master.resident();
    // Half of them on this machine, where nobody listens; the others where the master does not call.
    let flood: Vec<u8> = (0..4000_u16)
        .flat_map(|at| {
            let network = if at % 2 == 0 { "127.250.250" } else { "192.0.2" };
            let from = format!("slave(1)@{network}.{}:{}", at % 250, 1024 + at);
            message(&from, "master", "mesos.internal.RegisterSlaveMessage", &registration(at))
        })
        .collect();
    assert_eq!(send(cluster.master.address(), &flood), [202; 4000]);
    let known = || json(cluster.master.address(), "/slaves")["slaves"].as_array().map_or(0, Vec::len);
    assert!(known() <= 2001, "only those who can be reached are known");
    cluster.is_active(&id);
    eventually("only the agent is left that there is", || known() == 1);
    grown(&cluster.master, before);
    assert_eq!(framework.states("stays"), ["TASK_STARTING", "TASK_RUNNING"]);
    framework.teardown();
    cluster.end();
}

fn grown(process: &Process, before: usize) {
    let after = process.resident();
    assert!(after < before + GROWTH, "from {before} to {after} bytes");
}

#[test]
fn the_silent_and_the_slow_are_outlived() {
    let mut cluster = Cluster::start(1, &super::cluster::PINGS, &[]);
    let id = cluster.id_of(0);
    let mut framework = cluster.framework("frame", true, &[]);
    framework.run(&id, &[("stays", STAYS)]);
    let before = cluster.master.resident();
    let silent = [say_nothing(cluster.master.address(), 2000), say_nothing(cluster.agents[0].address(), 500)];
    // A reader of many answers that does not read: more than the buffers of both kernels hold.
    let mut slow = TcpStream::connect(cluster.master.address()).expect("connect");
    slow.set_write_timeout(Some(Duration::from_millis(200))).expect("a timeout");
    let state = format!("GET /state HTTP/1.1\r\nHost: {}\r\n\r\n", cluster.master.address());
    let asked = (0..30).take_while(|_| slow.write_all(state.repeat(100).as_bytes()).is_ok()).count();
    assert!(asked > 0);
    for _ in 0..20 {
        let answer = ask(cluster.master.address(), "GET", "/slaves", "", "").expect("an answer");
        assert_eq!(answer.code(), 200);
    }
    // Pings go on, and so do launches and kills.
    framework.decline();
    framework.run(&id, &[("new", STAYS)]);
    framework.kill("new", &id);
    framework.until_state("new", "TASK_KILLED");
    cluster.is_active(&id);
    assert_eq!(cluster.metric("master/slave_unreachable_scheduled"), 0.0);
    grown(&cluster.master, before);
    drop((silent, slow));
    framework.teardown();
    cluster.end();
}

/// Connections that are opened and then forgotten; fewer where this process may not have so many.
fn say_nothing(address: &str, count: usize) -> Vec<TcpStream> {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum })
        .expect("raise a limit");
    let most = limit.maximum.map_or(count, |most| usize::try_from(most / 4).expect("a number"));
    (0..count.min(most)).map(|_| TcpStream::connect(address).expect("connect")).collect()
}
