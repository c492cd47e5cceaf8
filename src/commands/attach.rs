//! `mesoslab attach`: what comes out of a running task, as it comes; and what is typed into it, where it has a terminal.

use crate::{
    cli,
    client::ClientError,
    commands::{exec, logs, tasks},
    error::{Failure, Result},
    runtime::Clock,
    session::{self, End, Manner, SessionError},
    settings::Settings,
};

/// Lines of what was said before, where it is a file that is followed.
const BEFORE: usize = 10;

pub async fn run(settings: &Settings, args: &cli::Attach, clock: Clock) -> Result<()> {
    let operator = settings.operator()?;
    let task = tasks::find(tasks::list(&operator, false).await?, &args.task)?;
    let (containers, container_id) = exec::container(&task).await?;
    let manner = Manner { interactive: args.interactive, terminal: true, leavable: true };
    if args.interactive && session::is_terminal() {
        settings.printer.say("  Ctrl-P Ctrl-Q leaves the task as it is");
    }
    match session::attach(&containers, &container_id, manner).await {
        Ok(End::Left) => {
            settings.printer.say(format!("\n  left task `{}`, which goes on", task.id));
            Ok(())
        }
        Ok(End::Signaled) => Err(Failure::of_program(128 + 15)),
        Ok(End::Over | End::Unread) => Ok(()),
        Err(SessionError::Agent(ClientError::Refused { status: 500, .. })) if !args.interactive => {
            settings.printer.say(format!("  task `{}` has no terminal: its stdout, as it grows", task.id));
            let file = cli::Logs { target: Some(task.id), follow: true, stderr: false, tail: Some(BEFORE) };
            logs::run(settings, &file, clock).await
        }
        Err(SessionError::Agent(ClientError::Refused { status: 500, .. })) => {
            let why = format!("task `{}` has no terminal, and so nothing to type into", task.id);
            Err(Failure::failed(why).hint(format!("mesoslab exec -it {} sh", task.id)))
        }
        Err(error) => Err(exec::failed(&task, "attach to", &error)),
    }
}
