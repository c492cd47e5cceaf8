//! Groups of tasks with real processes, and what is left of them when their agent is gone.

use std::fs;

use super::*;
use crate::{engine::agent::reconfiguration::ReconfigurationPolicy, host::keeper, mesos::v1::FrameworkId};

impl Framework {
    pub(super) async fn launch_group(&self, executor: &str, tasks: Vec<Value>) {
        let allocation = json!({"role": "dev"});
        let scalar = |name: &str, value: f64| {
            json!({"name": name, "type": "SCALAR", "scalar": {"value": value},
            "allocation_info": allocation})
        };
        let executor = json!({"type": "DEFAULT", "executor_id": {"value": executor}, "framework_id": {"value": self.id},
            "resources": [scalar("cpus", 0.1), scalar("mem", 32.0), scalar("disk", 1.0)]});
        let group = json!({"executor": executor, "task_group": {"tasks": tasks}});
        let operation = json!({"type": "LAUNCH_GROUP", "launch_group": group});
        self.call(json!({"type": "ACCEPT", "accept": {
            "offer_ids": [self.offer["id"]], "operations": [operation]}}))
            .await;
    }

    pub(super) async fn of(&mut self, task: &str, state: &str) -> Value {
        self.update(|status| {
            assert_ne!(status["state"], "TASK_ERROR", "{status}");
            status["task_id"]["value"] == task && status["state"] == state
        })
        .await
    }

    /// The end of the last task and that of its executor: which is heard of first is a race, as in Mesos.
    async fn ends(&mut self, task: &str) -> (Value, Value) {
        let (mut killed, mut failure) = (None, None);
        while killed.is_none() || failure.is_none() {
            let event = tokio::time::timeout(Duration::from_secs(20), self.next()).await.unwrap();
            let status = event["update"]["status"].clone();
            self.acknowledge(&status).await;
            if status["task_id"]["value"] == task && status["state"] == "TASK_KILLED" {
                killed = Some(status);
            } else if event["type"] == "FAILURE" {
                failure = Some(event["failure"].clone());
            }
        }
        (killed.unwrap(), failure.unwrap())
    }
}

pub(super) async fn a_group_lives_in_one_sandbox_and_dies_together(wire: Wire) {
    let mut lab = lab(wire).await;
    let waits = "echo waits; while ! test -e go; do sleep 0.01; done; exit 3";
    let tasks = [("waits", waits), ("stays", "env; setsid sleep 1000 & sleep 1000; true")];
    let tasks = tasks.map(|(id, command)| lab.framework.task(id, command, json!({})));
    lab.framework.launch_group("pod", tasks.into()).await;
    let running = lab.framework.of("stays", "TASK_RUNNING").await;
    assert_eq!(running["executor_id"]["value"], "pod");
    let container = &running["container_status"];
    assert!(container["executor_pid"].as_u64().unwrap() > 1);

    let latest = format!("/frameworks/{}/executors/pod/runs/latest", lab.framework.id);
    let browsed = lab.json(&format!("/files/browse?path={latest}")).await;
    let names: Vec<&str> =
        browsed.as_array().unwrap().iter().map(|it| it["path"].as_str().unwrap()).collect();
    assert_eq!(names, ["containers", "stderr", "stdout", "tasks"].map(|name| format!("{latest}/{name}")));
    let read = format!("/files/download?path={latest}/tasks/stays/stdout");
    while !lab.get(&read).await.1.contains("MESOS_SANDBOX=") {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let environment = lab.get(&read).await.1;
    let nested = container["container_id"]["value"].as_str().unwrap();
    assert!(environment.contains(&format!("/containers/{nested}\n")), "{environment}");
    assert!(!environment.contains("MESOS_TASK_ID"), "{environment}");
    until(|| lab.processes() >= 4).await;
    let statistics = lab.json("/monitor/statistics").await;
    assert_eq!(statistics[0]["executor_id"], "pod");
    assert!(statistics[0]["statistics"]["mem_rss_bytes"].as_u64().unwrap() > 0, "{statistics}");

    let sandbox = lab.agent.with(|agent| {
        agent.frameworks.values().next().unwrap().executors.values().next().unwrap().directory.clone()
    });
    fs::write(format!("{sandbox}/tasks/waits/go"), "").unwrap();
    assert_eq!(lab.framework.of("waits", "TASK_FAILED").await["message"], "Command exited with status 3");
    let (killed, failure) = lab.framework.ends("stays").await;
    assert_eq!(killed["message"], "Command terminated with signal Terminated");
    assert_eq!(killed["container_status"].as_object().unwrap().len(), 1, "{killed}");
    assert_eq!(failure["executor_id"]["value"], "pod");
    assert_eq!(failure["status"], 0);
    until_completed(&lab).await;
    until(|| lab.processes() == 0).await;
    lab.down().await;
}

/// An agent of a work directory, which dies with its tasks group.
struct Mortal {
    tasks: Tasks,
    agent: AgentHandle,
}

async fn mortal(directory: &std::path::Path, all: &Tasks, clock: Clock, master: &MasterHandle) -> Mortal {
    let tasks = all.child();
    let (hub, kept) = KeeperHub::attach(keeper::tests::config(directory), &tasks).await.unwrap();
    let listener = listener().await;
    let info = AgentInfo {
        hostname: "localhost".to_owned(),
        port: Some(listener.local_addr().unwrap().port().into()),
        resources: Resources::parse("cpus:100;mem:10000;disk:1000", "*").unwrap().to_protos(),
        checkpoint: Some(true),
        ..AgentInfo::default()
    };
    let (memory, remembered) = AgentMemory::open(directory, &info, ReconfigurationPolicy::Any, true).unwrap();
    let mut agent = AgentConfig::new(info, directory.display().to_string());
    agent.checkpoints = true;
    let config = Config {
        keeper: Some(hub),
        memory: Some(memory),
        remembered: remembered.map(|remembered| (remembered, kept)),
        ..Config::new(agent)
    };
    let agent = start(&tasks, clock, listener, config, MasterAt::Here(master.clone())).unwrap();
    Mortal { tasks, agent }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_outlives_its_agent() {
    let directory = tempfile::tempdir().unwrap();
    let (all, clock) = (Tasks::new(), Clock::start());
    let master = master::start(&all, clock, listener().await, MasterConfig::default()).unwrap();
    let first = mortal(directory.path(), &all, clock, &master).await;
    let mut framework = Framework::subscribe_as(master.endpoint(), json!({"checkpoint": true})).await;
    let waits = "while ! test -e go; do sleep 0.01; done; exit 3";
    let tasks = [("waits", waits), ("stays", "sleep 1000")];
    let tasks = tasks.map(|(id, command)| framework.task(id, command, json!({})));
    framework.launch_group("pod", tasks.into()).await;
    framework.of("stays", "TASK_RUNNING").await;
    let nested = |agent: &AgentHandle| {
        agent.with(|agent| {
            let framework = agent.frameworks.get(&FrameworkId::new(framework.id.as_str()));
            let executor = framework.and_then(|it| it.executors.values().next());
            executor.map(|executor| (executor.directory.clone(), executor.nested.clone()))
        })
    };
    let (sandbox, before) = nested(&first.agent).unwrap();
    first.tasks.stop().await;

    let second = mortal(directory.path(), &all, clock, &master).await;
    assert_eq!(nested(&second.agent), Some((sandbox.clone(), before)));
    fs::write(format!("{sandbox}/tasks/waits/go"), "").unwrap();
    assert_eq!(framework.of("waits", "TASK_FAILED").await["message"], "Command exited with status 3");
    let (killed, failure) = framework.ends("stays").await;
    assert_eq!(killed["message"], "Command terminated with signal Terminated");
    assert_eq!(failure["status"], 0);
    assert!(second.agent.stop(Duration::from_secs(20)).await);
    all.stop().await;
    let left = || Table::read().of_sandboxes(&[directory.path().to_path_buf()]).len();
    until(|| left() == 0).await;
}
