//! Steps that tests take a scheduler through.

use std::time::Duration;

use crate::{
    mesos::{
        time::Time,
        v1::{
            FrameworkId, Offer, OfferId, TaskId, TaskState, TaskStatus,
            scheduler::{Event, event},
        },
    },
    scheduler::{Effect, Input, Options, Scheduler, config::SchedulerConfig},
};

pub fn at(seconds: u64) -> Time {
    Time::from_epoch(Duration::from_secs(1_000 + seconds))
}

fn of(kind: event::Type) -> Event {
    Event { r#type: Some(kind.into()), ..Event::default() }
}

pub fn input(scheduler: &mut Scheduler, now: u64, event: Event) -> Vec<Effect> {
    scheduler.handle(at(now), Input::Event(Box::new(event)))
}

pub fn give(scheduler: &mut Scheduler, now: u64, offers: Vec<Offer>) -> Vec<Effect> {
    input(scheduler, now, Event { offers: Some(event::Offers { offers }), ..of(event::Type::Offers) })
}

pub fn update(scheduler: &mut Scheduler, now: u64, id: &TaskId, state: TaskState) {
    let status = TaskStatus { task_id: id.clone(), state: state.into(), ..TaskStatus::default() };
    input(scheduler, now, Event { update: Some(event::Update { status }), ..of(event::Type::Update) });
}

pub fn subscribed(config: SchedulerConfig) -> Scheduler {
    let mut scheduler = Scheduler::new(at(0), Options::default(), config, None, 1);
    let subscribed = event::Subscribed { framework_id: FrameworkId::new("f"), ..Default::default() };
    input(&mut scheduler, 0, Event { subscribed: Some(subscribed), ..of(event::Type::Subscribed) });
    scheduler
}

pub fn rescind(scheduler: &mut Scheduler, now: u64, id: &str) -> Vec<Effect> {
    let rescind = Some(event::Rescind { offer_id: OfferId::new(id) });
    input(scheduler, now, Event { rescind, ..of(event::Type::Rescind) })
}
