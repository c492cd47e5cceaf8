//! An explanation in words, the same for the command line and the dashboard.

use crate::scheduler::api::{Explain, OfferView};

impl Explain {
    /// What stands below the summary: titles, and the lines under each; none that is empty.
    pub fn sections(&self) -> Vec<(&'static str, Vec<String>)> {
        let missing = self.missing.iter().map(|missing| missing.text.clone());
        let kept = self.constraints.iter().map(|refusal| format!("{}: {}", refusal.agent_id, refusal.text));
        let waiting = self.backing_off.iter().map(|wait| {
            let message = wait.last_message.as_deref().unwrap_or("no message");
            format!(
                "slot {}: failed {} times ({message}), next try in {:.1} s",
                wait.slot, wait.failures, wait.seconds
            )
        });
        let sections = [
            ("missing", missing.collect::<Vec<_>>()),
            ("kept away by constraints", kept.collect()),
            ("waiting after a failure", waiting.collect()),
            ("the newest offer of each agent", self.offers.iter().map(offer).collect()),
        ];
        sections.into_iter().filter(|(_, lines)| !lines.is_empty()).collect()
    }
}

fn offer(offer: &OfferView) -> String {
    let verdict = format!("{:?}", offer.verdict).to_lowercase();
    format!(
        "{}: cpus {}, mem {} MB, {} ports: {verdict}, {}",
        offer.agent_id, offer.resources.cpus, offer.resources.mem, offer.resources.ports, offer.reason
    )
}
