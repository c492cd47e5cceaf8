//! Whatever happens, in the end exactly `num_of_node` tasks run; on the way there are never more than allowed.

use std::time::Duration;

use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop, prop_oneof, proptest};

use super::sim::{AGENTS, Sim};
use crate::{mesos::v1::TaskState, scheduler::config::SchedulerConfig};

#[derive(Clone, Debug)]
enum Blow {
    Pass(u64),
    Scale(u32),
    Redefine(u32),
    Fail(usize),
    Finish(usize),
    Partition(usize),
    Heal(usize),
    Disconnect,
    FailOver,
    HealAll,
    Crash,
    Remove,
    LoseCall,
    LoseEvent,
    DoubleEvent,
}

fn blow() -> impl Strategy<Value = Blow> {
    prop_oneof![
        6 => (0..8000_u64).prop_map(Blow::Pass),
        3 => (0..12_u32).prop_map(Blow::Scale),
        1 => (1..5_u32).prop_map(Blow::Redefine),
        2 => any::<usize>().prop_map(Blow::Fail),
        1 => any::<usize>().prop_map(Blow::Finish),
        2 => (0..AGENTS).prop_map(Blow::Partition),
        2 => (0..AGENTS).prop_map(Blow::Heal),
        1 => Just(Blow::Disconnect),
        1 => Just(Blow::FailOver),
        1 => Just(Blow::HealAll),
        1 => Just(Blow::Crash),
        1 => Just(Blow::Remove),
        1 => Just(Blow::LoseCall),
        1 => Just(Blow::LoseEvent),
        1 => Just(Blow::DoubleEvent),
    ]
}

fn config() -> SchedulerConfig {
    SchedulerConfig { num_of_node: 3, cpus: 1.0, ..SchedulerConfig::default() }
}

fn strike(sim: &mut Sim, config: &mut SchedulerConfig, blow: Blow) {
    match blow {
        Blow::Pass(ms) => sim.pass(Duration::from_millis(ms)),
        Blow::Scale(n) => config.num_of_node = n,
        Blow::Redefine(n) => config.mem = f64::from(n) * 10.0,
        Blow::Fail(at) => sim.fail_task(at, TaskState::TaskFailed),
        Blow::Finish(at) => sim.fail_task(at, TaskState::TaskFinished),
        Blow::Partition(agent) => sim.partition(agent),
        Blow::Heal(agent) => sim.heal(agent),
        Blow::Disconnect => sim.disconnect(),
        Blow::FailOver => sim.fail_over_master(),
        Blow::HealAll => (0..AGENTS).for_each(|agent| sim.heal(agent)),
        Blow::Crash => sim.crash_scheduler(),
        Blow::Remove => sim.remove_framework(),
        Blow::LoseCall => sim.lose_next_call = true,
        Blow::LoseEvent => sim.lose_next_event = true,
        Blow::DoubleEvent => sim.double_next_event = true,
    }
    if *config != *sim.scheduler.config() {
        sim.configure(config.clone());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn weathers_every_storm(seed in any::<u64>(), blows in prop::collection::vec(blow(), 0..40)) {
        let mut config = config();
        let mut sim = Sim::new(seed, config.clone());
        for blow in blows {
            strike(&mut sim, &mut config, blow);
        }
        sim.settle();
    }
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let run = || {
        let mut config = config();
        let mut sim = Sim::new(7, config.clone());
        for blow in
            [Blow::Pass(5000), Blow::Scale(8), Blow::FailOver, Blow::Crash, Blow::HealAll, Blow::Pass(9000)]
        {
            strike(&mut sim, &mut config, blow);
        }
        format!("{:?}", sim.scheduler)
    };
    assert_eq!(run(), run());
}
