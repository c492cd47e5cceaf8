//! The read model, fed by a real lab: live, dead, healed elsewhere; and by a master that refuses its event stream.

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::Arc,
};

use mesoslab::{
    cluster::{
        Change, ClusterView,
        component::Health,
        link::Link,
        rows::Rows as _,
        watch::{self, Addresses, Locate},
    },
    mesos::v1::TaskState,
    provider::state::StateDir,
    runtime::{self, Clock, Tasks},
};
use tokio::sync::mpsc;

use crate::support::{Lab, PATIENCE};

/// Feeds under way, and what they have told.
struct Watched {
    clock: Clock,
    tasks: Tasks,
    changes: mpsc::Receiver<Change>,
    view: ClusterView,
}

impl Watched {
    fn start(locate: Locate) -> Self {
        let (sender, changes) = mpsc::channel(4096);
        let (clock, tasks) = (Clock::start(), Tasks::new());
        watch::start(&tasks, clock, locate, sender);
        Self { clock, tasks, changes, view: ClusterView::default() }
    }

    async fn until(&mut self, what: &str, condition: impl Fn(&ClusterView) -> bool) {
        let deadline = self.clock.now() + PATIENCE;
        while !condition(&self.view) {
            let left = deadline.since(self.clock.now());
            let change = tokio::time::timeout(left, self.changes.recv()).await;
            let Ok(Some(change)) = change else {
                let history: Vec<_> = self.view.history.iter().map(|it| &it.text).collect();
                panic!("not within {PATIENCE:?}: {what}\n{history:#?}\n{:#?}", self.view.components)
            };
            self.view.apply(self.clock.now(), change);
        }
    }
}

fn place_of(lab: &Lab) -> impl Fn() -> Result<Addresses, String> + use<> {
    let state = StateDir::at(lab.state_dir());
    move || {
        let record = state.record().map_err(|error| error.to_string())?.ok_or("there is no lab")?;
        if !state.is_running() {
            return Err("the lab does not run".to_owned());
        }
        Ok(Addresses {
            master: record.endpoints.master,
            scheduler: record.endpoints.scheduler,
            no_scheduler: "stopped".to_owned(),
            agents: record.endpoints.agents.into_iter().map(|(name, url)| (name.0, url)).collect(),
            ..Addresses::default()
        })
    }
}

fn ours_running(view: &ClusterView) -> usize {
    let is_ours = |task: &&mesoslab::cluster::task::Task| {
        task.state == TaskState::TaskRunning && task.ours.is_some() && *task.agent != *task.agent_id
    };
    view.tasks.iter().filter(is_ours).count()
}

fn are_all(view: &ClusterView, health: Health) -> bool {
    let names = ["master", "agent-1", "agent-2", "scheduler"];
    names.iter().all(|name| view.components.find(name).is_some_and(|component| component.health == health))
}

#[test]
fn a_lab_is_followed_through_death_and_healing() {
    let lab = Lab::new().up(&["--tasks", "2", "--agents", "2"]);
    let locate = Arc::new(place_of(&lab));
    let story = async {
        let mut watched = Watched::start(locate);
        watched.until("two tasks of ours run", |view| ours_running(view) == 2).await;
        watched
            .until("all is known", |view| {
                view.master_link.is_up()
                    && view.scheduler_link.is_up()
                    && are_all(view, Health::Ready)
                    && view.gauges.used.cpus > 0.0
                    && view.master.started.is_some()
            })
            .await;
        let about = |component: &mesoslab::cluster::component::Component| {
            component.started.is_some() && !component.version.is_empty() && component.round_trip.is_some()
        };
        assert!(watched.view.components.iter().all(about), "{:#?}", watched.view.components);
        assert!(watched.view.offers.iter().any(|offer| offer.tasks.len() == 1 || offer.tasks.len() == 2));
        let question = watched.view.forecast_question(3).expect("a question");
        assert_eq!((question.tasks.len(), question.agents.len()), (2, 2));
        lab.ok(&["scale", "3"]);
        watched.until("three run", |view| ours_running(view) == 3).await;
        let settings = watched.view.history.iter().any(|it| it.text == "settings: num_of_node 2 → 3");
        assert!(settings, "{:#?}", watched.view.history);

        let pid = i32::try_from(lab.pid()).ok().and_then(rustix::process::Pid::from_raw).expect("a pid");
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("kill");
        watched
            .until("all is down", |view| {
                matches!(&view.master_link, Link::Lost { problem, .. } if problem == "the lab does not run")
                    && are_all(view, Health::Down)
            })
            .await;
        assert_eq!(ours_running(&watched.view), 3, "what was known is still there");
        lab.ok(&["up", "--agents", "2"]);
        watched
            .until("all is back", |view| {
                view.master_link.is_up() && ours_running(view) == 3 && are_all(view, Health::Ready)
            })
            .await;
        let restarts: Vec<_> = watched.view.components.iter().map(|it| (&it.name, it.restarts)).collect();
        assert!(restarts.iter().all(|(_, restarts)| *restarts == 1), "{restarts:?}");
        watched.tasks.stop().await;
    };
    runtime::block_on_lab(story).expect("a runtime");
}

/// Stands before a master, and lets `/state` through only.
fn shield(master: &str) -> String {
    let master = master.trim_start_matches("http://").to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let answer = move |mut client: TcpStream| -> std::io::Result<()> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            client.read_exact(&mut byte)?;
            head.push(byte[0]);
        }
        if !head.starts_with(b"GET /state ") {
            return client
                .write_all(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        }
        let mut server = TcpStream::connect(&master)?;
        server.write_all(
            format!("GET /state HTTP/1.1\r\nHost: {master}\r\nConnection: close\r\n\r\n").as_bytes(),
        )?;
        std::io::copy(&mut server, &mut client).map(drop)
    };
    let serve = move || {
        for client in listener.incoming().flatten() {
            drop(answer(client));
        }
    };
    runtime::thread("shield", serve).expect("a thread");
    format!("http://{address}")
}

#[test]
fn a_master_that_refuses_its_stream_shows_the_same_cluster() {
    let lab = Lab::new().up(&["--tasks", "2", "--agents", "2"]);
    let place = place_of(&lab)().expect("a place");
    let shielded = Addresses { master: shield(&place.master), ..place.clone() };
    let story = async {
        let mut streamed = Watched::start(Arc::new(move || Ok(place.clone())));
        let mut polled = Watched::start(Arc::new(move || Ok(shielded.clone())));
        let settled = |view: &ClusterView| {
            let named = view.tasks.iter().all(|task| task.agent.starts_with("agent-"));
            let quiet = view.gauges.used.cpus > 0.0 && view.gauges.offered.cpus == 0.0;
            named && quiet && ours_running(view) == 2
        };
        streamed.until("two tasks run", settled).await;
        polled.until("two tasks run", settled).await;
        polled.until("polling", |view| matches!(view.master_link, Link::Polling { .. })).await;
        let (view, other) = (&streamed.view, &polled.view);
        assert_eq!((view.gauges, view.counts), (other.gauges, other.counts));
        for task in view.tasks.iter() {
            let same = other.tasks.find(&task.id).expect("the task");
            let states = |task: &mesoslab::cluster::task::Task| -> Vec<_> {
                task.history.iter().map(|status| status.state).collect()
            };
            assert_eq!((&task.agent, &task.more, states(task)), (&same.agent, &same.more, states(same)));
        }
        assert_eq!(view.agents.len(), other.agents.len());
        for agent in view.agents.iter() {
            let same = other.agents.find(&agent.id).expect("the agent");
            assert_eq!((agent.total, agent.used, &agent.url), (same.total, same.used, &same.url));
        }
        streamed.tasks.stop().await;
        polled.tasks.stop().await;
    };
    runtime::block_on_lab(story).expect("a runtime");
}
