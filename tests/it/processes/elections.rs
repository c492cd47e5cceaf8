//! Several masters that elect a leader in ZooKeeper, and what becomes of the cluster when that one dies, is stopped, or
//! ZooKeeper goes.

use std::{collections::BTreeMap, fs, time::Duration};

use rustix::process::Signal;
use serde_json::{Value, json};

use super::{
    cluster::RESOURCES,
    http::{ask, json, try_json},
    process::Process,
    site::Site,
    zoo::{Kind, Zoo},
};
use crate::support::eventually;
use mesoslab::runtime::Clock;

const SESSION: &str = "--zk_session_timeout=1secs";

struct Masters {
    // Processes are dropped before the site.
    scheduler: Option<Process>,
    agents: Vec<Process>,
    masters: BTreeMap<String, Process>,
    zoo: Zoo,
    site: Site,
    clock: Clock,
}

impl Masters {
    fn start(kind: Kind, masters: usize, agents: usize) -> Option<Self> {
        let site = Site::new();
        let zoo = Zoo::start(&site, kind)?;
        let (none, clock) = (BTreeMap::new(), Clock::start());
        let mut cluster = Self { scheduler: None, agents: Vec::new(), masters: none, zoo, site, clock };
        (1..=masters).for_each(|at| cluster.add_master(&format!("master-{at}")));
        for at in 1..=agents {
            let name = format!("agent-{at}");
            let mut line = cluster.line("agent", &name);
            line.extend([format!("--master={}", cluster.zoo.url()), RESOURCES.to_owned()]);
            line.push("--registration_backoff_factor=10ms".to_owned());
            let agent = cluster.site.start(&cluster.site.host(), &name, &line);
            cluster.agents.push(agent);
        }
        cluster.has_agents(agents);
        Some(cluster)
    }

    fn line(&self, component: &str, name: &str) -> Vec<String> {
        vec![
            "serve".into(),
            component.into(),
            format!("--ip={}", self.site.host().ip),
            "--port=0".into(),
            format!("--work_dir={}", self.site.dir(name).display()),
            SESSION.into(),
        ]
    }

    fn add_master(&mut self, name: &str) {
        let mut line = self.line("master", name);
        line.extend([format!("--zk={}", self.zoo.url()), "--quorum=2".into()]);
        line.push("--allocation_interval=50ms".into());
        let master = self.site.start(&self.site.host(), name, &line);
        self.masters.insert(name.to_owned(), master);
    }

    fn schedule(&mut self, tasks: usize) {
        let file = "[scheduler]\ncommand = \"exec sleep 1000000\"\n";
        fs::write(self.site.dir("mesoslab.toml"), file).expect("write the lab file");
        let line = [
            "serve".to_owned(),
            "scheduler".to_owned(),
            "--listen=127.0.0.1:0".to_owned(),
            format!("--master={}", self.zoo.url()),
            format!("--work-dir={}", self.site.dir("scheduler").display()),
            format!("--tasks={tasks}"),
        ];
        let mut scheduler = self.site.spawn(&self.site.host(), "scheduler", &line);
        scheduler.listens();
        self.scheduler = Some(scheduler);
    }

    /// The name of the leader, as it says itself.
    fn leader(&self) -> Option<String> {
        let elected = |master: &Process| {
            let metrics = try_json(master.address(), "/metrics/snapshot");
            metrics.is_some_and(|metrics| metrics["master/elected"] == 1.0)
        };
        let leaders: Vec<_> = self.masters.iter().filter(|(_, master)| elected(master)).collect();
        assert!(leaders.len() < 2, "two masters lead");
        leaders.first().map(|(name, _)| (*name).clone())
    }

    fn has_leader(&self) -> String {
        let mut leader = None;
        eventually("a master leads", || {
            leader = self.leader();
            leader.is_some()
        });
        leader.expect("a leader")
    }

    fn state(&self) -> Value {
        let leader = self.leader().and_then(|leader| try_json(self.masters[&leader].address(), "/state"));
        leader.unwrap_or_default()
    }

    fn has_agents(&self, count: usize) -> Vec<String> {
        let mut ids = Vec::new();
        eventually(&format!("{count} agents are active"), || {
            let state = self.state();
            let slaves = state["slaves"].as_array().cloned().unwrap_or_default();
            let active = slaves.iter().filter(|slave| slave["active"] == true);
            ids = active.map(|slave| slave["id"].as_str().expect("an id").to_owned()).collect();
            ids.len() == count
        });
        ids.sort();
        ids
    }

    /// The framework's id, once it is active and so many of its tasks run.
    fn runs(&self, tasks: usize) -> String {
        let mut id = String::new();
        eventually(&format!("{tasks} tasks run"), || {
            let state = self.state();
            let Some(framework) = state["frameworks"].get(0) else { return false };
            let all = framework["tasks"].as_array().cloned().unwrap_or_default();
            id = framework["id"].as_str().expect("an id").to_owned();
            framework["active"] == true
                && all.len() == tasks
                && all.iter().all(|task| task["state"] == "TASK_RUNNING")
        });
        id
    }

    /// What has failed at the scheduler, or was lost there: nothing should be.
    fn has_lost_nothing(&self) {
        let scheduler = self.scheduler.as_ref().expect("a scheduler");
        let state = json(scheduler.address(), "/v1/state");
        let restarts = json(scheduler.address(), "/v1/tasks")["tasks"]
            .as_array()
            .expect("tasks")
            .iter()
            .filter(|task| task["restarts"].as_u64().unwrap_or_default() > 0)
            .count();
        assert_eq!(restarts, 0, "{state}");
    }

    fn end(mut self) {
        if let Some(mut scheduler) = self.scheduler.take() {
            let address = scheduler.address().to_owned();
            let body = json!({ "num_of_node": 0 }).to_string();
            ask(&address, "PATCH", "/v1/config", "Content-Type: application/json\r\n", &body)
                .expect("an answer");
            eventually("all tasks are killed", || self.site.tasks().is_empty());
            scheduler.signal(Signal::TERM);
            scheduler.ended();
        }
        for agent in &mut self.agents {
            agent.signal(Signal::USR1);
            assert_eq!(agent.ended(), 0, "{}", agent.said());
        }
        for master in self.masters.values_mut() {
            master.signal(Signal::TERM);
            master.ended();
        }
        self.zoo.kill();
        self.site.is_left();
    }
}

#[test]
fn a_cluster_outlives_its_leaders() {
    outlives_leaders(Kind::Ours);
}

#[test]
fn a_cluster_outlives_its_leaders_over_the_zookeeper_of_apache() {
    outlives_leaders(Kind::Apache);
}

#[expect(clippy::print_stdout, reason = "figures for whoever wants them")]
fn outlives_leaders(kind: Kind) {
    let Some(mut cluster) = Masters::start(kind, 3, 2) else { return };
    let ids = cluster.has_agents(2);
    cluster.schedule(10);
    let framework = cluster.runs(10);
    let tasks = cluster.site.settled(10);
    let leader = cluster.has_leader();
    for (name, master) in &cluster.masters {
        let answer = ask(master.address(), "GET", "/redirect", "", "").expect("an answer");
        let location = format!("//localhost:{}", cluster.masters[&leader].port());
        assert_eq!((answer.code(), answer.header("location")), (307, Some(location.as_str())), "{name}");
        let state = ask(master.address(), "GET", "/master/state?jsonp=a%20b", "", "").expect("an answer");
        if *name == leader {
            assert_eq!(state.code(), 200);
        } else {
            let location = format!("{location}/master/state?jsonp=a%20b");
            assert_eq!((state.code(), state.header("location")), (307, Some(location.as_str())));
            assert_eq!(json(master.address(), "/metrics/snapshot")["master/elected"], 0.0);
        }
    }
    for _ in 0..2 {
        let leader = cluster.has_leader();
        let killed = cluster.clock.now();
        cluster.masters.remove(&leader).expect("the leader").kill();
        let next = cluster.has_leader();
        let elected = cluster.clock.now();
        assert_eq!(cluster.has_agents(2), ids);
        let agents = cluster.clock.now();
        assert_eq!(cluster.runs(10), framework);
        let back = cluster.clock.now();
        let since = |time: mesoslab::mesos::time::Time| time.since(killed).as_millis();
        println!(
            "{next} leads after {} ms, has all agents after {} ms, and the framework after {} ms",
            since(elected),
            since(agents),
            since(back)
        );
        assert!(back.since(killed) < Duration::from_secs(5), "a session lasts one second");
        assert_eq!(cluster.site.tasks(), tasks, "the same processes");
        cluster.has_lost_nothing();
        cluster.add_master(&format!("{leader}-again"));
    }
    cluster.end();
}

#[test]
fn a_leader_that_was_stopped_for_long_leads_no_more() {
    let Some(mut cluster) = Masters::start(Kind::Ours, 2, 1) else { return };
    let ids = cluster.has_agents(1);
    let stopped = cluster.has_leader();
    let mut old = cluster.masters.remove(&stopped).expect("the leader");
    old.signal(Signal::STOP);
    let next = cluster.has_leader();
    assert_ne!(next, stopped);
    assert_eq!(cluster.has_agents(1), ids);
    old.signal(Signal::CONT);
    assert_eq!(old.ended(), 1, "{}", old.said());
    assert!(old.said().contains("committing suicide!"), "{}", old.said());
    assert_eq!(cluster.has_leader(), next);
    assert_eq!(cluster.has_agents(1), ids);
    cluster.end();
}

#[test]
fn without_zookeeper_the_leader_ends_and_the_others_wait() {
    let Some(mut cluster) = Masters::start(Kind::Ours, 2, 1) else { return };
    let ids = cluster.has_agents(1);
    let leader = cluster.has_leader();
    cluster.zoo.kill();
    let mut old = cluster.masters.remove(&leader).expect("the leader");
    assert_eq!(old.ended(), 1, "{}", old.said());
    let follower = cluster.masters.values().next().expect("another one");
    eventually("nobody leads", || {
        ask(follower.address(), "GET", "/state", "", "").is_ok_and(|answer| answer.code() == 503)
    });
    let site = std::mem::replace(&mut cluster.site, Site::new());
    cluster.zoo.revive(&site);
    cluster.site = site;
    cluster.has_leader();
    assert_eq!(cluster.has_agents(1), ids);
    cluster.end();
}
