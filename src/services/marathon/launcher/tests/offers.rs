//! Offers and what is launched on them.

use super::*;
use crate::{
    mesos::v1::{
        DomainInfo, DurationInfo, Unavailability,
        domain_info::{
            FaultDomain,
            fault_domain::{RegionInfo, ZoneInfo},
        },
        offer::Operation,
        resource::{AllocationInfo, ReservationInfo},
    },
    services::marathon::launcher::matching::Reason,
};

/// Why `app` does not use `offer`; nothing when it does.
fn reasons(app: &Arc<AppDefinition>, offer: Offer) -> Vec<Reason> {
    let mut rig = Rig::new();
    rig.scale(app, 1);
    rig.offer(offer);
    let queue = rig.launcher.queue();
    queue[0].last_unused_offers.first().map(|unused| unused.reasons.clone()).unwrap_or_default()
}

#[test]
fn each_resource_that_is_short_is_a_reason() {
    let poor = || offer_of("a", &[scalar("cpus", 0.1), scalar("mem", 32.0), scalar("disk", 10.0)]);
    for (more, wanted) in [
        ("", vec![]),
        (r#", "cpus": 0.2"#, vec![Reason::InsufficientCpus]),
        (r#", "mem": 33"#, vec![Reason::InsufficientMemory]),
        (r#", "disk": 11"#, vec![Reason::InsufficientDisk]),
        (r#", "gpus": 1"#, vec![Reason::InsufficientGpus]),
        (r#", "portDefinitions": [{"port": 0}]"#, vec![Reason::InsufficientPorts]),
        (r#", "disk": 11, "portDefinitions": [{"port": 0}]"#, vec![Reason::InsufficientDisk]),
        (r#", "constraints": [["rack", "IS", "b"]]"#, vec![Reason::UnfulfilledConstraint]),
    ] {
        let json = format!(r#"{{"id": "/app", "cmd": "x"{more}{}"#, "}");
        let mut app: AppDefinition = serde_json::from_str(&json).unwrap();
        if !more.contains("cpus\"") {
            app.cpus = 0.1;
        }
        if !more.contains("mem\"") {
            app.mem = 32.0;
        }
        assert_eq!(reasons(&Arc::new(app), poor()), wanted, "{more}");
    }
}

#[test]
fn roles_decide_which_resources_count() {
    let reserved = |name: &str, value| {
        let info = ReservationInfo { role: Some("dev".to_owned()), ..ReservationInfo::default() };
        Resource { reservations: vec![info], ..scalar(name, value) }
    };
    let offer = |role: &str| Offer {
        allocation_info: Some(AllocationInfo { role: Some(role.to_owned()) }),
        ..offer_of("a", &[reserved("cpus", 4.0), reserved("mem", 100.0), scalar("cpus", 0.05)])
    };
    let dev = sleeper(r#", "role": "dev""#);
    assert_eq!(reasons(&dev, offer("dev")), []);
    let unreserved = sleeper(r#", "role": "dev", "acceptedResourceRoles": ["*"]"#);
    assert_eq!(reasons(&unreserved, offer("dev")), [Reason::InsufficientCpus, Reason::InsufficientMemory]);
    let other = sleeper(r#", "role": "dev", "acceptedResourceRoles": ["ops"]"#);
    assert!(reasons(&other, offer("dev")).contains(&Reason::UnfulfilledRole));

    let mut rig = Rig::new();
    let effects = rig.scale(&dev, 1);
    assert!(effects.contains(&Effect::Roles(["*".to_owned(), "dev".to_owned()].into())));
    assert_eq!(launched(&rig.offer(offer("*"))), [], "an offer to another role");
    let task = launched(&rig.offer(offer("dev"))).remove(0);
    let roles: Vec<_> = task.resources.iter().map(|part| part.reservations.len()).collect();
    assert_eq!(roles, [1, 1], "the reservation stays on what is taken");
}

#[test]
fn agents_with_gpus_are_kept_for_those_who_want_them() {
    let rich = || offer_of("a", &[scalar("cpus", 4.0), scalar("mem", 512.0), scalar("gpus", 1.0)]);
    assert_eq!(reasons(&sleeper(""), rich()), [Reason::DeclinedScarceResources]);
    assert_eq!(reasons(&sleeper(r#", "gpus": 1"#), rich()), []);
    assert_eq!(reasons(&sleeper(r#", "labels": {"GPU_SCHEDULING_BEHAVIOR": "unrestricted"}"#), rich()), []);
}

#[test]
fn a_maintenance_that_is_on_keeps_apps_away() {
    let window = |start: u64, length: Option<u64>| Unavailability {
        start: TimeInfo { nanoseconds: at(start).as_nanos() },
        duration: length.map(|length| DurationInfo { nanoseconds: at(length).as_nanos() }),
    };
    for (start, length, is_on) in
        [(9, None, true), (9, Some(100), true), (2, Some(5), false), (11, None, false)]
    {
        let offer = Offer { unavailability: Some(window(start, length)), ..offer("a") };
        let wanted: &[Reason] =
            if is_on { &[Reason::UnfulfilledConstraint, Reason::AgentMaintenance] } else { &[] };
        assert_eq!(reasons(&sleeper(""), offer), wanted, "{start} {length:?}");
    }
}

#[test]
fn other_regions_are_for_apps_that_name_them() {
    let there = || Offer {
        domain: Some(DomainInfo {
            fault_domain: Some(FaultDomain {
                region: RegionInfo { name: "there".to_owned() },
                zone: ZoneInfo { name: "z".to_owned() },
            }),
        }),
        ..offer("a")
    };
    let mut rig = Rig::new();
    rig.scale(&sleeper(""), 1);
    assert_eq!(launched(&rig.offer(there())), []);
    let named = sleeper(r#", "constraints": [["@region", "IS", "there"]]"#);
    let mut rig = Rig::new();
    rig.scale(&named, 1);
    assert_eq!(launched(&rig.offer(there())).len(), 1);
    assert_eq!(rig.instances()[0].region.as_deref(), Some("there"));
    assert_eq!(rig.instances()[0].zone.as_deref(), Some("z"));
}

#[test]
fn what_is_launched_is_saved_first_and_fits_the_offer() {
    let mut rig = Rig::new();
    rig.scale(&sleeper(r#", "portDefinitions": [{"port": 0}, {"port": 0}]"#), 8);
    let effects = rig.offer(offer("a"));
    let tasks = launched(&effects);
    assert_eq!(tasks.len(), 5, "no more instances than five on one offer");
    let accept = effects.iter().position(|effect| matches!(effect, Effect::Call(_))).unwrap();
    let saved = effects[..accept].iter().filter(|effect| matches!(effect, Effect::Save(_))).count();
    assert_eq!(saved, 5);
    let mut given: Vec<_> = rig.instances().iter().flat_map(|instance| instance.ports.clone()).collect();
    given.sort_unstable();
    given.dedup();
    assert_eq!(given.len(), 10, "each port once");
    assert_eq!(launched(&rig.offer(offer("b"))).len(), 3);
}

#[test]
fn nothing_fits_twice_into_what_is_there_once() {
    let mut rig = Rig::new();
    rig.scale(&sleeper(r#", "cpus": 1.5"#.replace("\"cpus\"", "\"disk\"").as_str()), 3);
    let small = offer_of("a", &[scalar("cpus", 0.25), scalar("mem", 512.0), scalar("disk", 100.0)]);
    assert_eq!(launched(&rig.offer(small)).len(), 2);
}

#[test]
fn apps_take_turns_on_an_offer() {
    let mut rig = Rig::with(Options { max_instances_per_offer: 4, ..options() });
    for name in ["/a", "/b"] {
        let app = app(&format!(r#"{{"id": "{name}", "cmd": "x", "cpus": 0.1, "mem": 1}}"#));
        rig.scale(&app, 10);
    }
    let tasks = launched(&rig.offer(offer("a")));
    let names: Vec<_> = tasks.iter().map(|task| task.name.as_str()).collect();
    assert_eq!(names.iter().filter(|name| **name == "a").count(), 2, "{names:?}");
    assert_eq!(tasks.len(), 4);
}

#[test]
fn offers_that_nobody_wants_are_declined_for_long() {
    let mut rig = Rig::new();
    let effects = rig.offer(offer("a"));
    let decline = calls(&effects)[0].decline.as_ref().unwrap();
    assert_eq!(decline.offer_ids, ["offer-a".into()]);
    assert_eq!(decline.filters.unwrap().refuse_seconds, Some(120.0));
}

#[test]
fn what_was_declined_is_wanted_again_when_there_is_something_new() {
    let mut rig = Rig::new();
    let picky = sleeper(r#", "constraints": [["rack", "IS", "nowhere"]]"#);
    assert_eq!(kinds(&rig.scale(&picky, 1)), [call::Type::Revive]);
    rig.offer(offer("a"));
    rig.wait(10);
    let other = app(r#"{"id": "/other", "cmd": "x", "cpus": 0.1, "mem": 1, "backoffSeconds": 20}"#);
    assert_eq!(kinds(&rig.scale(&other, 1)), [call::Type::Revive]);
    let task = rig.run_on("a").remove(0);
    rig.wait(10);
    rig.update(&task, TaskState::TaskFailed);
    assert_eq!(kinds(&rig.wait(19)), []);
    assert_eq!(kinds(&rig.wait(1)), [call::Type::Revive], "the wait is over");
    assert_eq!(kinds(&rig.wait(20)), []);
}

#[test]
fn fixed_ports_are_those_of_the_app() {
    let required = sleeper(r#", "requirePorts": true, "portDefinitions": [{"port": 31005}]"#);
    let mut rig = Rig::new();
    rig.scale(&required, 2);
    assert_eq!(launched(&rig.offer(offer("a"))).len(), 1);
    assert_eq!(rig.instances().iter().find(|each| !each.ports.is_empty()).unwrap().ports, [31005]);
    assert_eq!(rig.launcher.queue()[0].last_unused_offers[0].reasons, [Reason::InsufficientPorts]);
}

#[test]
fn the_queue_tells_how_offers_went() {
    let mut rig = Rig::new();
    rig.scale(&sleeper(r#", "constraints": [["hostname", "UNIQUE"]]"#), 3);
    rig.run_on("a");
    rig.offer(offer("a"));
    let queue = rig.launcher.queue();
    let item = &queue[0];
    assert_eq!((item.count, item.role.as_str(), item.overdue), (2, "*", true));
    assert_eq!((item.offers.processed, item.offers.unused), (3, 2));
    let step = item.offers.reject_summary_last_offers[1];
    assert_eq!((step.reason, step.declined, step.processed), (Reason::UnfulfilledConstraint, 1, 1));
    rig.run_on("b");
    rig.run_on("c");
    assert_eq!(rig.launcher.queue(), []);
}

#[test]
fn the_same_seed_takes_the_same_ports() {
    let run = || {
        let mut rig = Rig::new();
        let mut effects = rig.scale(&sleeper(r#", "portDefinitions": [{"port": 0}]"#), 4);
        effects.extend(rig.offer(offer("a")));
        effects
    };
    assert_eq!(run(), run());
}

#[test]
fn an_accept_that_failed_leaves_what_it_was_to_launch_waiting() {
    let mut rig = Rig::new();
    rig.scale(&sleeper(""), 1);
    let effects = rig.offer(offer("a"));
    let call = calls(&effects).into_iter().find(|call| call.r#type() == call::Type::Accept).unwrap().clone();
    rig.say(Input::CallFailed(Box::new(call)));
    assert_eq!(rig.states(), [InstanceState::Scheduled]);
    rig.wait(5);
    let task = launched(&rig.offer(offer("a"))).remove(0);
    assert!(task.task_id.value.ends_with("._app.2"), "{}", task.task_id);
}

#[test]
fn an_accept_launches() {
    let mut rig = Rig::new();
    rig.scale(&sleeper(""), 1);
    let effects = rig.offer(offer("a"));
    let accept = calls(&effects)[0].accept.clone().unwrap();
    assert_eq!(accept.offer_ids, ["offer-a".into()]);
    assert!(accept.operations.iter().all(|each: &Operation| each.launch.is_some()));
}
