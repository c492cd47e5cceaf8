//! `mesoslab offers`: the last offers to our framework, and why each was used or declined.

use crate::{
    cli,
    error::{Context, Result},
    printer::Rows,
    runtime::Clock,
    scheduler::api::{OfferView, Verdict},
    settings::Settings,
};

pub async fn run(settings: &Settings, output: &cli::Output, clock: Clock) -> Result<()> {
    let api = settings.scheduler_api()?;
    let list = api.offers().await.context("ask the scheduler for its offers")?;
    let now = clock.now().as_secs_f64();
    settings.printer.show(output.output, &list.offers, |wide| rows(&list.offers, now, wide))
}

fn rows(offers: &[OfferView], now: f64, wide: bool) -> Rows {
    let mut head = vec!["offer", "age", "agent", "cpus", "mem", "ports", "verdict", "reason"];
    if wide {
        head.extend(["role", "disk", "refused for", "tasks"]);
    }
    let mut rows = Rows::new(head);
    for offer in offers {
        let verdict = match offer.verdict {
            Verdict::Accepted => "accepted",
            Verdict::Declined => "declined",
            Verdict::Rescinded => "rescinded",
        };
        let mut row = vec![
            short(&offer.id).to_owned(),
            super::age(now - offer.at),
            short(&offer.agent_id).to_owned(),
            offer.resources.cpus.to_string(),
            format!("{} MB", offer.resources.mem),
            offer.resources.ports.to_string(),
            verdict.to_owned(),
            offer.reason.clone(),
        ];
        if wide {
            row.extend([
                offer.role.clone(),
                format!("{} MB", offer.resources.disk),
                format!("{} s", offer.refuse_seconds),
                offer.tasks.join(","),
            ]);
        }
        rows.push(row);
    }
    rows
}

/// The part of a master-made id after the master's own: `O17`, `S0`.
fn short(id: &str) -> &str {
    id.rsplit('-').next().unwrap_or(id)
}
