//! The views against recorded answers.

use std::{collections::BTreeSet, time::Duration};

use serde_json::Value;

use super::{
    Measured, Usage,
    legacy::{Endpoint, Query},
    metrics,
    v1::{self as operator, Source},
};
use crate::{
    engine::{
        agent::{Agent, AgentConfig, AgentState, Executor, ExecutorState, Framework, FrameworkState},
        golden::{self, assert_recorded},
        legacy::System,
    },
    mesos::{
        json,
        time::Time,
        v1::{
            AgentInfo, ContainerId, ExecutorInfo, FrameworkInfo, Task,
            agent::{Call, Response, call},
            master,
        },
    },
};

const STATE: &str = "07-agent-legacy/05-GET-state";

/// An agent that knows what the recorded one knew.
fn recorded_agent() -> Agent {
    let state = golden::json(STATE);
    let recorded = |name: &str| json::from_json::<Response>(golden::body(name)).unwrap();
    let info = recorded("06-agent-api-v1/11-GET_AGENT").get_agent.unwrap().agent_info.unwrap();
    let mut agent = Agent::new(config(&info, &state), time(state["start_time"].as_f64().unwrap()), 1);
    agent.info = info;
    agent.state = AgentState::Running;
    let mut framework = Framework::new(framework_info());
    let executors = recorded("06-agent-api-v1/08-GET_EXECUTORS").get_executors.unwrap();
    let shown = &state["frameworks"][0];
    for known in executors.executors {
        let executor = executor(known.executor_info, &shown["executors"]);
        framework.executors.insert(executor.id().clone(), executor);
    }
    let completed = executors.completed_executors.into_iter();
    framework.completed_executors =
        completed.map(|known| executor(known.executor_info, &shown["completed_executors"])).collect();
    let tasks = recorded("06-agent-api-v1/10-GET_TASKS").get_tasks.unwrap();
    tasks.launched_tasks.into_iter().for_each(|task| launch(&mut framework, task));
    tasks.completed_tasks.into_iter().for_each(|task| complete(&mut framework, task));
    agent.frameworks.insert(framework.id(), framework);
    agent
}

fn config(info: &AgentInfo, state: &Value) -> AgentConfig {
    let flag = |name: &str| state["flags"][name].as_str().unwrap().to_owned();
    let mut config = AgentConfig::new(AgentInfo { id: None, ..info.clone() }, flag("work_dir"));
    config.switch_user = flag("switch_user") == "true";
    config.launcher_dir = flag("launcher_dir");
    config.flags = ["master", "runtime_dir"].map(|name| (name.to_owned(), flag(name))).into();
    config
}

fn time(seconds: f64) -> Time {
    Time::from_epoch(Duration::from_secs_f64(seconds))
}

fn framework_info() -> FrameworkInfo {
    let state: master::Response =
        json::from_json(golden::body("04-master-api-v1/16-GET_FRAMEWORKS")).unwrap();
    state.get_frameworks.unwrap().frameworks.remove(0).framework_info
}

fn executor(info: ExecutorInfo, shown: &Value) -> Executor {
    let all = shown.as_array().unwrap();
    let shown = all.iter().find(|shown| shown["id"] == info.executor_id.as_str()).unwrap();
    Executor {
        container_id: ContainerId::from(shown["container"].as_str().unwrap()),
        directory: shown["directory"].as_str().unwrap().to_owned(),
        state: ExecutorState::Running,
        pid: None,
        generated_for_command_task: info.r#type.is_none(),
        queued_tasks: Default::default(),
        launched_tasks: Default::default(),
        terminated_tasks: Default::default(),
        completed_tasks: Default::default(),
        nested: Default::default(),
        program: None,
        destroy_at: None,
        leaves_at: None,
        shutdown_grace_period: Duration::ZERO,
        info,
    }
}

fn executor_name(task: &Task) -> &str {
    task.executor_id.as_ref().map_or(task.task_id.as_str(), |id| id.as_str())
}

fn launch(framework: &mut Framework, task: Task) {
    let executor = framework.executors.get_mut(&executor_name(&task).into()).unwrap();
    executor.launched_tasks.insert(task.task_id.clone(), task);
}

fn complete(framework: &mut Framework, task: Task) {
    let mut executors = framework.completed_executors.iter_mut();
    let executor = executors.find(|executor| executor.id().as_str() == executor_name(&task)).unwrap();
    executor.completed_tasks.push_back(task);
}

fn measured(containers: &str) -> Measured {
    let containers = golden::json(containers);
    let usage = |shown: &Value| {
        let statistics = &shown["statistics"];
        let number = |name: &str| statistics[name].as_f64().unwrap();
        let usage = Usage {
            measured_at: time(number("timestamp")),
            cpus_user_time_secs: number("cpus_user_time_secs"),
            cpus_system_time_secs: number("cpus_system_time_secs"),
            mem_rss_bytes: statistics["mem_rss_bytes"].as_u64().unwrap(),
        };
        (ContainerId::from(shown["container_id"].as_str().unwrap()), usage)
    };
    containers.as_array().unwrap().iter().map(usage).collect()
}

fn set_pids(agent: &mut Agent, containers: &str) {
    let containers = golden::json(containers);
    let framework = agent.frameworks.values_mut().next().unwrap();
    for executor in framework.executors.values_mut() {
        let mut all = containers.as_array().unwrap().iter();
        let shown = all.find(|shown| shown["container_id"] == executor.container_id.as_str()).unwrap();
        executor.pid = shown["status"]["executor_pid"].as_u64().and_then(|pid| pid.try_into().ok());
    }
}

fn source<'a>(agent: &'a Agent, measured: &'a Measured) -> Source<'a> {
    const SYSTEM: &System = &System {
        load_15min: 0.0,
        load_1min: 0.0,
        load_5min: 0.0,
        cpus_total: 0,
        mem_free_bytes: 0,
        mem_total_bytes: 0,
    };
    Source { agent, now: Time::default(), system: SYSTEM, measured }
}

fn body(agent: &Agent, measured: &Measured, endpoint: Endpoint, query: &Query) -> String {
    String::from_utf8(endpoint.render(source(agent, measured), query).unwrap()).unwrap()
}

fn called(agent: &Agent, kind: call::Type) -> Value {
    let call = Call { r#type: Some(kind.into()), ..Call::default() };
    let response = operator::respond(source(agent, &Measured::new()), &call).unwrap();
    serde_json::from_str(&operator::response_to_json(&response)).unwrap()
}

#[test]
fn the_old_endpoints_read_as_recorded() {
    let agent = recorded_agent();
    for (endpoint, name) in [
        (Endpoint::Version, "07-agent-legacy/03-GET-version"),
        (Endpoint::Flags, "07-agent-legacy/04-GET-flags"),
        (Endpoint::State, STATE),
        (Endpoint::FilesDebug, "07-agent-legacy/20-GET-files_debug"),
    ] {
        assert_recorded(&body(&agent, &Measured::new(), endpoint, &Query::new()), name);
    }
}

#[test]
fn containers_read_as_recorded() {
    let name = "07-agent-legacy/08-GET-containers";
    let mut agent = recorded_agent();
    set_pids(&mut agent, name);
    assert_recorded(&body(&agent, &measured(name), Endpoint::Containers, &Query::new()), name);
    let none = Query::from([("container_id".to_owned(), "zz".to_owned())]);
    assert_eq!(body(&agent, &measured(name), Endpoint::Containers, &none), "[]");
    let statistics = body(&agent, &measured(name), Endpoint::MonitorStatistics, &Query::new());
    assert!(
        statistics.starts_with(r#"[{"executor_id":"dx","executor_name":"","framework_id":"#),
        "{statistics}"
    );
}

#[test]
fn the_agent_api_reads_as_recorded() {
    let agent = recorded_agent();
    for (kind, name) in [
        (call::Type::GetHealth, "01-GET_HEALTH"),
        (call::Type::GetFlags, "02-GET_FLAGS"),
        (call::Type::GetVersion, "03-GET_VERSION"),
        (call::Type::GetExecutors, "08-GET_EXECUTORS"),
        (call::Type::GetAgent, "11-GET_AGENT"),
        (call::Type::GetResourceProviders, "12-GET_RESOURCE_PROVIDERS"),
    ] {
        assert_recorded(&called(&agent, kind).to_string(), &format!("06-agent-api-v1/{name}"));
    }
}

#[test]
fn tasks_are_all_there() {
    let ours = called(&recorded_agent(), call::Type::GetTasks);
    let recorded = golden::json("06-agent-api-v1/10-GET_TASKS");
    let keys = |json: &Value| json["get_tasks"].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&ours), keys(&recorded));
    let launched = |json: &Value| {
        let tasks = json["get_tasks"]["launched_tasks"].as_array().unwrap();
        tasks.iter().map(ToString::to_string).collect::<BTreeSet<_>>()
    };
    assert_eq!(launched(&ours), launched(&recorded));
    assert_eq!(called(&recorded_agent(), call::Type::GetState)["get_state"]["get_tasks"], ours["get_tasks"]);
}

#[test]
fn a_new_agent_shows_empty_lists() {
    let agent = Agent::new(AgentConfig::new(AgentInfo::default(), "/tmp"), Time::default(), 1);
    assert_eq!(
        called(&agent, call::Type::GetState).to_string(),
        concat!(
            r#"{"type":"GET_STATE","get_state":{"get_tasks":{"pending_tasks":[],"queued_tasks":[],"launched_tasks":[],"#,
            r#""terminated_tasks":[],"completed_tasks":[]},"get_executors":{"executors":[],"completed_executors":[]},"#,
            r#""get_frameworks":{"frameworks":[],"completed_frameworks":[]}}}"#
        )
    );
}

#[test]
fn every_metric_of_mesos_is_there_and_no_other() {
    let recorded = golden::json("07-agent-legacy/18-GET-metrics_snapshot");
    let recorded = recorded.as_object().unwrap();
    let mut agent = recorded_agent();
    agent.frameworks.values_mut().for_each(|framework| framework.state = FrameworkState::Running);
    let ours = metrics::snapshot(&agent, Time::default(), &System::default());
    assert_eq!(ours.keys().collect::<Vec<_>>(), recorded.keys().collect::<Vec<_>>());
    for name in ["slave/cpus_used", "slave/mem_percent", "slave/tasks_running", "slave/executors_running"] {
        assert_eq!(Some(ours[name]), recorded[name].as_f64(), "{name}");
    }
}
