//! From one executor to another while tasks run: one task after the other, whatever else happens.

use std::time::Duration;

use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop, prop_oneof, proptest};
use serde_json::json;

use super::sim::Sim;
use crate::scheduler::{
    api::Executor,
    config::{Command, SchedulerConfig},
};

const ALL: [Executor; 4] = [Executor::Command, Executor::Docker, Executor::Default, Executor::Custom];

#[derive(Clone, Debug)]
enum Step {
    Pass(u64),
    Switch(Executor),
    Scale(u32),
    /// Tasks of this kind fail from now on; of none, when there is none.
    Spoil(Option<Executor>),
    Crash,
    Disconnect,
    LoseCall,
    LoseEvent,
    DoubleEvent,
}

fn step() -> impl Strategy<Value = Step> {
    let kind = prop::sample::select(ALL.to_vec());
    prop_oneof![
        8 => (0..20_000_u64).prop_map(Step::Pass),
        6 => kind.clone().prop_map(Step::Switch),
        1 => (1..10_u32).prop_map(Step::Scale),
        2 => prop::option::of(kind).prop_map(Step::Spoil),
        1 => Just(Step::Crash),
        1 => Just(Step::Disconnect),
        1 => Just(Step::LoseCall),
        1 => Just(Step::LoseEvent),
        1 => Just(Step::DoubleEvent),
    ]
}

fn config() -> SchedulerConfig {
    let image = Some("app:1".to_owned());
    SchedulerConfig { num_of_node: 5, cpus: 1.0, image, ..SchedulerConfig::default() }
}

fn take(sim: &mut Sim, config: &mut SchedulerConfig, step: Step) {
    match step {
        Step::Pass(ms) => sim.pass(Duration::from_millis(ms)),
        Step::Switch(kind) => config.executor = kind,
        Step::Scale(wanted) => config.num_of_node = wanted,
        Step::Spoil(kind) => sim.failing = kind,
        Step::Crash => sim.crash_scheduler(),
        Step::Disconnect => sim.disconnect(),
        Step::LoseCall => sim.lose_next_call = true,
        Step::LoseEvent => sim.lose_next_event = true,
        Step::DoubleEvent => sim.double_next_event = true,
    }
    if *config != *sim.scheduler.config() {
        sim.configure(config.clone());
    }
}

fn running(config: &SchedulerConfig) -> Sim {
    let mut sim = Sim::new(7, config.clone());
    sim.holds_bounds = true;
    sim.pass(Duration::from_secs(5));
    sim
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn at_most_one_task_is_missing_or_too_many(seed in any::<u64>(), steps in prop::collection::vec(step(), 0..40)) {
        let mut config = config();
        let mut sim = Sim::new(seed, config.clone());
        sim.holds_bounds = true;
        for step in steps {
            take(&mut sim, &mut config, step);
        }
        sim.failing = None;
        sim.settle();
        assert_eq!(sim.kinds(), vec![config.executor; config.num_of_node as usize]);
    }
}

#[test]
fn round_the_four_and_back() {
    let mut config = config();
    let mut sim = running(&config);
    for kind in ALL.into_iter().cycle().skip(1).take(4) {
        take(&mut sim, &mut config, Step::Switch(kind));
        sim.pass(Duration::from_secs(20));
        assert_eq!(sim.kinds(), [kind; 5]);
        let tasks = sim.scheduler.tasks().tasks;
        assert!(tasks.iter().all(|task| task.executor == kind && !task.outdated));
    }
}

#[test]
fn a_restart_in_the_middle_goes_on() {
    let mut config = config();
    let mut sim = running(&config);
    take(&mut sim, &mut config, Step::Switch(Executor::Default));
    sim.pass(Duration::from_millis(300));
    let kinds = sim.kinds();
    assert!(kinds.contains(&Executor::Command), "not yet all: {kinds:?}");
    sim.crash_scheduler();
    sim.pass(Duration::from_secs(30));
    assert_eq!(sim.kinds(), [Executor::Default; 5]);
}

#[test]
fn one_that_fails_costs_one_task_and_switching_back_heals() {
    let mut config = config();
    let mut sim = running(&config);
    sim.failing = Some(Executor::Docker);
    take(&mut sim, &mut config, Step::Switch(Executor::Docker));
    sim.pass(Duration::from_secs(60));
    assert_eq!(sim.kinds(), [Executor::Command; 4]);
    let counts = sim.scheduler.counts();
    assert_eq!((counts.outdated, counts.backing_off), (4, 1), "{counts:?}");
    let explain = sim.scheduler.explain(sim.now);
    assert!(explain.backing_off[0].failures > 2, "{explain:?}");
    take(&mut sim, &mut config, Step::Switch(Executor::Command));
    sim.pass(Duration::from_secs(5));
    assert_eq!(sim.kinds(), [Executor::Command; 5]);
    assert_eq!(sim.scheduler.state().summary, "5/5 tasks running");
}

#[test]
fn without_a_custom_executor_nothing_is_launched_and_it_is_said() {
    let options = crate::scheduler::Options::default();
    let custom = SchedulerConfig::default().patched(&json!({"executor": "custom"})).unwrap();
    let wrong = options.check(&custom).unwrap_err();
    assert_eq!(wrong.0[0].field, "executor_command");
    let own = SchedulerConfig { executor_command: Some(Command::Shell("./mine".into())), ..custom.clone() };
    assert_eq!(options.check(&own), Ok(()));
    assert_eq!(options.with_executor_at("/mesoslab").check(&custom), Ok(()));

    let scheduler = super::steps::subscribed(SchedulerConfig { num_of_node: 1, ..custom });
    let explain = scheduler.explain(super::steps::at(1));
    assert_eq!(explain.missing[0].requirement, "executor");
    assert!(explain.summary.contains("set `executor_command`"), "{}", explain.summary);
}
