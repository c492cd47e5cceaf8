//! `mesoslab kill`: ends one task of our framework; the scheduler replaces it.

use crate::{
    cli,
    error::{Context, Failure, Result},
    settings::Settings,
};

pub async fn run(settings: &Settings, args: &cli::Kill) -> Result<()> {
    let operator = settings.operator()?;
    let task = super::tasks::find(super::tasks::list(&operator, false).await?, &args.task)?;
    let api = settings.scheduler_api()?;
    let ours = api.tasks().await.context("ask the scheduler for its tasks")?;
    if !ours.tasks.iter().any(|known| known.id == task.id) {
        return Err(Failure::failed(format!(
            "task `{}` belongs to framework `{}`, not to ours",
            task.id, task.framework
        ))
        .hint("only its own scheduler can kill it"));
    }
    api.kill(&task.id).await.context(format_args!("kill task `{}`", task.id))?;
    settings.printer.say(format!(
        "  {} {} gets TERM, then KILL; its place is filled again",
        settings.printer.tick(),
        task.id
    ));
    Ok(())
}
