//! Executors, apart from what the kind of launch asks of them.

use super::{Checked, Context, Launch, command, container, ensure, id, resource, same::same_executor};
use crate::mesos::{
    resources::Resources,
    text,
    v1::{ContainerInfo, ExecutorInfo, container_info, executor_info::Type},
};

const RULE: &str = "------------------------------------------------------------";

pub(super) fn validate(executor: &ExecutorInfo, launch: &Launch) -> Checked {
    validate_type(executor)?;
    id::validate(&executor.executor_id.value)?;
    let grace = executor.shutdown_grace_period.as_ref();
    ensure(
        grace.is_none_or(|grace| grace.nanoseconds >= 0),
        "ExecutorInfo's 'shutdown_grace_period' must be non-negative",
    )?;
    executor
        .command
        .as_ref()
        .map_or(Ok(()), command::validate)
        .context("Executor's `CommandInfo` is invalid")?;
    executor
        .container
        .as_ref()
        .map_or(Ok(()), container::validate)
        .context("Executor's `ContainerInfo` is invalid")?;
    validate_framework(executor, launch)?;
    validate_resources(executor)?;
    validate_compatible(executor, launch)
}

fn validate_type(executor: &ExecutorInfo) -> Checked {
    match executor.r#type() {
        Type::Default => {
            ensure(
                executor.command.is_none(),
                "'ExecutorInfo.command' must not be set for 'DEFAULT' executor",
            )?;
            executor.container.as_ref().map_or(Ok(()), validate_default_container)
        }
        Type::Custom => {
            ensure(executor.command.is_some(), "'ExecutorInfo.command' must be set for 'CUSTOM' executor")
        }
        Type::Unknown => Ok(()),
    }
}

fn validate_default_container(container: &ContainerInfo) -> Checked {
    ensure(
        container::is(container, container_info::Type::Mesos),
        "'ExecutorInfo.container.type' must be 'MESOS' for 'DEFAULT' executor",
    )?;
    let image = container.mesos.as_ref().is_some_and(|mesos| mesos.image.is_some());
    ensure(!image, "'ExecutorInfo.container.mesos.image' must not be set for 'DEFAULT' executor")
}

fn validate_framework(executor: &ExecutorInfo, launch: &Launch) -> Checked {
    let actual = executor.framework_id.as_ref().ok_or("'ExecutorInfo.framework_id' must be set")?;
    let expected = launch.framework_id;
    ensure(
        actual == expected,
        format!("ExecutorInfo has an invalid FrameworkID (Actual: {actual} vs Expected: {expected})"),
    )
}

fn validate_resources(executor: &ExecutorInfo) -> Checked {
    resource::validate(&executor.resources).context("Executor uses invalid resources")?;
    let resources = Resources::from(&executor.resources);
    resource::validate_unique_persistence(&resources).context("Executor uses duplicate persistence ID")?;
    resource::validate_single_role(&resources).context("Invalid executor resources")?;
    resource::validate_revocability(&resources)
        .context("Executor mixes revocable and non-revocable resources")
}

fn validate_compatible(executor: &ExecutorInfo, launch: &Launch) -> Checked {
    match launch.executor(&executor.executor_id) {
        Some(existing) if !same_executor(existing, executor) => Err(format!(
            "ExecutorInfo is not compatible with existing ExecutorInfo with same ExecutorID.\n\
             {RULE}\nExisting ExecutorInfo:\n{}\n{RULE}\nExecutorInfo:\n{}\n{RULE}\n",
            text::to_text(existing),
            text::to_text(executor),
        )),
        _ => Ok(()),
    }
}

/// An executor's own container may not set `share_cgroups`.
pub(super) fn validate_share_cgroups(executor: &ExecutorInfo, error: &str) -> Checked {
    ensure(container::share_cgroups(executor.container.as_ref()) != Some(true), error)
}
