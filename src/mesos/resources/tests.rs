//! Resource arithmetic: examples of Mesos' own, and properties.

use proptest::prelude::*;

use super::*;
use crate::mesos::v1::{
    Label, Labels,
    resource::{
        DiskInfo, RevocableInfo, SharedInfo,
        disk_info::{Persistence, Source, source},
        reservation_info,
    },
    value::{Range, Set},
};

fn parse(text: &str) -> Resources {
    Resources::parse(text, "*").unwrap()
}

fn volume(id: &str, amount: f64, shared: bool) -> Resource {
    let persistence = Some(Persistence { id: id.into(), principal: None });
    Resource {
        disk: Some(DiskInfo { persistence, ..DiskInfo::default() }),
        shared: shared.then(SharedInfo::default),
        ..Resource::of_scalar("disk", amount)
    }
}

fn dynamic(role: &str) -> ReservationInfo {
    ReservationInfo {
        r#type: Some(reservation_info::Type::Dynamic.into()),
        role: Some(role.into()),
        ..ReservationInfo::default()
    }
}

fn disk_from(r#type: source::Type, amount: f64) -> Resource {
    let source = Some(Source { r#type: r#type.into(), ..Source::default() });
    Resource { disk: Some(DiskInfo { source, ..DiskInfo::default() }), ..Resource::of_scalar("disk", amount) }
}

#[test]
fn prints_like_mesos() {
    let text = "cpus:4; mem:1024; ports:[31000-32000]; disks:{sda, sdb}";
    assert_eq!(parse(text).to_string(), text);
    assert_eq!(Resources::new().to_string(), "{}");
    assert_eq!(parse("cpus:4").allocated("*").to_string(), "cpus(allocated: *):4");
    assert_eq!(parse("cpus(dev):0.5").to_string(), "cpus(reservations: [(STATIC,dev)]):0.5");
    let mut reservation = dynamic("dev");
    reservation.principal = Some("ops".into());
    let label = |key: &str, value: Option<&str>| Label { key: key.into(), value: value.map(Into::into) };
    reservation.labels = Some(Labels { labels: vec![label("a", Some("b")), label("c", None)] });
    assert_eq!(
        parse("cpus:1").push_reservation(&reservation).to_string(),
        "cpus(reservations: [(DYNAMIC,dev,ops,{a: b, c})]):1"
    );
    let shared = Resources::from(vec![volume("v", 64.0, true), volume("v", 64.0, true)]);
    assert_eq!(shared.to_string(), "disk[v]<SHARED>:64<2>");
    assert_eq!(disk_from(source::Type::Mount, 1.0).to_string(), "disk[MOUNT]:1");
}

#[test]
fn reads_the_flag_syntax() {
    let resources = Resources::parse("cpus:4;mem(eng/dev):1024;ports:[1-2, 3-4]", "ops").unwrap();
    assert_eq!(
        resources.to_string(),
        "cpus(reservations: [(STATIC,ops)]):4; mem(reservations: [(STATIC,eng/dev)]):1024; \
         ports(reservations: [(STATIC,ops)]):[1-4]"
    );
    assert_eq!(parse("cpus:1;cpus:2;mem:0").to_string(), "cpus:3");
    assert_eq!(parse("").to_string(), "{}");
}

#[test]
fn reads_json() {
    let text = r#"[
        {"name":"cpus","type":"SCALAR","scalar":{"value":"4"}},
        {"name":"ports","type":"RANGES","ranges":{"range":[{"begin":1,"end":2}]},"role":"*"},
        {"name":"mem","type":"SCALAR","scalar":{"value":5},"reservations":[{"type":"STATIC","role":"a"}]}
    ]"#;
    assert_eq!(
        Resources::parse(text, "dev").unwrap().to_string(),
        "cpus(reservations: [(STATIC,dev)]):4; ports:[1-2]; mem(reservations: [(STATIC,a)]):5"
    );
    let error = |text| Resources::parse(text, "*").unwrap_err().to_string();
    assert_eq!(
        error(r#"[{"name":"cpus"}]"#),
        "Some JSON resources were not formatted properly: Missing required fields: type"
    );
    let volume =
        r#"[{"name":"disk","type":"SCALAR","scalar":{"value":5},"disk":{"persistence":{"id":"a"}}}]"#;
    assert_eq!(error(volume), "Persistent volumes cannot be specified at the command line");
    let dynamic = r#"[{"name":"mem","type":"SCALAR","scalar":{"value":5},"reservations":[{"type":"DYNAMIC","role":"a"}]}]"#;
    assert!(error(dynamic).starts_with("Dynamic reservations cannot be specified"));
    assert_eq!(error("[1"), "Bad value for resources, missing or extra ':' in [1");
}

#[test]
fn says_what_is_wrong_with_a_flag() {
    for (text, error) in [
        ("cpus", "Bad value for resources, missing or extra ':' in cpus"),
        ("cpus:1:2", "Bad value for resources, missing or extra ':' in cpus:1:2"),
        ("cpus(a:1", "Bad value for resources, mismatched parentheses in cpus(a:1"),
        ("cpus:x", "Bad type for resource cpus value x type TEXT"),
        (
            "cpus:-1",
            "Failed to parse resource cpus value -1 error Invalid scalar value '-1':Negative values not supported",
        ),
        ("cpus(-a):1", "Role component '-a' is invalid because it starts with a dash"),
        ("cpus:1;cpus:[1-2]", "Resources with the same name ('cpus') but different types are not allowed"),
        ("ports:[2-1]", "Invalid ranges resource: begin > end"),
    ] {
        assert_eq!(Resources::parse(text, "*").unwrap_err().to_string(), error, "{text}");
    }
}

/// Comparing each with each takes minutes here.
#[test]
fn large_values_are_checked_in_the_time_to_sort_them() {
    let mut ports =
        Resource { r#type: Type::Ranges.into(), scalar: None, ..Resource::of_scalar("ports", 0.0) };
    let range = (0..300_000).map(|n| Range { begin: 2 * n, end: 2 * n }).collect();
    ports.ranges = Some(Ranges { range });
    assert_eq!(validate(std::slice::from_ref(&ports)), Ok(()));
    let item = (0..100_000).map(|n: u32| n.to_string()).collect();
    let set = Resource { r#type: Type::Set.into(), ranges: None, set: Some(Set { item }), ..ports };
    assert_eq!(validate(&[set]), Ok(()));
}

#[test]
fn there_are_a_thousand_resources_in_a_message_at_most() {
    let mut many = vec![Resource::of_scalar("cpus", 1.0); 1000];
    assert_eq!(validate(&many), Ok(()));
    many.push(Resource::of_scalar("mem", 1.0));
    assert_eq!(validate(&many).unwrap_err(), "1001 resources are more than the 1000 of one message");
}

#[test]
fn says_what_is_wrong_with_a_resource() {
    let cpus = || Resource::of_scalar("cpus", 1.0);
    let reserved = |stack: Vec<ReservationInfo>| Resource { reservations: stack, ..cpus() };
    let range = |begin, end| Range { begin, end };
    let overlapping = Ranges { range: vec![range(1, 5), range(3, 4)] };
    let mut ports = Resource { ranges: Some(overlapping), scalar: None, ..cpus() };
    ports.r#type = Type::Ranges.into();
    for (resource, error) in [
        (Resource::of_scalar("", 1.0), "Empty resource name"),
        (Resource { r#type: 9, ..cpus() }, "Invalid resource type"),
        (Resource { scalar: None, ..cpus() }, "Invalid scalar resource"),
        (Resource::of_scalar("cpus", -1.0), "Invalid scalar resource: value <= 0"),
        (Resource::of_scalar("cpus", 0.0001), "Invalid scalar resource: value <= 0"),
        (ports, "Invalid ranges resource: overlapping ranges"),
        (
            Resource { disk: Some(DiskInfo::default()), ..cpus() },
            "DiskInfo should not be set for cpus resource",
        ),
        (disk_from(source::Type::Unknown, 1.0), "Unsupported 'DiskInfo.Source.Type' in 'UNKNOWN'"),
        (
            Resource { role: Some("a b".into()), ..cpus() },
            "Role component 'a b' is invalid because it contains backspace or whitespace",
        ),
        (
            Resource { reservation: Some(ReservationInfo::default()), ..cpus() },
            "Invalid reservation: role \"*\" cannot be dynamically reserved",
        ),
        (
            reserved(vec![ReservationInfo::default()]),
            "Invalid reservation: 'Resource.ReservationInfo.type' field must be set.",
        ),
        (reserved(vec![dynamic("*")]), "Invalid reservation: role \"*\" cannot be reserved"),
        (
            reserved(vec![dynamic("a"), dynamic("b")]),
            "Invalid refined reservation: role 'b' is not a refinement of 'a'",
        ),
        (
            Resource { role: Some("b".into()), ..reserved(vec![dynamic("a")]) },
            "Invalid resource format: 'Resource.role' field with 'b' does not match the role 'a' in \
             'Resource.reservations'",
        ),
        (Resource { shared: Some(SharedInfo::default()), ..cpus() }, "Resource cpus cannot be shared"),
        (
            Resource { shared: Some(SharedInfo::default()), ..Resource::of_scalar("disk", 1.0) },
            "Only persistent volumes can be shared",
        ),
    ] {
        assert_eq!(validate_one(&resource).unwrap_err(), error);
        assert_eq!(
            validate(&[cpus(), resource.clone()]).unwrap_err(),
            format!("Resource '{resource}' is invalid: {error}")
        );
        assert!(Resources::from(vec![resource]).is_empty());
    }
}

#[test]
fn keeps_roles_allocations_and_kinds_apart() {
    let mut total = parse("cpus:1;cpus(dev):2;mem:10");
    total += parse("cpus:1").allocated("ops");
    total += Resources::from(vec![Resource {
        revocable: Some(RevocableInfo::default()),
        ..Resource::of_scalar("cpus", 4.0)
    }]);
    assert_eq!(total.len(), 5);
    assert_eq!(total.cpus(), Some(8.0));
    assert_eq!(total.unreserved().non_revocable().cpus(), Some(2.0));
    assert_eq!(total.reserved("dev").to_string(), "cpus(reservations: [(STATIC,dev)]):2");
    assert_eq!(total.reservations().keys().collect::<Vec<_>>(), ["dev"]);
    assert_eq!(total.allocations()["ops"].cpus(), Some(1.0));
    assert_eq!(total.unallocated().unreserved().non_revocable().to_string(), "cpus:2; mem:10");
    assert_eq!(parse("cpus(eng):1").allocatable_to("eng/dev").cpus(), Some(1.0));
    assert_eq!(parse("cpus(eng/dev):1").allocatable_to("eng").cpus(), None);
    assert_eq!(total.revocable().to_string(), "cpus{REV}:4");
}

#[test]
fn does_not_contain_what_is_apart() {
    assert!(parse("cpus:2;ports:[1-9]").contains(&parse("cpus:2;ports:[2-3,5-5]")));
    assert!(!parse("cpus:2").contains(&parse("cpus(dev):1")));
    assert!(!parse("cpus:2").contains(&parse("cpus:1").allocated("*")));
    assert!(!parse("cpus:2").contains(&parse("cpus:2.001")));
    assert!(parse("cpus:2").contains(&parse("cpus:2.0004")));
    assert!(!parse("cpus:2").contains_one(&Resource::of_scalar("cpus", -1.0)));
    assert!(parse("cpus:2").contains(&Resources::new()));
}

#[test]
fn volumes_and_whole_disks_never_merge() {
    let two = Resources::from(vec![volume("a", 1.0, false), volume("a", 1.0, false)]);
    assert_eq!(two.len(), 2);
    assert!(two.contains(&two));
    assert!(!Resources::from(vec![volume("a", 1.0, false)]).contains(&two));
    let mounts =
        Resources::from(vec![disk_from(source::Type::Mount, 5.0), disk_from(source::Type::Mount, 5.0)]);
    assert_eq!(mounts.len(), 2);
    assert!(!mounts.contains_one(&disk_from(source::Type::Mount, 2.0)));
    let paths = Resources::from(vec![disk_from(source::Type::Path, 5.0), disk_from(source::Type::Path, 5.0)]);
    assert_eq!(paths.to_string(), "disk[PATH]:10");
    let mut mount = disk_from(source::Type::Mount, 5.0);
    assert!(!mount.shrink(1.0) && mount.amount() == 5.0);
    let mut cpus = Resource::of_scalar("cpus", 5.0);
    assert!(cpus.shrink(1.0) && cpus.amount() == 1.0);
}

#[test]
fn copies_of_a_shared_volume_are_counted() {
    let one = Resources::from(vec![volume("v", 64.0, true)]);
    let mut total = &one + &one;
    assert_eq!((total.len(), total.to_protos().len(), total.disk()), (1, 1, Some(64.0)));
    assert!(total.contains(&(&one + &one)) && !one.contains(&total));
    total -= &one;
    assert_eq!(total, one);
    assert!((total - one).is_empty());
}

#[test]
fn subtracting_too_much_leaves_nothing() {
    assert_eq!((parse("cpus:1;mem:5") - parse("cpus:2")).to_string(), "mem:5");
    assert_eq!((parse("cpus:1;mem:5;disk:3") - parse("cpus:1")).to_string(), "disk:3; mem:5");
}

#[test]
fn finds_amounts_in_the_best_role() {
    let total = parse("cpus(dev):1;cpus:2;cpus(ops):4");
    let find = |text| total.find(&parse(text)).map(|found| found.to_string());
    assert_eq!(find("cpus:1.5").unwrap(), "cpus:1.5");
    assert_eq!(find("cpus(dev):2").unwrap(), "cpus(reservations: [(STATIC,dev)]):1; cpus:1");
    assert_eq!(find("cpus:8"), None);
}

#[test]
fn converts_between_the_formats() {
    let old = Resource { role: Some("dev".into()), ..Resource::of_scalar("cpus", 1.0) };
    let refined = old.clone().into_refined_format();
    assert_eq!((refined.role.as_deref(), refined.reservation_role()), (None, Some("dev")));
    assert_eq!(refined.clone().into_unrefined_format(), old);
    let both = refined.clone().into_endpoint_format();
    assert_eq!((both.role.as_deref(), both.reservations.len()), (Some("dev"), 1));
    assert_eq!(both.into_refined_format(), refined);
    let unreserved = Resource::of_scalar("cpus", 1.0).into_endpoint_format();
    assert_eq!((unreserved.role.as_deref(), unreserved.reservations.len()), (Some("*"), 0));
    let principal = Some(ReservationInfo { principal: Some("ops".into()), ..ReservationInfo::default() });
    let dynamic = Resource { reservation: principal, ..old };
    assert!(dynamic.clone().into_refined_format().is_dynamically_reserved());
    assert_eq!(dynamic.clone().into_refined_format().into_unrefined_format(), dynamic);
}

#[test]
fn models_the_endpoints() {
    let resources = parse("cpus:4;mem:4096;ports:[31000-32000];cpus(dev):0.5");
    assert_eq!(
        resources.model().to_string(),
        r#"{"disk":0.0,"mem":4096.0,"gpus":0.0,"cpus":4.5,"ports":"[31000-32000]"}"#
    );
    assert_eq!(resources.model_quantities().to_string(), r#"{"cpus":4.5,"mem":4096.0,"ports":1001.0}"#);
}

fn any_resource() -> impl Strategy<Value = Resource> {
    let role = prop_oneof![Just("*"), Just("dev"), Just("eng/ops")];
    let amount = (0..5000_i64).prop_map(values::from_thousandths);
    let scalar = (prop_oneof![Just("cpus"), Just("mem"), Just("disk")], amount)
        .prop_map(|(name, value)| Resource::of_scalar(name, value));
    let ranges = prop::collection::vec((0..50_u64, 0..5_u64), 1..4).prop_map(|pairs| {
        let range = pairs.into_iter().map(|(begin, length)| Range { begin, end: begin + length }).collect();
        let mut ranges = Ranges { range };
        ranges.coalesce();
        let r#type = Type::Ranges.into();
        Resource { name: "ports".into(), r#type, ranges: Some(ranges), ..Resource::default() }
    });
    (prop_oneof![3 => scalar, 1 => ranges], role)
        .prop_map(|(resource, role)| Resource { role: Some(role.into()), ..resource }.into_refined_format())
}

fn any_resources() -> impl Strategy<Value = Resources> {
    prop::collection::vec(any_resource(), 0..8).prop_map(Resources::from)
}

proptest! {
    #[test]
    fn adding_commutes(a in any_resources(), b in any_resources()) {
        prop_assert_eq!(&a + &b, &b + &a);
    }

    #[test]
    fn adding_is_associative(a in any_resources(), b in any_resources(), c in any_resources()) {
        prop_assert_eq!((&a + &b) + &c, &a + (&b + &c));
    }

    #[test]
    fn subtracting_undoes_adding(a in any_resources(), b in any_resources()) {
        let (a, b) = (a.scalars(), b.scalars());
        prop_assert_eq!((&a + &b) - &b, a);
    }

    #[test]
    fn a_sum_contains_its_parts(a in any_resources(), b in any_resources()) {
        let sum = &a + &b;
        prop_assert!(sum.contains(&a) && sum.contains(&b));
        let rest = &sum - &a;
        prop_assert!(sum.contains(&rest));
        prop_assert!(b.contains(&rest));
    }

    #[test]
    fn containing_both_ways_is_equality(a in any_resources(), b in any_resources()) {
        prop_assert_eq!(a == b, (&a - &b).is_empty() && (&b - &a).is_empty());
    }

    #[test]
    fn scalars_stay_whole_thousandths(amounts in prop::collection::vec(0.0..10.0_f64, 1..50)) {
        let steps: i64 = amounts.iter().map(|amount| values::thousandths(*amount)).sum();
        let all: Resources = amounts.iter().map(|amount| Resource::of_scalar("cpus", *amount)).collect();
        prop_assert_eq!(all.cpus().map_or(0, values::thousandths), steps);
        if all.len() == 1 && amounts.len() > 1 {
            prop_assert_eq!(all.cpus().unwrap_or_default(), values::from_thousandths(steps));
        }
    }

    #[test]
    fn what_is_printed_can_be_read(a in any_resources()) {
        let unreserved = a.to_unreserved();
        let text = unreserved.to_string();
        prop_assert_eq!(parse(if text == "{}" { "" } else { &text }), unreserved);
    }

    #[test]
    fn messages_carry_all_of_it(a in any_resources()) {
        prop_assert_eq!(Resources::from(a.to_protos()), a.clone());
        prop_assert_eq!(Resources::from(a.to_endpoint_protos()), a.clone());
        prop_assert_eq!(validate(&a.to_endpoint_protos()), Ok(()));
    }
}
