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
    let missing = explain.missing.iter().map(|missing| missing.text.clone());
    let kept = explain.constraints.iter().map(|refusal| format!("{}: {}", refusal.agent_id, refusal.text));
    let waiting = explain.backing_off.iter().map(|wait| {
        let message = wait.last_message.as_deref().unwrap_or("no message");
        format!(
            "slot {}: failed {} times ({message}), next try in {:.1} s",
            wait.slot, wait.failures, wait.seconds
        )
    });
    let mut text = format!("{}\n", explain.summary);
    for (title, lines) in [
        ("missing", missing.collect::<Vec<_>>()),
        ("kept away by constraints", kept.collect()),
        ("waiting after a failure", waiting.collect()),
        ("the newest offer of each agent", explain.offers.iter().map(offer).collect()),
    ] {
        if !lines.is_empty() {
            text += &format!("\n{title}:\n  {}\n", lines.join("\n  "));
        }
    }
    text
}

fn offer(offer: &crate::scheduler::api::OfferView) -> String {
    let verdict = format!("{:?}", offer.verdict).to_lowercase();
    format!(
        "{}: cpus {}, mem {} MB, {} ports: {verdict}, {}",
        offer.agent_id, offer.resources.cpus, offer.resources.mem, offer.resources.ports, offer.reason
    )
}
