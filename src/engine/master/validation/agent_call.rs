//! Whether a call of the agent's operator API is whole.

use super::{Checked, Context, ensure, id};
use crate::mesos::v1::{
    ContainerId,
    agent::{
        Call,
        call::{AttachContainerInput, Type, attach_container_input},
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
        Type::PruneImages => present(call.prune_images.is_some(), "prune_images"),
        _ => validate_container_call(kind, call),
    }
}

fn validate_container_call(kind: Type, call: &Call) -> Checked {
    match kind {
        Type::LaunchNestedContainerSession => {
            let launch = call.launch_nested_container_session.as_ref();
            let field = "launch_nested_container_session";
            let id = container(field, launch.map(|launch| &launch.container_id))?;
            ensure(id.parent.is_some(), missing(&format!("{field}.container_id.parent")))
        }
        Type::AttachContainerOutput => container(
            "attach_container_output",
            call.attach_container_output.as_ref().map(|it| &it.container_id),
        )
        .map(drop),
        Type::LaunchContainer => {
            container("launch_container", call.launch_container.as_ref().map(|it| &it.container_id)).map(drop)
        }
        Type::WaitContainer => {
            container("wait_container", call.wait_container.as_ref().map(|it| &it.container_id)).map(drop)
        }
        Type::KillContainer => {
            container("kill_container", call.kill_container.as_ref().map(|it| &it.container_id)).map(drop)
        }
        Type::RemoveContainer => {
            container("remove_container", call.remove_container.as_ref().map(|it| &it.container_id)).map(drop)
        }
        _ => Ok(()),
    }
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

/// The container id of the call's body, if both are as they should be.
fn container<'a>(field: &str, id: Option<&'a ContainerId>) -> Result<&'a ContainerId, String> {
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
