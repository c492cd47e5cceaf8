//! `mesoslab exec`: a command in the container of a task, here, with its exit code as ours.

use crate::{
    cli,
    client::{ClientError, Http, attach::Containers},
    commands::tasks::{self, Task},
    error::{Context, Failure, Result},
    mesos::v1::ContainerId,
    session::{self, Manner, SessionError},
    settings::Settings,
};

pub async fn run(settings: &Settings, args: &cli::Exec) -> Result<()> {
    if args.terminal && args.interactive && !session::is_terminal() {
        return Err(Failure::usage("`-t` needs a terminal to type at, and stdin is none").hint(format!(
            "mesoslab exec -i {} {}",
            args.task,
            args.command.join(" ")
        )));
    }
    let operator = settings.operator()?;
    let task = tasks::find(tasks::list(&operator, false).await?, &args.task)?;
    let (containers, parent) = container(&task).await?;
    let manner = Manner { interactive: args.interactive, terminal: args.terminal, leavable: false };
    match session::exec(&containers, &parent, &args.command, manner).await {
        Ok(0) => Ok(()),
        Ok(code) => Err(Failure::of_program(code)),
        Err(error) => Err(failed(&task, "run a command in", &error)),
    }
}

/// The containers of a task's agent, and which of them is the task's.
///
/// # Errors
/// When the task does not run, or nobody knows its container.
pub(super) async fn container(task: &Task) -> Result<(Containers, ContainerId)> {
    if tasks::has_ended(&task.state) {
        let state = tasks::short_state(&task.state);
        return Err(
            Failure::failed(format!("task `{}` has ended: it is {state}", task.id)).hint("mesoslab tasks")
        );
    }
    if task.agent.is_empty() {
        return Err(Failure::failed(format!("the agent of task `{}` is gone", task.id)));
    }
    let containers = Containers::new(Http::new(), &task.agent_url).context("talk to the agent")?;
    let known = match &task.container {
        Some(known) => Some(known.clone()),
        None => {
            let (framework, executor) = (task.framework_id.as_str().into(), task.executor_id.as_str().into());
            containers.of_executor(&framework, &executor).await.context("ask the agent for its containers")?
        }
    };
    let none = || Failure::failed(format!("task `{}` has no container yet", task.id)).hint("mesoslab tasks");
    known.map(|known| (containers, known)).ok_or_else(none)
}

/// In the agent's words; where it is Docker that stands in the way, with who can help.
pub(super) fn failed(task: &Task, action: &str, error: &SessionError) -> Failure {
    let failure =
        Failure::failed(format!("failed to {action} task `{}`: {}", task.id, crate::client::chain(error)));
    let SessionError::Agent(ClientError::Refused { status: 400 | 500, body }) = error else { return failure };
    let of_docker = ["Nested containers are not supported", "Unsupported"].contains(&body.message.as_str());
    let Some(container) = task.container.as_ref().filter(|_| of_docker) else { return failure };
    failure.hint(format!(
        "it is a container of Docker Engine, where Mesos starts no others: docker exec -it mesos-{} sh",
        container.value
    ))
}
