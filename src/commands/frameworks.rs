//! `mesoslab frameworks`: all frameworks of the cluster.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{
    cli,
    error::{Context, Result},
    mesos::{resources::Resources, v1},
    printer::Rows,
    settings::Settings,
};

/// One framework, as `-o json` prints it.
#[derive(Debug, Serialize)]
struct Framework {
    id: String,
    name: String,
    user: String,
    roles: Vec<String>,
    state: &'static str,
    tasks: usize,
    offers: usize,
    cpus: f64,
    mem: f64,
    webui_url: String,
}

pub async fn run(settings: &Settings, output: &cli::Output) -> Result<()> {
    let operator = settings.operator()?;
    let answer = operator.get_frameworks().await.context("ask the master for its frameworks")?;
    let tasks = operator.get_tasks().await.context("ask the master for its tasks")?;
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for task in tasks.tasks {
        *counts.entry(task.framework_id.value).or_default() += 1;
    }
    let completed =
        answer.completed_frameworks.into_iter().map(|framework| read(framework, "completed", &counts));
    let frameworks: Vec<_> = answer
        .frameworks
        .into_iter()
        .map(|f| {
            let state = state(&f);
            read(f, state, &counts)
        })
        .chain(completed)
        .collect();
    settings.printer.show(output.output, &frameworks, |wide| rows(&frameworks, wide))
}

fn state(framework: &v1::master::response::get_frameworks::Framework) -> &'static str {
    match (framework.connected, framework.active) {
        (true, true) => "active",
        (true, false) => "inactive",
        (false, _) => "disconnected",
    }
}

fn read(
    framework: v1::master::response::get_frameworks::Framework,
    state: &'static str,
    counts: &BTreeMap<String, usize>,
) -> Framework {
    let info = framework.framework_info;
    let id = info.id.map(|id| id.value).unwrap_or_default();
    let used = Resources::from(framework.allocated_resources);
    Framework {
        tasks: counts.get(&id).copied().unwrap_or_default(),
        id,
        name: info.name,
        user: info.user,
        roles: info.roles,
        state,
        offers: framework.offers.len(),
        cpus: used.cpus().unwrap_or_default(),
        mem: used.mem().unwrap_or_default(),
        webui_url: info.webui_url.unwrap_or_default(),
    }
}

fn rows(frameworks: &[Framework], wide: bool) -> Rows {
    let mut head = vec!["id", "name", "state", "roles", "tasks", "offers", "cpus", "mem"];
    if wide {
        head.extend(["user", "web ui"]);
    }
    let mut rows = Rows::new(head);
    for framework in frameworks {
        let mut row = vec![
            framework.id.clone(),
            framework.name.clone(),
            framework.state.to_owned(),
            framework.roles.join(","),
            framework.tasks.to_string(),
            framework.offers.to_string(),
            framework.cpus.to_string(),
            format!("{} MB", framework.mem),
        ];
        if wide {
            row.extend([framework.user.clone(), framework.webui_url.clone()]);
        }
        rows.push(row);
    }
    rows
}
