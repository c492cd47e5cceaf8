//! A shell in the container of a task: which, and what became of it.

use crate::{
    cluster::{ClusterView, history::Weight},
    tui::{
        message::{Effect, ShellIn},
        model::Model,
        update::layer,
    },
};

/// Opens one in the task that a key is about.
pub(super) fn open(model: &mut Model) -> Vec<Effect> {
    if model.read_only {
        model.notify(Weight::Warning, "read-only: no shell is opened");
        return Vec::new();
    }
    let Some(id) = layer::task(model) else {
        model.notify(Weight::Warning, "no task is chosen");
        return Vec::new();
    };
    match locate(&model.cluster, &id) {
        Ok(shell) => vec![Effect::Shell(shell)],
        Err(problem) => {
            model.notify(Weight::Warning, problem);
            Vec::new()
        }
    }
}

fn locate(cluster: &ClusterView, id: &str) -> Result<ShellIn, String> {
    let task = cluster.tasks.find(id).ok_or_else(|| format!("there is no task {id}"))?;
    if task.is_over() {
        return Err(format!("task {id} has ended, and its container with it"));
    }
    let agent = cluster.agents.find(&task.agent_id);
    let agent = agent.ok_or_else(|| format!("the agent of task {id} is gone"))?;
    Ok(ShellIn {
        agent: agent.url.clone(),
        framework_id: task.framework_id.to_string(),
        task_id: task.id.clone(),
    })
}

/// The user has seen how a shell went; why there was none has to be said.
pub(super) fn ended(model: &mut Model, task: &str, result: Result<u8, String>) {
    match result {
        Ok(0) => {}
        Ok(code) => model.notify(Weight::Info, format!("the shell in task {task} ended with {code}")),
        Err(problem) => model.notify(Weight::Bad, format!("no shell in task {task}: {problem}")),
    }
}
