//! `up` with the lab in containers: images, containers, readiness, and the scheduler last.

use super::{Started, UpRun};
use crate::{
    client::docker::Engine,
    commands::containers::{self, Start},
    error::{Code, Context, Failure, Result},
    provider::{
        Endpoints,
        docker::{DockerLab, Drawn, LabError, Phase, PresentImages, images::Images},
        state::{ContainerRecord, LabRecord},
    },
    runtime::Signals,
    settings::Settings,
};

impl UpRun<'_> {
    /// What was not there before is taken away again where this fails or is interrupted.
    pub(super) async fn docker(
        &self,
        engine: Engine,
        was_there: bool,
        kept: Option<&LabRecord>,
    ) -> Result<()> {
        let mut signals = Signals::listen().context("listen for signals")?;
        let lab = DockerLab::new(engine, &self.spec.name, self.clock);
        let before = lab.belongings().await.map_err(|error| self.lab_failure(&error))?;
        let made = tokio::select! {
            made = self.docker_up(&lab, kept) => made,
            () = signals.next() => Err(self.lab_failure(&LabError::Interrupted)),
        };
        if let Err(mut failure) = made {
            // What is late may be looked at.
            if failure.code != Code::NotReady {
                failure.seen.extend(lab.undo(&before).await.err().map(|error| error.to_string()));
                self.forget(&lab, was_there, kept).await?;
            }
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

    /// The record is again what it was before.
    async fn forget(&self, lab: &DockerLab, was_there: bool, kept: Option<&LabRecord>) -> Result<()> {
        match kept {
            Some(record) => self.state.write_record(record).context("write the lab's record"),
            None if was_there => Ok(()),
            None => {
                self.untag(lab).await;
                self.state.purge().context("remove the state of the lab")
            }
        }
    }

    async fn docker_up(&self, lab: &DockerLab, kept: Option<&LabRecord>) -> Result<()> {
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
            ended = lab.watch() => Err(self.lab_failure(&ended)),
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
            containers: Some(ContainerRecord {
                engine: lab.engine().place().to_string(),
                ports: drawn.ports.clone(),
            }),
            started_at: running.map_or(self.started.as_secs_f64(), |record| record.started_at),
            stopped: false,
        };
        self.state.write_record(&record).context("write the lab's record")
    }

    /// Images that were pushed keep no name in a registry that is gone.
    async fn untag(&self, lab: &DockerLab) {
        if let Some(registry) = self.record_endpoints().registry {
            let registry = registry.trim_start_matches("http://");
            let _listed_later = Images::of(self.spec).untag(lab.engine(), registry).await;
        }
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
            LabError::Interrupted => {
                format!("interrupted; what was made of lab `{}` is removed", self.spec.name)
            }
            error => format!("lab `{}` could not start: {error}", self.spec.name),
        };
        let suffix = Settings::name_suffix(&self.spec.name);
        Failure::failed(message).seen(error.lines()).hint(error.remedy(&suffix))
    }
}
