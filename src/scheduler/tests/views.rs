//! What the API shows of a scheduler's past: offers that were taken back, and how often a place was filled again.

use super::steps::{at, give, rescind, subscribed, update};
use crate::{
    mesos::v1::TaskState,
    scheduler::{
        Effect, Options, Scheduler,
        api::{Event, OfferView, Verdict},
        config::SchedulerConfig,
        testing::{offer, scalar},
    },
};

fn running(num_of_node: u32) -> Scheduler {
    let mut scheduler = subscribed(SchedulerConfig { num_of_node, ..SchedulerConfig::default() });
    give(&mut scheduler, 1, vec![offer("a", &[scalar("cpus", 4.0), scalar("mem", 512.0)])]);
    run_all(&mut scheduler, 1);
    scheduler
}

fn run_all(scheduler: &mut Scheduler, now: u64) {
    let ids: Vec<_> = scheduler.fleet.tasks().map(|task| task.id.clone()).collect();
    ids.iter().for_each(|id| update(scheduler, now, id, TaskState::TaskRunning));
}

fn views(effects: Vec<Effect>) -> Vec<OfferView> {
    let news = effects.into_iter().filter_map(|effect| match effect {
        Effect::News(event) => Some(*event),
        _ => None,
    });
    let views = news.filter_map(|event| match event {
        Event::Offers { views, .. } => Some(views),
        _ => None,
    });
    views.flatten().collect()
}

#[test]
fn an_offer_that_was_taken_back_keeps_its_record_and_says_so_once() {
    let mut scheduler = running(2);
    let told = views(rescind(&mut scheduler, 2, "offer-a"));
    let [view] = &told[..] else { panic!("{told:?}") };
    assert_eq!((view.verdict, view.tasks.len()), (Verdict::Rescinded, 2));
    assert_eq!(view.reason, "the master took it back (was: 2 tasks launched)");
    assert_eq!(scheduler.offer_list().offers, told);
    assert_eq!(scheduler.explain(at(2)).offers[0].reason, view.reason);
    assert!(views(rescind(&mut scheduler, 2, "offer-a")).is_empty());
    assert!(rescind(&mut scheduler, 2, "unknown").is_empty());
    assert_eq!(scheduler.offer_list().offers.len(), 1);
}

#[test]
fn watchers_hear_the_verdict_on_each_offer() {
    let mut scheduler = subscribed(SchedulerConfig { num_of_node: 1, ..SchedulerConfig::default() });
    let resources = [scalar("cpus", 4.0), scalar("mem", 512.0)];
    let told = views(give(&mut scheduler, 1, vec![offer("a", &resources), offer("b", &resources)]));
    assert_eq!(
        told.iter().map(|view| view.verdict).collect::<Vec<_>>(),
        [Verdict::Accepted, Verdict::Declined]
    );
    assert!(told.iter().eq(scheduler.offer_list().offers.iter().rev()));
}

#[test]
fn a_task_knows_how_many_its_place_has_seen_and_a_new_scheduler_too() {
    let restarts = |scheduler: &Scheduler| {
        let tasks = scheduler.tasks().tasks;
        tasks.iter().map(|task| (task.slot.unwrap(), task.restarts)).collect::<Vec<_>>()
    };
    let mut scheduler = running(2);
    assert_eq!(restarts(&scheduler), [(0, 0), (1, 0)]);
    for (round, end) in
        [(10, TaskState::TaskLost), (20, TaskState::TaskFailed), (30, TaskState::TaskUnreachable)]
    {
        let first = scheduler.fleet.tasks().find(|task| task.slot == Some(0)).unwrap().id.clone();
        update(&mut scheduler, round, &first, end);
        give(&mut scheduler, round + 5, vec![offer("a", &[scalar("cpus", 4.0), scalar("mem", 512.0)])]);
        run_all(&mut scheduler, round + 5);
        if end == TaskState::TaskUnreachable {
            update(&mut scheduler, round + 5, &first, TaskState::TaskKilled);
        }
    }
    assert_eq!(restarts(&scheduler), [(1, 0), (0, 3)]);
    assert_eq!(scheduler.tasks().ended[1].restarts, 1, "an ended task keeps its number");
    let config = SchedulerConfig::default();
    let next = Scheduler::new(at(40), Options::default(), config, Some(scheduler.saved()), 2);
    assert_eq!(restarts(&next), [(1, 0), (0, 3)]);
    assert_eq!((next.state().started_at, scheduler.state().started_at), (1_040.0, 1_000.0));
}
