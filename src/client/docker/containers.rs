//! The containers of a lab, as their engine sees them: whether they run, how often they were started anew, and what they
//! use.

use std::time::Duration;

use bollard::{
    models::{ContainerInspectResponse, ContainerStatsResponse, ContainerSummary},
    query_parameters::{ListContainersOptionsBuilder, StatsOptionsBuilder},
};
use futures_util::{StreamExt as _, future::join_all};

use super::{Engine, EngineError, labels};

/// A container of a lab's service.
#[derive(Clone, Debug, PartialEq)]
pub struct Container {
    /// `master`, `agent-1`.
    pub service: String,
    pub id: String,
    /// In the engine's words: `running`, `paused`, `exited`, `restarting`.
    pub state: String,
    /// How often the engine has started it anew.
    pub restarts: u32,
    /// Absent while it does not run.
    pub sample: Option<Sample>,
}

/// What a container has used until a moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// The moment, by the engine's clock, since the epoch.
    pub at: Duration,
    /// Of one core, since the container started.
    pub cpu: Duration,
    /// In bytes, without what the system can take back at once.
    pub memory: u64,
}

impl Sample {
    /// Cores in use on the average since an `earlier` sample; none where no time has passed, or it is of another start.
    pub fn cores_since(&self, earlier: &Self) -> Option<f64> {
        let passed = self.at.checked_sub(earlier.at)?.as_secs_f64();
        let used = self.cpu.checked_sub(earlier.cpu)?.as_secs_f64();
        (passed > 0.0).then(|| used / passed)
    }
}

/// The containers of the services of a lab, in the order of their names, each with a sample.
///
/// # Errors
/// When the engine does not answer.
pub async fn of_lab(engine: &Engine, lab: &str) -> Result<Vec<Container>, EngineError> {
    let options = ListContainersOptionsBuilder::new().all(true).filters(&labels::filter(lab)).build();
    let listed = engine.api().list_containers(Some(options)).await?;
    let looked = listed.into_iter().filter_map(|summary| {
        let service = summary.labels.as_ref()?.get(labels::SERVICE)?.clone();
        Some(look(engine, service, summary))
    });
    let mut all = join_all(looked).await;
    all.sort_by(|a, b| (a.service.len(), &a.service).cmp(&(b.service.len(), &b.service)));
    Ok(all)
}

async fn look(engine: &Engine, service: String, summary: ContainerSummary) -> Container {
    let id = summary.id.unwrap_or_default();
    let (there, sample) = tokio::join!(engine.api().inspect_container(&id, None), sample(engine, &id));
    let there = there.unwrap_or_default();
    let restarts = there.restart_count.and_then(|count| u32::try_from(count).ok()).unwrap_or_default();
    let state = state_of(&there).unwrap_or_else(|| "gone".to_owned());
    Container { service, id, sample: sample.filter(|_| state == "running"), state, restarts }
}

fn state_of(there: &ContainerInspectResponse) -> Option<String> {
    Some(there.state.as_ref()?.status.as_ref()?.to_string())
}

async fn sample(engine: &Engine, id: &str) -> Option<Sample> {
    let options = StatsOptionsBuilder::new().stream(false).one_shot(true).build();
    let stats = engine.api().stats(id, Some(options)).next().await?.ok()?;
    read(&stats)
}

/// Page cache that can be dropped does not count, as the `docker` command has it.
fn read(stats: &ContainerStatsResponse) -> Option<Sample> {
    let at = humantime::parse_rfc3339(stats.read.as_deref()?).ok()?;
    let cpu = stats.cpu_stats.as_ref()?.cpu_usage.as_ref()?.total_usage?;
    let memory = stats.memory_stats.as_ref()?;
    let details = memory.stats.clone().unwrap_or_default();
    let cache = ["total_inactive_file", "inactive_file"].into_iter().find_map(|name| details.get(name));
    Some(Sample {
        at: at.duration_since(std::time::UNIX_EPOCH).ok()?,
        cpu: Duration::from_nanos(cpu),
        memory: memory.usage?.saturating_sub(cache.copied().unwrap_or_default()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stats(second: u32, cpu: u64) -> ContainerStatsResponse {
        let text = serde_json::json!({
            "read": format!("2026-11-29T01:07:{second:02}.5Z"),
            "cpu_stats": { "cpu_usage": { "total_usage": cpu } },
            "memory_stats": { "usage": 9_000_000, "stats": { "total_inactive_file": 1_000_000, "inactive_file": 5 } },
        });
        serde_json::from_value(text).unwrap()
    }

    #[test]
    fn cores_are_what_was_used_by_what_has_passed() {
        let [first, second] =
            [stats(10, 1_000_000_000), stats(12, 2_500_000_000)].map(|stats| read(&stats).unwrap());
        assert_eq!(second.cores_since(&first), Some(0.75));
        assert_eq!(second.memory, 8_000_000);
        assert_eq!(first.cores_since(&second), None);
        assert_eq!(first.cores_since(&first), None);
    }

    #[test]
    fn what_does_not_run_has_no_sample() {
        assert_eq!(read(&ContainerStatsResponse::default()), None);
    }
}
