//! The views against recorded answers.

mod recorded;

use std::{collections::BTreeSet, time::Duration};

use serde_json::Value;

use self::recorded::{master, rescind_all, state};
use super::{
    flags,
    legacy::{Endpoint, Query},
    metrics, v1 as operator,
};
use crate::{
    engine::{
        golden::{self, assert_recorded},
        legacy::System,
        master::{Input, Master, MasterConfig},
        wire::{AgentLink, AgentRegistration, ToMaster},
    },
    mesos::{
        json,
        time::Time,
        v1::{
            AgentInfo,
            maintenance::Schedule,
            master::{Call, Event, call, event},
            quota::QuotaConfig,
        },
    },
};

const CLUSTER: &str = "a1daf830-34c7-4aa7-9710-78a5991b8d85";

fn empty_master() -> Master {
    master(&state("04-master-api-v1/00-empty-cluster-GET_STATE"), CLUSTER)
}

fn busy_master() -> Master {
    master(&state("04-master-api-v1/14-GET_STATE"), CLUSTER)
}

fn body(master: &Master, endpoint: Endpoint) -> String {
    queried(master, endpoint, &[])
}

fn queried(master: &Master, endpoint: Endpoint, query: &[(&str, &str)]) -> String {
    let query: Query = query.iter().map(|&(name, value)| (name.into(), value.into())).collect();
    let body = endpoint.render(master, Time::default(), &System::default(), &query).unwrap();
    String::from_utf8(body).unwrap()
}

fn called(master: &Master, kind: call::Type) -> String {
    let call = Call { r#type: Some(kind.into()), ..Call::default() };
    let response = operator::respond(master, Time::default(), &System::default(), &call).unwrap();
    serde_json::from_str::<Value>(&operator::response_to_json(&response)).unwrap().to_string()
}

#[test]
fn an_empty_cluster_reads_as_recorded() {
    let master = empty_master();
    assert_recorded(&body(&master, Endpoint::Slaves), "05-master-legacy/00-empty-cluster-slaves");
    assert_recorded(&body(&master, Endpoint::Roles), "05-master-legacy/00-empty-cluster-roles");
    assert_recorded(&body(&master, Endpoint::State), "05-master-legacy/00-empty-cluster-state");
    assert_recorded(
        &body(&master, Endpoint::StateSummary),
        "05-master-legacy/00-empty-cluster-state-summary",
    );
    for (kind, name) in [
        (call::Type::GetAgents, "GET_AGENTS"),
        (call::Type::GetExecutors, "GET_EXECUTORS"),
        (call::Type::GetFrameworks, "GET_FRAMEWORKS"),
        (call::Type::GetMaintenanceSchedule, "GET_MAINTENANCE_SCHEDULE"),
        (call::Type::GetMaintenanceStatus, "GET_MAINTENANCE_STATUS"),
        (call::Type::GetOperations, "GET_OPERATIONS"),
        (call::Type::GetRoles, "GET_ROLES"),
        (call::Type::GetState, "GET_STATE"),
        (call::Type::GetTasks, "GET_TASKS"),
        (call::Type::GetWeights, "GET_WEIGHTS"),
    ] {
        assert_recorded(&called(&master, kind), &format!("04-master-api-v1/00-empty-cluster-{name}"));
    }
}

#[test]
fn the_operator_api_reads_as_recorded() {
    let master = busy_master();
    for (kind, name) in [
        (call::Type::GetHealth, "10-GET_HEALTH"),
        (call::Type::GetFlags, "11-GET_FLAGS"),
        (call::Type::GetVersion, "12-GET_VERSION"),
        (call::Type::GetState, "14-GET_STATE"),
        (call::Type::GetAgents, "15-GET_AGENTS"),
        (call::Type::GetFrameworks, "16-GET_FRAMEWORKS"),
        (call::Type::GetExecutors, "17-GET_EXECUTORS"),
        (call::Type::GetOperations, "18-GET_OPERATIONS"),
        (call::Type::GetRoles, "20-GET_ROLES"),
        (call::Type::GetMaster, "22-GET_MASTER"),
        (call::Type::GetMaintenanceStatus, "23-GET_MAINTENANCE_STATUS"),
        (call::Type::GetMaintenanceSchedule, "24-GET_MAINTENANCE_SCHEDULE"),
        (call::Type::GetQuota, "25-GET_QUOTA"),
    ] {
        assert_recorded(&called(&master, kind), &format!("04-master-api-v1/{name}"));
    }
}

#[test]
fn weights_are_shown_once_there_are_some() {
    let mut master = busy_master();
    master.weights.insert("dev".into(), 2.0);
    assert_recorded(&called(&master, call::Type::GetWeights), "04-master-api-v1/36-GET_WEIGHTS-after");
    assert_recorded(&body(&master, Endpoint::Weights), "05-master-legacy/40-GET-weights");
    assert_recorded(&body(&master, Endpoint::Roles), "05-master-legacy/38-GET-master_roles");
}

#[test]
fn quotas_are_shown_with_their_role() {
    let mut master = busy_master();
    let config: QuotaConfig = json::from_json(
        r#"{"role": "q", "guarantees": {"cpus": {"value": 1}}, "limits": {"cpus": {"value": 2}, "mem": {"value": 0}}}"#,
    )
    .unwrap();
    master.quotas.insert("q".into(), (&config).into());
    let roles: Value = serde_json::from_str(&body(&master, Endpoint::Roles)).unwrap();
    let role = roles["roles"].as_array().unwrap().iter().find(|role| role["name"] == "q").unwrap();
    assert_eq!(
        role["quota"].to_string(),
        r#"{"role":"q","guarantee":{"cpus":1.0},"limit":{"cpus":2.0,"mem":0.0},"consumed":{}}"#
    );
    let metrics = metrics::snapshot(&master, Time::default(), &System::default());
    let of_quota =
        metrics.iter().filter(|(name, _)| name.starts_with("allocator/mesos/quota/roles/q/resources/"));
    let of_quota: Vec<_> =
        of_quota.map(|(name, value)| (name.rsplit("resources/").next().unwrap(), *value)).collect();
    assert_eq!(
        of_quota,
        [
            ("cpus/guarantee", 1.0),
            ("cpus/limit", 2.0),
            ("cpus/offered_or_allocated", 0.0),
            ("mem/limit", 0.0),
            ("mem/offered_or_allocated", 0.0),
        ]
    );
    let registry: Value = serde_json::from_str(&body(&master, Endpoint::Registry)).unwrap();
    assert_eq!(registry["quota_configs"][0]["role"], "q");
    assert_eq!(registry["minimum_capabilities"][0]["capability"], "QUOTA_V2");
}

#[test]
fn calls_that_change_something_are_not_for_the_views() {
    let call = Call { r#type: Some(call::Type::Teardown.into()), ..Call::default() };
    assert_eq!(operator::respond(&busy_master(), Time::default(), &System::default(), &call), None);
}

#[test]
fn the_old_endpoints_read_as_recorded() {
    let mut master = busy_master();
    rescind_all(&mut master);
    for (endpoint, name) in [
        (Endpoint::Version, "13-GET-version"),
        (Endpoint::Flags, "14-GET-flags"),
        (Endpoint::State, "16-GET-state"),
        (Endpoint::StateSummary, "20-GET-state-summary"),
        (Endpoint::Slaves, "22-GET-slaves"),
        (Endpoint::Frameworks, "26-GET-frameworks"),
        (Endpoint::Tasks, "30-GET-tasks"),
        (Endpoint::MaintenanceStatus, "42-GET-maintenance_status"),
        (Endpoint::FilesDebug, "50-GET-files_debug"),
        (Endpoint::OfferConstraintsDebug, "60-GET-allocator_offer_constraints_debug"),
    ] {
        assert_recorded(&body(&master, endpoint), &format!("05-master-legacy/{name}"));
    }
}

#[test]
fn tasks_come_in_pages_and_by_id() {
    let master = busy_master();
    let tasks = |query: &[(&str, &str)]| queried(&master, Endpoint::Tasks, query);
    let recorded = |name: &str| format!("05-master-legacy/{name}");
    assert_recorded(&tasks(&[("limit", "2")]), &recorded("32-GET-tasks__limit=2"));
    assert_recorded(
        &tasks(&[("limit", "2"), ("offset", "1"), ("order", "asc")]),
        &recorded("33-GET-tasks__limit=2&offset=1&order=asc"),
    );
    assert_recorded(&tasks(&[("task_id", "run-1")]), &recorded("34-GET-tasks__task_id=run-1"));
    let framework_id = format!("{CLUSTER}-0000");
    assert_recorded(&tasks(&[("framework_id", &framework_id)]), &recorded("35-GET-tasks__framework_id=ID"));
    assert_recorded(&tasks(&[("limit", "abc")]), &recorded("36-GET-tasks__limit=abc"));
    assert_eq!(tasks(&[("limit", "0")]), r#"{"tasks":[]}"#);
    assert_eq!(tasks(&[("offset", "-1")]), r#"{"tasks":[]}"#);
    assert_eq!(tasks(&[("limit", "-1")]), tasks(&[]));
}

#[test]
fn a_query_selects_agents_and_frameworks() {
    let master = busy_master();
    assert_eq!(
        queried(&master, Endpoint::Slaves, &[("slave_id", "none")]),
        r#"{"slaves":[],"recovered_slaves":[]}"#
    );
    assert_eq!(
        queried(&master, Endpoint::Frameworks, &[("framework_id", "none")]),
        r#"{"frameworks":[],"completed_frameworks":[],"unregistered_frameworks":[]}"#
    );
    let id = format!("{CLUSTER}-S0");
    assert_eq!(queried(&master, Endpoint::Slaves, &[("slave_id", &id)]), body(&master, Endpoint::Slaves));
}

#[test]
fn tasks_of_a_lost_agent_read_as_recorded() {
    let name = "09-failover-and-loss/12-GET_STATE-agent-unreachable";
    let mut recorded = state(name);
    recorded.get_frameworks.as_mut().unwrap().frameworks.reverse();
    let master = master(&recorded, "1695e418-bb94-4408-a61d-0224f6c9bd48");
    assert_recorded(&body(&master, Endpoint::Tasks), "09-failover-and-loss/11-tasks-agent-unreachable");
    let shown = called(&master, call::Type::GetTasks);
    assert!(golden::text(name).contains(&shown["{\"type\":\"GET_TASKS\",".len()..shown.len() - 1]));
}

#[test]
fn every_metric_of_mesos_is_there_and_no_other() {
    let mut master = busy_master();
    master.weights.insert("dev".into(), 2.0);
    let recorded = golden::json("05-master-legacy/43-GET-metrics_snapshot");
    let recorded = recorded.as_object().unwrap();
    let ours = metrics::snapshot(&master, Time::default(), &System::default());
    let names: BTreeSet<&str> = ours.keys().map(String::as_str).collect();
    let expected: BTreeSet<&str> = recorded.keys().map(String::as_str).collect();
    assert_eq!(names.difference(&expected).collect::<Vec<_>>(), Vec::<&&str>::new());
    assert_eq!(expected.difference(&names).collect::<Vec<_>>(), Vec::<&&str>::new());
    assert_eq!(recorded.keys().collect::<Vec<_>>(), ours.keys().collect::<Vec<_>>());
    for name in [
        "allocator/mesos/quota/roles//resources/mem/consumed",
        "allocator/mesos/resources/cpus/offered_or_allocated",
        "allocator/mesos/roles/dev/shares/dominant",
        "allocator/mesos/roles/*/shares/dominant",
        "master/cpus_percent",
        "master/mem_used",
        "master/disk_total",
        "master/outstanding_offers",
        "master/slaves_active",
        "master/tasks_running",
    ] {
        assert_eq!(Some(ours[name]), recorded[name].as_f64(), "{name}");
    }
}

#[test]
fn a_name_in_a_metric_is_encoded() {
    let mut master = busy_master();
    master.frameworks.values_mut().for_each(|framework| framework.info.name = "a b/ü".into());
    let ours = metrics::snapshot(&master, Time::default(), &System::default());
    assert!(ours.contains_key(&format!("master/frameworks/a%20b%2F%C3%BC/{CLUSTER}-0000/subscribed")));
}

#[test]
fn optional_flags_are_shown_when_set() {
    let config = MasterConfig {
        cluster: Some("lab".into()),
        weights: [("dev".to_owned(), 2.5)].into(),
        roles: Some(vec!["a".into(), "b".into()]),
        ..MasterConfig::default()
    };
    let flags = flags::all(&config);
    assert_eq!(flags["cluster"], "lab");
    assert_eq!(flags["weights"], "dev=2.5");
    assert_eq!(flags["roles"], "a,b");
    assert!(!flags.contains_key("offer_timeout"));
}

#[test]
fn the_registry_reads_as_recorded() {
    let mut master = busy_master();
    master.weights.insert("dev".into(), 2.0);
    master.maintenance.was_used = true;
    master.maintenance.schedule = Some(Schedule::default());
    assert_recorded(&body(&master, Endpoint::Registry), "05-master-legacy/59-GET-registrar(1)_registry");
}

fn recorded_event(kind: &str) -> Value {
    let mut events = golden::events("04-master-api-v1/90-SUBSCRIBE-stream").into_iter();
    events.find(|event| event["type"] == kind).unwrap()
}

#[test]
fn a_subscriber_is_told_of_the_cluster_as_recorded() {
    let subscribed = event::Subscribed {
        get_state: Some(operator::state(&empty_master())),
        heartbeat_interval_seconds: Some(15.0),
    };
    let event = Event {
        r#type: Some(event::Type::Subscribed.into()),
        subscribed: Some(subscribed),
        ..Event::default()
    };
    assert_eq!(operator::event_to_json(&event), recorded_event("SUBSCRIBED").to_string());
}

#[test]
fn agents_and_frameworks_are_announced_as_recorded() {
    let mut master = busy_master();
    rescind_all(&mut master);
    let agent = master.agents.values_mut().next().unwrap();
    agent.used.clear();
    let added = event::AgentAdded { agent: operator::agent(agent) };
    let event =
        Event { r#type: Some(event::Type::AgentAdded.into()), agent_added: Some(added), ..Event::default() };
    assert_eq!(operator::event_to_json(&event), recorded_event("AGENT_ADDED").to_string());
    let framework = operator::framework_event(master.frameworks.values().next().unwrap());
    let event = Event {
        r#type: Some(event::Type::FrameworkAdded.into()),
        framework_added: Some(event::FrameworkAdded { framework }),
        ..Event::default()
    };
    assert_eq!(operator::event_to_json(&event), recorded_event("FRAMEWORK_ADDED").to_string());
}

#[test]
fn an_agent_that_registers_reads_as_recorded() {
    let mut master = Master::new(MasterConfig::default(), Time::default(), 7);
    let info = state("04-master-api-v1/14-GET_STATE").get_agents.unwrap().agents.remove(0).agent_info;
    let registration = AgentRegistration::new(AgentInfo { id: None, ..info }, "slave(1)@127.0.0.1:5051");
    let message = Box::new(ToMaster::Register(registration));
    let now = Time::default() + Duration::from_secs(1);
    master.handle(now, Input::Agent { link: AgentLink(1), message });
    let slaves: Value = serde_json::from_str(&body(&master, Endpoint::Slaves)).unwrap();
    let recorded = golden::json("05-master-legacy/22-GET-slaves");
    let keys = |json: &Value| json["slaves"][0].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&slaves), keys(&recorded));
    for same in ["attributes", "resources", "capabilities", "unreserved_resources_full", "active", "version"]
    {
        assert_eq!(slaves["slaves"][0][same], recorded["slaves"][0][same], "{same}");
    }
}
