//! The launcher as a whole, fed by hand.

mod health;
mod history;
mod lifecycle;
mod offers;
mod recovery;
mod wishes;

use std::{sync::Arc, time::Duration};

use super::{
    Launcher,
    api::{Effect, Event, Input, Options},
};
use crate::{
    mesos::{
        attributes,
        time::Time,
        v1::{
            Offer, Resource, TaskInfo, TaskState, TaskStatus, TimeInfo,
            scheduler::{Call, call},
            task_status, value,
        },
    },
    services::marathon::model::{AppDefinition, AppId, Instance, InstanceState, Timestamp},
};

/// An app of this JSON, at the version `second`, which is its last change too.
fn app_at(second: u64, json: &str) -> Arc<AppDefinition> {
    let mut app: AppDefinition = serde_json::from_str(json).unwrap();
    app.version = Timestamp::from(at(second));
    app.version_info.last_config_change_at = app.version;
    app.version_info.last_scaling_at = app.version;
    Arc::new(app)
}

fn app(json: &str) -> Arc<AppDefinition> {
    app_at(1, json)
}

/// `/app`, with these members beside.
fn sleeper(more: &str) -> Arc<AppDefinition> {
    app(&format!(r#"{{"id": "/app", "cmd": "sleep 1", "cpus": 0.1, "mem": 32 {more}}}"#))
}

fn at(second: u64) -> Time {
    Time::from_epoch(Duration::from_secs(second))
}

fn scalar(name: &str, value: f64) -> Resource {
    let mut resource = Resource { name: name.to_owned(), ..Resource::default() };
    resource.set_type(value::Type::Scalar);
    resource.scalar = Some(value::Scalar { value });
    resource
}

fn ports(begin: u64, end: u64) -> Resource {
    let mut resource = Resource { name: "ports".to_owned(), ..Resource::default() };
    resource.set_type(value::Type::Ranges);
    resource.ranges = Some(value::Ranges { range: vec![value::Range { begin, end }] });
    resource
}

/// An offer of four cpus, 1 GB and ports on `host`.
fn offer(host: &str) -> Offer {
    offer_of(host, &[scalar("cpus", 4.0), scalar("mem", 1024.0), scalar("disk", 1024.0), ports(31000, 31009)])
}

fn offer_of(host: &str, resources: &[Resource]) -> Offer {
    Offer {
        id: format!("offer-{host}").into(),
        agent_id: format!("agent-{host}").into(),
        hostname: host.to_owned(),
        resources: resources.to_vec(),
        attributes: attributes::parse(&format!("rack:{host}")).unwrap(),
        ..Offer::default()
    }
}

fn status(task: &str, state: TaskState) -> TaskStatus {
    TaskStatus {
        task_id: task.into(),
        state: state.into(),
        agent_id: Some("agent-a".into()),
        uuid: Some(b"uuid".to_vec().into()),
        ..TaskStatus::default()
    }
}

/// The master is asked at once about all tasks.
fn options() -> Options {
    Options { reconcile_delay: Duration::ZERO, ..Options::default() }
}

/// A launcher with its clock.
struct Rig {
    launcher: Launcher,
    second: u64,
}

impl Rig {
    /// Subscribed at second 10.
    fn new() -> Self {
        Self::with(options())
    }

    fn with(options: Options) -> Self {
        let mut rig = Self { launcher: Launcher::new(at(10), options, 1), second: 10 };
        rig.subscribe();
        rig
    }

    fn subscribe(&mut self) -> Vec<Effect> {
        self.say(Input::Subscribed { framework_id: "framework".into(), region: None })
    }

    fn say(&mut self, input: Input) -> Vec<Effect> {
        self.launcher.handle(at(self.second), input)
    }

    /// So many seconds later.
    fn wait(&mut self, seconds: u64) -> Vec<Effect> {
        self.second += seconds;
        self.say(Input::Tick)
    }

    fn scale(&mut self, app: &Arc<AppDefinition>, count: u32) -> Vec<Effect> {
        self.say(Input::Scale { app: app.clone(), count, victims: Vec::new() })
    }

    fn offer(&mut self, offer: Offer) -> Vec<Effect> {
        self.say(Input::Offers(vec![offer]))
    }

    fn update(&mut self, task: &str, state: TaskState) -> Vec<Effect> {
        self.say(Input::Update(Box::new(status(task, state))))
    }

    fn unreachable(&mut self, task: &str) -> Vec<Effect> {
        let unreachable_time = Some(TimeInfo { nanoseconds: at(self.second).as_nanos() });
        let status = TaskStatus { unreachable_time, ..status(task, TaskState::TaskUnreachable) };
        self.say(Input::Update(Box::new(status)))
    }

    fn lost(&mut self, task: &str, reason: task_status::Reason) -> Vec<Effect> {
        let status = TaskStatus { reason: Some(reason.into()), ..status(task, TaskState::TaskLost) };
        self.say(Input::Update(Box::new(status)))
    }

    /// Launches what waits on an offer of `host`, and lets it run.
    fn run_on(&mut self, host: &str) -> Vec<String> {
        let tasks = launched(&self.offer(offer(host)));
        let ids: Vec<_> = tasks.into_iter().map(|task| task.task_id.value).collect();
        for id in &ids {
            self.update(id, TaskState::TaskRunning);
        }
        ids
    }

    fn instances(&self) -> Vec<&Instance> {
        self.launcher.instances().collect()
    }

    fn states(&self) -> Vec<InstanceState> {
        self.launcher.instances().map(|instance| instance.state).collect()
    }

    /// The state of the instance of a task.
    fn state_of(&self, task: &str) -> Option<InstanceState> {
        self.launcher.instances().find(|instance| instance.task_id == task).map(|instance| instance.state)
    }
}

fn calls(effects: &[Effect]) -> Vec<&Call> {
    let calls = effects.iter().filter_map(|effect| match effect {
        Effect::Call(call) => Some(&**call),
        _ => None,
    });
    calls.collect()
}

fn kinds(effects: &[Effect]) -> Vec<call::Type> {
    calls(effects).into_iter().map(Call::r#type).collect()
}

fn events(effects: &[Effect]) -> Vec<&Event> {
    let events = effects.iter().filter_map(|effect| match effect {
        Effect::Event(event) => Some(&**event),
        _ => None,
    });
    events.collect()
}

fn launched(effects: &[Effect]) -> Vec<TaskInfo> {
    let accepts = calls(effects).into_iter().filter_map(|call| call.accept.as_ref());
    let launches =
        accepts.flat_map(|accept| &accept.operations).filter_map(|operation| operation.launch.as_ref());
    launches.flat_map(|launch| launch.task_infos.clone()).collect()
}

fn killed(effects: &[Effect]) -> Vec<String> {
    let kills = calls(effects).into_iter().filter_map(|call| call.kill.as_ref());
    kills.map(|kill| kill.task_id.value.clone()).collect()
}

fn id() -> AppId {
    AppId::new("/app")
}
