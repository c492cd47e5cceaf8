//! Schedules and lists of machines that Mesos refuses, in its words.

use crate::{
    engine::{
        golden,
        master::{Maintenance, validation::maintenance},
    },
    mesos::{
        json,
        v1::{MachineId, MachineInfo, machine_info::Mode, maintenance::Schedule},
    },
};

fn machine(hostname: &str, ip: &str) -> MachineId {
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    MachineId { hostname: some(hostname), ip: some(ip) }
}

fn schedule(windows: &str) -> Schedule {
    json::from_json(format!(r#"{{"windows": {windows}}}"#)).unwrap()
}

#[test]
fn a_list_names_each_machine_once() {
    let refused = |ids: &[MachineId]| maintenance::machines(ids).expect_err("it is wrong");
    let recorded = golden::body("05-master-legacy/112-POST-machine_down");
    assert_eq!(refused(&[]), String::from_utf8_lossy(&recorded));
    assert_eq!(refused(&[machine("", "")]), "Both 'hostname' and 'ip' for a machine are empty");
    assert_eq!(refused(&[machine("a", "1.2.3")]), "Failed to parse IPv4: 1.2.3");
    assert_eq!(
        refused(&[machine("a", "1.2.3.4"), machine("A", "1.2.3.4")]),
        r#"Machine '{"hostname":"A","ip":"1.2.3.4"}' appears more than once in the schedule"#
    );
    assert_eq!(maintenance::machines(&[machine("a", ""), machine("", "1.2.3.4"), machine("b", "")]), Ok(()));
}

#[test]
fn a_schedule_names_each_machine_once() {
    let known = Maintenance::default();
    let refused = |windows: &str| maintenance::schedule(&schedule(windows), &known).expect_err("it is wrong");
    let recorded = golden::body("04-master-api-v1/61-UPDATE_MAINTENANCE_SCHEDULE-bad");
    assert_eq!(
        refused(r#"[{"machine_ids": [], "unavailability": {"start": {"nanoseconds": 1}}}]"#),
        String::from_utf8_lossy(&recorded)
    );
    let window = |duration: i64| {
        format!(
            r#"{{"machine_ids": [{{"hostname": "a"}}],
                 "unavailability": {{"start": {{"nanoseconds": 1}}, "duration": {{"nanoseconds": {duration}}}}}}}"#
        )
    };
    assert_eq!(refused(&format!("[{}]", window(-1))), "Unavailability 'duration' is negative");
    assert_eq!(
        refused(&format!("[{0}, {0}]", window(1))),
        r#"Machine '{"hostname":"a"}' appears more than once in the schedule"#
    );
    assert_eq!(maintenance::schedule(&schedule(&format!("[{}]", window(0))), &known), Ok(()));
}

#[test]
fn what_is_down_stays_in_the_schedule() {
    let id = machine("a", "127.0.0.1");
    let down = MachineInfo { id: id.clone(), mode: Some(Mode::Down.into()), unavailability: None };
    let known = Maintenance { machines: [((&id).into(), down)].into(), ..Maintenance::default() };
    assert_eq!(
        maintenance::schedule(&Schedule::default(), &known).expect_err("it is wrong"),
        r#"Machine '{"hostname":"a","ip":"127.0.0.1"}' is deactivated and cannot be removed from the schedule"#
    );
}
