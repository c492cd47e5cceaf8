//! What goes into an offer, and who may have it at all.

use std::collections::{BTreeMap, BTreeSet};

use super::{Lab, agent, allocated, framework, info, pair, resources, roles};
use crate::{
    engine::allocator::{AgentCapabilities, AllocatorConfig, Recovery},
    mesos::v1::{
        AgentInfo, Attribute, DomainInfo, FrameworkInfo, OfferFilters, Resource,
        domain_info::{
            FaultDomain,
            fault_domain::{RegionInfo, ZoneInfo},
        },
        framework_info::capability::Type,
        offer_filters::{MinAllocatableResources, ResourceQuantities},
        resource::ReservationInfo,
        value,
    },
};

#[test]
fn an_offer_holds_the_whole_agent_ports_first() {
    let mut lab = Lab::new();
    lab.agent("a1", "cpus:4;mem:4096;disk:10240;ports:[31000-32000]");
    lab.framework("f1", &["*"], &[]);
    let offers = lab.offers();
    assert_eq!(offers.len(), 1);
    assert_eq!(offers[0].role, "*");
    let names: Vec<_> = offers[0].resources.iter().map(|r| r.name.as_str()).collect();
    assert_eq!(names, ["ports", "cpus", "mem", "disk"]);
    assert!(
        offers[0].resources.iter().all(|r| r.allocation_info.as_ref().is_some_and(|it| it.role() == "*"))
    );
    assert_eq!(lab.allocator.next_deadline(), None);
}

#[test]
fn a_new_agent_is_offered_at_once_and_an_inactive_one_is_not() {
    let mut lab = Lab::new();
    lab.framework("f1", &["*"], &[]);
    assert_eq!(lab.offered(), []);
    lab.agent("a1", "cpus:1;mem:64");
    assert_eq!(lab.offered(), [pair("f1", "a1")]);
    lab.agent("a2", "cpus:1;mem:64");
    lab.allocator.deactivate_agent(&agent("a2"));
    assert_eq!(lab.offered(), []);
    lab.allocator.activate_agent(lab.now, &agent("a2"));
    assert_eq!(lab.offered(), []);
    assert_eq!(lab.offers_within(1.0).len(), 1);
}

#[test]
fn what_is_too_small_is_not_offered() {
    let mut lab = Lab::new();
    lab.framework("f1", &["*"], &[]);
    for (id, total) in
        [("a1", "cpus:0.009;mem:31"), ("a2", "disk:100"), ("a3", "cpus:0.01"), ("a4", "mem:32")]
    {
        lab.agent(id, total);
    }
    assert_eq!(lab.offered(), [pair("f1", "a3"), pair("f1", "a4")]);
}

#[test]
fn a_framework_may_set_its_own_minimum() {
    let mut lab = Lab::new();
    let quantities = [("cpus".to_owned(), value::Scalar { value: 2.0 })].into();
    let minimum = MinAllocatableResources { quantities: vec![ResourceQuantities { quantities }] };
    let filters = OfferFilters { min_allocatable_resources: Some(minimum) };
    let info = FrameworkInfo { offer_filters: [("*".to_owned(), filters)].into(), ..info(&["*"], &[]) };
    lab.allocator.add_framework(&framework("f1"), &info, BTreeSet::new(), true, &BTreeMap::new());
    lab.agent("a1", "cpus:1;mem:1024");
    lab.agent("a2", "cpus:2");
    assert_eq!(lab.offered(), [pair("f1", "a2")]);
}

#[test]
fn gpus_are_for_those_who_know_them() {
    let mut lab = Lab::new();
    lab.framework("f1", &["*"], &[]);
    lab.agent("a1", "cpus:1;mem:64;gpus:1");
    assert_eq!(lab.offered(), []);
    lab.framework("f2", &["*"], &[Type::GpuResources]);
    assert_eq!(lab.offered(), [pair("f2", "a1")]);

    let mut lab = Lab::with(AllocatorConfig { filter_gpu_resources: false, ..AllocatorConfig::default() });
    lab.framework("f1", &["*"], &[]);
    lab.agent("a1", "cpus:1;mem:64;gpus:1");
    assert_eq!(lab.offered(), [pair("f1", "a1")]);
}

#[test]
fn agents_of_another_region_are_for_those_who_know_regions() {
    let domain = |region: &str| AgentInfo {
        domain: Some(DomainInfo {
            fault_domain: Some(FaultDomain {
                region: RegionInfo { name: region.into() },
                zone: ZoneInfo { name: "z".into() },
            }),
        }),
        ..AgentInfo::default()
    };
    let mut lab = Lab::with(AllocatorConfig { region: Some("here".into()), ..AllocatorConfig::default() });
    lab.framework("f1", &["*"], &[]);
    lab.agent_with("a1", "cpus:1", &domain("here"), AgentCapabilities::default());
    lab.agent_with("a2", "cpus:1", &domain("there"), AgentCapabilities::default());
    lab.agent("a3", "cpus:1");
    assert_eq!(lab.offered(), [pair("f1", "a1"), pair("f1", "a3")]);
    lab.framework("f2", &["*"], &[Type::RegionAware]);
    assert_eq!(lab.offered(), [pair("f2", "a2")]);
}

#[test]
fn old_agents_are_kept_from_roles_they_do_not_know() {
    let mut lab = Lab::new();
    let old = |multi_role, hierarchical_role| AgentCapabilities { multi_role, hierarchical_role };
    lab.agent_with("a1", "cpus:1", &AgentInfo::default(), old(false, true));
    lab.agent_with("a2", "cpus:1", &AgentInfo::default(), old(true, false));
    lab.framework("f1", &["eng/web"], &[]);
    assert_eq!(lab.offered(), []);
    let single = FrameworkInfo::default();
    lab.allocator.add_framework(&framework("f2"), &single, BTreeSet::new(), true, &BTreeMap::new());
    assert_eq!(lab.offered(), [pair("f2", "a1"), pair("f2", "a2")]);
}

#[test]
fn reservations_go_to_the_role_and_its_sub_roles() {
    let mut lab = Lab::new();
    lab.agent("a1", "cpus(eng):2;mem(eng):512");
    lab.framework("f1", &["engine"], &[]);
    lab.framework("f2", &["*"], &[]);
    assert_eq!(lab.offered(), []);
    lab.framework("f3", &["eng/web"], &[]);
    let offers = lab.offers();
    assert_eq!(offers[0].framework_id.as_str(), "f3");
    lab.decline(&offers[0], 3600.0);
    lab.framework("f4", &["eng"], &[]);
    assert_eq!(lab.offered(), [pair("f4", "a1")]);
}

#[test]
fn each_role_gets_its_part_of_an_agent() {
    let mut lab = Lab::new();
    lab.agent("a1", "cpus(eng):2;cpus(ops):1;mem:512");
    lab.framework("f1", &["eng", "ops"], &[]);
    let offers = lab.offers();
    let parts: Vec<_> = offers.iter().map(|it| (it.role.as_str(), it.resources.iter().count())).collect();
    assert_eq!(parts, [("eng", 2), ("ops", 1)]);
}

#[test]
fn refined_reservations_and_revocable_resources_need_capabilities() {
    let reserved = |role: &str| ReservationInfo {
        role: Some(role.into()),
        r#type: Some(2),
        ..ReservationInfo::default()
    };
    let cpus = |resource: Resource| Resource {
        name: "cpus".into(),
        scalar: Some(value::Scalar { value: 1.0 }),
        ..resource
    };
    let refined =
        Resource { reservations: vec![reserved("eng"), reserved("eng/web")], ..Resource::default() };
    let revocable = Resource { revocable: Some(Default::default()), ..Resource::default() };
    for (special, capability) in
        [(refined, Type::ReservationRefinement), (revocable, Type::RevocableResources)]
    {
        let mut lab = Lab::new();
        lab.framework("f1", &["eng/web"], &[]);
        let total = vec![cpus(special)].into();
        let info = AgentInfo::default();
        lab.allocator.add_agent(&agent("a1"), &info, AgentCapabilities::default(), total, &BTreeMap::new());
        assert_eq!(lab.offered(), []);
        lab.framework("f2", &["eng/web"], &[capability]);
        assert_eq!(lab.offered(), [pair("f2", "a1")]);
    }
}

#[test]
fn what_is_used_already_is_not_offered() {
    let mut lab = Lab::new();
    let used = BTreeMap::from([(framework("f1"), allocated("cpus:3;mem:64", "*"))]);
    let info_of_agent = AgentInfo::default();
    let total = resources("cpus:4;mem:128");
    lab.allocator.add_agent(&agent("a1"), &info_of_agent, AgentCapabilities::default(), total, &used);
    let used = BTreeMap::from([(agent("a1"), allocated("cpus:3;mem:64", "*"))]);
    lab.allocator.add_framework(&framework("f1"), &info(&["*"], &[]), BTreeSet::new(), true, &used);
    assert_eq!(lab.allocator.framework_share("*", &framework("f1")), Some(0.75));
    assert_eq!(lab.offers()[0].resources, allocated("cpus:1;mem:64", "*"));
}

#[test]
fn freed_resources_are_offered_at_once_unless_switched_off() {
    for at_once in [true, false] {
        let config = AllocatorConfig { offer_freed_resources_at_once: at_once, ..AllocatorConfig::default() };
        let mut lab = Lab::with(config);
        lab.agent("a1", "cpus:4;mem:1024");
        lab.framework("f1", &["*"], &[]);
        let offer = lab.offers().remove(0);
        lab.pass(0.25);
        lab.recover(&offer, Recovery::Freed);
        assert_eq!(lab.offered().len(), usize::from(at_once));
        let later = lab.offers_within(1.0);
        assert_eq!(
            later.iter().map(|(after, _)| *after).collect::<Vec<_>>(),
            if at_once { vec![] } else { vec![0.75] }
        );
    }
}

#[test]
fn a_changed_total_is_offered_at_once_and_never_below_nothing() {
    let mut lab = Lab::new();
    lab.agent("a1", "cpus:4;mem:1024");
    lab.framework("f1", &["*"], &[]);
    let offer = lab.offers().remove(0);
    lab.allocator.update_agent_total(&agent("a1"), resources("cpus:6;mem:512"));
    assert_eq!(lab.offers()[0].resources, allocated("cpus:2", "*"));
    lab.recover(&offer, Recovery::Freed);
    assert_eq!(lab.offers()[0].resources, allocated("cpus:4;mem:512", "*"));
}

#[test]
fn other_attributes_clear_the_filters_of_an_agent() {
    let mut lab = Lab::new();
    lab.agent("a1", "cpus:4;mem:1024");
    lab.framework("f1", &["*"], &[]);
    let offer = lab.offers().remove(0);
    lab.decline(&offer, 3600.0);
    let mut info = AgentInfo::default();
    lab.allocator.update_agent(&agent("a1"), &info, AgentCapabilities::default());
    assert_eq!(lab.offered(), []);
    info.attributes.push(Attribute { name: "rack".into(), ..Attribute::default() });
    lab.allocator.update_agent(&agent("a1"), &info, AgentCapabilities::default());
    assert_eq!(lab.offered(), [pair("f1", "a1")]);
}

#[test]
fn what_a_removed_framework_held_goes_to_others_with_the_tick() {
    let mut lab = Lab::new();
    lab.agent("a1", "cpus:4;mem:1024");
    lab.framework("f1", &["*"], &[]);
    let offer = lab.offers().remove(0);
    lab.framework("f2", &["*"], &[]);
    assert_eq!(lab.offered(), []);
    lab.allocator.remove_framework(lab.now, &framework("f1"));
    lab.recover(&offer, Recovery::Freed);
    assert_eq!(lab.offered(), []);
    assert_eq!(lab.offers_within(1.0).len(), 1);
    lab.allocator.remove_framework(lab.now, &framework("f2"));
    assert_eq!(lab.allocator.roles().count(), 0);
}

#[test]
fn strangers_are_ignored() {
    let mut lab = Lab::new();
    let (now, f, a) = (lab.now, framework("f"), agent("a"));
    let some = allocated("cpus:1", "*");
    lab.allocator.remove_framework(now, &f);
    lab.allocator.activate_framework(&f);
    lab.allocator.deactivate_framework(&f);
    lab.allocator.update_framework(now, &f, &info(&["*"], &[]), BTreeSet::new());
    lab.allocator.suppress_offers(&f, &roles(&["*"]));
    lab.allocator.revive_offers(&f, &roles(&["*"]));
    lab.allocator.remove_agent(&a);
    lab.allocator.activate_agent(now, &a);
    lab.allocator.deactivate_agent(&a);
    lab.allocator.update_agent_total(&a, resources("cpus:1"));
    lab.allocator.recover_resources(now, &f, &a, &some, Recovery::Freed);
    lab.agent("a", "cpus:1");
    lab.allocator.recover_resources(now, &f, &a, &some, Recovery::Freed);
    assert_eq!(lab.offered(), []);
    assert_eq!(lab.allocator.agent(&a).map(|it| it.available().clone()), Some(resources("cpus:1")));
}
