//! Hosts that lose sight of each other, hosts that are not admitted, and addresses that are not those listened on.

use std::fs;

use super::{
    cluster::{Cluster, PINGS},
    http::{ask, json},
    networks::Networks,
    process::Process,
    scheduler::Scheduler,
    site::Site,
};
use crate::support::eventually;

const STAYS: &str = "exec sleep 1000000";

/// A cluster whose master answers this host.
fn start(networks: &Networks, flags: &[&str]) -> Cluster {
    let here = format!("--allow_networks={}", networks.outsider());
    Cluster::start_on(Site::new(), networks.hosts(), &[&[here.as_str()], flags].concat(), &[])
}

#[test]
fn a_host_that_was_cut_off_for_long_comes_back_with_its_tasks() {
    let Some(networks) = Networks::make(3) else { return };
    let mut cluster = start(&networks, &PINGS);
    let cut = cluster.id_at(&networks, 0);
    let mut framework = cluster.framework("aware", true, &["PARTITION_AWARE"]);
    framework.run(&cut, &[("cut", STAYS)]);
    framework.wants_nothing();
    let scheduler = Scheduler::start(&cluster, 5);
    let pid = cluster.site.settled(6)["cut"].clone();

    networks.cut(0);
    framework.until_state("cut", "TASK_UNREACHABLE");
    scheduler.runs(5);
    networks.heal(0);
    framework.until_state("cut", "TASK_RUNNING");
    cluster.has_agents(3);
    assert_eq!(cluster.site.tasks()["cut"], pid, "the same process");
    eventually("as many tasks run as are wanted, and the master knows them", || {
        let running: Vec<String> = cluster.running().into_iter().map(|(task, _)| task).collect();
        let there: Vec<String> = cluster.site.tasks().into_keys().collect();
        let ours: Vec<&String> = there.iter().filter(|task| *task != "cut").collect();
        running == there && ours.len() == 5 && scheduler.running().iter().eq(ours)
    });
    framework.teardown();
    scheduler.scale(0);
    eventually("all tasks end", || cluster.site.tasks().is_empty());
    scheduler.end();
    cluster.end();
}

#[test]
fn a_host_that_was_cut_off_for_a_moment_has_lost_nothing() {
    let Some(networks) = Networks::make(2) else { return };
    let mut cluster = start(&networks, &["--agent_ping_timeout=1secs", "--max_agent_ping_timeouts=30"]);
    let id = cluster.id_at(&networks, 0);
    let mut framework = cluster.framework("frame", true, &[]);
    framework.run(&id, &[("stays", STAYS), ("ends", super::scheduler::WAITS), ("killed", STAYS)]);
    let mut tasks = cluster.site.settled(3);

    networks.cut(0);
    cluster.site.open_gate("ends");
    framework.kill("killed", &id);
    eventually("something is on its way to the agent", || is_waiting(&cluster.master, &cluster.agents[0]));
    eventually("something is on its way to the master", || is_waiting(&cluster.agents[0], &cluster.master));
    assert_eq!(cluster.site.tasks().len(), 2);
    networks.heal(0);
    framework.until_state("ends", "TASK_FAILED");
    framework.until_state("killed", "TASK_KILLED");
    tasks.retain(|task, _| task == "stays");
    assert_eq!(cluster.site.tasks(), tasks);
    assert_eq!(framework.states("stays"), ["TASK_STARTING", "TASK_RUNNING"]);
    assert_eq!(framework.states("ends"), ["TASK_STARTING", "TASK_RUNNING", "TASK_FAILED"]);
    assert_eq!(cluster.metric("master/slave_unreachable_scheduled"), 0.0);
    framework.teardown();
    eventually("all tasks end", || cluster.site.tasks().is_empty());
    cluster.end();
}

/// The launch is delivered when the network is back, after the agent has registered again without it.
#[test]
fn a_launch_that_was_on_its_way_leaves_no_stray() {
    let Some(networks) = Networks::make(1) else { return };
    let mut cluster = start(&networks, &PINGS);
    let id = cluster.id_at(&networks, 0);
    let mut framework = cluster.framework("aware", true, &["PARTITION_AWARE"]);
    framework.run(&id, &[("first", STAYS)]);
    framework.decline();
    networks.cut(0);
    framework.launch(&id, &[("late", STAYS)]);
    framework.until_state("late", "TASK_UNREACHABLE");
    networks.heal(0);
    framework.until_state("first", "TASK_RUNNING");
    framework.until_state("late", "TASK_KILLED");
    assert!(cluster.site.tasks().keys().eq(["first"]), "{:?}", cluster.site.tasks());
    assert_eq!(cluster.running(), [("first".to_owned(), id)]);
    framework.teardown();
    cluster.end();
}

/// Whether bytes of one process to the address of the other are not acknowledged.
fn is_waiting(from: &Process, to: &Process) -> bool {
    let (ip, port) = to.address().rsplit_once(':').expect("an address");
    let ip: std::net::Ipv4Addr = ip.parse().expect("an address");
    let port: u16 = port.parse().expect("a port");
    let remote = format!("{:08X}:{port:04X}", u32::from_ne_bytes(ip.octets()));
    let connections = fs::read_to_string(format!("/proc/{}/net/tcp", from.id())).expect("connections");
    connections.lines().any(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        fields.get(2) == Some(&remote.as_str()) && !fields[4].starts_with("00000000:")
    })
}

#[test]
fn a_host_of_another_network_is_told_how_it_is_admitted() {
    let Some(networks) = Networks::make(1) else { return };
    let mut cluster = Cluster::start_on(Site::new(), networks.hosts()[..1].to_vec(), &PINGS, &[]);
    let here = networks.outsider();
    let answer = ask(cluster.master.address(), "GET", "/state", "", "").expect("an answer");
    let text = String::from_utf8_lossy(&answer.body);
    assert_eq!(answer.code(), 403, "{text}");
    let remedy = format!("Start it with --allow_networks={here}/32");
    assert!(text.contains(&remedy), "{text}");
    // The log of an agent there says the same.
    let mut line = vec!["serve".to_owned(), "agent".into(), format!("--ip={here}"), "--port=0".into()];
    line.push(format!("--master={}", cluster.master.address()));
    line.push(format!("--allow_networks={}", networks.hosts()[0].ip));
    line.push(format!("--work_dir={}", cluster.site.dir("outsider").display()));
    line.push("--registration_backoff_factor=10ms".into());
    let mut outsider = cluster.site.start(&cluster.site.host(), "outsider", &line);
    eventually("the agent says that it is refused", || outsider.said().contains(&remedy));
    outsider.kill();
    cluster.end();
    let cluster = &mut start(&networks, &[]);
    assert_eq!(json(cluster.master.address(), "/slaves")["slaves"].as_array().map_or(0, Vec::len), 1);
    cluster.end();
}

#[test]
fn a_master_and_an_agent_on_all_addresses_are_found_at_those_they_name() {
    let Some(networks) = Networks::make(1) else { return };
    let hosts = networks.hosts();
    let [mut master, mut agent] = [hosts[0].clone(), hosts[1].clone()];
    let named = [master.ip, agent.ip].map(|ip| format!("--advertise_ip={ip}"));
    let allowed = format!("--allow_networks={}/24,{}", master.ip, networks.outsider());
    let own = master.ip;
    master.ip = std::net::Ipv4Addr::UNSPECIFIED;
    agent.ip = master.ip;
    let flags = [named[0].as_str(), allowed.as_str(), PINGS[0], PINGS[1]];
    let mut cluster = Cluster::start_on(Site::new(), vec![master], &flags, &[]);
    let port = cluster.master.port();
    cluster.master.is_at(format!("{own}:{port}"));
    let line = |site: &Site, more: &[&str]| {
        let mut line = vec!["serve".to_owned(), "agent".into(), "--ip=0.0.0.0".into(), "--port=0".into()];
        line.push(format!("--master={own}:{port}"));
        line.push(format!("--work_dir={}", site.dir("agent-1").display()));
        line.push("--registration_backoff_factor=10ms".into());
        line.extend(more.iter().map(|flag| (*flag).to_owned()));
        line
    };
    // Without its network the agent may not even talk to its master, and says so.
    let lost = cluster.site.start(&agent, "agent-1", &line(&cluster.site, &[&named[1]]));
    eventually("the agent says what is wrong", || lost.said().contains("--allow_networks"));
    drop(lost);
    let flags = [named[1].as_str(), allowed.as_str(), super::cluster::RESOURCES];
    let there = cluster.site.start(&agent, "agent-1", &line(&cluster.site, &flags));
    cluster.has_agents(1);
    let (id, known) = cluster.active().pop_first().expect("an agent");
    assert_eq!(known["pid"], format!("slave(1)@{}:{}", hosts[1].ip, there.port()));
    let mut framework = cluster.framework("frame", true, &[]);
    framework.run(&id, &[("runs", STAYS)]);
    framework.kill("runs", &id);
    framework.until_state("runs", "TASK_KILLED");
    framework.teardown();
    cluster.agents.push(there);
    cluster.end();
}

/// All defaults: an address of loopback, and a master that is named.
#[test]
fn an_agent_finds_its_master_by_name() {
    let site = Site::new();
    let line = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let words = ["serve", "master", "--port=0", "--registry=in_memory"];
    let mut master = site.start(&site.host(), "master", &line(&words));
    assert!(master.address().starts_with("127.0.0.1:"));
    let named = format!("--master=localhost:{}", master.port());
    let dir = format!("--work_dir={}", site.dir("agent").display());
    let words = ["serve", "agent", "--port=0", &named, &dir, "--registration_backoff_factor=10ms"];
    let mut agent = site.start(&site.host(), "agent", &line(&words));
    eventually("the agent is registered", || {
        json(master.address(), "/slaves")["slaves"].as_array().is_some_and(|slaves| slaves.len() == 1)
    });
    for process in [&mut agent, &mut master] {
        process.signal(rustix::process::Signal::TERM);
        assert_eq!(process.ended(), 0);
    }
    site.is_left();
}
