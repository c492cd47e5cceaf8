//! How masters and agents end: in order, at once, and with what an earlier one has left.

use std::time::Duration;

use mesoslab::runtime::Clock;
use rustix::process::Signal;

use super::cluster::Cluster;
use crate::support::eventually;

const STAYS: &str = "exec sleep 1000000";

#[test]
fn an_agent_that_is_told_to_go_unregisters_and_ends_its_tasks() {
    let mut cluster = Cluster::start(1, &[], &["--executor_shutdown_grace_period=100ms"]);
    let id = cluster.id_of(0);
    let mut framework = cluster.framework("frame", true, &[]);
    // One of them has to be killed, with a process in a session of its own.
    let stubborn = "trap '' TERM; setsid sleep 1000000 & while true; do sleep 1000; done";
    framework.run(&id, &[("ends", STAYS), ("stubborn", stubborn)]);
    cluster.agents[0].signal(Signal::USR1);
    assert_eq!(cluster.agents[0].ended(), 0);
    eventually("it is not in the books", || cluster.active().is_empty());
    let lost = framework.until_state("ends", "TASK_LOST");
    assert_eq!(lost["reason"], "REASON_AGENT_REMOVED", "{lost}");
    assert!(lost["message"].as_str().is_some_and(|text| text.ends_with("the agent unregistered")), "{lost}");
    assert!(cluster.site.tasks().is_empty());
    cluster.restart_agent(0);
    cluster.has_agents(1);
    assert_eq!(cluster.metric("master/slave_removals/reason_unregistered"), 1.0);
    framework.teardown();
    cluster.end();
}

#[test]
fn an_agent_that_is_terminated_leaves_tasks_for_the_next_or_for_a_cleanup() {
    let mut cluster = Cluster::start(1, &[], &[]);
    let id = cluster.id_of(0);
    let mut framework = cluster.framework("frame", true, &[]);
    framework.run(&id, &[("stays", STAYS)]);
    framework.wants_nothing();
    let mut mortal = cluster.framework("mortal", false, &[]);
    mortal.run(&id, &[("dies", STAYS)]);
    let pids = cluster.site.settled(2)["stays"].clone();

    let clock = Clock::start();
    let asked = clock.now();
    cluster.agents[0].signal(Signal::TERM);
    assert_eq!(cluster.agents[0].ended(), 0);
    let took = clock.now().since(asked);
    assert!(took < Duration::from_secs(1), "{took:?}");
    mortal.until_state("dies", "TASK_LOST");
    eventually("the mortal task dies", || cluster.site.tasks().len() == 1);
    assert_eq!(cluster.site.tasks()["stays"], pids);
    cluster.restart_agent(0);
    cluster.is_active(&id);
    assert_eq!(cluster.site.tasks()["stays"], pids);

    cluster.agents[0].signal(Signal::TERM);
    assert_eq!(cluster.agents[0].ended(), 0);
    let line = [cluster.agent_line(0), vec!["--recover=cleanup".into()]].concat();
    let mut cleanup = cluster.site.spawn(&cluster.site.host(), "cleanup", &line);
    assert_eq!(cleanup.ended(), 0, "{}", cleanup.said());
    assert!(cluster.site.tasks().is_empty());
    assert!(cleanup.said().contains("nothing is left of the agent before"), "{}", cleanup.said());
    cluster.restart_agent(0);
    assert_ne!(cluster.id_of(0), id, "the next agent is a new one");
    framework.until_state("stays", "TASK_LOST");
    framework.teardown();
    mortal.teardown();
    cluster.end();
}

#[test]
fn agents_notice_the_end_of_their_master() {
    let mut cluster = Cluster::start(2, &[], &[]);
    let id = cluster.id_of(0);
    let mut framework = cluster.framework("frame", true, &[]);
    framework.run(&id, &[("stays", STAYS), ("ends", super::scheduler::WAITS)]);
    cluster.master.signal(Signal::TERM);
    assert_eq!(cluster.master.ended(), 0);
    cluster.site.open_gate("ends");
    eventually("the task ends", || cluster.site.tasks().len() == 1);
    cluster.restart_master();
    cluster.has_agents(2);
    framework.until_state("ends", "TASK_FAILED");
    assert!(cluster.agents.iter_mut().all(super::process::Process::runs));
    // What happens without a master: an agent that is told to go does not wait for one.
    cluster.master.signal(Signal::TERM);
    assert_eq!(cluster.master.ended(), 0);
    for agent in &cluster.agents {
        agent.signal(Signal::USR1);
    }
    for agent in &mut cluster.agents {
        assert_eq!(agent.ended(), 0, "{}", agent.said());
    }
    assert!(cluster.site.tasks().is_empty());
    cluster.site.is_left();
}
