//! The processes of containers with streams of their own: guests, and tasks with a terminal. They are always children of
//! this process, which holds the other end of their streams, and end with it.

use std::{collections::BTreeSet, io, sync::Arc};

use tokio::sync::mpsc::UnboundedSender;

use super::switchboard::{LINGERS, Switchboard};
use crate::{
    engine::{
        agent::{
            Launch,
            nested::{Attended, Streams},
        },
        executor::Signal,
    },
    host::{
        guard::Guard,
        process::{Event, Runner, spawn::Surroundings},
        sandbox,
    },
    mesos::v1::ContainerId,
    runtime::Tasks,
};

/// What runs them, from the first one on.
pub(super) struct Guests {
    events: UnboundedSender<Event>,
    guard: Option<Guard>,
    tasks: Tasks,
    runner: Option<Runner>,
    here: BTreeSet<ContainerId>,
}

impl Guests {
    /// What happens is told to `events`.
    pub fn new(events: UnboundedSender<Event>, guard: Option<Guard>, tasks: Tasks) -> Self {
        Self { events, guard, tasks, runner: None, here: BTreeSet::new() }
    }

    pub fn has(&self, container_id: &ContainerId) -> bool {
        self.here.contains(container_id)
    }

    /// Starts a container; answered with [`Event::Launched`] or [`Event::LaunchFailed`]. What there is to attach to.
    pub fn launch(
        &mut self,
        launch: Arc<Launch>,
        attended: &Attended,
        directory: Option<String>,
    ) -> Option<Switchboard> {
        let container_id = launch.container_id.clone();
        self.here.insert(container_id.clone());
        match self.start(launch, attended.streams, directory) {
            Ok(switchboard) => switchboard,
            Err(error) => {
                let _ended =
                    self.events.send(Event::LaunchFailed { container_id, message: error.to_string() });
                None
            }
        }
    }

    fn start(
        &mut self,
        launch: Arc<Launch>,
        streams: Streams,
        directory: Option<String>,
    ) -> io::Result<Option<Switchboard>> {
        let outputs = sandbox::create(&launch.directory, &launch.latest, launch.setup.account.as_ref())?;
        let (switchboard, surroundings) = match streams {
            Streams::Files => (None, Surroundings::of(outputs)?),
            streams => {
                let (switchboard, surroundings) = Switchboard::open(streams, outputs, &self.tasks)?;
                (Some(switchboard), surroundings)
            }
        };
        let runner = match self.runner.take() {
            Some(runner) => runner,
            None => Runner::start(&self.events, self.guard.clone())?,
        };
        self.runner.insert(runner).launch_in(launch, Surroundings { directory, ..surroundings });
        Ok(switchboard)
    }

    /// Takes note of a started process; gives its end if that has already come.
    pub fn launched(&mut self, container_id: &ContainerId, pid: u32) -> Option<Event> {
        self.runner.as_mut()?.launched(container_id, pid)
    }

    /// Signals the process tree of a container.
    pub fn signal(&self, container_id: &ContainerId, signal: Signal) {
        self.runner.iter().for_each(|runner| runner.signal(container_id, signal));
    }

    /// Signals the first process of a container.
    pub fn kill(&self, container_id: &ContainerId, signal: i32) {
        self.runner.iter().for_each(|runner| runner.kill(container_id, signal));
    }

    pub fn forget(&mut self, container_id: &ContainerId) {
        self.here.remove(container_id);
        self.runner.iter_mut().for_each(|runner| runner.forget(container_id));
    }

    /// The ends of all that have ended.
    pub fn reap(&mut self) -> Vec<Event> {
        self.runner.as_mut().map(Runner::reap).unwrap_or_default()
    }

    /// The streams of a container that has ended: they end by themselves, or soon; `then` after that.
    pub fn let_linger(&self, switchboard: Switchboard, then: impl FnOnce() + Send + 'static) {
        switchboard.ended();
        self.tasks.spawn(async move {
            let _late = tokio::time::timeout(LINGERS, switchboard.over()).await;
            switchboard.close();
            then();
        });
    }
}
