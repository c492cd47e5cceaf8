//! A shell in the container of a task, at the terminal that the dashboard has given back.

use crate::{
    client::{Http, attach::Containers, chain},
    session::{self, Manner},
    tui::message::ShellIn,
};

/// Runs it to its end; its exit code, or why there is none, for people.
pub async fn shell(shell: &ShellIn) -> Result<u8, String> {
    let words = |error: &dyn std::error::Error| chain(error);
    let containers = Containers::new(Http::new(), &shell.agent).map_err(|error| words(&error))?;
    let (framework, task) = (shell.framework_id.as_str().into(), shell.task_id.as_str().into());
    let found = containers.of_task(&framework, &task).await.map_err(|error| words(&error))?;
    let container = found.ok_or("it has no container yet")?;
    let manner = Manner { interactive: true, terminal: true, leavable: false };
    let command = ["sh".to_owned()];
    session::exec(&containers, &container, &command, manner).await.map_err(|error| words(&error))
}
