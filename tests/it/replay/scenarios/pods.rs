//! Group 15: pods of the default executor, and what is wrong with them.

use serde_json::{Value, json};

use super::{scalar, task};
use crate::replay::{
    cluster::{Cluster, Setup},
    session::{Session, master_id},
    verdict::judge,
};

const STREAM: &str = "15-task-groups/01-SUBSCRIBE-stream";

async fn perform(s: &mut Session<'_>, names: &[&str]) {
    for name in names {
        s.perform(&format!("15-task-groups/{name}")).await;
    }
}

/// A group that was recorded on the stream alone.
async fn launch(s: &mut Session<'_>, mut executor: Value, tasks: impl Fn(&Value) -> Vec<Value>) {
    executor["type"] = json!("DEFAULT");
    executor["framework_id"] = s.framework_id(STREAM);
    let group = |agent: &Value| json!({ "executor": executor, "task_group": { "tasks": tasks(agent) } });
    let operations = |agent: &Value| json!([{ "type": "LAUNCH_GROUP", "launch_group": group(agent) }]);
    s.accept(STREAM, 1.0, operations).await;
}

fn executor(id: &str) -> Value {
    let resources = [scalar("cpus", 0.1), scalar("mem", 32.0), scalar("disk", 32.0)];
    json!({ "executor_id": { "value": id }, "resources": resources })
}

#[tokio::test(flavor = "multi_thread")]
async fn task_groups() {
    let cluster = Cluster::start(Setup::new(master_id("15-"))).await;
    cluster.start_agent().await;
    let mut s = Session::new(&cluster);
    s.cpus = 1.0;
    s.open(STREAM).await;
    perform(&mut s, &["02-LAUNCH_GROUP-both-finish"]).await;
    s.acknowledge_until(STREAM, &[("ok-1", "TASK_FINISHED"), ("ok-2", "TASK_FINISHED")]).await;
    s.until_the_agent_is_empty().await;
    perform(&mut s, &["03-LAUNCH_GROUP-one-fails"]).await;
    s.acknowledge_until(STREAM, &[("f-1", "TASK_FAILED"), ("f-2", "TASK_KILLED")]).await;
    s.until_the_agent_is_empty().await;
    let sleepers = |agent: &Value| ["k-1", "k-2"].map(|id| task(id, "sleep 1000", agent)).to_vec();
    launch(&mut s, executor("kill"), sleepers).await;
    s.acknowledge_until(STREAM, &[("k-1", "TASK_RUNNING"), ("k-2", "TASK_RUNNING")]).await;
    s.kill(STREAM, "k-1").await;
    s.acknowledge_until(STREAM, &[("k-1", "TASK_KILLED"), ("k-2", "TASK_KILLED")]).await;
    s.until_the_agent_is_empty().await;
    perform(&mut s, &["06-LAUNCH_GROUP-first"]).await;
    s.acknowledge_until(STREAM, &[("s-1", "TASK_RUNNING")]).await;
    perform(&mut s, &["07-LAUNCH_GROUP-second-group-same-executor"]).await;
    s.acknowledge_until(STREAM, &[("s-2", "TASK_FINISHED")]).await;
    s.until_the_agent_has_completed(1).await;
    perform(&mut s, &["50-GET_CONTAINERS", "51-agent-GET_STATE", "08-LAUNCH-into-default-executor"]).await;
    s.acknowledge_until(STREAM, &[("s-3", "TASK_ERROR")]).await;
    perform(&mut s, &["09-err-empty-group", "10-err-executor-no-framework-id"]).await;
    s.acknowledge_until(STREAM, &[("e2", "TASK_ERROR")]).await;
    launch(&mut s, json!({ "executor_id": { "value": "e3" } }), |agent| vec![task("e3", "true", agent)])
        .await;
    s.acknowledge_until(STREAM, &[("e3", "TASK_ERROR")]).await;
    for (name, id) in [("12-err-executor-no-type", "e4"), ("13-err-executor-command", "e5")] {
        perform(&mut s, &[name]).await;
        s.acknowledge_until(STREAM, &[(id, "TASK_ERROR")]).await;
    }
    let one_bad = |agent: &Value| {
        let mut bad = task("e6b", "true", agent);
        bad["resources"][0] = scalar("cpus", -1.0);
        vec![task("e6a", "true", agent), bad]
    };
    launch(&mut s, executor("e6"), one_bad).await;
    s.acknowledge_until(STREAM, &[("e6a", "TASK_ERROR"), ("e6b", "TASK_ERROR")]).await;
    perform(&mut s, &["15-err-task-with-executor"]).await;
    s.acknowledge_until(STREAM, &[("e7", "TASK_FAILED"), ("s-1", "TASK_FINISHED")]).await;
    for (name, id) in [("16-err-too-much", "e9"), ("17-err-type-unknown", "e10")] {
        perform(&mut s, &[name]).await;
        s.acknowledge_until(STREAM, &[(id, "TASK_ERROR")]).await;
    }
    s.as_many_as_recorded(STREAM, "FAILURE").await;
    perform(&mut s, &["18-TEARDOWN"]).await;
    s.ended(STREAM).await;
    s.close(STREAM).await;
    let done = s.done;
    judge("15", &["15-"], &cluster.place(), &done);
    cluster.stop().await;
}
