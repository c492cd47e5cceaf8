//! `mesoslab explain`: why tasks are not running, requirement by requirement.

use crate::{
    cli::{self, Format},
    error::{Context, Result},
    printer::Rows,
    scheduler::api::Explain,
    settings::Settings,
};

pub async fn run(settings: &Settings, output: &cli::Output) -> Result<()> {
    let api = settings.scheduler_api()?;
    let explain = api.explain().await.context("ask the scheduler")?;
    match output.output {
        Format::Table | Format::Wide => settings.printer.data(text(&explain)),
        format => settings.printer.show(format, &explain, |_| Rows::default()),
    }
}

fn text(explain: &Explain) -> String {
    let mut text = format!("{}\n", explain.summary);
    for (title, lines) in explain.sections() {
        text += &format!("\n{title}:\n  {}\n", lines.join("\n  "));
    }
    text
}
