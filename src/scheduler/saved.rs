//! What survives a crash: who we are, what the user wants, and the tasks there are. Times are seconds since the epoch.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    mesos::{
        time::Time,
        v1::{AgentId, FrameworkId, TaskId, TaskState},
    },
    scheduler::{
        Scheduler,
        api::KillReason,
        config::{Executor, SchedulerConfig},
        task::{Kill, Place, Task},
    },
};

/// The state file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SavedState {
    pub framework_id: Option<String>,
    /// The master that the tasks were last reconciled with.
    pub master_id: Option<String>,
    /// `FrameworkInfo.user`, which no master lets change.
    pub user: String,
    pub version: u64,
    pub config: SchedulerConfig,
    pub tasks: Vec<SavedTask>,
    /// Slots of jobs that have ended for good.
    #[serde(default)]
    pub completed: Vec<u32>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SavedTask {
    pub id: String,
    pub slot: Option<u32>,
    #[serde(default)]
    pub restarts: u32,
    pub agent_id: Option<String>,
    pub hostname: String,
    pub fields: BTreeMap<String, String>,
    pub version: u64,
    pub fingerprint: String,
    #[serde(default)]
    pub executor: Executor,
    pub state: String,
    pub launched_at: f64,
    pub running_since: Option<f64>,
    pub ports: Vec<u32>,
    pub kill: Option<KillReason>,
}

impl Scheduler {
    pub fn saved(&self) -> SavedState {
        SavedState {
            framework_id: self.framework_id.as_ref().map(ToString::to_string),
            master_id: self.master_id.clone(),
            user: self.options.user.clone(),
            version: self.version,
            config: self.config.clone(),
            tasks: self.fleet.tasks().map(save).collect(),
            completed: self.fleet.completed_slots().collect(),
        }
    }

    pub(super) fn restore(&mut self, saved: SavedState) {
        self.framework_id = saved.framework_id.map(FrameworkId::new);
        self.master_id = saved.master_id;
        self.options.user = saved.user;
        self.version = saved.version;
        self.config = saved.config;
        self.fingerprint = self.config.fingerprint();
        self.fleet.resize(self.config.num_of_node as usize);
        saved.completed.into_iter().for_each(|slot| self.fleet.complete(slot));
        for task in saved.tasks {
            let kill = task.kill;
            let task = load(task);
            let id = task.id.clone();
            self.rolling |= task.fingerprint != self.fingerprint;
            self.fleet.insert(task);
            if let Some(why) = kill {
                self.fleet.set_kill(&id, Kill { why, attempts: 0, next: self.now });
            }
        }
    }
}

fn save(task: &Task) -> SavedTask {
    SavedTask {
        id: task.id.to_string(),
        slot: task.slot,
        restarts: task.restarts,
        agent_id: task.agent.id.as_ref().map(ToString::to_string),
        hostname: task.agent.hostname.clone(),
        fields: task.agent.fields.clone(),
        version: task.version,
        fingerprint: task.fingerprint.clone(),
        executor: task.executor,
        state: task.state.as_str_name().to_owned(),
        launched_at: task.launched_at.as_secs_f64(),
        running_since: task.running_since.map(Time::as_secs_f64),
        ports: task.ports.clone(),
        kill: task.kill.as_ref().map(|kill| kill.why),
    }
}

fn load(saved: SavedTask) -> Task {
    let launched_at = time(saved.launched_at);
    Task {
        slot: saved.slot,
        restarts: saved.restarts,
        agent: Place { id: saved.agent_id.map(AgentId::new), hostname: saved.hostname, fields: saved.fields },
        version: saved.version,
        fingerprint: saved.fingerprint,
        executor: saved.executor,
        state: TaskState::from_str_name(&saved.state).unwrap_or(TaskState::TaskStaging),
        running_since: saved.running_since.map(time),
        ports: saved.ports,
        ..Task::found(TaskId::new(saved.id), launched_at)
    }
}

fn time(seconds: f64) -> Time {
    Time::from_epoch(Duration::try_from_secs_f64(seconds).unwrap_or_default())
}
