//! When what was refused comes back, and who does not want offers.

use std::collections::BTreeSet;

use super::{Lab, framework, info, pair, roles};
use crate::engine::allocator::{Recovery, refusal};

/// One agent, refused under both roles of a framework.
fn declining(seconds: f64) -> Lab {
    let mut lab = Lab::new();
    lab.agent("a1", "cpus:4;mem:1024");
    lab.framework("f1", &["eng", "ops"], &[]);
    let eng = lab.offers().remove(0);
    lab.decline(&eng, seconds);
    let ops = lab.offers_within(1.0).remove(0).1;
    lab.decline(&ops, seconds);
    lab
}

fn next_offer(seconds: f64) -> Option<f64> {
    let mut lab = Lab::new();
    lab.agent("a1", "cpus:4;mem:1024");
    lab.framework("f1", &["*"], &[]);
    let offer = lab.offers().remove(0);
    lab.decline(&offer, seconds);
    lab.offers_within(20.0).first().map(|(after, _)| *after)
}

#[test]
fn a_declined_agent_comes_back_with_the_tick_after_its_filter() {
    assert_eq!(next_offer(refusal(None).as_secs_f64()), Some(6.0));
    assert_eq!(next_offer(1.0), Some(2.0));
    assert_eq!(next_offer(0.1), Some(2.0));
    assert_eq!(next_offer(0.0), Some(1.0));
    assert_eq!(next_offer(5.5), Some(6.0));
    assert_eq!(next_offer(3600.0), None);
}

#[test]
fn between_ticks_a_filter_counts_from_the_decline() {
    let mut lab = Lab::new();
    lab.pass(0.3);
    lab.agent("a1", "cpus:4;mem:1024");
    lab.framework("f1", &["*"], &[]);
    let offer = lab.offers().remove(0);
    lab.decline(&offer, 5.0);
    let after = lab.offers_within(20.0)[0].0;
    assert!((after - 5.7).abs() < 1e-6, "{after}");
}

#[test]
fn who_declines_everything_for_no_time_is_offered_once_a_second() {
    let mut lab = Lab::new();
    lab.agent("a1", "cpus:4;mem:1024");
    lab.framework("f1", &["*"], &[]);
    let mut offer = lab.offers().remove(0);
    for _ in 0..5 {
        lab.pass(0.2);
        lab.decline(&offer, 0.0);
        assert_eq!(lab.offered(), []);
        let offers = lab.offers_within(0.8);
        assert_eq!(offers.len(), 1);
        offer = offers[0].1.clone();
    }
}

#[test]
fn a_revive_clears_the_filters_of_its_roles_at_once() {
    let mut lab = declining(3600.0);
    assert_eq!(lab.offered(), []);
    lab.allocator.revive_offers(&framework("f1"), &roles(&["ops"]));
    let offers = lab.offers();
    assert_eq!(offers.iter().map(|it| it.role.as_str()).collect::<Vec<_>>(), ["ops"]);
    assert_eq!(lab.allocator.active_offer_filters("ops"), 0);
    lab.decline(&offers[0], 3600.0);
    lab.allocator.revive_offers(&framework("f1"), &BTreeSet::new());
    assert_eq!(lab.offered(), [pair("f1", "a1")]);
    assert_eq!(lab.offers_within(60.0), []);
    assert_eq!(lab.allocator.next_deadline(), None);
}

#[test]
fn suppressed_roles_get_nothing_until_revived() {
    let mut lab = Lab::new();
    lab.framework("f1", &["eng", "ops"], &[]);
    lab.allocator.suppress_offers(&framework("f1"), &BTreeSet::new());
    lab.agent("a1", "cpus:4;mem:1024");
    assert_eq!(lab.offered(), []);
    assert!(lab.allocator.is_suppressed(&framework("f1"), "eng"));
    lab.allocator.revive_offers(&framework("f1"), &roles(&["eng"]));
    assert_eq!(lab.offers()[0].role, "eng");
}

#[test]
fn more_than_was_refused_is_offered() {
    let mut lab = Lab::new();
    lab.agent("a1", "cpus:4;mem:1024");
    lab.framework("f1", &["*"], &[]);
    let offer = lab.offers().remove(0);
    let half = super::allocated("cpus:2;mem:512", "*");
    let (f1, a1) = (framework("f1"), super::agent("a1"));
    let refuse = Recovery::Unused(Some(std::time::Duration::from_secs(3600)));
    lab.allocator.recover_resources(lab.now, &f1, &a1, &half, refuse);
    assert_eq!(lab.offers_within(3.0), []);
    lab.allocator.recover_resources(lab.now, &f1, &a1, &half, Recovery::Freed);
    let again = lab.offers();
    assert_eq!(again[0].resources, offer.resources);
    lab.decline(&again[0], 3600.0);
    assert_eq!(
        lab.allocator.active_offer_filters("*"),
        1,
        "the wider filter takes the place of the narrower"
    );
}

#[test]
fn a_deactivated_framework_gets_nothing_and_forgets_its_filters() {
    let mut lab = declining(3600.0);
    lab.allocator.deactivate_framework(&framework("f1"));
    lab.agent("a2", "cpus:4;mem:1024");
    assert_eq!(lab.offered(), []);
    lab.allocator.activate_framework(&framework("f1"));
    assert_eq!(lab.offers().len(), 2);
}

#[test]
fn a_new_role_gets_offers_with_the_tick_and_a_left_one_no_more() {
    let mut lab = declining(3600.0);
    lab.allocator.update_framework(lab.now, &framework("f1"), &info(&["ops", "web"], &[]), BTreeSet::new());
    assert_eq!(lab.offered(), []);
    let offers = lab.offers_within(1.0);
    assert_eq!(offers.iter().map(|(_, it)| it.role.as_str()).collect::<Vec<_>>(), ["web"]);
    assert_eq!(lab.allocator.active_offer_filters("eng"), 0);
    assert_eq!(lab.allocator.roles().collect::<Vec<_>>(), ["ops", "web"]);
}

#[test]
fn a_role_that_was_left_stays_known_while_something_is_held_under_it() {
    let mut lab = Lab::new();
    lab.agent("a1", "cpus:4;mem:1024");
    lab.framework("f1", &["eng"], &[]);
    let offer = lab.offers().remove(0);
    lab.allocator.update_framework(lab.now, &framework("f1"), &info(&["ops"], &[]), BTreeSet::new());
    assert_eq!(lab.allocator.roles().collect::<Vec<_>>(), ["eng", "ops"]);
    lab.recover(&offer, Recovery::Freed);
    assert_eq!(lab.allocator.roles().collect::<Vec<_>>(), ["ops"]);
}
