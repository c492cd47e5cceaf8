//! A master, one agent that runs images, and a framework. What is left of containers is looked for at the end.

use std::{collections::HashMap, fs, sync::Arc};

use bollard::{
    models::NetworkCreateRequest,
    query_parameters::{ListContainersOptions, RemoveContainerOptions},
};
use serde_json::{Value, json};

use super::image::{Image, image, with_engine};
use crate::{
    processes::{
        cluster::{Cluster, name},
        framework::Framework,
    },
    support::eventually,
};

const FLAGS: [&str; 1] = ["--containerizers=docker,mesos"];

/// Removes what a work directory's agent has left.
struct Sweeper(String);

pub struct Stage {
    pub framework: Framework,
    pub cluster: Cluster,
    _sweeper: Sweeper,
    pub image: Arc<Image>,
    /// The agent's.
    pub id: String,
}

impl Stage {
    /// None where no engine answers.
    pub fn start(checkpoint: bool, flags: &[&str]) -> Option<Self> {
        let image = image()?;
        let flags: Vec<&str> = FLAGS.iter().chain(flags).copied().collect();
        let cluster = Cluster::start(1, &[], &flags);
        let id = cluster.id_of(0);
        let framework = cluster.framework("images", checkpoint, &[]);
        let sweeper = Sweeper(cluster.site.dir(&name(0)).display().to_string());
        Some(Self { framework, cluster, image, id, _sweeper: sweeper })
    }

    /// A task with the image; `more` is merged into it.
    pub fn task(&self, id: &str, more: Value) -> Value {
        let scalar =
            |name: &str, value: f64| json!({"name": name, "type": "SCALAR", "scalar": {"value": value}});
        let mut task = json!({
            "name": id, "task_id": {"value": id}, "agent_id": {"value": self.id},
            "command": {"shell": false}, "resources": [scalar("cpus", 0.1), scalar("mem", 32.0)],
            "container": {"type": "DOCKER", "docker": {"image": self.image.name}},
        });
        merge(&mut task, more);
        task
    }

    pub fn launch(&mut self, task: Value) {
        let id = self.id.clone();
        self.framework.launch_infos(&id, vec![task]);
    }

    /// A shell line in the image.
    pub fn shell(&mut self, id: &str, line: &str, mut more: Value) {
        more["command"] = json!({"shell": true, "value": line});
        let task = self.task(id, more);
        self.launch(task);
    }

    pub fn kill(&mut self, task: &str) {
        self.framework.kill(task, &self.id);
        self.framework.until_state(task, "TASK_KILLED");
    }

    /// What a task has written: of its last run.
    pub fn written(&self, task: &str, file: &str) -> String {
        fs::read_to_string(self.sandbox(task).join(file)).unwrap_or_default()
    }

    pub fn writes(&self, task: &str, file: &str, text: &str) {
        eventually(&format!("{task} writes `{text}`"), || self.written(task, file).contains(text));
    }

    pub fn sandbox(&self, task: &str) -> std::path::PathBuf {
        let runs =
            format!("slaves/{}/frameworks/{}/executors/{task}/runs/latest", self.id, self.framework.id());
        self.work_dir().join(runs)
    }

    fn work_dir(&self) -> std::path::PathBuf {
        self.cluster.site.dir(&name(0))
    }

    /// The names of the containers of this agent, running or not.
    pub fn containers(&self) -> Vec<String> {
        containers(&self.work_dir().display().to_string())
    }

    pub fn has_containers(&self, count: usize) {
        eventually(&format!("there are {count} containers"), || self.containers().len() == count);
    }

    /// Ends all; nothing may be left.
    pub fn end(self) {
        self.framework.teardown();
        self.has_containers(0);
        let Self { mut cluster, .. } = self;
        cluster.end();
    }
}

impl Drop for Sweeper {
    /// For tests that fail.
    fn drop(&mut self) {
        let names = containers(&self.0);
        with_engine(async |docker| {
            for name in names {
                let options = RemoveContainerOptions { force: true, v: true, link: false };
                let _gone = docker.remove_container(name.trim_start_matches('/'), Some(options)).await;
            }
        });
    }
}

/// A network of the test's own.
pub struct Network(pub String);

impl Network {
    pub fn make() -> Self {
        let name = format!("mesoslab-test-{}", uuid::Uuid::new_v4().simple());
        let request = NetworkCreateRequest { name: name.clone(), ..NetworkCreateRequest::default() };
        with_engine(async |docker| docker.create_network(request).await.expect("a network"));
        Self(name)
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        with_engine(async |docker| {
            let _gone = docker.remove_network(&self.0).await;
        });
    }
}

fn containers(work_dir: &str) -> Vec<String> {
    with_engine(async |docker| {
        let label = format!("mesoslab.agent-dir={work_dir}");
        let filters = Some(HashMap::from([("label".to_owned(), vec![label])]));
        let options = ListContainersOptions { all: true, filters, ..ListContainersOptions::default() };
        let listed = docker.list_containers(Some(options)).await.expect("containers");
        listed.into_iter().filter_map(|it| it.names?.into_iter().next()).collect()
    })
}

/// Objects are merged, anything else is replaced.
fn merge(target: &mut Value, more: Value) {
    match (target, more) {
        (Value::Object(target), Value::Object(more)) => {
            more.into_iter()
                .for_each(|(name, value)| merge(target.entry(name).or_insert(Value::Null), value));
        }
        (target, more) => *target = more,
    }
}
