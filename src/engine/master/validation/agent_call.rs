//! Whether a call of the agent's operator API is whole.

use super::{Checked, Context, command, container, ensure, id};
use crate::mesos::{
    resources::{self, Resources},
    v1::{
        CommandInfo, ContainerId, ContainerInfo, Resource,
        agent::{
            Call,
            call::{AttachContainerInput, LaunchContainer, Type, attach_container_input},
        },
    },
};

/// Checks a call of the agent's operator API; the caller puts `Failed to validate agent::Call: ` before the text.
///
/// # Errors
/// What is missing, or the container id that is none.
pub fn validate(call: &Call) -> Checked {
    let kind = call.r#type.and_then(|number| Type::try_from(number).ok()).ok_or_else(|| missing("type"))?;
    match kind {
        Type::GetMetrics => present(call.get_metrics.is_some(), "get_metrics"),
        Type::SetLoggingLevel => present(call.set_logging_level.is_some(), "set_logging_level"),
        Type::ListFiles => present(call.list_files.is_some(), "list_files"),
        Type::ReadFile => present(call.read_file.is_some(), "read_file"),
        Type::AttachContainerInput => validate_input(call.attach_container_input.as_ref()),
        Type::AddResourceProviderConfig => {
            present(call.add_resource_provider_config.is_some(), "add_resource_provider_config")
        }
        Type::UpdateResourceProviderConfig => {
            present(call.update_resource_provider_config.is_some(), "update_resource_provider_config")
        }
        Type::RemoveResourceProviderConfig => {
            present(call.remove_resource_provider_config.is_some(), "remove_resource_provider_config")
        }
        Type::MarkResourceProviderGone => {
            present(call.mark_resource_provider_gone.is_some(), "mark_resource_provider_gone")
        }
        _ => validate_container_call(kind, call),
    }
}

#[expect(deprecated, reason = "the calls of 1.11 that are older than LAUNCH_CONTAINER and its like")]
fn validate_container_call(kind: Type, call: &Call) -> Checked {
    match kind {
        Type::LaunchNestedContainer => {
            let field = "launch_nested_container";
            let launch = call.launch_nested_container.as_ref();
            nested(field, launch.map(|it| &it.container_id))?;
            let Some(launch) = launch else { return Ok(()) };
            described(field, launch.command.as_ref(), launch.container.as_ref())?;
            let alone = container::share_cgroups(launch.container.as_ref()) == Some(false);
            ensure(
                !(alone && is_twice_nested(&launch.container_id)),
                format!("'{field}' is invalid: {TWICE_NESTED} set 'share_cgroups' to 'false'"),
            )
        }
        Type::LaunchNestedContainerSession => {
            let field = "launch_nested_container_session";
            let launch = call.launch_nested_container_session.as_ref();
            nested(field, launch.map(|it| &it.container_id))?;
            let Some(launch) = launch else { return Ok(()) };
            described(field, launch.command.as_ref(), launch.container.as_ref())?;
            let linux = launch.container.as_ref().and_then(|it| it.linux_info.as_ref());
            ensure(
                linux.is_none_or(|linux| linux.share_cgroups()),
                format!(
                    "'{field}.container.linux_info' is invalid: 'share_cgroups' cannot be set to 'false' for nested \
                     container sessions"
                ),
            )
        }
        Type::LaunchContainer => {
            let launch = call.launch_container.as_ref();
            named("launch_container", launch.map(|it| &it.container_id))?;
            launch.map_or(Ok(()), validate_launch)
        }
        Type::WaitNestedContainer => {
            nested("wait_nested_container", call.wait_nested_container.as_ref().map(|it| &it.container_id))
        }
        Type::KillNestedContainer => {
            nested("kill_nested_container", call.kill_nested_container.as_ref().map(|it| &it.container_id))
        }
        Type::RemoveNestedContainer => {
            let remove = call.remove_nested_container.as_ref();
            nested("remove_nested_container", remove.map(|it| &it.container_id))
        }
        Type::AttachContainerOutput => {
            let attach = call.attach_container_output.as_ref();
            named("attach_container_output", attach.map(|it| &it.container_id)).map(drop)
        }
        Type::WaitContainer => {
            named("wait_container", call.wait_container.as_ref().map(|it| &it.container_id)).map(drop)
        }
        Type::KillContainer => {
            named("kill_container", call.kill_container.as_ref().map(|it| &it.container_id)).map(drop)
        }
        Type::RemoveContainer => {
            named("remove_container", call.remove_container.as_ref().map(|it| &it.container_id)).map(drop)
        }
        _ => Ok(()),
    }
}

/// The beginning of what Mesos says of containers in containers in containers.
const TWICE_NESTED: &str = "containers nested at the second level or greater cannot";

/// A container that stands alone takes nothing that the master gives out.
fn validate_launch(launch: &LaunchContainer) -> Checked {
    let field = "launch_container";
    resources::validate(&launch.resources).context("Invalid resources")?;
    let gpus = launch.resources.iter().filter(|resource| resource.name == "gpus");
    let gpus: f64 = gpus.filter_map(|resource| resource.scalar.as_ref()).map(|scalar| scalar.value).sum();
    ensure(gpus.fract() == 0.0, "Invalid GPU resources: The 'gpus' resource must be an unsigned integer")?;
    if launch.container_id.parent.is_none() {
        let all = Resources::from_protos(launch.resources.iter().cloned());
        let is_free = all.iter().all(Resource::is_unreserved);
        ensure(is_free, format!("'{field}.resources' must be unreserved"))?;
        let persistent = all.iter().any(Resource::is_persistent_volume);
        ensure(!persistent, format!("'{field}.resources' may not use persistent volumes"))?;
        let revocable = all.iter().any(Resource::is_revocable);
        ensure(!revocable, format!("'{field}.resources' must be non-revocable"))?;
    }
    described(field, launch.command.as_ref(), launch.container.as_ref())?;
    let shares = container::share_cgroups(launch.container.as_ref());
    if is_twice_nested(&launch.container_id) {
        let cannot = |what: &str| format!("'{field}' is invalid: {TWICE_NESTED} {what}");
        ensure(launch.resources.is_empty(), cannot("specify resources"))?;
        ensure(launch.limits.is_empty(), cannot("specify resource limits"))?;
        ensure(shares != Some(false), cannot("set 'share_cgroups' to 'false'"))?;
    }
    ensure(
        launch.container_id.parent.is_some() || shares != Some(true),
        format!("'{field}' is invalid: containers without a parent cannot set 'share_cgroups' to 'true'"),
    )
}

fn is_twice_nested(id: &ContainerId) -> bool {
    id.parent.as_ref().is_some_and(|parent| parent.parent.is_some())
}

/// What is to run, and in what.
fn described(field: &str, command: Option<&CommandInfo>, container: Option<&ContainerInfo>) -> Checked {
    let checked = command.map_or(Ok(()), command::validate);
    checked.context(&format!("'{field}.command' is invalid"))?;
    let checked = container.map_or(Ok(()), container::validate);
    checked.context(&format!("'{field}.container' is invalid"))
}

fn validate_input(input: Option<&AttachContainerInput>) -> Checked {
    let input = input.ok_or_else(|| missing("attach_container_input"))?;
    ensure(input.r#type.is_some(), missing("attach_container_input.type"))?;
    match input.r#type() {
        attach_container_input::Type::Unknown => Err("'attach_container_input.type' is unknown".into()),
        attach_container_input::Type::ContainerId => {
            let id = input.container_id.clone().unwrap_or_default();
            id::validate_container(&id).context("'attach_container_input.container_id' is invalid")
        }
        attach_container_input::Type::ProcessIo => Ok(()),
    }
}

/// The id of a container that has a parent.
fn nested(field: &str, id: Option<&ContainerId>) -> Checked {
    let id = named(field, id)?;
    ensure(id.parent.is_some(), missing(&format!("{field}.container_id.parent")))
}

/// The container id of the call's body, if both are as they should be.
fn named<'a>(field: &str, id: Option<&'a ContainerId>) -> Result<&'a ContainerId, String> {
    let id = id.ok_or_else(|| missing(field))?;
    id::validate_container(id).context(&format!("'{field}.container_id' is invalid"))?;
    Ok(id)
}

fn present(is_there: bool, field: &str) -> Checked {
    ensure(is_there, missing(field))
}

fn missing(field: &str) -> String {
    format!("Expecting '{field}' to be present")
}
