//! Resource providers and the store of images, which this agent does not have: what its callers are told.

use super::AgentHandle;
use crate::{
    host::{
        api,
        http::{Request, Response, StatusCode},
    },
    mesos::v1::{
        ResourceProviderInfo,
        agent::{Call, call::Type},
    },
};

/// The one type of provider that Mesos knows.
const STORAGE: &str = "org.apache.mesos.rp.local.storage";

/// The answer to a call about resource providers or images; `None` to another.
pub(super) fn answer(call: &Call) -> Option<Response> {
    Some(match call.r#type() {
        Type::AddResourceProviderConfig => {
            configure(&call.add_resource_provider_config.clone().unwrap_or_default().info)
        }
        Type::UpdateResourceProviderConfig => {
            configure(&call.update_resource_provider_config.clone().unwrap_or_default().info)
        }
        Type::RemoveResourceProviderConfig => forbidden(),
        Type::MarkResourceProviderGone => {
            let id = call.mark_resource_provider_gone.clone().unwrap_or_default().resource_provider_id.value;
            Response::text(StatusCode::NOT_FOUND, format!("Resource provider '{id}' not found"))
        }
        // There is no image of the Mesos containerizer, so all are pruned.
        Type::PruneImages => Response::ok(),
        _ => return None,
    })
}

fn configure(info: &ResourceProviderInfo) -> Response {
    if info.r#type == STORAGE {
        return forbidden();
    }
    Response::bad_request(format!(
        "Failed to validate resource provider config with type '{kind}' and name '{}': Unknown local resource provider \
         type '{kind}'",
        info.name,
        kind = info.r#type,
    ))
}

fn forbidden() -> Response {
    Response::forbidden("This agent runs without resource providers (--resource_provider_config_dir)")
}

/// What a call about resource providers has to have; `Ok` for another.
///
/// # Errors
/// The text of Mesos' `agent::call::validate`.
pub(super) fn validate(call: &Call) -> Result<(), String> {
    let expecting = |name: &str, present: bool| {
        if present { Ok(()) } else { Err(format!("Expecting '{name}' to be present")) }
    };
    let unset = |name: &str, info: Option<&ResourceProviderInfo>| match info.and_then(|info| info.id.as_ref())
    {
        Some(_) => Err(format!("Expecting '{name}.info.id' to be unset")),
        None => Ok(()),
    };
    match call.r#type() {
        Type::AddResourceProviderConfig => {
            let add = call.add_resource_provider_config.as_ref();
            expecting("add_resource_provider_config", add.is_some())?;
            unset("add_resource_provider_config", add.map(|add| &add.info))
        }
        Type::UpdateResourceProviderConfig => {
            let update = call.update_resource_provider_config.as_ref();
            expecting("update_resource_provider_config", update.is_some())?;
            unset("update_resource_provider_config", update.map(|update| &update.info))
        }
        Type::RemoveResourceProviderConfig => {
            expecting("remove_resource_provider_config", call.remove_resource_provider_config.is_some())
        }
        Type::MarkResourceProviderGone => {
            expecting("mark_resource_provider_gone", call.mark_resource_provider_gone.is_some())
        }
        _ => Ok(()),
    }
}

/// `/api/v1/resource_provider`: nobody may be one.
pub(super) fn api(_: &AgentHandle, request: &Request) -> Response {
    api::post_only(request).map_or_else(|refusal| refusal, |()| forbidden())
}

/// `/containerizer/debug`: nothing of the Mesos containerizer is ever pending.
pub(super) fn debug(_: &AgentHandle, request: &Request) -> Response {
    Response::json(r#"{"pending":[]}"#, request.jsonp())
}
