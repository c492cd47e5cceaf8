//! One picture of the dashboard without a terminal: reads the cluster, draws once, ends.

use std::time::Duration;

use ratatui::{buffer::Buffer, layout::Size};
use tokio::{sync::mpsc, time::timeout};

use crate::{
    cluster::{Change, ClusterView, link::Link, watch},
    mesos::time::Time,
    runtime::{Clock, Tasks},
    scheduler::forecast::forecast,
    tui::{
        message::{Answer, Effect, Msg},
        model::Model,
        picture,
        run::{Options, WAITING},
        update::{settle, update},
    },
};

/// What comes this soon after the last news belongs to what is being read.
const QUIET: Duration = Duration::from_millis(250);

/// A picture, and whether it shows the whole cluster.
pub struct Still {
    pub picture: Buffer,
    /// What is missing; for people.
    pub missing: Option<String>,
}

/// How long a picture is waited for.
#[derive(Clone, Copy, Debug)]
pub struct Waits {
    /// For the cluster to be read, at most.
    pub patience: Duration,
    /// For something to happen, at least.
    pub after: Duration,
}

/// Waits until the cluster is read, and draws.
pub async fn still(options: Options, size: Size, waits: Waits, clock: Clock) -> Still {
    let tasks = Tasks::new();
    let (changes_in, changes) = mpsc::channel(WAITING);
    watch::start(&tasks, clock, options.locate.clone(), changes_in);
    let start = clock.now();
    let mut model = options.model(start, size);
    // The picture shows what there is by then.
    drop(
        timeout(waits.patience.max(waits.after), read(&mut model, changes, start + waits.after, clock)).await,
    );
    tasks.cancel();
    let effects = update(&mut model, clock.now(), Msg::Tick);
    foretell(&mut model, effects, clock);
    settle(&mut model);
    Still { picture: picture::of(&model), missing: missing(&model.cluster) }
}

/// Takes in news until nothing is missing, no more comes, and it is late enough.
async fn read(model: &mut Model, mut changes: mpsc::Receiver<Change>, end: Time, clock: Clock) {
    let mut batch = Vec::new();
    loop {
        let msg = match timeout(QUIET, changes.recv_many(&mut batch, WAITING)).await {
            Ok(0) => return,
            Ok(_) => Msg::Changes(std::mem::take(&mut batch)),
            Err(_) if missing(&model.cluster).is_none() && clock.now() >= end => return,
            Err(_) => Msg::Tick,
        };
        let effects = update(model, clock.now(), msg);
        foretell(model, effects, clock);
    }
}

/// How many tasks fit is computed at once; a picture asks nothing of the cluster.
fn foretell(model: &mut Model, effects: Vec<Effect>, clock: Clock) {
    for effect in effects {
        if let Effect::Forecast { number, question } = effect {
            let forecast = Box::new(forecast(&question));
            drop(update(model, clock.now(), Msg::Answer(Answer::Forecast { number, forecast })));
        }
    }
}

fn missing(cluster: &ClusterView) -> Option<String> {
    let problem = |link: &Link| match link {
        Link::Connecting => Some("no answer".to_owned()),
        Link::Lost { problem, .. } => Some(problem.clone()),
        Link::Live { .. } | Link::Polling { .. } | Link::Absent { .. } => None,
    };
    let master = problem(&cluster.master_link).map(|problem| format!("the master: {problem}"));
    master.or_else(|| problem(&cluster.scheduler_link).map(|problem| format!("the scheduler: {problem}")))
}
