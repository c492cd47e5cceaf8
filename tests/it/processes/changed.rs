//! Agents that come back as others: with other resources, or with their memory removed.

use std::fs;

use super::cluster::Cluster;
use crate::support::eventually;

const LESS: &str = "--resources=cpus:2;mem:2048;disk:512;ports:[31000-31010]";
const MORE: &str = "--resources=cpus:8;mem:8192;disk:1024;ports:[31000-31010]";
const ADDITIVE: &str = "--reconfiguration_policy=additive";

#[test]
fn an_agent_with_other_resources_is_refused_or_taken_by_policy() {
    let mut cluster = Cluster::start(1, &[], &[]);
    let id = cluster.id_of(0);
    let mut framework = cluster.framework("frame", true, &[]);
    framework.run(&id, &[("stays", "exec sleep 1000000")]);
    let before = cluster.site.settled(1);
    cluster.agents[0].kill();
    cluster.is_away(&id);

    for (flags, reason) in [
        (&[MORE][..], "Incompatible agent info detected."),
        (
            &[LESS, ADDITIVE],
            "Configuration change not permitted under 'additive' policy: \
             Value of scalar resource 'cpus' decreased from 4 to 2",
        ),
    ] {
        cluster.spawn_agent_with(0, flags);
        assert_eq!(cluster.agents[0].ended(), 1);
        let said = cluster.agents[0].said();
        let latest = cluster.site.dir("agent-1").join("meta/slaves/latest");
        assert!(said.contains("Failed to perform recovery: "), "{said}");
        assert!(said.contains(reason), "{said}");
        assert!(said.contains(&format!("rm -f {}", latest.display())), "{said}");
        assert_eq!(cluster.site.tasks(), before, "a refusal ends nothing");
    }

    cluster.spawn_agent_with(0, &[MORE, ADDITIVE]);
    cluster.agents[0].listens();
    cluster.is_active(&id);
    assert_eq!(cluster.id_of(0), id);
    assert_eq!(cluster.site.tasks(), before);
    framework.until("all of it is offered", |it| (it.offered(&id, "cpus") - 7.9).abs() < 0.001);
    assert_eq!(framework.states("stays"), ["TASK_STARTING", "TASK_RUNNING"]);

    cluster.agents[0].kill();
    cluster.is_away(&id);
    fs::remove_file(cluster.site.dir("agent-1").join("meta/slaves/latest")).expect("remove the link");
    cluster.spawn_agent_with(0, &[LESS]);
    cluster.agents[0].listens();
    let new = cluster.id_of(0);
    assert_ne!(new, id);
    cluster.is_active(&new);
    eventually("the tasks of the old agent are killed", || cluster.site.tasks().is_empty());
    let lost = framework.until_state("stays", "TASK_LOST");
    assert_eq!(lost["reason"], "REASON_AGENT_REMOVED", "{lost}");
    framework.run(&new, &[("new", "exec sleep 1000000")]);
    framework.teardown();
    cluster.end();
}
