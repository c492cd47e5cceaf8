//! `mesoslab vagrant status` and `plan`: the machines, as they are and as they are meant.

use serde::Serialize;

use super::Lab;
use crate::{
    cli::Format,
    error::Result,
    printer::Rows,
    provider::vagrant::plan::{Machine, Plan},
    settings::Settings,
};

/// What `-o json` prints of a machine.
#[derive(Debug, Serialize)]
struct Condition<'a> {
    name: &'a str,
    address: String,
    /// As Vagrant has it: `running`, `poweroff`, `not_created`...
    state: String,
    /// Vagrant's: `virtualbox`, `libvirt`...
    provider: Option<String>,
    cpus: u64,
    memory: u64,
}

pub async fn run(settings: &Settings, format: Format, lab: &Lab) -> Result<()> {
    let seen = lab.vagrant.look().await?;
    let conditions: Vec<_> = lab
        .plan
        .machines
        .iter()
        .map(|machine| {
            let seen = seen.machines.get(&machine.name);
            Condition {
                name: &machine.name,
                address: machine.address.to_string(),
                state: seen.and_then(|seen| seen.state.clone()).unwrap_or_else(|| "unknown".to_owned()),
                provider: seen.and_then(|seen| seen.provider.clone()),
                cpus: machine.cpus,
                memory: machine.memory,
            }
        })
        .collect();
    settings.printer.show(format, &conditions, |_| {
        let mut rows = Rows::new(["", "machine", "address", "state", "cpus", "memory", "provider"]);
        for condition in &conditions {
            let printer = &settings.printer;
            let mark = if condition.state == "running" { printer.tick() } else { printer.cross() };
            let provider = condition.provider.clone().unwrap_or_default();
            rows.push([
                mark,
                condition.name.to_owned(),
                condition.address.clone(),
                condition.state.replace('_', " "),
                condition.cpus.to_string(),
                format!("{} MB", condition.memory),
                provider,
            ]);
        }
        rows
    })
}

/// The machines as the lab file has them.
pub fn planned(plan: &Plan) -> Rows {
    let mut rows = Rows::new(["machine", "address", "cpus", "memory", "box", "forwarded to 127.0.0.1"]);
    for machine in &plan.machines {
        rows.push([
            machine.name.clone(),
            machine.address.to_string(),
            machine.cpus.to_string(),
            format!("{} MB", machine.memory),
            [Some(plan.image.as_str()), plan.box_version.as_deref()]
                .into_iter()
                .flatten()
                .collect::<Vec<_>>()
                .join(" "),
            forwarded(machine),
        ]);
    }
    rows
}

fn forwarded(machine: &Machine) -> String {
    machine.forward.iter().map(|service| service.port.to_string()).collect::<Vec<_>>().join(", ")
}
