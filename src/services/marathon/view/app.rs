//! An app with what runs of it.

use serde_json::{Map, Value, json};

use crate::services::marathon::{
    core::Marathon,
    model::{AppDefinition, Instance, InstanceState, Timestamp},
};

/// What an app is shown with; counts and deployments always are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Embed {
    pub tasks: bool,
    pub last_task_failure: bool,
    pub readiness: bool,
    pub task_stats: bool,
}

impl Embed {
    /// Of words such as `apps.tasks` or `app.tasks`; those that are unknown are passed over.
    pub fn parse<'a>(words: impl Iterator<Item = &'a str>) -> Self {
        let mut embed = Self::default();
        for word in words {
            let word =
                word.trim_start_matches("group.").trim_start_matches("apps.").trim_start_matches("app.");
            match word {
                "tasks" => embed.tasks = true,
                "failures" => (embed.tasks, embed.last_task_failure) = (true, true),
                "lastTaskFailure" => embed.last_task_failure = true,
                "readiness" => embed.readiness = true,
                "taskStats" => embed.task_stats = true,
                _ => {}
            }
        }
        embed
    }
}

/// How many tasks are how far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    staged: usize,
    running: usize,
    healthy: usize,
    unhealthy: usize,
}

impl Counts {
    fn of(instances: &[&Instance]) -> Self {
        let count =
            |holds: fn(&Instance) -> bool| instances.iter().filter(|instance| holds(instance)).count();
        Self {
            staged: count(|i| {
                matches!(
                    i.state,
                    InstanceState::Provisioned | InstanceState::Staging | InstanceState::Starting
                )
            }),
            running: count(|i| i.state == InstanceState::Running),
            healthy: count(|i| i.state == InstanceState::Running && i.healthy() == Some(true)),
            unhealthy: count(|i| i.state == InstanceState::Running && i.healthy() == Some(false)),
        }
    }
}

impl Marathon {
    pub(in crate::services::marathon) fn app_info(&self, app: &AppDefinition, embed: Embed) -> Value {
        let Ok(Value::Object(mut info)) = serde_json::to_value(app) else { return Value::Null };
        let instances = self.instances_of(&app.id);
        let counts = Counts::of(&instances);
        info.insert("tasksStaged".to_owned(), counts.staged.into());
        info.insert("tasksRunning".to_owned(), counts.running.into());
        info.insert("tasksHealthy".to_owned(), counts.healthy.into());
        info.insert("tasksUnhealthy".to_owned(), counts.unhealthy.into());
        let deployments = self.deployments.iter().filter(|deployment| deployment.affects(&app.id));
        info.insert("deployments".to_owned(), deployments.map(|d| json!({"id": d.plan.id})).collect());
        if embed.readiness {
            info.insert("readinessCheckResults".to_owned(), json!([]));
        }
        if embed.tasks {
            info.insert("tasks".to_owned(), self.tasks_of(&app.id));
        }
        if embed.last_task_failure
            && let Some(failure) = self.failures.get(&app.id)
        {
            info.insert("lastTaskFailure".to_owned(), json!(failure));
        }
        if embed.task_stats {
            info.insert("taskStats".to_owned(), self.task_stats(app, &instances));
        }
        Value::Object(info)
    }

    fn task_stats(&self, app: &AppDefinition, instances: &[&Instance]) -> Value {
        let now = self.timestamp();
        let mut stats = Map::new();
        let mut add = |name: &str, chosen: Vec<&Instance>| {
            if !chosen.is_empty() {
                stats.insert(name.to_owned(), json!({"stats": stats_of(&chosen, now)}));
            }
        };
        let some =
            |holds: &dyn Fn(&Instance) -> bool| instances.iter().copied().filter(|i| holds(i)).collect();
        add("startedAfterLastScaling", some(&|i| i.started_at >= Some(app.version_info.last_scaling_at)));
        add("withLatestConfig", some(&|i| i.is_of(app)));
        add("withOutdatedConfig", some(&|i| !i.is_of(app)));
        add("totalSummary", instances.to_vec());
        Value::Object(stats)
    }
}

fn stats_of(instances: &[&Instance], now: Timestamp) -> Value {
    let counts = Counts::of(instances);
    let mut stats = json!({"counts": {
        "staged": counts.staged, "running": counts.running, "healthy": counts.healthy, "unhealthy": counts.unhealthy,
    }});
    let since = |started: Timestamp| now.time().since(started.time()).as_secs_f64();
    let mut lives: Vec<f64> = instances.iter().filter_map(|i| i.started_at).map(since).collect();
    lives.sort_by(f64::total_cmp);
    if !lives.is_empty() {
        #[expect(clippy::cast_precision_loss, reason = "a number of instances")]
        let average = lives.iter().sum::<f64>() / lives.len() as f64;
        let median = (lives[(lives.len() - 1) / 2] + lives[lives.len() / 2]) / 2.0;
        stats["lifeTime"] = json!({"averageSeconds": average, "medianSeconds": median});
    }
    stats
}
