//! Limits that hold, and guarantees for which others have to wait.

use super::{Lab, agent, allocated, framework};
use crate::{
    engine::allocator::{AgentCapabilities, Allocation, Quota, Recovery},
    mesos::{
        v1::{AgentInfo, quota::QuotaConfig, value::Scalar},
        values,
    },
};

pub fn quota(guarantees: &str, limits: &str) -> Quota {
    let amounts = |text: &str| {
        let parts = text.split(';').filter_map(|part| part.split_once(':'));
        parts.map(|(name, value)| (name.to_owned(), Scalar { value: value.parse().unwrap() })).collect()
    };
    let (guarantees, limits) = (amounts(guarantees), amounts(limits));
    Quota::from(&QuotaConfig { role: String::new(), guarantees, limits })
}

impl Lab {
    fn quota(&mut self, role: &str, guarantees: &str, limits: &str) {
        self.allocator.update_quota(self.now, role, quota(guarantees, limits));
    }

    /// What is offered within so many seconds: to whom, and of what how much.
    fn given(&mut self, seconds: f64) -> Vec<(String, String)> {
        let now = self.offers();
        let later = self.offers_within(seconds).into_iter().map(|(_, offer)| offer);
        now.into_iter().chain(later).map(|it| shown(&it)).collect()
    }
}

fn shown(offer: &Allocation) -> (String, String) {
    (offer.framework_id.value.clone(), offer.resources.unallocated().to_string())
}

fn given(framework: &str, resources: &str) -> (String, String) {
    (framework.to_owned(), resources.to_owned())
}

#[test]
fn a_role_never_gets_more_than_its_limit() {
    let mut lab = Lab::new();
    lab.quota("dev", "", "cpus:5");
    lab.framework("f", &["dev"], &[]);
    lab.agent("a1", "cpus:4;mem:1024;ports:[1-9]");
    lab.agent("a2", "cpus:4;mem:1024");
    let first = lab.offers();
    let cpus: f64 = first.iter().filter_map(|offer| offer.resources.cpus()).sum();
    let mem: f64 = first.iter().filter_map(|offer| offer.resources.mem()).sum();
    assert_eq!((cpus, mem), (5.0, 2048.0), "what has no limit is given whole");
    assert_eq!(lab.given(5.0), []);
    let whole = first.into_iter().find(|offer| offer.resources.cpus() == Some(4.0)).unwrap();
    lab.recover(&whole, Recovery::Unused(None));
    let again: f64 = lab.offers_within(2.0).iter().filter_map(|(_, offer)| offer.resources.cpus()).sum();
    assert_eq!(again, 4.0, "what came back on one agent may be had of another");
}

#[test]
fn a_limit_of_nothing_is_one() {
    let mut lab = Lab::new();
    lab.quota("dev", "", "cpus:0;mem:0");
    lab.framework("f", &["dev"], &[]);
    lab.agent("a1", "cpus:4;mem:1024;ports:[1-9]");
    assert_eq!(lab.given(5.0), []);
    lab.quota("dev", "", "");
    assert_eq!(lab.given(2.0), [given("f", "ports:[1-9]; cpus:4; mem:1024")]);
}

#[test]
fn what_is_reserved_counts_and_is_given_all_the_same() {
    let mut lab = Lab::new();
    lab.quota("dev", "", "cpus:3");
    lab.framework("f", &["dev"], &[]);
    lab.agent("a1", "cpus(dev):2;cpus:4;mem:64");
    assert_eq!(
        lab.given(2.0),
        [given("f", "cpus(reservations: [(STATIC,dev)]):2; cpus:1; mem:64")],
        "one more than the two that are reserved"
    );
}

#[test]
fn what_a_role_below_holds_counts_too() {
    let mut lab = Lab::new();
    lab.quota("eng", "", "cpus:5");
    lab.framework("f1", &["eng/web"], &[]);
    lab.agent("a1", "cpus:4;mem:64");
    assert_eq!(lab.given(0.0), [given("f1", "cpus:4; mem:64")]);
    lab.allocator.suppress_offers(&framework("f1"), &Default::default());
    lab.framework("f2", &["eng"], &[]);
    lab.agent("a2", "cpus:4;mem:64");
    assert_eq!(lab.given(2.0), [given("f2", "cpus:1; mem:64")]);
}

#[test]
fn others_leave_what_a_guarantee_needs() {
    let mut lab = Lab::new();
    lab.quota("prod", "cpus:6", "");
    lab.framework("f", &["dev"], &[]);
    lab.agent("a1", "cpus:4;mem:1024");
    lab.agent("a2", "cpus:4;mem:1024");
    let cpus = |lab: &mut Lab| -> f64 {
        lab.offers_within(2.0).iter().filter_map(|(_, offer)| offer.resources.cpus()).sum()
    };
    assert_eq!(cpus(&mut lab), 2.0);
    lab.framework("p", &["prod"], &[]);
    let offers = lab.offers();
    assert!(offers.iter().all(|offer| offer.framework_id.as_str() == "p"), "{offers:?}");
    assert_eq!(offers.iter().filter_map(|offer| offer.resources.cpus()).sum::<f64>(), 6.0);
    lab.quota("prod", "", "");
    assert_eq!(cpus(&mut lab), 0.0, "all is given");
}

#[test]
fn a_guarantee_comes_first_and_brings_the_rest_of_the_agent() {
    let mut lab = Lab::new();
    lab.framework("b", &["other"], &[]);
    lab.framework("p", &["prod"], &[]);
    lab.quota("prod", "cpus:1", "cpus:3");
    lab.agent("a1", "cpus:4;mem:1024;ports:[1-9]");
    assert_eq!(
        lab.given(0.0),
        [given("b", "cpus:1"), given("p", "cpus:3; ports:[1-9]; mem:1024")],
        "the role that waits longest has no guarantee"
    );
}

#[test]
fn guarantees_are_met_even_beyond_what_there_is() {
    let mut lab = Lab::new();
    lab.quota("p1", "cpus:3", "cpus:3");
    lab.quota("p2", "cpus:3", "cpus:3");
    lab.framework("f1", &["p1"], &[]);
    lab.framework("f2", &["p2"], &[]);
    lab.agent("a1", "cpus:4;mem:64");
    let cpus: Vec<_> = lab.offers().iter().filter_map(|offer| offer.resources.cpus()).collect();
    assert_eq!(cpus, [3.0, 1.0]);
}

#[test]
fn a_role_below_comes_into_its_guarantee_tick_by_tick() {
    let mut lab = Lab::new();
    lab.quota("eng", "cpus:3", "");
    lab.framework("f", &["eng/web"], &[]);
    lab.agent("a1", "cpus:4;mem:64");
    let one = given("f", "cpus:1");
    assert_eq!(lab.given(9.0), [given("f", "cpus:1; mem:64"), one.clone(), one.clone(), one]);
}

#[test]
fn with_quotas_a_new_master_waits_for_its_agents() {
    let mut lab = Lab::new();
    lab.allocator.recover(lab.now, [("prod".to_owned(), quota("cpus:1", ""))], 3);
    lab.framework("f", &["prod"], &[]);
    lab.agent("a1", "cpus:4;mem:64");
    assert_eq!(lab.given(5.0), []);
    lab.agent("a2", "cpus:4;mem:64");
    assert_eq!(lab.offers().len(), 2, "two of three agents are four fifths, rounded down");
}

#[test]
fn with_quotas_a_new_master_waits_for_ten_minutes_at_most() {
    let mut lab = Lab::new();
    lab.allocator.recover(lab.now, [("prod".to_owned(), quota("cpus:1", ""))], 3);
    lab.framework("f", &["prod"], &[]);
    let used = [(framework("f"), allocated("cpus:1", "prod"))].into();
    let total = super::resources("cpus:4;mem:64");
    let (id, info) = (agent("a1"), AgentInfo::default());
    lab.allocator.add_agent(&id, &info, AgentCapabilities::default(), total, &used);
    let offers = lab.offers_within(700.0);
    assert_eq!(offers.iter().map(|(at, _)| values::thousandths(*at)).collect::<Vec<_>>(), [600_000]);
}
