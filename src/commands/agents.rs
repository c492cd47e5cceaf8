//! `mesoslab agents`: the cluster's agents and what they have left.

use serde::Serialize;

use crate::{
    cli,
    cluster::{
        agent::address_of,
        amounts::{attributes_text, quantities},
    },
    error::{Context, Result},
    mesos::v1,
    printer::Rows,
    scheduler::quantities::Quantities,
    settings::Settings,
};

/// One agent, as `-o json` prints it. `cpus` count, `mem` and `disk` in MB.
#[derive(Debug, Serialize)]
struct Agent {
    id: String,
    hostname: String,
    pid: String,
    active: bool,
    attributes: String,
    total: Quantities,
    used: Quantities,
    version: String,
}

pub async fn run(settings: &Settings, output: &cli::Output) -> Result<()> {
    let operator = settings.operator()?;
    let answer = operator.get_agents().await.context("ask the master for its agents")?;
    let mut agents: Vec<_> = answer.agents.into_iter().map(read).collect();
    agents.sort_by(|a, b| (a.pid.len(), &a.pid).cmp(&(b.pid.len(), &b.pid)));
    settings.printer.show(output.output, &agents, |wide| rows(&agents, wide))
}

fn read(agent: v1::master::response::get_agents::Agent) -> Agent {
    let info = agent.agent_info;
    Agent {
        id: info.id.map(|id| id.value).unwrap_or_default(),
        hostname: info.hostname,
        pid: agent.pid.unwrap_or_default(),
        active: agent.active,
        attributes: attributes_text(&info.attributes),
        total: quantities(&agent.total_resources),
        used: quantities(&agent.allocated_resources),
        version: agent.version,
    }
}

fn rows(agents: &[Agent], wide: bool) -> Rows {
    let mut head =
        vec!["id", "address", "state", "cpus used", "mem used", "disk used", "ports used", "attributes"];
    if wide {
        head.extend(["hostname", "version"]);
    }
    let mut rows = Rows::new(head);
    for agent in agents {
        let mut row = vec![
            agent.id.clone(),
            address_of(&agent.pid).to_owned(),
            if agent.active { "active".to_owned() } else { "inactive".to_owned() },
            format!("{}/{}", agent.used.cpus, agent.total.cpus),
            format!("{}/{} MB", agent.used.mem, agent.total.mem),
            format!("{}/{} MB", agent.used.disk, agent.total.disk),
            format!("{}/{}", agent.used.ports, agent.total.ports),
            agent.attributes.clone(),
        ];
        if wide {
            row.extend([agent.hostname.clone(), agent.version.clone()]);
        }
        rows.push(row);
    }
    rows
}
