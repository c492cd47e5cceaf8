//! What stands in the way of one more task, in words: per requirement, measured against what each agent has left.

use crate::scheduler::{
    api::{AgentRefusal, Missing},
    placing::Refusal,
    quantities::{Quantities, Shortfall},
};

/// What an agent has left for us, and why it gets no further task.
#[derive(Clone, Copy, Debug)]
pub struct Remainder<'a> {
    pub agent_id: &'a str,
    pub hostname: &'a str,
    pub left: Quantities,
    pub refusal: Option<&'a Refusal>,
}

impl Remainder<'_> {
    fn lacks(&self, wants: &Quantities) -> Vec<Shortfall> {
        self.left.shortfalls(wants)
    }
}

pub fn obstacle(requirement: &str, text: impl std::fmt::Display) -> Missing {
    Missing { requirement: requirement.to_owned(), text: format!("{requirement}: {text}") }
}

/// Places are empty, but as many tasks as are wanted are still around.
pub fn too_many_first() -> Missing {
    obstacle("tasks", "those that are too many have to end first")
}

/// The requirements that no agent meets; none when only constraints stand in the way.
pub fn missing(wants: &Quantities, agents: &[Remainder]) -> Vec<Missing> {
    let largest = agents.iter().fold(Quantities::default(), |most, agent| most.max(&agent.left));
    let short = largest.shortfalls(wants);
    if short.is_empty() {
        return scattered(wants, agents).into_iter().collect();
    }
    short
        .into_iter()
        .map(|short| Missing {
            text: format!("{}: wants {}, largest offer has {}", short.resource, short.wants, short.has),
            requirement: short.resource,
        })
        .collect()
}

/// Every requirement is met somewhere, but not all of them on one agent that may be used now.
fn scattered(wants: &Quantities, agents: &[Remainder]) -> Option<Missing> {
    let mut whole = agents.iter().filter(|agent| agent.lacks(wants).is_empty()).peekable();
    if whole.peek().is_none() {
        return nearest(wants, agents);
    }
    let mut leaving = None;
    for agent in whole {
        match agent.refusal {
            Some(Refusal::Maintenance) => leaving = Some(agent.hostname),
            Some(Refusal::Constraint(_)) => return None,
            Some(Refusal::Short(_)) | None => {
                let waits = constraint_refusals(agents).is_empty();
                return waits.then(|| obstacle("offers", "an agent has enough; waiting for its offer"));
            }
        }
    }
    leaving.map(|hostname| obstacle("agents", format!("{hostname} has enough, and goes into maintenance")))
}

fn nearest(wants: &Quantities, agents: &[Remainder]) -> Option<Missing> {
    let nearest = agents.iter().min_by_key(|agent| agent.lacks(wants).len())?;
    let lacks: Vec<_> = nearest
        .lacks(wants)
        .into_iter()
        .map(|short| format!("{} (wants {}, has {})", short.resource, short.wants, short.has))
        .collect();
    let text = format!("none has all at once; {} lacks {}", nearest.hostname, lacks.join(", "));
    Some(obstacle("agents", text))
}

/// The agents that constraints keep from us.
pub fn constraint_refusals(agents: &[Remainder]) -> Vec<AgentRefusal> {
    let refused = |agent: &Remainder| match agent.refusal {
        Some(Refusal::Constraint(text)) => Some(AgentRefusal {
            agent_id: agent.agent_id.to_owned(),
            hostname: agent.hostname.to_owned(),
            text: text.clone(),
        }),
        _ => None,
    };
    agents.iter().filter_map(refused).collect()
}

#[cfg(test)]
mod tests {
    use super::{Remainder, missing};
    use crate::scheduler::{placing::Refusal, quantities::Quantities};

    fn remainder(hostname: &str, cpus: f64, mem: f64) -> Remainder<'_> {
        let left = Quantities { cpus, mem, ..Quantities::default() };
        Remainder { agent_id: hostname, hostname, left, refusal: None }
    }

    fn words(agents: &[Remainder]) -> String {
        let wants = Quantities { cpus: 2.0, mem: 64.0, ..Quantities::default() };
        missing(&wants, agents).into_iter().map(|missing| missing.text).collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn each_way_of_not_fitting_has_its_words() {
        assert_eq!(words(&[remainder("a", 1.0, 64.0)]), "cpus: wants 2, largest offer has 1");
        let halves = [remainder("a", 1.0, 64.0), remainder("b", 2.0, 32.0)];
        assert_eq!(words(&halves), "agents: none has all at once; a lacks cpus (wants 2, has 1)");
        let constraint = Refusal::Constraint("no".to_owned());
        let kept = Remainder { refusal: Some(&constraint), ..remainder("a", 4.0, 64.0) };
        let leaves = Remainder { refusal: Some(&Refusal::Maintenance), ..remainder("b", 4.0, 64.0) };
        assert_eq!(words(&[kept, leaves]), "", "the constraint is the reason");
        assert_eq!(words(&[leaves]), "agents: b has enough, and goes into maintenance");
        assert_eq!(
            words(&[leaves, remainder("c", 4.0, 64.0)]),
            "offers: an agent has enough; waiting for its offer"
        );
    }
}
