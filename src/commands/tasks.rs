//! `mesoslab tasks`: the cluster's tasks, newest last; and how a task is found by the first letters of its id.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{
    cli,
    client::{agent_files, operator::Operator},
    cluster::{
        agent::address_of,
        amounts::{ports_text, quantities},
        task::is_over,
    },
    error::{Code, Context, Failure, Result},
    mesos::v1::{self, ContainerId, TaskState, TaskStatus},
    printer::Rows,
    runtime::Clock,
    settings::Settings,
};

/// One task, as `-o json` prints it. Times are seconds since the epoch.
#[derive(Clone, Debug, Serialize)]
pub struct Task {
    pub id: String,
    pub name: String,
    pub framework_id: String,
    pub framework: String,
    pub agent_id: String,
    /// The agent's address, `127.0.0.1:5051`.
    pub agent: String,
    /// Where it is asked.
    #[serde(skip)]
    pub agent_url: String,
    pub executor_id: String,
    /// Where its agent shows what it writes.
    #[serde(skip)]
    pub sandbox: String,
    /// What it runs in, once it does.
    #[serde(skip)]
    pub container: Option<ContainerId>,
    /// Mesos' word, `TASK_RUNNING`.
    pub state: String,
    /// When it came into its state.
    pub since: Option<f64>,
    pub started: Option<f64>,
    pub healthy: Option<bool>,
    pub message: String,
    pub cpus: f64,
    pub mem: f64,
    pub ports: String,
}

pub async fn run(settings: &Settings, args: &cli::Tasks, clock: Clock) -> Result<()> {
    let operator = settings.operator()?;
    let tasks = list(&operator, args.all).await?;
    let now = clock.now().as_secs_f64();
    settings.printer.show(args.output.output, &tasks, |wide| rows(&tasks, now, wide))
}

/// All tasks of the cluster, oldest first; with `all` those that ended too.
///
/// # Errors
/// When the master does not answer.
pub async fn list(operator: &Operator, all: bool) -> Result<Vec<Task>> {
    let answer = operator.get_tasks().await.context("ask the master for its tasks")?;
    let agents = operator.get_agents().await.context("ask the master for its agents")?;
    let frameworks = operator.get_frameworks().await.context("ask the master for its frameworks")?;
    let addresses: BTreeMap<String, (String, String)> = agents
        .agents
        .into_iter()
        .filter_map(|agent| {
            let url = operator.url_of(&agent)?;
            let address = address_of(&agent.pid?).to_owned();
            Some((agent.agent_info.id?.value, (address, url)))
        })
        .collect();
    let names: BTreeMap<String, String> = frameworks
        .frameworks
        .into_iter()
        .chain(frameworks.completed_frameworks)
        .filter_map(|framework| Some((framework.framework_info.id?.value, framework.framework_info.name)))
        .collect();
    let ended = if all { answer.completed_tasks } else { Vec::new() };
    let mut tasks: Vec<_> = answer
        .tasks
        .into_iter()
        .chain(answer.unreachable_tasks)
        .chain(ended)
        .map(|task| read(task, &addresses, &names))
        .collect();
    tasks.sort_by(|a, b| {
        a.started.unwrap_or(f64::MAX).total_cmp(&b.started.unwrap_or(f64::MAX)).then(a.id.cmp(&b.id))
    });
    Ok(tasks)
}

/// The one task whose id is `text`, or begins with it.
///
/// # Errors
/// When there is none, or there are several.
pub fn find(tasks: Vec<Task>, text: &str) -> Result<Task> {
    if let Some(exact) = tasks.iter().rposition(|task| task.id == text) {
        return Ok(tasks[exact].clone());
    }
    let mut matching: Vec<_> = tasks.into_iter().filter(|task| task.id.starts_with(text)).collect();
    match (matching.pop(), matching.len()) {
        (Some(task), 0) => Ok(task),
        (None, _) => Err(Failure::failed(format!("there is no task `{text}`")).hint("mesoslab tasks --all")),
        (Some(last), _) => {
            let ids = matching.iter().map(|task| task.id.clone()).chain([last.id]).take(10).collect();
            Err(Failure::new(Code::Usage, format!("`{text}` begins several tasks' ids")).seen(ids))
        }
    }
}

/// With each agent's address and URL, and the names of frameworks.
fn read(
    task: v1::Task,
    addresses: &BTreeMap<String, (String, String)>,
    names: &BTreeMap<String, String>,
) -> Task {
    let amounts = quantities(&task.resources);
    let state = task.state();
    let newest = task.statuses.last();
    let started = task.statuses.first().and_then(|status| status.timestamp);
    let (agent, agent_url) = addresses.get(&task.agent_id.value).cloned().unwrap_or_default();
    Task {
        id: task.task_id.value.clone(),
        name: task.name.clone(),
        framework: names.get(&task.framework_id.value).cloned().unwrap_or_default(),
        agent,
        agent_url,
        sandbox: agent_files::sandbox_of(&task),
        container: container_of(&task.statuses),
        executor_id: task.executor_id.map_or(task.task_id.value, |id| id.value),
        framework_id: task.framework_id.value,
        agent_id: task.agent_id.value,
        state: state.as_str_name().to_owned(),
        since: newest.and_then(|status| status.timestamp),
        started,
        healthy: newest.and_then(|status| status.healthy),
        message: newest.and_then(|status| status.message.clone()).unwrap_or_default(),
        cpus: amounts.cpus,
        mem: amounts.mem,
        ports: ports_text(&task.resources),
    }
}

fn container_of(statuses: &[TaskStatus]) -> Option<ContainerId> {
    statuses.iter().rev().find_map(|status| status.container_status.as_ref()?.container_id.clone())
}

fn rows(tasks: &[Task], now: f64, wide: bool) -> Rows {
    let mut head = vec!["id", "framework", "state", "agent", "age", "cpus", "mem", "message"];
    if wide {
        head.extend(["ports", "health", "agent id", "framework id"]);
    }
    let mut rows = Rows::new(head);
    for task in tasks {
        let mut row = vec![
            task.id.clone(),
            task.framework.clone(),
            short_state(&task.state).to_owned(),
            task.agent.clone(),
            task.started.map(|started| super::age(now - started)).unwrap_or_default(),
            task.cpus.to_string(),
            format!("{} MB", task.mem),
            task.message.clone(),
        ];
        if wide {
            let health = task.healthy.map(|healthy| if healthy { "healthy" } else { "unhealthy" });
            row.extend([
                task.ports.clone(),
                health.unwrap_or_default().to_owned(),
                task.agent_id.clone(),
                task.framework_id.clone(),
            ]);
        }
        rows.push(row);
    }
    rows
}

/// `TASK_RUNNING` is `running` for people.
pub fn short_state(state: &str) -> String {
    state.trim_start_matches("TASK_").to_lowercase()
}

/// Whether a task in this state has ended for good.
pub fn has_ended(state: &str) -> bool {
    TaskState::from_str_name(state).is_some_and(is_over)
}
