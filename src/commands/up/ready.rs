//! Waiting for each part of the lab, and saying so as it comes.

use std::collections::BTreeMap;

use super::{super::scale, Started, Tasks, UpRun};
use crate::{
    client::{Http, services},
    error::{Context, Result},
    provider::{
        self, AgentName,
        ready::{self, NotReady},
    },
};

/// The ports that were taken, by component.
type Taken<'a> = BTreeMap<&'a str, u16>;

fn taken(started: &Started) -> Taken<'_> {
    started.in_use.iter().map(|entry| (entry.component.as_str(), entry.port)).collect()
}

impl UpRun<'_> {
    /// Waits for all, scales, and reports.
    pub(super) async fn ready(&self, started: &Started) -> Result<()> {
        self.cluster_ready(started).await?;
        self.scheduler_ready(started).await
    }

    /// All but the scheduler.
    pub(super) async fn cluster_ready(&self, started: &Started) -> Result<()> {
        let endpoints = &started.endpoints;
        let ports = taken(started);
        let operator = endpoints.operator().context("talk to the master")?;
        let wait = self.args.wait;
        let http = Http::new();
        let (below_mesos, upon_mesos): (Vec<_>, Vec<_>) =
            endpoints.services().partition(|(name, _)| provider::is_below_mesos(name));
        for (name, url) in below_mesos {
            self.service(&http, name, url, &ports).await?;
        }
        ready::master(&operator, self.clock, wait)
            .await
            .map_err(|missing| self.not_ready("master", &missing))?;
        for (name, url) in endpoints.named_masters() {
            let condition = services::master(&http, url).await;
            let state = condition.map_or_else(|error| error.to_string(), |condition| condition.state);
            self.line(&name, url, &state, &ports);
        }
        let seen = |name: &AgentName| self.line(&name.0, &endpoints.agents[name], "registered", &ports);
        ready::agents(&operator, endpoints, self.clock, wait, seen)
            .await
            .map_err(|missing| self.not_ready("agents", &missing))?;
        for (name, url) in upon_mesos {
            self.service(&http, name, url, &ports).await?;
        }
        Ok(())
    }

    /// The scheduler with its tasks; then the report.
    pub(super) async fn scheduler_ready(&self, started: &Started) -> Result<()> {
        let Started { endpoints, changes, .. } = started;
        let tasks = match &endpoints.scheduler {
            Some(url) => Some(self.scheduler(url, &taken(started)).await?),
            None => {
                self.settings.printer.warn("the scheduler is stopped; start it: mesoslab scheduler start");
                None
            }
        };
        self.report(endpoints, changes, tasks)
    }

    async fn service(&self, http: &Http, name: &str, url: &str, ports: &Taken<'_>) -> Result<()> {
        let condition = ready::service(http, name, url, self.clock, self.args.wait)
            .await
            .map_err(|missing| self.not_ready(name, &missing))?;
        self.line(name, url, &condition.state, ports);
        Ok(())
    }

    async fn scheduler(&self, url: &str, ports: &Taken<'_>) -> Result<Tasks> {
        let api = provider::scheduler_api(url).context("talk to the scheduler")?;
        let not_ready = |missing: NotReady| self.not_ready("scheduler", &missing);
        let state = ready::scheduler(&api, self.clock, self.args.wait).await.map_err(not_ready)?;
        if let Some(count) = self.args.tasks {
            api.scale(scale::count(count)).await.context("scale")?;
        } else if state.counts.wanted == 0 {
            self.line("scheduler", url, "subscribed, no task wanted", ports);
            return Ok(Tasks { running: state.counts.running, wanted: 0 });
        }
        let watched = scale::watch(self.settings, &api, self.clock, self.args.wait).await;
        let (counts, rest) = watched.map_err(not_ready)?;
        let (running, wanted) = (counts.running, counts.wanted);
        self.line("scheduler", url, &format!("subscribed, {running}/{wanted} tasks running"), ports);
        scale::say_shortage(self.settings, &api, rest).await?;
        Ok(Tasks { running, wanted })
    }

    fn line(&self, component: &str, url: &str, what: &str, ports: &Taken<'_>) {
        let printer = &self.settings.printer;
        let elapsed = printer.paint("2", &format!("{:>5} ms", self.elapsed().as_millis()));
        let port = ports.get(component).map(|port| format!("   (port {port} is in use)")).unwrap_or_default();
        printer.say(format!("  {} {component:<10} {url:<25} {what:<32} {elapsed}{port}", printer.tick()));
    }
}
