//! A task group and the executor it runs under.

use std::collections::BTreeSet;

use super::{
    Checked, Context, Launch, command, container, ensure, executor, resource, same::same_executor,
    task::validate_task as validate_any_task,
};
use crate::mesos::{
    resources::Resources,
    v1::{ContainerInfo, ExecutorInfo, TaskGroupInfo, TaskInfo, container_info, executor_info, health_check},
};

const MIN_CPUS: f64 = 0.01;
/// Megabytes.
const MIN_MEM: f64 = 32.0;

pub(super) fn validate(group: &TaskGroupInfo, executor: &ExecutorInfo, launch: &Launch) -> Checked {
    let mut seen = BTreeSet::new();
    for task in &group.tasks {
        let duplicate = || format!("Task has duplicate ID: {}", task.task_id);
        validate_task(task, launch)
            .and_then(|()| ensure(seen.insert(&task.task_id), duplicate()))
            .context(&format!("Task '{}' is invalid", task.task_id))?;
    }
    validate_executor(group, executor, launch)?;
    validate_share_cgroups(group, executor, launch)
}

fn validate_task(task: &TaskInfo, launch: &Launch) -> Checked {
    validate_any_task(task, launch)?;
    ensure(task.executor.is_some(), "'TaskInfo.executor' must be set")?;
    if let Some(container) = &task.container {
        validate_container(task, container)?;
    }
    let own_cgroups = container::share_cgroups(task.container.as_ref()) == Some(false);
    ensure(
        task.limits.is_empty() || own_cgroups,
        "Resource limits may only be set for tasks within a task group when the 'share_cgroups' field is set to \
         'false'.",
    )
}

fn validate_container(task: &TaskInfo, container: &ContainerInfo) -> Checked {
    use health_check::Type::{Http, Tcp};
    let by_network = task.health_check.as_ref().is_some_and(|check| matches!(check.r#type(), Http | Tcp));
    ensure(
        container.network_infos.is_empty() || !by_network,
        "HTTP and TCP health checks are not supported for nested containers not joining parent's network",
    )?;
    let docker = container::is(container, container_info::Type::Docker);
    ensure(!docker, "Docker ContainerInfo is not supported on the task")
}

fn validate_executor(group: &TaskGroupInfo, executor: &ExecutorInfo, launch: &Launch) -> Checked {
    executor::validate(executor, launch)?;
    ensure(executor.r#type.is_some(), "'ExecutorInfo.type' must be set")?;
    ensure(executor.r#type() != executor_info::Type::Unknown, "Unknown executor type")?;
    let docker =
        executor.container.as_ref().is_some_and(|it| container::is(it, container_info::Type::Docker));
    ensure(!docker, "Docker ContainerInfo is not supported on the executor")?;
    validate_same_executor(group, executor)?;
    validate_minimum(executor)?;
    validate_together(group, executor)?;
    validate_offered(group, executor, launch)?;
    let command = executor.command.as_ref().map_or(Ok(()), command::validate);
    command.context(&format!("Executor '{}'contains an invalid command", executor.executor_id))
}

fn validate_same_executor(group: &TaskGroupInfo, executor: &ExecutorInfo) -> Checked {
    let other =
        group.tasks.iter().find(|task| task.executor.as_ref().is_some_and(|it| !same_executor(it, executor)));
    other.map_or(Ok(()), |task| {
        Err(format!(
            "The `ExecutorInfo` of task '{}' is different from executor '{}'",
            task.task_id, executor.executor_id
        ))
    })
}

fn validate_minimum(executor: &ExecutorInfo) -> Checked {
    let (resources, id) = (Resources::from(&executor.resources), &executor.executor_id);
    let cpus = resources.cpus();
    let used = cpus.map_or("None".into(), |cpus| cpus.to_string());
    ensure(
        cpus.is_some_and(|cpus| cpus >= MIN_CPUS),
        format!("Executor '{id}' uses less CPUs ({used}) than the minimum required ({MIN_CPUS})"),
    )?;
    let mem = resources.mem().map(f64::trunc);
    let used = mem.map_or("None".into(), megabytes);
    ensure(
        mem.is_some_and(|mem| mem >= MIN_MEM),
        format!(
            "Executor '{id}' uses less memory ({used}) than the minimum required ({})",
            megabytes(MIN_MEM)
        ),
    )?;
    ensure(resources.disk().is_some(), format!("Executor '{id}' uses no disk"))
}

/// A whole number of megabytes as Mesos prints it, below the least that is asked for.
fn megabytes(amount: f64) -> String {
    if amount == 0.0 { "0B".into() } else { format!("{amount}MB") }
}

fn task_resources(group: &TaskGroupInfo) -> Vec<Resources> {
    group.tasks.iter().map(|task| Resources::from(&task.resources)).collect()
}

fn validate_together(group: &TaskGroupInfo, executor: &ExecutorInfo) -> Checked {
    let (tasks, own) = (task_resources(group), Resources::from(&executor.resources));
    let total = own.clone() + tasks.iter().sum::<Resources>();
    resource::validate_unique_persistence(&total)
        .context("Task group and executor use duplicate persistence ID")?;
    resource::validate_revocability(&total)
        .context("Task group and executor mix revocable and non-revocable resources")?;
    let parts: Vec<&Resources> = tasks.iter().chain([&own]).collect();
    let listed: Vec<String> = tasks.iter().map(ToString::to_string).collect();
    ensure(
        !resource::overlap(&parts),
        format!(
            "There are overlapping resources in the task group's task resources {} and/or executor resources {own}",
            braces(&listed)
        ),
    )
}

fn braces(items: &[String]) -> String {
    if items.is_empty() { "{  }".into() } else { format!("{{ {} }}", items.join(", ")) }
}

fn validate_offered(group: &TaskGroupInfo, executor: &ExecutorInfo, launch: &Launch) -> Checked {
    let mut total: Resources = task_resources(group).iter().sum();
    if launch.executor(&executor.executor_id).is_none() {
        total += Resources::from(&executor.resources);
    }
    ensure(
        launch.offered.contains(&total),
        format!(
            "Total resources {total} required by task group and its executor are more than available {}",
            launch.offered
        ),
    )
}

/// All tasks under one executor share their cgroups, or none does.
fn validate_share_cgroups(group: &TaskGroupInfo, executor: &ExecutorInfo, launch: &Launch) -> Checked {
    executor::validate_share_cgroups(
        executor,
        "The 'share_cgroups' field cannot be set to 'true' on executor containers",
    )?;
    let id = &executor.executor_id;
    let running = launch.tasks.values().chain(launch.unreachable_tasks).filter(|task| {
        launch.executor(id).is_some()
            && task.agent_id == *launch.agent_id
            && task.executor_id.as_ref() == Some(id)
    });
    let containers = group.tasks.iter().map(|task| task.container.as_ref());
    let containers = containers.chain(running.map(|task| task.container.as_ref()));
    let values: BTreeSet<bool> = containers.map(|it| container::share_cgroups(it).unwrap_or(true)).collect();
    ensure(
        values.len() < 2,
        "If set, the value of 'share_cgroups' must be the same for all tasks in each task group and under a single \
         executor",
    )
}
