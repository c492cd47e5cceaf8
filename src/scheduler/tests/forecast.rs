//! The forecast against the scheduler itself: what it foretells is what then happens.

use std::{collections::BTreeMap, sync::Arc};

use proptest::prelude::*;

use super::steps::{at, give, subscribed, update};

use crate::{
    mesos::v1::{Attribute, Offer, OfferId, Resource, TaskId, TaskState, scheduler::Call, value},
    scheduler::{
        Effect, Input, Scheduler,
        api::KillReason,
        config::{Command, Executor, Placement, SchedulerConfig},
        forecast::{Forecast, Question, forecast},
        testing::{offer, ports, reserved, scalar},
    },
};

fn calls(effects: Vec<Effect>) -> impl Iterator<Item = Call> {
    effects.into_iter().filter_map(|effect| match effect {
        Effect::Call(call) => Some(*call),
        _ => None,
    })
}

/// How many tasks each agent gets.
fn launched(effects: Vec<Effect>) -> BTreeMap<String, u64> {
    let mut launched = BTreeMap::new();
    let operations = calls(effects).filter_map(|call| call.accept).flat_map(|accept| accept.operations);
    let tasks = operations.flat_map(|operation| {
        let alone = operation.launch.into_iter().flat_map(|launch| launch.task_infos);
        alone.chain(operation.launch_group.into_iter().flat_map(|group| group.task_group.tasks))
    });
    for task in tasks {
        *launched.entry(task.agent_id.to_string()).or_default() += 1;
    }
    launched
}

fn placed(forecast: &Forecast) -> BTreeMap<String, u64> {
    forecast.placed.iter().map(|placed| (placed.agent_id.clone(), placed.tasks)).collect()
}

#[derive(Clone, Debug)]
struct Agent {
    cpus: u32,
    mem: u32,
    ports: u64,
    rack: u32,
}

impl Agent {
    fn offer(&self, number: usize, round: usize) -> Offer {
        let host = format!("h{number}");
        let resources = [
            scalar("cpus", f64::from(self.cpus) / 2.0),
            scalar("mem", f64::from(self.mem) * 32.0),
            scalar("disk", 25.0),
            ports(&[(31_000, 31_000 + self.ports)]),
        ];
        let mut rack = Attribute { name: "rack".to_owned(), ..Attribute::default() };
        rack.set_type(value::Type::Text);
        rack.text = Some(value::Text { value: format!("r{}", self.rack) });
        Offer {
            id: OfferId::new(format!("o{round}-{number}")),
            attributes: vec![rack],
            ..offer(&host, &resources)
        }
    }
}

fn agents() -> impl Strategy<Value = Vec<Agent>> {
    let agent = (0..10_u32, 0..10_u32, 0..10_u64, 0..3_u32);
    let agent = agent.prop_map(|(cpus, mem, ports, rack)| Agent { cpus, mem, ports, rack });
    prop::collection::vec(agent, 1..6)
}

fn offers(agents: &[Agent], round: usize) -> Vec<Offer> {
    agents.iter().enumerate().map(|(number, agent)| agent.offer(number, round)).collect()
}

fn config() -> impl Strategy<Value = SchedulerConfig> {
    let constraints = prop::sample::subsequence(
        vec!["hostname:MAX_PER:3", "rack:GROUP_BY", "rack:LIKE:r[01]", "rack:CLUSTER", "hostname:GROUP_BY:3"],
        0..3,
    );
    let half = prop_oneof![Just(0.5), Just(1.0), Just(1.5)];
    let executor = prop::sample::select(vec![Executor::Command, Executor::Default, Executor::Custom]);
    (constraints, half, 0..2_u32, any::<bool>(), 0..12_u32, executor).prop_map(
        |(constraints, cpus, ports, pack, wanted, executor)| SchedulerConfig {
            executor,
            executor_command: Some(Command::Shell("./executor".to_owned())),
            cpus,
            ports,
            num_of_node: wanted,
            placement: if pack { Placement::Pack } else { Placement::Spread },
            constraints: constraints.iter().map(|text| text.parse().unwrap()).collect(),
            ..SchedulerConfig::default()
        },
    )
}

/// What may have happened to a task before the question is asked.
const FATES: [&str; 5] = ["runs", "runs", "unreachable", "asked to end", "lost"];

fn meet_fate(scheduler: &mut Scheduler, now: u64, id: &TaskId, fate: &str) {
    update(scheduler, now, id, TaskState::TaskRunning);
    match fate {
        "unreachable" => update(scheduler, now, id, TaskState::TaskUnreachable),
        "lost" => update(scheduler, now, id, TaskState::TaskLost),
        "asked to end" => scheduler.kill(id, KillReason::Requested),
        _ => {}
    }
}

fn question(scheduler: &Scheduler, agents: &[Agent], wanted: u64) -> Question {
    Question {
        config: scheduler.config().clone(),
        tasks: scheduler.tasks().tasks.into_iter().map(Arc::new).collect(),
        agents: offers(agents, 9),
        wanted,
        now: at(20),
    }
}

fn scaled(scheduler: &mut Scheduler, wanted: u32) -> Vec<Effect> {
    let config = SchedulerConfig { num_of_node: wanted, ..scheduler.config().clone() };
    scheduler.handle(at(20), Input::Configure(Box::new(config)))
}

proptest! {
    #[test]
    fn what_is_foretold_happens(
        config in config(), before in agents(), free in agents(),
        fates in prop::collection::vec(prop::sample::select(&FATES[..]), 12), wanted in 0..16_u32,
    ) {
        let mut scheduler = subscribed(config);
        for (second, agent) in before.iter().enumerate() {
            give(&mut scheduler, second as u64, vec![agent.offer(second, 0)]);
        }
        let ids: Vec<_> = scheduler.fleet.tasks().map(|task| task.id.clone()).collect();
        for (id, fate) in ids.iter().zip(fates) {
            meet_fate(&mut scheduler, 10, id, fate);
        }
        // The same agents, of which something else is free by now.
        let free: Vec<_> = before.iter().zip(free.iter().cycle()).map(|(agent, free)| Agent { rack: agent.rack, ..free.clone() }).collect();
        let question = question(&scheduler, &free, u64::from(wanted));
        let foretold = forecast(&question);

        let resized: Vec<_> = scheduler.fleet.clone().resize(wanted as usize).iter().map(ToString::to_string).collect();
        prop_assert_eq!(&foretold.ending, &resized);
        let killed: Vec<_> = calls(scaled(&mut scheduler, wanted)).filter_map(|call| call.kill).map(|kill| kill.task_id.to_string()).collect();
        prop_assert!(foretold.ending.iter().all(|id| killed.contains(id)), "{:?} of {killed:?}", foretold.ending);
        let launched = launched(give(&mut scheduler, 20, offers(&free, 9)));
        prop_assert_eq!(placed(&foretold), launched);
        let explain = scheduler.explain(at(20));
        prop_assert_eq!(foretold.unplaced, explain.unplaced);
        if explain.constraints.is_empty() || !explain.missing.is_empty() {
            prop_assert_eq!(&foretold.missing, &explain.missing);
        } else {
            prop_assert_eq!(&foretold.missing[0].text, &format!("{}: {}", explain.constraints[0].hostname, explain.constraints[0].text));
        }

        let staying = question.tasks.iter().filter(|task| task.killing.is_none() && task.state != "TASK_UNREACHABLE").count() as u64;
        let all = forecast(&Question { wanted: 1_000, ..question });
        prop_assert_eq!(foretold.fits, staying + placed(&all).values().sum::<u64>());
    }
}

fn ask(config: SchedulerConfig, agents: Vec<Offer>, wanted: u64) -> Forecast {
    forecast(&Question { config, tasks: Vec::new(), agents, wanted, now: at(0) })
}

fn whole(resource: impl Fn(Resource) -> Resource) -> Vec<Resource> {
    [scalar("cpus", 1.0), scalar("mem", 320.0)].map(resource).to_vec()
}

#[test]
fn only_what_is_ours_to_use_counts() {
    let roles = |roles: &[&str]| SchedulerConfig {
        roles: roles.iter().map(|role| (*role).to_owned()).collect(),
        ..SchedulerConfig::default()
    };
    let agent = [
        whole(|resource| resource),
        whole(|resource| reserved(resource, "eng")),
        whole(|resource| reserved(resource, "eng/web")),
        whole(|resource| reserved(resource, "ops")),
    ];
    let agent = || vec![offer("a", &agent.concat())];
    let fits = |names: &[&str]| ask(roles(names), agent(), 0).fits;
    assert_eq!((fits(&["*"]), fits(&["eng"]), fits(&["eng/web"])), (10, 20, 30));
    assert_eq!(fits(&["ops", "eng"]), 30, "each role is offered its own");
    let both = ask(roles(&["ops", "eng"]), agent(), 25);
    assert_eq!((both.placed.len(), both.placed[0].tasks, both.unplaced), (1, 25, 0));
}

#[test]
fn without_agents_or_with_too_many_refusals_it_says_so() {
    let constraints = vec!["rack:LIKE:r1".parse().unwrap()];
    let config = SchedulerConfig { constraints, ..SchedulerConfig::default() };
    let texts =
        |forecast: Forecast| forecast.missing.into_iter().map(|missing| missing.text).collect::<Vec<_>>();
    assert_eq!(texts(ask(config.clone(), Vec::new(), 1)), ["agents: there is none"]);
    let hosts = ["a", "b", "c", "d", "e"].map(|host| offer(host, &whole(|resource| resource)));
    let told = texts(ask(config, hosts.to_vec(), 1));
    assert_eq!(told[0], "a: constraint rack:LIKE:r1: the agent has no attribute `rack`");
    assert_eq!(told[3..], ["constraints: they keep 2 more agents from us"]);
}
