//! Calls to master and agent.

use crate::{
    engine::master::validation::{agent_call, call, framework},
    mesos::v1::{
        ContainerId, FrameworkInfo, OfferFilters, Resource, agent,
        framework_info::{Capability, capability},
        master,
        offer_filters::{MinAllocatableResources, ResourceQuantities},
        resource::{ReservationInfo, RevocableInfo, reservation_info},
        scheduler::{self, call::Type},
        value,
    },
};

fn scheduler(kind: Type) -> scheduler::Call {
    scheduler::Call {
        r#type: Some(kind.into()),
        framework_id: Some("F0".into()),
        ..scheduler::Call::default()
    }
}

#[test]
fn scheduler_calls_need_their_body() {
    let text = |call: &scheduler::Call| call::scheduler(call).unwrap_err();
    assert_eq!(text(&scheduler::Call::default()), "Expecting 'type' to be present");
    assert_eq!(
        text(&scheduler::Call { r#type: Some(99), ..Default::default() }),
        "Expecting 'type' to be present"
    );
    let nameless = scheduler::Call { framework_id: None, ..scheduler(Type::Decline) };
    assert_eq!(text(&nameless), "Expecting 'framework_id' to be present");
    for (kind, field) in [
        (Type::Subscribe, "subscribe"),
        (Type::Accept, "accept"),
        (Type::Decline, "decline"),
        (Type::AcceptInverseOffers, "accept_inverse_offers"),
        (Type::DeclineInverseOffers, "decline_inverse_offers"),
        (Type::Kill, "kill"),
        (Type::Shutdown, "shutdown"),
        (Type::Acknowledge, "acknowledge"),
        (Type::AcknowledgeOperationStatus, "acknowledge_operation_status"),
        (Type::Reconcile, "reconcile"),
        (Type::ReconcileOperations, "reconcile_operations"),
        (Type::Message, "message"),
        (Type::Request, "request"),
        (Type::UpdateFramework, "update_framework"),
    ] {
        assert_eq!(text(&scheduler(kind)), format!("Expecting '{field}' to be present"));
    }
    for kind in [Type::Teardown, Type::Revive, Type::Suppress] {
        assert_eq!(call::scheduler(&scheduler(kind)), Ok(kind));
    }
}

#[test]
fn ids_in_a_call_must_agree() {
    let subscribe = scheduler::call::Subscribe::default();
    let call = scheduler::Call { subscribe: Some(subscribe), ..scheduler(Type::Subscribe) };
    let text = "'framework_id' differs from 'subscribe.framework_info.id'";
    assert_eq!(call::scheduler(&call).unwrap_err(), text);
    let update = scheduler::call::UpdateFramework::default();
    let call = scheduler::Call { update_framework: Some(update), ..scheduler(Type::UpdateFramework) };
    let text = "'framework_id' differs from 'update_framework.framework_info.id'";
    assert_eq!(call::scheduler(&call).unwrap_err(), text);
}

#[test]
fn uuids_have_sixteen_bytes_and_a_version() {
    let acknowledge = |uuid: &'static [u8]| {
        let acknowledge = scheduler::call::Acknowledge { uuid: uuid.into(), ..Default::default() };
        call::scheduler(&scheduler::Call { acknowledge: Some(acknowledge), ..scheduler(Type::Acknowledge) })
    };
    assert_eq!(acknowledge(b"0123456789").unwrap_err(), "Not a valid UUID");
    assert_eq!(acknowledge(&[0; 16]).unwrap_err(), "Not a valid UUID");
    assert_eq!(acknowledge(b"012345\x47789abcdef"), Ok(Type::Acknowledge));
}

#[test]
fn operator_calls_need_their_body() {
    use master::call::Type;
    let text = |kind: Type| {
        call::operator(&master::Call { r#type: Some(kind.into()), ..master::Call::default() }).unwrap_err()
    };
    assert_eq!(call::operator(&master::Call::default()).unwrap_err(), "Expecting 'type' to be present");
    assert_eq!(text(Type::GetMetrics), "Expecting 'get_metrics' to be present");
    assert_eq!(text(Type::SetLoggingLevel), "Expecting 'set_logging_level' to be present");
    assert_eq!(text(Type::ListFiles), "Expecting 'list_files' to be present");
    assert_eq!(text(Type::Teardown), "Expecting 'teardown' to be present");
    assert_eq!(text(Type::GrowVolume), "Expecting 'grow_volume' to be present");
    assert_eq!(text(Type::ReserveResources), "Expecting 'reserve_resources' to be present");
    let mut call = master::Call { grow_volume: Some(Default::default()), ..master::Call::default() };
    call.set_type(Type::GrowVolume);
    let text = "Expecting 'agent_id' to be present; only agent default resources are supported right now";
    assert_eq!(call::operator(&call).unwrap_err(), text);
}

#[test]
#[expect(deprecated, reason = "the calls of 1.11 that are older than LAUNCH_CONTAINER and its like")]
fn agent_calls_need_their_body() {
    use agent::call::{Type, WaitContainer};
    let call = |kind: Type| agent::Call { r#type: Some(kind.into()), ..agent::Call::default() };
    assert_eq!(agent_call::validate(&agent::Call::default()).unwrap_err(), "Expecting 'type' to be present");
    for (kind, field) in [
        (Type::GetMetrics, "get_metrics"),
        (Type::ReadFile, "read_file"),
        (Type::LaunchContainer, "launch_container"),
        (Type::AttachContainerInput, "attach_container_input"),
        (Type::LaunchNestedContainer, "launch_nested_container"),
        (Type::RemoveNestedContainer, "remove_nested_container"),
    ] {
        let text = format!("Expecting '{field}' to be present");
        assert_eq!(agent_call::validate(&call(kind)).unwrap_err(), text);
    }
    let wait = WaitContainer { container_id: ContainerId::new("a.b") };
    let text =
        "'wait_container.container_id' is invalid: 'ContainerID.value' 'a.b' contains invalid characters";
    let wait = agent::Call { wait_container: Some(wait), ..call(Type::WaitContainer) };
    assert_eq!(agent_call::validate(&wait).unwrap_err(), text);
    assert_eq!(agent_call::validate(&call(Type::GetState)), Ok(()));
}

#[test]
fn a_container_that_stands_alone_takes_nothing_that_is_reserved() {
    use agent::call::{LaunchContainer, Type};
    let launch = |resource: Resource| {
        let launch = LaunchContainer {
            container_id: ContainerId::new("a"),
            resources: vec![resource],
            ..LaunchContainer::default()
        };
        let kind = Some(Type::LaunchContainer.into());
        agent_call::validate(&agent::Call {
            r#type: kind,
            launch_container: Some(launch),
            ..Default::default()
        })
    };
    let cpus = Resource {
        name: "cpus".to_owned(),
        r#type: value::Type::Scalar.into(),
        scalar: Some(value::Scalar { value: 0.1 }),
        ..Resource::default()
    };
    assert_eq!(launch(cpus.clone()), Ok(()));
    let revocable = Resource { revocable: Some(RevocableInfo::default()), ..cpus.clone() };
    assert_eq!(launch(revocable).unwrap_err(), "'launch_container.resources' must be non-revocable");
    let reservation = ReservationInfo {
        r#type: Some(reservation_info::Type::Static.into()),
        role: Some("r".to_owned()),
        ..ReservationInfo::default()
    };
    let reserved = Resource { reservations: vec![reservation], ..cpus };
    assert_eq!(launch(reserved).unwrap_err(), "'launch_container.resources' must be unreserved");
}

fn info(roles: &[&str]) -> FrameworkInfo {
    FrameworkInfo {
        roles: roles.iter().map(ToString::to_string).collect(),
        capabilities: vec![Capability { r#type: Some(capability::Type::MultiRole.into()) }],
        ..FrameworkInfo::default()
    }
}

#[test]
fn frameworks() {
    let text = |info: FrameworkInfo| framework::validate(&info).unwrap_err();
    assert_eq!(framework::validate(&info(&[])), Ok(()));
    assert_eq!(text(info(&["b", "a", "b"])), "'FrameworkInfo.roles' contains duplicate items: { b }");
    assert_eq!(
        text(info(&["/"])),
        "'FrameworkInfo.roles' contains invalid role: Role '/' cannot start with a slash"
    );
    assert_eq!(
        text(FrameworkInfo { capabilities: Vec::new(), ..info(&["a"]) }),
        "'FrameworkInfo.roles' must not be set when the framework is not MULTI_ROLE capable"
    );
    let id = Some("../a/b".into());
    assert_eq!(text(FrameworkInfo { id, ..info(&["a"]) }), "'../a/b' contains invalid characters");
}

#[test]
fn offer_filters() {
    let text = |value: Option<f64>| {
        let quantities =
            value.map(|value| ("cpus".to_owned(), value::Scalar { value })).into_iter().collect();
        let minimum = MinAllocatableResources { quantities: vec![ResourceQuantities { quantities }] };
        let filters = OfferFilters { min_allocatable_resources: Some(minimum) };
        let info = FrameworkInfo { offer_filters: [("a".to_owned(), filters)].into(), ..info(&["a"]) };
        framework::validate(&info).unwrap_err()
    };
    assert_eq!(text(None), "Resource quantities must contain at least one quantity");
    assert_eq!(text(Some(-1.0)), "Invalid resource quantity for 'cpus': Negative values not supported");
    assert_eq!(text(Some(f64::NAN)), "Invalid resource quantity for 'cpus': NaN not supported");
}

#[test]
fn some_of_a_framework_cannot_change() {
    let old = FrameworkInfo { user: "root".into(), ..info(&["a"]) };
    let text = |new: FrameworkInfo| framework::validate_update(&old, &new).unwrap_err();
    assert_eq!(
        text(FrameworkInfo { user: "nobody".into(), ..old.clone() }),
        "Updating 'FrameworkInfo.user' is unsupported; attempted to update from 'root' to 'nobody'"
    );
    assert_eq!(
        text(FrameworkInfo { checkpoint: Some(true), ..old.clone() }),
        "Updating 'FrameworkInfo.checkpoint' is unsupported; attempted to update from 'false' to 'true'"
    );
    let text = text(FrameworkInfo { principal: Some("p".into()), ..old.clone() });
    assert_eq!(text, "Changing framework's principal is not allowed.");
}
