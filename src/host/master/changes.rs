//! The endpoints that change something, older than the operator API: their bodies become operator calls.

use std::collections::BTreeMap;

use super::MasterHandle;
use crate::{
    engine::master::Input,
    host::{
        api,
        http::{Request, Response, decode_query},
    },
    mesos::{
        json::{self, JsonError},
        media::MediaType,
        v1::{
            AgentId, FrameworkId, Resource,
            master::{
                Call,
                call::{
                    CreateVolumes, DestroyVolumes, RemoveQuota, ReserveResources, SetQuota, StartMaintenance,
                    StopMaintenance, Teardown, Type, UnreserveResources, UpdateMaintenanceSchedule,
                    UpdateWeights,
                },
            },
        },
    },
};

type Outcome = Result<Response, Response>;

pub fn teardown(master: &MasterHandle, request: &Request) -> Response {
    posted(request, || {
        let form = Form::of(request)?;
        let framework_id = FrameworkId::from(form.required("frameworkId")?);
        let teardown = Some(Teardown { framework_id });
        Ok(submit(master, Type::Teardown, Call { teardown, ..Call::default() }))
    })
}

pub fn reserve(master: &MasterHandle, request: &Request) -> Response {
    posted(request, || {
        let form = Form::of(request)?;
        let agent_id = AgentId::from(form.required("slaveId")?);
        let resources = form.resources("resources", "Error parsing")?;
        let source = if form.has("source") { form.resources("source", "Error parsing")? } else { Vec::new() };
        let reserve_resources = Some(ReserveResources { agent_id, source, resources });
        Ok(submit(master, Type::ReserveResources, Call { reserve_resources, ..Call::default() }))
    })
}

pub fn unreserve(master: &MasterHandle, request: &Request) -> Response {
    posted(request, || {
        let form = Form::of(request)?;
        let agent_id = AgentId::from(form.required("slaveId")?);
        let resources = form.resources("resources", "Error in parsing")?;
        let unreserve_resources = Some(UnreserveResources { agent_id, resources });
        Ok(submit(master, Type::UnreserveResources, Call { unreserve_resources, ..Call::default() }))
    })
}

pub fn create_volumes(master: &MasterHandle, request: &Request) -> Response {
    posted(request, || {
        let form = Form::of(request)?;
        let agent_id = AgentId::from(form.required("slaveId")?);
        let volumes = form.resources("volumes", "Error in parsing")?;
        let create_volumes = Some(CreateVolumes { agent_id, volumes });
        Ok(submit(master, Type::CreateVolumes, Call { create_volumes, ..Call::default() }))
    })
}

pub fn destroy_volumes(master: &MasterHandle, request: &Request) -> Response {
    posted(request, || {
        let form = Form::of(request)?;
        let agent_id = AgentId::from(form.required("slaveId")?);
        let volumes = form.resources("volumes", "Error in parsing")?;
        let destroy_volumes = Some(DestroyVolumes { agent_id, volumes });
        Ok(submit(master, Type::DestroyVolumes, Call { destroy_volumes, ..Call::default() }))
    })
}

pub fn machine_down(master: &MasterHandle, request: &Request) -> Response {
    posted(request, || {
        let machines =
            json::list_from_json(&request.body).map_err(|error| Response::bad_request(error.to_string()))?;
        let start_maintenance = Some(StartMaintenance { machines });
        Ok(submit(master, Type::StartMaintenance, Call { start_maintenance, ..Call::default() }))
    })
}

pub fn machine_up(master: &MasterHandle, request: &Request) -> Response {
    posted(request, || {
        let machines =
            json::list_from_json(&request.body).map_err(|error| Response::bad_request(error.to_string()))?;
        let stop_maintenance = Some(StopMaintenance { machines });
        Ok(submit(master, Type::StopMaintenance, Call { stop_maintenance, ..Call::default() }))
    })
}

pub fn update_schedule(master: &MasterHandle, request: &Request) -> Response {
    match json::from_json(&request.body) {
        Ok(schedule) => {
            let update_maintenance_schedule = Some(UpdateMaintenanceSchedule { schedule });
            let call = Call { update_maintenance_schedule, ..Call::default() };
            submit(master, Type::UpdateMaintenanceSchedule, call)
        }
        Err(error) => Response::bad_request(error.to_string()),
    }
}

pub fn update_weights(master: &MasterHandle, request: &Request) -> Response {
    match json::list_from_json(&request.body) {
        Ok(weight_infos) => {
            let update_weights = Some(UpdateWeights { weight_infos });
            submit(master, Type::UpdateWeights, Call { update_weights, ..Call::default() })
        }
        Err(error) => {
            let body = String::from_utf8_lossy(&request.body);
            Response::bad_request(format!("Failed to parse update weights request JSON '{body}': {error}"))
        }
    }
}

#[expect(deprecated, reason = "`/quota` is older than UPDATE_QUOTA")]
pub fn set_quota(master: &MasterHandle, request: &Request) -> Response {
    match json::from_json(&request.body) {
        Ok(quota_request) => {
            let set_quota = Some(SetQuota { quota_request });
            submit(master, Type::SetQuota, Call { set_quota, ..Call::default() })
        }
        Err(error) => {
            let body = String::from_utf8_lossy(&request.body);
            let step = match error {
                JsonError::Convert(_) if json::parse(&request.body).is_ok_and(|json| json.is_object()) => {
                    "validate"
                }
                JsonError::Syntax(_) | JsonError::Convert(_) => "parse",
            };
            Response::bad_request(format!("Failed to {step} set quota request JSON '{body}': {error}"))
        }
    }
}

/// `DELETE /quota/ROLE`; a role may have slashes of its own.
#[expect(deprecated, reason = "`/quota` is older than UPDATE_QUOTA")]
pub fn remove_quota(master: &MasterHandle, request: &Request) -> Response {
    let path = request.path.trim_start_matches('/');
    let path = format!("/master/{}", path.strip_prefix("master/").unwrap_or(path));
    let role = path.strip_prefix("/master/quota").unwrap_or_default().trim_matches('/').to_owned();
    if role.is_empty() {
        return Response::bad_request(format!(
            "Failed to parse remove quota request for path '{path}': expected 3 tokens, found 2 tokens"
        ));
    }
    if let Err(error) = master.with(|state| state.check_quota_removal(&path, &role)) {
        return Response::bad_request(error);
    }
    let remove_quota = Some(RemoveQuota { role });
    submit(master, Type::RemoveQuota, Call { remove_quota, ..Call::default() })
}

fn posted(request: &Request, answer: impl FnOnce() -> Outcome) -> Response {
    api::post_only(request).and_then(|()| answer()).unwrap_or_else(|refusal| refusal)
}

fn submit(master: &MasterHandle, kind: Type, call: Call) -> Response {
    let call = Call { r#type: Some(kind.into()), ..call };
    api::reply(master.input(Input::Operator(Box::new(call))), MediaType::Json)
}

/// A body in the form of a query.
struct Form(BTreeMap<String, String>);

impl Form {
    fn of(request: &Request) -> Result<Self, Response> {
        let body = String::from_utf8_lossy(&request.body);
        let form = decode_query(&body);
        form.map(Self)
            .map_err(|error| Response::bad_request(format!("Unable to decode query string: {error}")))
    }

    fn has(&self, key: &str) -> bool {
        self.0.contains_key(key)
    }

    fn required(&self, key: &str) -> Result<&str, Response> {
        let value = self.0.get(key).map(String::as_str);
        value.ok_or_else(|| {
            Response::bad_request(format!("Missing '{key}' query parameter in the request body"))
        })
    }

    fn resources(&self, key: &str, failed: &str) -> Result<Vec<Resource>, Response> {
        json::list_from_json(self.required(key)?).map_err(|error| {
            Response::bad_request(format!("{failed} '{key}' query parameter in the request body: {error}"))
        })
    }
}
