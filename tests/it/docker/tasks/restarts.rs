//! Containers of an agent that dies, and of one that goes in peace.

use serde_json::json;

use super::stage::Stage;

/// Counts to a hundred thousand, slowly enough to be seen.
const COUNTS: &str = "i=0; while test $i -lt 40; do i=$((i+1)); echo $i; sleep 0.1; done; exit 7";

#[test]
fn the_next_agent_takes_over_what_runs_and_what_has_ended() {
    let Some(mut stage) = Stage::start(true, &[]) else { return };
    stage.shell("counts", COUNTS, json!({}));
    stage.framework.until_state("counts", "TASK_RUNNING");
    stage.framework.decline();
    stage.shell("waits", "while ! test -e $MESOS_SANDBOX/go; do sleep 0.1; done; echo gone", json!({}));
    stage.framework.until_state("waits", "TASK_RUNNING");
    stage.writes("counts", "stdout", "3\n");
    let before = stage.containers();

    stage.cluster.agents[0].kill();
    std::fs::write(stage.sandbox("waits").join("go"), "").expect("a file");
    assert_eq!(stage.containers(), before, "the containers go on");
    stage.cluster.restart_agent(0);

    let failed = stage.framework.until_state("counts", "TASK_FAILED");
    assert_eq!(failed["message"], "Container exited with status 7");
    let lines: Vec<String> = (1..=40).map(|line| line.to_string()).collect();
    assert_eq!(stage.written("counts", "stdout"), lines.join("\n") + "\n", "without holes or repeats");
    stage.framework.until_state("waits", "TASK_FINISHED");
    assert_eq!(stage.written("waits", "stdout"), "gone\n");
    assert_eq!(stage.framework.states("waits"), ["TASK_STARTING", "TASK_RUNNING", "TASK_FINISHED"]);
    stage.has_containers(0);
    stage.end();
}

#[test]
fn orphans_are_removed() {
    let Some(mut stage) = Stage::start(false, &[]) else { return };
    stage.shell("orphan", "exec sleep 1000", json!({}));
    stage.framework.until_state("orphan", "TASK_RUNNING");
    stage.cluster.agents[0].kill();
    stage.has_containers(1);
    stage.cluster.restart_agent(0);
    stage.has_containers(0);
    stage.framework.until("the task is given up", |it| it.is_ended("orphan"));
    stage.end();
}

#[test]
fn an_agent_that_goes_takes_its_containers_along() {
    let Some(mut stage) = Stage::start(false, &[]) else { return };
    stage.shell("stays", "exec sleep 1000", json!({}));
    stage.framework.until_state("stays", "TASK_RUNNING");
    stage.cluster.end();
    stage.has_containers(0);
}
