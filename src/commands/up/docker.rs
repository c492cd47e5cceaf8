//! `up` with the lab in containers: images, containers, readiness, and the scheduler last.

use std::collections::BTreeSet;

use super::{Started, UpRun};
use crate::{
    client::docker::{Engine, labels::LabName},
    commands::containers::{self, Start},
    error::{Code, Context, Failure, Result},
    provider::{
        Endpoints,
        docker::{Belongings, DockerLab, Drawn, LabError, Phase, PresentImages, images::Images},
        state::{ContainerRecord, LabRecord},
    },
    runtime::Signals,
    settings::Settings,
};

/// What there was before the lab was to come.
struct Before<'a> {
    belongings: Belongings,
    /// See [`Images::present`].
    images: BTreeSet<String>,
    /// Whether the lab had any state.
    was_there: bool,
    kept: Option<&'a LabRecord>,
}

impl UpRun<'_> {
    /// What was not there before is taken away again where this fails or is interrupted.
    pub(super) async fn docker(
        &self,
        engine: Engine,
        was_there: bool,
        kept: Option<&LabRecord>,
    ) -> Result<()> {
        let mut signals = Signals::listen().context("listen for signals")?;
        let name = LabName { name: self.spec.name.clone(), owner: self.owner() };
        let lab = DockerLab::new(engine, name, self.clock);
        let there = async {
            let images = Images::present(lab.engine()).await.map_err(LabError::when("list the images"));
            Ok(Before { belongings: lab.belongings().await?, images: images?, was_there, kept })
        };
        let before = match there.await {
            Ok(before) => before,
            Err(error) => {
                if !was_there && kept.is_none() {
                    self.state.purge().context("remove the state of the lab")?;
                }
                return Err(self.lab_failure(&error));
            }
        };
        let made = tokio::select! {
            made = self.docker_up(&lab, &before) => made,
            () = signals.next() => Err(self.lab_failure(&LabError::Interrupted)),
        };
        if let Err(mut failure) = made {
            // What is late may be looked at.
            if failure.code == Code::NotReady {
                return Err(failure);
            }
            self.settings.printer.say("taking back what was made");
            let left = tokio::select! {
                left = self.undo(&lab, &before) => left,
                () = signals.next() => {
                    let suffix = Settings::name_suffix(&self.spec.name);
                    vec![format!("interrupted again; what is left: mesoslab down --purge{suffix}")]
                }
            };
            failure.seen.extend(left);
            return Err(failure);
        }
        if self.args.foreground {
            self.settings.printer.say("Ctrl-C stops the lab");
            signals.next().await;
            lab.down(&self.record_endpoints(), false).await.map_err(|error| self.lab_failure(&error))?;
            self.write_docker_record(|record| record.stopped = true)?;
        }
        Ok(())
    }

    /// All is again what it was before, but for what is said.
    async fn undo(&self, lab: &DockerLab, before: &Before<'_>) -> Vec<String> {
        let mut left = Vec::new();
        match lab.undo(&before.belongings).await {
            Ok(lost) if lost.is_empty() => {}
            Ok(lost) => left.push(format!("without a container until the next `up`: {}", lost.join(", "))),
            Err(error) => left.push(error.to_string()),
        }
        left.extend(self.forget(lab, before).await.err().map(|failure| failure.to_string()));
        left
    }

    /// The record is again what it was before; the images of a lab that there is not are gone.
    async fn forget(&self, lab: &DockerLab, before: &Before<'_>) -> Result<()> {
        match before.kept {
            Some(record) => self.state.write_record(record).context("write the lab's record"),
            None if before.was_there => Ok(()),
            None => {
                let endpoints = self.record_endpoints();
                let registry = endpoints.registry.as_deref().map(|url| url.trim_start_matches("http://"));
                let images = Images::of(self.spec);
                images.remove_new(lab.engine(), &before.images, registry).await?;
                self.state.purge().context("remove the state of the lab")
            }
        }
    }

    /// What the lab's containers are marked with.
    fn owner(&self) -> String {
        self.state.path().display().to_string()
    }

    async fn docker_up(&self, lab: &DockerLab, before: &Before<'_>) -> Result<()> {
        let kept = before.kept;
        let last = kept.and_then(|record| record.containers.as_ref());
        let last = last.map(|containers| containers.ports.clone()).unwrap_or_default();
        let images = self.images(lab).await?;
        let drawn = lab.draw(self.spec, &images, &last).await.map_err(|error| self.lab_failure(&error))?;
        self.write_new_record(lab, &drawn, kept)?;
        let changes: Vec<_> = drawn.changes.iter().map(ToString::to_string).collect();
        let changes = if drawn.is_fresh() { Vec::new() } else { changes };
        if !drawn.is_fresh() {
            self.say_changes(&changes);
        }
        if let Some(kept) = kept.filter(|kept| !kept.stopped && kept.spec.marathon != self.spec.marathon) {
            self.move_scheduler(lab, kept).await?;
        }
        if !drawn.is_fresh() {
            // What is made anew is gone before the scheduler looks for it.
            self.make_cluster(lab, &drawn).await?;
        }
        let endpoints = drawn.endpoints.clone();
        let started = Started { endpoints, changes, in_use: drawn.in_use.clone() };
        let ready = async {
            let start = self.start(lab);
            let cluster = async {
                if drawn.is_fresh() {
                    self.make_cluster(lab, &drawn).await?;
                }
                self.cluster_ready(&started).await
            };
            tokio::try_join!(cluster, containers::start_scheduler(&start, &drawn, kept))?;
            self.scheduler_ready(&started).await
        };
        tokio::select! {
            ready = ready => ready,
            ended = lab.watch(&before.belongings) => Err(self.lab_failure(&ended)),
        }
    }

    async fn make_cluster(&self, lab: &DockerLab, drawn: &Drawn) -> Result<()> {
        lab.make(drawn, Phase::Cluster).await.map_err(|error| self.lab_failure(&error))
    }

    /// Has the engine have every image.
    async fn images(&self, lab: &DockerLab) -> Result<PresentImages> {
        let board = self.settings.printer.board();
        Ok(Images::of(self.spec).ensure(lab.engine(), &|event| board.show(event)).await?)
    }

    /// Whoever runs the scheduler ends it before somebody else does.
    async fn move_scheduler(&self, lab: &DockerLab, kept: &LabRecord) -> Result<()> {
        let stopped = self.start(lab).scheduler(&kept.endpoints).stop(false).await;
        stopped.map_err(|error| self.lab_failure(&error))
    }

    /// Before anything is made, so that whatever happens then, `down` knows of it.
    fn write_new_record(&self, lab: &DockerLab, drawn: &Drawn, kept: Option<&LabRecord>) -> Result<()> {
        let running = kept.filter(|record| !record.stopped);
        let record = LabRecord {
            spec: self.spec.clone(),
            endpoints: drawn.endpoints.clone(),
            pid: 0,
            halted: Vec::new(),
            containers: Some(ContainerRecord {
                engine: lab.engine().place().to_string(),
                owner: self.owner(),
                ports: drawn.ports.clone(),
            }),
            started_at: running.map_or(self.started.as_secs_f64(), |record| record.started_at),
            stopped: false,
        };
        self.state.write_record(&record).context("write the lab's record")
    }

    fn start<'a>(&'a self, lab: &'a DockerLab) -> Start<'a> {
        let Self { settings, spec, state, clock, .. } = *self;
        Start { settings, lab, spec, state, clock, wait: self.args.wait }
    }

    fn record_endpoints(&self) -> Endpoints {
        self.state.record().ok().flatten().map(|record| record.endpoints).unwrap_or_default()
    }

    fn write_docker_record(&self, change: impl FnOnce(&mut LabRecord)) -> Result<()> {
        let Some(mut record) = self.state.record().context("read the lab's record")? else { return Ok(()) };
        change(&mut record);
        self.state.write_record(&record).context("write the lab's record")
    }

    fn lab_failure(&self, error: &LabError) -> Failure {
        let message = match error {
            LabError::Interrupted => format!("interrupted; lab `{}` is as it was before", self.spec.name),
            error => format!("lab `{}` could not start: {error}", self.spec.name),
        };
        let suffix = Settings::name_suffix(&self.spec.name);
        Failure::failed(message).seen(error.lines()).hint(error.remedy(&suffix))
    }
}
