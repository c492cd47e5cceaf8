//! Quotas that Mesos refuses, in its words.

use std::collections::BTreeMap;

use crate::{
    engine::{allocator::Quota, golden, master::validation::quota},
    mesos::{
        resources::Resources,
        v1::{Resource, quota::QuotaConfig, resource::RevocableInfo, value::Scalar},
    },
};

fn amounts(amounts: &[(&str, f64)]) -> BTreeMap<String, Scalar> {
    amounts.iter().map(|&(name, value)| (name.to_owned(), Scalar { value })).collect()
}

fn config(role: &str, guarantees: &[(&str, f64)], limits: &[(&str, f64)]) -> QuotaConfig {
    QuotaConfig { role: role.into(), guarantees: amounts(guarantees), limits: amounts(limits) }
}

#[test]
fn a_config_is_refused_for_the_first_thing_wrong() {
    let refused = |role, guarantees: &[_], limits: &[_]| {
        quota::config(&config(role, guarantees, limits)).expect_err("it is wrong")
    };
    assert_eq!(refused("", &[], &[]), "Invalid 'QuotaConfig.role': Role names cannot be the empty string");
    assert_eq!(
        refused("a", &[("mem", 2e12)], &[("cpus", -1.0)]),
        "Invalid 'QuotaConfig.guarantees': {'mem': 2000000000000} is invalid: values greater than 1 exabyte \
         (1099511627776) are not supported"
    );
    assert_eq!(
        refused("a", &[], &[("cpus", 2e12)]),
        "Invalid 'QuotaConfig.limits': {'cpus': 2000000000000} is invalid: values greater than 1 trillion \
         (1000000000000) are not supported"
    );
    assert_eq!(
        refused("a", &[("cpus", -1.0)], &[]),
        "Invalid guarantee configuration {'cpus': -1}: Negative values not supported"
    );
    assert_eq!(
        refused("a", &[], &[("cpus", 1e-310)]),
        "Invalid limit configuration {'cpus': 0}: Subnormal values not supported"
    );
    assert_eq!(
        refused("dev", &[("cpus", 3.0)], &[("cpus", 2.0), ("mem", 1.0)]),
        "'QuotaConfig.guarantees' { cpus: 3 } is not contained within the 'QuotaConfig.limits' { cpus: 2, mem: 1 }"
    );
}

#[test]
fn any_role_may_have_any_guarantee_below_its_limit() {
    for role in ["*", "a", "a.b"] {
        assert_eq!(quota::config(&config(role, &[("cpus", 1.0), ("x", 2.0)], &[("cpus", 1.0)])), Ok(()));
    }
    assert_eq!(quota::config(&config("a", &[], &[("cpus", 0.0)])), Ok(()));
}

#[test]
fn a_request_names_each_scalar_once() {
    let scalars = |text: &str| Resources::parse(text, "*").unwrap().to_protos();
    let refused = |role, guarantee: &[Resource]| quota::request(role, guarantee).expect_err("it is wrong");
    let cpus = scalars("cpus:1");
    assert_eq!(refused(None, &cpus), "QuotaInfo must specify a role");
    assert_eq!(
        refused(Some("/a"), &cpus),
        "QuotaInfo with invalid role: Role '/a' cannot start with a slash"
    );
    assert_eq!(refused(Some("a"), &[]), "QuotaInfo with empty 'guarantee'");
    assert_eq!(refused(Some("a"), &scalars("cpus(a):1")), "QuotaInfo must not contain any ReservationInfo");
    assert_eq!(
        refused(Some("a"), &scalars("ports:[1-2]")),
        "QuotaInfo must not include non-scalar resources"
    );
    let revocable = Resource { revocable: Some(RevocableInfo {}), ..cpus[0].clone() };
    assert_eq!(refused(Some("a"), &[revocable]), "QuotaInfo must not contain RevocableInfo");
    let twice = [cpus[0].clone(), cpus[0].clone()];
    assert_eq!(refused(Some("a"), &twice), "QuotaInfo contains duplicate resource name 'cpus'");
    assert_eq!(quota::request(Some("a"), &cpus), Ok(()));
}

fn quotas(configs: &[QuotaConfig]) -> BTreeMap<String, Quota> {
    configs.iter().map(|config| (config.role.clone(), config.into())).collect()
}

#[test]
fn a_role_is_promised_what_those_below_it_are() {
    let parent = |cpus| config("a", &[("cpus", cpus)], &[]);
    let children = [config("a/b", &[("cpus", 1.0)], &[]), config("a/c", &[("cpus", 2.0)], &[])];
    let with = |cpus| quotas(&[&[parent(cpus)], &children[..]].concat());
    assert_eq!(quota::tree(&with(3.0)), Ok(()));
    assert_eq!(
        quota::tree(&with(2.5)).expect_err("it is not enough"),
        "Invalid quota configuration. Parent role 'a' with guarantees (cpus:2.5) does not contain the sum of its \
         children's guarantees (cpus:3)"
    );
    assert_eq!(
        quota::tree(&quotas(&[config("a/b/c", &[("cpus", 1.0)], &[])])).expect_err("the parent has none"),
        "Invalid quota configuration. Parent role 'b' with guarantees ({}) does not contain the sum of its \
         children's guarantees (cpus:1)"
    );
}

#[test]
fn a_total_reads_as_recorded() {
    let total = quota::total(&quotas(&[config("dev", &[("cpus", 1000.0)], &[("cpus", 2000.0)])]));
    let recorded = golden::body("04-master-api-v1/41-UPDATE_QUOTA-too-much");
    let recorded = String::from_utf8_lossy(&recorded);
    assert!(recorded.contains(&format!("total quota guarantees '{total}' exceed")), "{recorded}");
}
