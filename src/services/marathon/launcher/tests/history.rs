//! Random histories against a small model of a master: what must hold holds after each step.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::mesos::resources::Resources;

const HOSTS: [&str; 3] = ["a", "b", "c"];

#[derive(Clone, Debug)]
enum Step {
    /// An offer of what is free on this agent.
    Offer(usize),
    /// A task changes its state.
    Update(usize, TaskState),
    Scale(u32),
    Kill(usize),
    Wipe(usize),
    Reconnect,
    /// The launcher dies; another goes on with what was saved.
    Restart,
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let state = prop::sample::select(vec![
        TaskState::TaskStarting,
        TaskState::TaskRunning,
        TaskState::TaskRunning,
        TaskState::TaskFailed,
        TaskState::TaskFinished,
        TaskState::TaskKilled,
        TaskState::TaskUnreachable,
        TaskState::TaskGone,
    ]);
    prop_oneof![
        4 => (0..HOSTS.len()).prop_map(Step::Offer),
        4 => (any::<usize>(), state).prop_map(|(task, state)| Step::Update(task, state)),
        1 => (0..6_u32).prop_map(Step::Scale),
        1 => any::<usize>().prop_map(Step::Kill),
        1 => any::<usize>().prop_map(Step::Wipe),
        1 => Just(Step::Reconnect),
        1 => Just(Step::Restart),
        2 => (0..200_u64).prop_map(Step::Wait),
    ]
}

/// What a master knows, and what a launcher's host has saved.
struct World {
    rig: Rig,
    app: Arc<AppDefinition>,
    wanted: u32,
    /// Tasks that have not ended, with their agents and resources.
    tasks: BTreeMap<String, (usize, Vec<Resource>)>,
    /// Tasks that the master has been told to kill.
    doomed: BTreeSet<String>,
    saved: BTreeMap<String, Instance>,
    offers: u64,
    restarts: u64,
}

impl World {
    fn new(app: &Arc<AppDefinition>) -> Self {
        Self {
            rig: Rig::new(),
            app: app.clone(),
            wanted: 0,
            tasks: BTreeMap::new(),
            doomed: BTreeSet::new(),
            saved: BTreeMap::new(),
            offers: 0,
            restarts: 0,
        }
    }

    fn free(&self, host: usize) -> Resources {
        let all = [scalar("cpus", 1.0), scalar("mem", 256.0), ports(31000, 31003)];
        let used = self.tasks.values().filter(|(at, _)| *at == host);
        let used: Resources = used.flat_map(|(_, resources)| resources.clone()).collect();
        all.into_iter().collect::<Resources>() - used
    }

    fn step(&mut self, step: &Step) -> Vec<Effect> {
        let effects = match step {
            Step::Offer(host) => self.offer(*host),
            Step::Update(index, state) => self.update(*index, *state),
            Step::Scale(count) => {
                self.wanted = *count;
                let app = self.app.clone();
                self.rig.scale(&app, *count)
            }
            Step::Kill(index) => self.kill(*index, false),
            Step::Wipe(index) => self.kill(*index, true),
            Step::Reconnect => {
                let mut effects = self.rig.say(Input::Disconnected);
                self.keep(&effects);
                effects.extend(self.rig.subscribe());
                effects
            }
            Step::Restart => self.restart(),
            Step::Wait(seconds) => self.rig.wait(*seconds),
        };
        self.keep(&effects);
        effects
    }

    fn offer(&mut self, host: usize) -> Vec<Effect> {
        self.offers += 1;
        let free = self.free(host);
        let offer =
            Offer { id: format!("offer-{}", self.offers).into(), ..offer_of(HOSTS[host], &free.to_protos()) };
        let effects = self.rig.offer(offer);
        let answers = calls(&effects).into_iter().filter(|call| {
            call.accept.as_ref().is_some_and(|accept| accept.offer_ids.len() == 1)
                || call.decline.as_ref().is_some_and(|decline| decline.offer_ids.len() == 1)
        });
        assert_eq!(answers.count(), 1, "each offer is answered once");
        let tasks = launched(&effects);
        let taken: Resources = tasks.iter().flat_map(|task| task.resources.clone()).collect();
        assert!(free.contains(&taken), "{taken:?} of {free:?}");
        for task in tasks {
            let before = self.tasks.insert(task.task_id.value, (host, task.resources));
            assert!(before.is_none(), "a task id is used once");
        }
        effects
    }

    fn update(&mut self, index: usize, state: TaskState) -> Vec<Effect> {
        let Some(task) = self.tasks.keys().nth(index % self.tasks.len().max(1)).cloned() else {
            return Vec::new();
        };
        if InstanceState::of(&status(&task, state)).is_terminal() {
            self.tasks.remove(&task);
            self.doomed.remove(&task);
        }
        let effects = match state {
            TaskState::TaskUnreachable => self.rig.unreachable(&task),
            state => self.rig.update(&task, state),
        };
        assert_eq!(kinds(&effects).iter().filter(|kind| **kind == call::Type::Acknowledge).count(), 1);
        effects
    }

    fn kill(&mut self, index: usize, wipe: bool) -> Vec<Effect> {
        let all = self.rig.instances();
        let Some(instance) = all.get(index % all.len().max(1)) else { return Vec::new() };
        let instances = vec![instance.id.clone()];
        self.rig.say(Input::Kill { instances, wipe })
    }

    fn restart(&mut self) -> Vec<Effect> {
        self.restarts += 1;
        let second = self.rig.second;
        let mut launcher = Launcher::new(at(second), options(), 1 + self.restarts);
        launcher.restore(self.saved.values().cloned(), [self.app.clone()]);
        self.rig = Rig { launcher, second };
        let app = self.app.clone();
        let mut effects = self.rig.scale(&app, self.wanted);
        self.keep(&effects);
        effects.extend(self.rig.subscribe());
        effects
    }

    /// Does what a host does.
    fn keep(&mut self, effects: &[Effect]) {
        for effect in effects {
            match effect {
                Effect::Save(id) => {
                    if let Some(instance) = self.rig.launcher.instance(id) {
                        self.saved.insert(id.to_string(), instance.clone());
                    }
                }
                Effect::Forget(id) => drop(self.saved.remove(id.as_str())),
                _ => {}
            }
        }
        self.doomed.extend(killed(effects));
    }

    fn check(&self) {
        self.check_numbers();
        self.check_saved();
        self.check_unique();
        let deadline = self.rig.launcher.next_deadline();
        assert!(deadline.is_none_or(|deadline| deadline > at(self.rig.second)), "due, and not done");
    }

    fn check_numbers(&self) {
        let counted = self.rig.instances().into_iter().filter(|instance| {
            instance.goal == crate::services::marathon::model::Goal::Running
                && instance.state != InstanceState::UnreachableInactive
        });
        assert_eq!(counted.count(), self.wanted as usize);
        let alive = self
            .tasks
            .keys()
            .filter(|task| !self.doomed.contains(*task))
            .filter(|task| self.rig.state_of(task).is_some_and(|state| state.is_active()));
        assert!(alive.count() <= self.wanted as usize);
    }

    fn check_saved(&self) {
        let known: Vec<_> = self.rig.instances().iter().map(|each| each.id.to_string()).collect();
        assert_eq!(self.saved.keys().cloned().collect::<Vec<_>>(), known);
        for instance in self.rig.instances() {
            let saved = &self.saved[instance.id.as_str()];
            assert_eq!((saved.state, saved.goal), (instance.state, instance.goal));
            assert_eq!(saved.task_id, instance.task_id);
        }
    }

    /// Of the tasks that the launcher counts, no two of an app that wants a host of its own share one.
    fn check_unique(&self) {
        if self.app.constraints.is_empty() {
            return;
        }
        let is_there =
            |each: &&Instance| each.state.is_active() || each.state == InstanceState::UnreachableInactive;
        let hosts: Vec<_> =
            self.rig.launcher.instances().filter(is_there).map(|each| each.host.clone()).collect();
        assert_eq!(hosts.iter().collect::<BTreeSet<_>>().len(), hosts.len(), "{hosts:?}");
    }
}

fn apps() -> impl Strategy<Value = Arc<AppDefinition>> {
    prop::sample::select(vec![
        sleeper(r#", "portDefinitions": [{"port": 0}, {"port": 0}]"#),
        sleeper(r#", "constraints": [["hostname", "UNIQUE"]]"#),
        sleeper(
            r#", "constraints": [["hostname", "UNIQUE"]],
               "unreachableStrategy": {"inactiveAfterSeconds": 50, "expungeAfterSeconds": 300}"#,
        ),
        sleeper(r#", "unreachableStrategy": "disabled", "killSelection": "OLDEST_FIRST""#),
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn what_must_hold_holds(app in apps(), steps in prop::collection::vec(step(), 1..60)) {
        let mut world = World::new(&app);
        for step in &steps {
            world.step(step);
            world.check();
        }
    }

    #[test]
    fn the_same_history_has_the_same_effects(app in apps(), steps in prop::collection::vec(step(), 1..40)) {
        let (mut one, mut two) = (World::new(&app), World::new(&app));
        for step in &steps {
            prop_assert_eq!(one.step(step), two.step(step));
        }
    }

    #[test]
    fn in_the_end_all_wanted_instances_run(app in apps(), steps in prop::collection::vec(step(), 1..40)) {
        let mut world = World::new(&app);
        for step in &steps {
            world.step(step);
        }
        world.step(&Step::Scale(3));
        for _ in 0..12 {
            world.step(&Step::Wait(400));
            for task in world.doomed.clone() {
                world.tasks.remove(&task);
                let effects = world.rig.update(&task, TaskState::TaskKilled);
                world.keep(&effects);
                world.doomed.remove(&task);
            }
            (0..HOSTS.len()).for_each(|host| drop(world.step(&Step::Offer(host))));
            for task in world.tasks.keys().cloned().collect::<Vec<_>>() {
                let effects = world.rig.update(&task, TaskState::TaskRunning);
                world.keep(&effects);
            }
        }
        let running = world.rig.states().into_iter().filter(|state| *state == InstanceState::Running);
        prop_assert_eq!(running.count(), 3);
        prop_assert_eq!(world.tasks.len(), 3);
    }
}
