//! The recordings of Apache Mesos performed against our master and agents, and compared in shape.

pub mod cluster;
mod diff;
mod exchange;
pub mod http;
pub mod normal;
mod proto;
mod request;
mod scenarios;
mod session;
mod sums;
mod verdict;
mod wire;

/// The recordings compared with themselves: nothing differs, so what differs later is ours.
#[test]
fn recordings_equal_themselves() {
    for name in exchange::names("") {
        let normal = || exchange::golden(&name).normal(&name, &normal::Place::golden());
        let lines = diff::compare(&normal(), &normal());
        assert!(lines.is_empty(), "{name}: {lines:?}");
    }
}
