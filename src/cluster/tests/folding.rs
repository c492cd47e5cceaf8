//! What becomes of rows, counters and the history, one story a test.

use std::time::Duration;

use super::make::{
    OURS, Snapshot, agent, agent_added, agent_removed, at, change, cluster, config, failed, framework,
    framework_removed, framework_updated, offer_view, resources, running, scheduler, scheduler_snapshot,
    state, status, task, task_added, task_updated, view, view_of,
};
use crate::{
    client::published::Published,
    cluster::{
        Change, ClusterView,
        agent::AgentState,
        component::{Component, Health, Kind as Part},
        framework::FrameworkState,
        history::Weight,
        link::Link,
        offer::Verdict,
        rows::Rows as _,
        task::Task,
    },
    mesos::v1::{self, TaskState, master::response::get_agents},
    scheduler::{
        api::{self, KillReason},
        quantities::Quantities,
    },
};

fn texts(view: &ClusterView) -> Vec<&str> {
    view.history.iter().map(|happening| happening.text.as_str()).collect()
}

fn found<'a>(view: &'a ClusterView, id: &str) -> &'a Task {
    view.tasks.find(id).expect("a task")
}

fn live() -> Change {
    Change::MasterLink(Link::Live { since: at(10.0) })
}

#[test]
fn the_first_snapshot_is_one_line_of_history() {
    let view = view_of([cluster().change(), live()]);
    assert_eq!(texts(&view), ["connected to the master: 2 agents, 2 tasks"]);
    assert_eq!((view.counts.running, view.counts.failed), (2, 1));
    let task = found(&view, "web.1");
    assert_eq!((&*task.agent, &*task.framework, task.executor_id.as_str()), ("agent-2", "web", "web.1"));
    assert_eq!(task.message, "Command exited with status 1");
    assert_eq!((task.started, task.since), (Some(at(3.0)), Some(at(3.0))));
    assert_eq!((task.resources.ports, task.more.ports.as_str()), (2, "31000-31001"));
    let agent = view.agents.find("A1").unwrap();
    assert_eq!(
        (agent.tasks, agent.url.as_str(), agent.attributes.as_str()),
        (2, "http://127.0.0.1:5051", "rack:a")
    );
    assert_eq!((view.gauges.total.cpus, view.gauges.used.cpus, view.gauges.free().cpus), (8.0, 0.2, 7.8));
}

#[test]
fn a_task_is_followed_from_launch_to_failure() {
    let mut view = view_of([
        cluster().change(),
        live(),
        change(task_added(task(OURS, "web.2", "A2", Vec::new()))),
        change(task_updated(OURS, status("web.2", TaskState::TaskStarting, 20.0))),
        change(task_updated(OURS, status("web.2", TaskState::TaskRunning, 21.0))),
    ]);
    assert_eq!((view.counts.running, view.agents.find("A2").unwrap().tasks), (3, 1));
    let healthy =
        |healthy| v1::TaskStatus { healthy: Some(healthy), ..status("web.2", TaskState::TaskRunning, 22.0) };
    view.apply(at(22.0), change(task_updated(OURS, healthy(false))));
    let task = found(&view, "web.2");
    assert_eq!((task.since, task.started), (Some(at(21.0)), Some(at(20.0))), "health is no new state");
    assert_eq!(task.history.len(), 2, "as Mesos keeps it: the last of each state");
    view.apply(at(23.0), change(task_updated(OURS, failed("web.2", 23.0))));
    assert_eq!(view.rates.failures.back(), Some(&1));
    assert_eq!(view.rates.launches.iter().sum::<u64>(), 1);
    assert_eq!(view.rates.running.iter().rev().take(2).collect::<Vec<_>>(), [&2, &3]);
    assert_eq!(
        texts(&view)[1..],
        [
            "web.2 on agent-2: staging",
            "web.2 on agent-2: starting",
            "web.2 on agent-2: running",
            "web.2 on agent-2: unhealthy",
            "web.2 on agent-2: failed, Command exited with status 1 (REASON_COMMAND_EXECUTOR_FAILED)",
        ]
    );
    assert_eq!(view.history.iter().last().unwrap().weight, Weight::Bad);
    assert_eq!(view.agents.find("A2").unwrap().tasks, 0);
}

#[test]
fn after_a_reconnect_rows_keep_their_places_and_the_differences_are_told() {
    let mut view = view_of([scheduler_snapshot(vec![view("web.0", 0)]), cluster().change(), live()]);
    let (task, agent) = (view.tasks.key("web.0"), view.agents.key("A1"));
    let before = found(&view, "web.0").clone();
    let lost = Link::Lost { since: at(20.0), problem: "Connection refused".into(), retry_at: at(21.0) };
    view.apply(at(20.0), Change::MasterLink(lost.clone()));
    view.apply(at(21.0), Change::MasterLink(lost));
    let told = view.history.len();
    let mut then = cluster();
    then.tasks.push(running(OURS, "web.3", "A2", 20.0));
    then.tasks.remove(1);
    then.agents.remove(1);
    view.apply(at(22.0), then.change());
    view.apply(at(22.0), live());
    assert_eq!((view.tasks.key("web.0"), view.agents.key("A1")), (task, agent));
    assert_eq!(found(&view, "web.0"), &before);
    assert_eq!(
        texts(&view)[told..],
        [
            "connected to the master: 1 agent, 2 tasks",
            "agent agent-2 is gone",
            "job on agent-1: the master knows it no more",
            "web.3 on A2: running",
        ]
    );
    assert_eq!(texts(&view)[told - 1], "no master: Connection refused");
    assert_eq!(texts(&view).iter().filter(|text| text.starts_with("no master")).count(), 1);
}

#[test]
fn a_great_change_is_summed_up() {
    let mut then = cluster();
    then.tasks.extend((0..60).map(|n| running(OURS, &format!("many.{n}"), "A1", 5.0)));
    let view = view_of([cluster().change(), live(), then.change()]);
    assert_eq!(texts(&view)[1..], ["60 tasks have changed, 0 of them have failed"]);
}

#[test]
fn names_come_later_than_what_bears_them() {
    let mut view = view_of([change(task_added(running(OURS, "web.0", "A1", 1.0)))]);
    assert_eq!((&*found(&view, "web.0").agent, &*found(&view, "web.0").framework), ("A1", OURS));
    view.apply(at(11.0), change(agent_added(agent("A1", "agent-1", ""))));
    view.apply(at(12.0), change(framework_updated(framework(OURS, "web"))));
    assert_eq!((&*found(&view, "web.0").agent, &*found(&view, "web.0").framework), ("agent-1", "web"));
    assert_eq!((view.agents.find("A1").unwrap().tasks, view.frameworks.find(OURS).unwrap().tasks), (1, 1));
    view.apply(at(13.0), change(agent_removed("A1")));
    assert_eq!(&*found(&view, "web.0").agent, "agent-1", "where it was is still known");
    assert_eq!(view.gauges, crate::cluster::Gauges::default());
}

#[test]
fn an_agent_is_called_what_its_component_is() {
    let mut view = view_of([
        change(agent_added(agent("A1", "localhost", ""))),
        change(task_added(running(OURS, "web.0", "A1", 1.0))),
        scheduler_snapshot(Vec::new()),
        Change::Scheduler(Box::new(api::Event::Offers {
            offers: 1,
            accepted: 0,
            declined: 1,
            launched: Vec::new(),
            views: vec![api::OfferView {
                agent_id: "A1".to_owned(),
                ..offer_view("O1", api::Verdict::Declined, "")
            }],
        })),
    ]);
    let names = |view: &ClusterView| {
        let agent = view.agents.find("A1").unwrap();
        let (task, offer) = (found(view, "web.0"), view.offers.find("O1").unwrap());
        [&agent.name, &task.agent, &offer.agent].map(ToString::to_string)
    };
    assert_eq!(names(&view), ["localhost"; 3]);
    let component = Component {
        name: "agent-1".to_owned(),
        kind: Part::Agent,
        url: "http://127.0.0.1:5051".to_owned(),
        health: Health::Ready,
        state: String::new(),
        version: String::new(),
        started: None,
        restarts: 0,
        last_ping: None,
        round_trip: None,
        container: None,
    };
    view.apply(at(20.0), Change::Probed { component: Box::new(component), round_trip: None });
    assert_eq!(names(&view), ["agent-1"; 3]);
    view.apply(at(21.0), change(agent_added(agent("A1", "localhost", "cpus:1"))));
    assert_eq!(names(&view), ["agent-1"; 3]);
}

#[test]
fn what_is_not_known_does_no_harm() {
    let view = view_of([
        change(task_updated(OURS, status("nobody", TaskState::TaskRunning, 1.0))),
        change(agent_removed("A9")),
        change(framework_removed(framework("F9", "gone"))),
        change(super::make::event(v1::master::event::Type::TaskAdded)),
        scheduler(api::Event::State(Box::new(state()))),
        scheduler(api::Event::Task { task: Box::new(view("web.9", 9)), ended: true }),
    ]);
    assert_eq!((view.tasks.len(), view.agents.len(), view.scheduler.is_none()), (0, 0, true));
    assert_eq!(view.frameworks.find("F9").unwrap().state, FrameworkState::Completed);
}

#[test]
fn two_frameworks_may_have_tasks_of_one_id() {
    let tasks = vec![running("F1", "0", "A1", 1.0), running("F2", "0", "A2", 2.0)];
    let mut view = view_of([Snapshot { tasks: tasks.clone(), ..Snapshot::default() }.change()]);
    assert_eq!((view.tasks.len(), view.counts.running), (2, 2));
    view.apply(at(20.0), change(task_updated("F2", status("0", TaskState::TaskKilled, 20.0))));
    assert_eq!(view.tasks.find("0").unwrap().state, TaskState::TaskRunning);
    let second = view.tasks.find("F2/0").unwrap();
    assert_eq!((second.state, &*second.id, second.row()), (TaskState::TaskKilled, "0", "F2/0"));
    let key = view.tasks.key("F2/0");
    view.apply(at(21.0), Snapshot { tasks: tasks[1..].to_vec(), ..Snapshot::default() }.change());
    assert_eq!((view.tasks.len(), view.tasks.key("F2/0")), (1, key), "it stays where it is");
    assert_eq!(view.tasks.find("F2/0").unwrap().row(), "F2/0");
}

#[test]
fn the_task_that_is_there_hides_the_ended_one_of_its_id() {
    let ended = task(OURS, "again", "A1", vec![failed("again", 1.0)]);
    let snapshot = Snapshot {
        tasks: vec![running(OURS, "again", "A1", 2.0)],
        completed: vec![ended],
        ..Snapshot::default()
    };
    let view = view_of([snapshot.change()]);
    assert_eq!((view.tasks.len(), view.counts.running, view.counts.failed), (1, 1, 0));
}

#[test]
fn the_oldest_ended_tasks_go() {
    let ended = |n: usize| {
        let id = format!("t{n}");
        task(OURS, &id, "A1", vec![failed(&id, n as f64)])
    };
    let snapshot = Snapshot { completed: (0..1500).rev().map(ended).collect(), ..Snapshot::default() };
    let mut view = view_of([snapshot.clone().change()]);
    assert_eq!((view.tasks.len(), view.counts.failed), (1000, 1000));
    assert!(view.tasks.find("t499").is_none() && view.tasks.find("t500").is_some());
    view.apply(at(20.0), change(task_added(running(OURS, "new", "A1", 2000.0))));
    view.apply(at(21.0), change(task_updated(OURS, failed("new", 2001.0))));
    assert_eq!((view.tasks.len(), view.tasks.find("t500").is_none()), (1000, true));
    let told = view.history.len();
    view.apply(at(22.0), snapshot.change());
    assert!(texts(&view)[told..].iter().all(|text| !text.contains("staging")), "{:?}", texts(&view));
}

#[test]
fn agents_come_back_and_drain() {
    let mut view = view_of([cluster().change()]);
    let mut draining = agent("A2", "agent-2", "");
    draining.drain_info = Some(v1::DrainInfo::default());
    view.apply(at(20.0), change(agent_added(draining)));
    let inactive = v1::master::response::get_agents::Agent { active: false, ..agent("A1", "agent-1", "") };
    view.apply(at(21.0), Snapshot { agents: vec![inactive], ..cluster() }.refresh());
    assert_eq!(view.agents.find("A1").unwrap().state, AgentState::Inactive);
    assert_eq!(view.gauges.total, Quantities::default());
    assert_eq!(
        texts(&view)[1..],
        ["agent agent-2: draining", "agent agent-2 is gone", "agent agent-1: inactive"]
    );
}

#[test]
fn offers_go_from_outstanding_to_a_verdict() {
    let offer = |id: &str, framework: &str| v1::Offer {
        id: id.into(),
        framework_id: framework.into(),
        agent_id: "A1".into(),
        hostname: "agent-1".to_owned(),
        resources: resources("cpus:4;mem:4096"),
        ..Default::default()
    };
    let mut then = cluster();
    then.frameworks[0].offers = vec![offer("O1", OURS)];
    then.frameworks[1].offers = vec![offer("O2", "F-other")];
    let mut view = view_of([cluster().change(), scheduler_snapshot(Vec::new()), then.refresh()]);
    assert_eq!(view.frameworks.find(OURS).unwrap().offers, 1);
    assert_eq!(view.offers.find("O2").unwrap().verdict, Verdict::Outstanding);
    let views = vec![
        offer_view("O1", api::Verdict::Accepted, "1 task launched"),
        offer_view("O3", api::Verdict::Declined, "all 3 tasks are placed"),
    ];
    let event = api::Event::Offers { offers: 2, accepted: 1, declined: 1, launched: Vec::new(), views };
    view.apply(at(20.0), scheduler(event));
    view.apply(at(21.0), cluster().refresh());
    let verdict = |id: &str| view.offers.find(id).map(|offer| offer.verdict);
    assert_eq!(verdict("O1"), Some(Verdict::Accepted));
    assert_eq!(verdict("O2"), Some(Verdict::Gone));
    assert_eq!(verdict("O3"), Some(Verdict::Declined));
    assert_eq!(
        (&*view.offers.find("O1").unwrap().framework, view.offers.find("O1").unwrap().at),
        ("web", at(12.0))
    );
    assert_eq!(view.rates.offers.iter().sum::<u64>(), 2);
    assert_eq!(
        texts(&view)[2..],
        ["offer of agent-1 accepted: 1 task launched", "offer of agent-1 declined: all 3 tasks are placed"]
    );
}

#[test]
fn the_newest_offers_are_kept() {
    let mut view = view_of([scheduler_snapshot(Vec::new())]);
    for n in 0..1200 {
        let views = vec![offer_view(&format!("O{n}"), api::Verdict::Declined, "")];
        let event = api::Event::Offers { offers: 1, accepted: 0, declined: 1, launched: Vec::new(), views };
        view.apply(at(20.0), scheduler(event));
    }
    assert_eq!(view.offers.len(), 1000);
    assert!(view.offers.find("O199").is_none() && view.offers.find("O200").is_some());
}

#[test]
fn what_the_scheduler_knows_first_waits_for_the_task() {
    let mut view =
        view_of([cluster().change(), scheduler_snapshot(vec![view("web.0", 0), view("web.2", 2)])]);
    assert_eq!(found(&view, "web.0").ours.as_ref().unwrap().restarts, 2);
    assert!(found(&view, "job").ours.is_none() && found(&view, "web.1").ours.is_none());
    assert!(view.frameworks.find(OURS).unwrap().ours);
    view.apply(at(20.0), change(task_added(task(OURS, "web.2", "A2", Vec::new()))));
    assert_eq!(found(&view, "web.2").ours.as_ref().unwrap().slot, Some(2));
    let killing = api::TaskView { killing: Some(KillReason::ScaledDown), ..super::make::view("web.2", 2) };
    view.apply(at(21.0), scheduler(api::Event::Task { task: Box::new(killing), ended: false }));
    view.apply(at(22.0), scheduler(api::Event::Config(Box::new(config(5)))));
    assert_eq!(texts(&view)[3..], ["web.2 is to end: scaled down", "settings: num_of_node 3 → 5"]);
    let question = view.forecast_question(4).unwrap();
    assert_eq!((question.wanted, question.config.num_of_node, question.tasks.len()), (4, 5, 2));
    let free: Vec<_> = question
        .agents
        .iter()
        .map(|offer| crate::cluster::amounts::quantities(&offer.resources).cpus)
        .collect();
    assert_eq!(free, [3.8, 4.0]);
    assert_eq!(question.agents[0].hostname, "agent-1");
}

#[test]
fn a_task_that_ended_before_the_master_told_of_it_is_ours_all_the_same() {
    let mut view = view_of([scheduler_snapshot(Vec::new())]);
    view.apply(
        at(20.0),
        scheduler(api::Event::Task { task: Box::new(super::make::view("web.1", 1)), ended: true }),
    );
    view.apply(at(21.0), cluster().change());
    assert_eq!(found(&view, "web.1").ours.as_ref().unwrap().slot, Some(1));
}

#[test]
fn the_scheduler_comes_and_goes() {
    let absent = || Change::SchedulerLink(Link::Absent { why: "the scheduler is stopped".into() });
    let disconnected =
        api::State { phase: api::Phase::Disconnected, problem: Some("Connection refused".into()), ..state() };
    let view = view_of([
        absent(),
        absent(),
        scheduler_snapshot(Vec::new()),
        Change::SchedulerLink(Link::Live { since: at(1.0) }),
        scheduler(api::Event::State(Box::new(disconnected))),
        Change::SchedulerLink(Link::Lost { since: at(2.0), problem: "it ended".into(), retry_at: at(3.0) }),
    ]);
    assert_eq!(
        texts(&view),
        [
            "no scheduler: the scheduler is stopped",
            "connected to the scheduler: 1/3 tasks running",
            "the scheduler is not subscribed with http://127.0.0.1:5050: Connection refused",
            "no scheduler: it ended",
        ]
    );
    assert!(view.scheduler.is_some(), "what was known is still shown");
}

#[test]
fn another_master_is_told_and_known() {
    let answer = |id: &str| {
        let master_info = Some(v1::MasterInfo { id: id.to_owned(), ..Default::default() });
        let answer =
            v1::master::response::GetMaster { master_info, start_time: Some(5.0), elected_time: None };
        Box::new(answer)
    };
    let master = |url: &str, answer, version: &str| Change::Master {
        url: url.to_owned(),
        answer,
        version: version.to_owned(),
    };
    let mut view = view_of([
        master("http://a", Box::default(), ""),
        master("http://a", answer("M1"), "1.11.0"),
        master("http://a", Box::default(), ""),
    ]);
    assert_eq!((view.master.id.as_str(), view.master.version.as_str()), ("M1", "1.11.0"));
    assert_eq!(view.history.len(), 0);
    view.apply(at(20.0), master("http://b", Box::default(), ""));
    view.apply(at(20.0), master("http://b", answer("M2"), "1.9.0"));
    assert_eq!(
        (texts(&view), view.master.version.as_str()),
        (vec!["another master leads: http://b"], "1.9.0")
    );
}

#[test]
fn components_are_counted_when_they_start_anew() {
    let probed = |health, started: Option<f64>, state: &str| Change::Probed {
        component: Box::new(Component {
            name: "agent-1".to_owned(),
            kind: Part::Agent,
            url: if started.is_some() { "http://a".to_owned() } else { String::new() },
            health,
            state: state.to_owned(),
            version: if started.is_some() { "1.11.0".to_owned() } else { String::new() },
            started: started.map(at),
            restarts: 0,
            last_ping: None,
            round_trip: None,
            container: None,
        }),
        round_trip: started.map(|_| Duration::from_millis(1)),
    };
    let mut view = view_of([
        probed(Health::Ready, Some(1.0), "registered"),
        probed(Health::Ready, Some(1.0), "registered"),
        probed(Health::Down, None, "Connection refused"),
    ]);
    let down = view.components.find("agent-1").unwrap();
    assert_eq!((down.restarts, down.version.as_str(), down.last_ping), (0, "1.11.0", Some(at(11.0))));
    assert_eq!(down.url, "http://a", "where it was");
    view.apply(at(20.0), probed(Health::Ready, Some(19.0), "registered"));
    assert_eq!(view.components.find("agent-1").unwrap().restarts, 1);
    assert_eq!(texts(&view), ["agent-1: Connection refused", "agent-1: registered"]);
    view.apply(at(21.0), Change::Components(vec!["master".to_owned()]));
    assert_eq!(view.components.len(), 0);
}

#[test]
fn agents_of_a_lab_of_containers_are_where_it_publishes_them() {
    let told =
        get_agents::Agent { pid: Some("slave(1)@172.18.0.33:5051".to_owned()), ..agent("a1", "agent-1", "") };
    let mut view = view_of([change(agent_added(told.clone()))]);
    assert_eq!(view.agents.find("a1").unwrap().url, "http://172.18.0.33:5051");
    view.apply(at(1.0), Change::Published(Published::new([("agent-1", "http://127.0.0.1:5051")])));
    view.apply(at(2.0), change(agent_added(told)));
    assert_eq!(view.agents.find("a1").unwrap().url, "http://127.0.0.1:5051");
}

#[test]
fn a_recorded_stream_is_folded() {
    let events = crate::engine::golden::events("04-master-api-v1/90-SUBSCRIBE-stream");
    let mut view = ClusterView::default();
    let mut counts = Vec::new();
    for event in events {
        view.apply(at(0.0), change(crate::mesos::json::from_json(event.to_string()).unwrap()));
        counts.push((view.agents.len(), view.counts.live(), view.tasks.len()));
    }
    assert!(counts.contains(&(1, 0, 0)), "the agent joins: {counts:?}");
    assert!(counts.iter().any(|(_, live, _)| *live > 0), "tasks run: {counts:?}");
    assert_eq!((view.agents.len(), view.counts.live()), (0, 0), "all goes");
    assert!(view.frameworks.iter().all(|framework| framework.state == FrameworkState::Completed));
    for text in texts(&view) {
        assert!(!text.contains("  ") && !text.ends_with(": "), "{text}");
    }
}
