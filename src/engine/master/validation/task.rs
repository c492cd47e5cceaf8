//! One task of a LAUNCH, and what it shares with a task of a group.

use super::{
    Checked, Context, Launch, check, command, container, ensure,
    executor::{self, validate_share_cgroups},
    id, resource,
};
use crate::mesos::{
    resources::Resources,
    v1::{ExecutorInfo, TaskInfo, executor_info},
};

pub(super) fn validate(task: &TaskInfo, launch: &Launch) -> Checked {
    validate_task(task, launch)?;
    validate_executor(task, launch)?;
    ensure(
        container::share_cgroups(task.container.as_ref()) != Some(false),
        "Only tasks in a task group may have 'share_cgroups' set to 'false'",
    )
}

/// All of a task but its executor. The order matters: only the first thing wrong is told.
pub(super) fn validate_task(task: &TaskInfo, launch: &Launch) -> Checked {
    id::validate(&task.task_id.value)?;
    validate_unique_id(task, launch)?;
    validate_agent(task, launch)?;
    validate_durations(task)?;
    task.check.as_ref().map_or(Ok(()), check::validate).context("Task uses invalid check")?;
    task.health_check
        .as_ref()
        .map_or(Ok(()), check::validate_health)
        .context("Task uses invalid health check")?;
    validate_resources(task)?;
    task.command.as_ref().map_or(Ok(()), command::validate).context("Task's `CommandInfo` is invalid")?;
    task.container
        .as_ref()
        .map_or(Ok(()), container::validate)
        .context("Task's `ContainerInfo` is invalid")?;
    validate_limits(task, launch)
}

fn validate_unique_id(task: &TaskInfo, launch: &Launch) -> Checked {
    let id = &task.task_id;
    ensure(!launch.tasks.contains_key(id), format!("Task has duplicate ID: {id}"))?;
    let unreachable = launch.unreachable_tasks.iter().any(|task| task.task_id == *id);
    ensure(!unreachable, format!("Task reuses the ID of an unreachable task: {id}"))
}

fn validate_agent(task: &TaskInfo, launch: &Launch) -> Checked {
    let (used, expected) = (&task.agent_id, launch.agent_id);
    ensure(used == expected, format!("Task uses invalid agent {used} while agent {expected} is expected"))
}

fn validate_durations(task: &TaskInfo) -> Checked {
    let grace = task.kill_policy.as_ref().and_then(|policy| policy.grace_period.as_ref());
    ensure(
        grace.is_none_or(|grace| grace.nanoseconds >= 0),
        "Task's 'kill_policy.grace_period' must be non-negative",
    )?;
    ensure(
        task.max_completion_time.as_ref().is_none_or(|time| time.nanoseconds >= 0),
        "Task's `max_completion_time` must be non-negative",
    )
}

fn validate_resources(task: &TaskInfo) -> Checked {
    ensure(!task.resources.is_empty(), "Task uses no resources")?;
    resource::validate(&task.resources).context("Task uses invalid resources")?;
    let resources = Resources::from(&task.resources);
    resource::validate_unique_persistence(&resources).context("Task uses duplicate persistence ID")?;
    resource::validate_single_role(&resources).context("Invalid task resources")?;
    resource::validate_revocability(&resources).context("Task mixes revocable and non-revocable resources")
}

fn validate_limits(task: &TaskInfo, launch: &Launch) -> Checked {
    if task.limits.is_empty() {
        return Ok(());
    }
    ensure(launch.limits, "Agent is not capable of handling task resource limits")?;
    ensure(
        task.limits.keys().all(|name| name == "cpus" || name == "mem"),
        "Only cpus and mem may be included in a task's resource limits",
    )?;
    let resources = Resources::from(&task.resources);
    if let Some(limit) = task.limits.get("cpus") {
        let cpus =
            resources.cpus().ok_or("When a CPU limit is specified, a CPU request must also be specified")?;
        ensure(limit.value >= cpus, "The cpu limit must be greater than or equal to the cpu request")?;
    }
    if let Some(limit) = task.limits.get("mem") {
        let mem = resources
            .mem()
            .ok_or("When a memory limit is specified, a memory request must also be specified")?;
        ensure(
            limit.value.is_infinite() || limit.value >= mem.trunc(),
            "The memory limit must be greater than or equal to the memory request",
        )?;
    }
    Ok(())
}

fn validate_executor(task: &TaskInfo, launch: &Launch) -> Checked {
    ensure(
        task.executor.is_some() != task.command.is_some(),
        "Task should have at least one (but not both) of CommandInfo or ExecutorInfo present",
    )?;
    if let Some(executor) = &task.executor {
        executor::validate(executor, launch)?;
        validate_custom_executor(executor)?;
    }
    validate_together(task)?;
    let mut total = Resources::from(&task.resources);
    if let Some(executor) = task.executor.as_ref().filter(|it| launch.executor(&it.executor_id).is_none()) {
        total += Resources::from(&executor.resources);
    }
    ensure(
        launch.offered.contains(&total),
        format!(
            "Total resources {total} required by task and its executor is more than available {}",
            launch.offered
        ),
    )
}

fn validate_custom_executor(executor: &ExecutorInfo) -> Checked {
    let custom = executor.r#type.is_none() || executor.r#type() == executor_info::Type::Custom;
    ensure(custom, "'ExecutorInfo.type' must be 'CUSTOM'")?;
    ensure(executor.command.is_some(), "'ExecutorInfo.command' must be set")?;
    let resources = Resources::from(&executor.resources);
    ensure(
        resources.shared().is_empty(),
        format!("Executor resources {resources} should not contain any shared resources"),
    )?;
    validate_share_cgroups(
        executor,
        "The 'share_cgroups' field cannot be set to 'true' on executor containers",
    )
}

/// The resources of a task and its executor together.
fn validate_together(task: &TaskInfo) -> Checked {
    let own = Resources::from(&task.resources);
    let executors = Resources::from(task.executor.as_ref().map_or(&[][..], |executor| &executor.resources));
    let total = &own + &executors;
    resource::validate(&total.to_protos()).context("Task and its executor use invalid resources")?;
    ensure(
        !resource::overlap(&[&own, &executors]),
        format!(
            "There are overlapping resources in the task resources {own} and executor resources {executors}"
        ),
    )?;
    resource::validate_unique_persistence(&total)
        .context("Task and its executor use duplicate persistence ID")?;
    resource::validate_revocability(&total)
        .context("Task and its executor mix revocable and non-revocable resources")
}
