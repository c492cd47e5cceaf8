//! The framework of one command, without IO: places its instances on offers, follows its tasks to their ends, and kills
//! them where that is wanted.
//!
//! ```text
//! OFFERS > launched while instances wait, else declined > UPDATE > acknowledged > all tasks are over: the code
//! ```

use std::{collections::BTreeMap, time::Duration};

use super::{
    ending::{self, Ending},
    wish::{Unit, Wish},
};
use crate::{
    client::agent_files::{in_pod, sandbox},
    mesos::{
        time::Time,
        v1::{
            AgentId, Filters, FrameworkId, Offer, TaskGroupInfo, TaskId, TaskState, TaskStatus, offer,
            scheduler::{Call, Event, call, event},
        },
    },
    scheduler::{
        pool::Pool,
        quantities::Quantities,
        shortage::{self, Remainder},
    },
};

/// How long what is not needed is not offered again.
const REFUSE: f64 = 5.0;

/// What is to be done, in this order.
#[derive(Clone, Debug, PartialEq)]
pub enum Act {
    Call(Box<Call>),
    Say(String),
    /// Read what this task writes.
    Follow(Followed),
    /// What it has written is all there is to come.
    Over(TaskId),
}

/// Where the output of a task is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Followed {
    pub task_id: TaskId,
    pub agent_id: AgentId,
    /// Its sandbox, as its agent names it.
    pub sandbox: String,
}

/// One command that runs.
#[derive(Debug)]
pub struct Job {
    wish: Wish,
    kill_after: Option<Duration>,
    id: Option<FrameworkId>,
    /// Instances that are not launched, the next one last.
    waiting: Vec<u32>,
    tasks: BTreeMap<TaskId, Task>,
    /// What agents had left when they were last offered.
    seen: BTreeMap<AgentId, (String, Quantities)>,
    suppressed: bool,
    /// The tasks are to end.
    killed: bool,
}

#[derive(Debug)]
struct Task {
    /// When it was launched among the others.
    order: usize,
    agent_id: AgentId,
    hostname: String,
    state: TaskState,
    kill_at: Option<Time>,
    ending: Option<Ending>,
}

impl Job {
    pub fn new(wish: Wish, kill_after: Option<Duration>) -> Self {
        let waiting = (0..wish.instances).rev().collect();
        Self {
            wish,
            kill_after,
            id: None,
            waiting,
            tasks: BTreeMap::new(),
            seen: BTreeMap::new(),
            suppressed: false,
            killed: false,
        }
    }

    pub fn id(&self) -> Option<&FrameworkId> {
        self.id.as_ref()
    }

    /// Every instance has a place, or none is wanted any more.
    pub fn is_placed(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Nothing runs and nothing is to be launched.
    pub fn is_over(&self) -> bool {
        self.waiting.is_empty() && self.tasks.values().all(|task| task.ending.is_some())
    }

    /// The first end that was no success, in the order of the launches.
    pub fn failure(&self) -> Option<(&TaskId, &Ending)> {
        let failed = |ending: &&Ending| ending.code != Some(0);
        let tasks = self.tasks.iter().filter_map(|(id, task)| Some((task.order, id, task.ending.as_ref()?)));
        let first = tasks.filter(|(_, _, ending)| failed(ending)).min_by_key(|(order, ..)| *order)?;
        Some((first.1, first.2))
    }

    /// What stands in the way of the next instance.
    pub fn missing(&self) -> String {
        let agents = self.seen.iter().map(|(id, (hostname, left))| Remainder {
            agent_id: id.as_str(),
            hostname,
            left: *left,
            refusal: None,
        });
        let agents: Vec<_> = agents.collect();
        if agents.is_empty() {
            return format!("the master has offered nothing to the role `{}`", self.wish.role);
        }
        let missing = shortage::missing(&self.wish.wants(), &agents);
        missing.into_iter().map(|missing| missing.text).collect::<Vec<_>>().join("; ")
    }

    /// How many tasks are launched, and how many there are in all.
    pub fn progress(&self) -> (usize, usize) {
        (self.tasks.len(), self.wish.tasks())
    }

    /// When [`Job::tick`] is wanted.
    pub fn next_deadline(&self) -> Option<Time> {
        self.tasks.values().filter_map(|task| task.kill_at).min()
    }

    pub fn tick(&mut self, now: Time) -> Vec<Act> {
        let due = |task: &Task| task.kill_at.is_some_and(|at| at <= now);
        let due: Vec<_> = self.tasks.iter().filter(|(_, task)| due(task)).map(|(id, _)| id.clone()).collect();
        let mut acts = Vec::new();
        for id in due {
            acts.push(Act::Say(format!("{id}: its time is over")));
            acts.extend(self.kill(&id));
        }
        acts
    }

    /// Ends all tasks, with their grace, and launches no further one.
    pub fn kill_all(&mut self) -> Vec<Act> {
        self.killed = true;
        self.waiting.clear();
        let alive = self.tasks.iter().filter(|(_, task)| task.ending.is_none());
        let alive: Vec<_> = alive.map(|(id, _)| id.clone()).collect();
        alive.iter().filter_map(|id| self.kill(id)).collect()
    }

    fn kill(&mut self, id: &TaskId) -> Option<Act> {
        let task = self.tasks.get_mut(id)?;
        task.kill_at = None;
        let kill =
            call::Kill { task_id: id.clone(), agent_id: Some(task.agent_id.clone()), kill_policy: None };
        self.call(call::Type::Kill, |call| call.kill = Some(kill))
    }

    /// The end of the framework.
    pub fn teardown(&self) -> Option<Call> {
        match self.call(call::Type::Teardown, |_| {})? {
            Act::Call(call) => Some(*call),
            _ => None,
        }
    }

    fn call(&self, kind: call::Type, fill: impl FnOnce(&mut Call)) -> Option<Act> {
        let mut call =
            Call { framework_id: Some(self.id.clone()?), r#type: Some(kind.into()), ..Call::default() };
        fill(&mut call);
        Some(Act::Call(Box::new(call)))
    }

    pub fn event(&mut self, now: Time, event: Event) -> Vec<Act> {
        match event.r#type() {
            event::Type::Subscribed => event.subscribed.map_or(Vec::new(), |it| self.subscribed(it)),
            event::Type::Offers => self.offers(event.offers.unwrap_or_default().offers),
            event::Type::Update => event.update.map_or(Vec::new(), |it| self.update(now, &it.status)),
            _ => Vec::new(),
        }
    }

    /// After the first time: asks what has become of the tasks in between.
    fn subscribed(&mut self, subscribed: event::Subscribed) -> Vec<Act> {
        let is_new = self.id.is_none();
        self.id = Some(subscribed.framework_id.clone());
        if is_new {
            return vec![Act::Say(format!("framework {}", subscribed.framework_id))];
        }
        self.suppressed = false;
        let alive = self.tasks.iter().filter(|(_, task)| task.ending.is_none());
        let tasks = alive.map(|(id, task)| call::reconcile::Task {
            task_id: id.clone(),
            agent_id: Some(task.agent_id.clone()),
        });
        let tasks: Vec<_> = tasks.collect();
        let asks = (!tasks.is_empty()).then(|| {
            self.call(call::Type::Reconcile, |call| call.reconcile = Some(call::Reconcile { tasks }))
        });
        let mut acts = vec![Act::Say("subscribed again".to_owned())];
        acts.extend(asks.flatten());
        if self.killed {
            acts.extend(self.kill_all());
        }
        acts
    }

    fn offers(&mut self, offers: Vec<Offer>) -> Vec<Act> {
        let mut acts = Vec::new();
        let mut unused = Vec::new();
        for offer in offers {
            match self.launch(&offer) {
                launched if launched.is_empty() => unused.push(offer.id),
                launched => acts.extend(launched),
            }
        }
        let filters = Some(Filters { refuse_seconds: Some(REFUSE) });
        if !unused.is_empty() {
            let decline = call::Decline { offer_ids: unused, filters };
            acts.extend(self.call(call::Type::Decline, |call| call.decline = Some(decline)));
        }
        if self.waiting.is_empty() && !self.suppressed {
            self.suppressed = true;
            let suppress = call::Suppress::default();
            acts.extend(self.call(call::Type::Suppress, |call| call.suppress = Some(suppress)));
        }
        acts
    }

    /// As many instances as the offer holds.
    fn launch(&mut self, offer: &Offer) -> Vec<Act> {
        let Some(framework_id) = self.id.clone() else { return Vec::new() };
        let mut pool = Pool::default();
        pool.add(&offer.resources);
        let (mut operations, mut follows) = (Vec::new(), Vec::new());
        while let Some(number) = self.waiting.last().copied() {
            let Some(unit) = self.wish.unit(number, &framework_id, &offer.agent_id, &mut pool) else { break };
            self.waiting.pop();
            follows.extend(self.enter(&framework_id, offer, &unit));
            operations.push(operation(unit));
        }
        self.seen.insert(offer.agent_id.clone(), (offer.hostname.clone(), pool.quantities()));
        if operations.is_empty() {
            return Vec::new();
        }
        let accept = call::Accept {
            offer_ids: vec![offer.id.clone()],
            operations,
            filters: Some(Filters { refuse_seconds: Some(REFUSE) }),
        };
        let accept = self.call(call::Type::Accept, |call| call.accept = Some(accept));
        accept.into_iter().chain(follows).collect()
    }

    /// Notes the tasks of an instance that is being launched.
    fn enter(&mut self, framework_id: &FrameworkId, offer: &Offer, unit: &Unit) -> Vec<Act> {
        let mut acts = Vec::new();
        for task in &unit.tasks {
            let id = &task.task_id;
            let sandbox = match &unit.executor {
                Some(executor) => in_pod(&sandbox(framework_id, &executor.executor_id), id.as_str()),
                None => sandbox(framework_id, &id.as_str().into()),
            };
            let new = Task {
                order: self.tasks.len(),
                agent_id: offer.agent_id.clone(),
                hostname: offer.hostname.clone(),
                state: TaskState::TaskStaging,
                kill_at: None,
                ending: None,
            };
            self.tasks.insert(id.clone(), new);
            let (task_id, agent_id) = (id.clone(), offer.agent_id.clone());
            acts.push(Act::Follow(Followed { task_id, agent_id, sandbox }));
        }
        acts
    }

    fn update(&mut self, now: Time, status: &TaskStatus) -> Vec<Act> {
        let mut acts: Vec<_> = self.acknowledge(status).into_iter().collect();
        let Some(task) = self.tasks.get_mut(&status.task_id) else { return acts };
        if task.ending.is_some() {
            return acts;
        }
        let (id, state) = (&status.task_id, status.state());
        if state == TaskState::TaskRunning && task.state != state {
            acts.push(Act::Say(format!("{id}: running on {}", task.hostname)));
            task.kill_at = self.kill_after.map(|after| now + after);
        } else if state == TaskState::TaskUnreachable && task.state != state {
            acts.push(Act::Say(format!("{id}: its agent cannot be reached")));
        }
        task.state = state;
        task.ending = ending::of(status);
        if let Some(ending) = &task.ending {
            task.kill_at = None;
            acts.push(Act::Say(format!("{id}: {}", ending.text)));
            acts.push(Act::Over(id.clone()));
        }
        acts
    }

    fn acknowledge(&self, status: &TaskStatus) -> Option<Act> {
        let acknowledge = call::Acknowledge {
            agent_id: status.agent_id.clone()?,
            task_id: status.task_id.clone(),
            uuid: status.uuid.clone().filter(|uuid| !uuid.is_empty())?,
        };
        self.call(call::Type::Acknowledge, |call| call.acknowledge = Some(acknowledge))
    }
}

fn operation(unit: Unit) -> offer::Operation {
    match unit.executor {
        None => offer::Operation {
            r#type: Some(offer::operation::Type::Launch.into()),
            launch: Some(offer::operation::Launch { task_infos: unit.tasks }),
            ..offer::Operation::default()
        },
        Some(executor) => {
            let task_group = TaskGroupInfo { tasks: unit.tasks };
            offer::Operation {
                r#type: Some(offer::operation::Type::LaunchGroup.into()),
                launch_group: Some(offer::operation::LaunchGroup { executor, task_group }),
                ..offer::Operation::default()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::{
        cli::{self, Cli},
        scheduler::testing::{offer, scalar},
    };

    fn job(words: &[&str]) -> Job {
        let cli = Cli::try_parse_from([&["mesoslab", "run"], words].concat()).unwrap();
        let cli::Command::Run(args) = cli.command else { panic!("not run") };
        let mut job = Job::new(Wish::of(&args).unwrap(), args.kill_after);
        let subscribed = event::Subscribed { framework_id: "f".into(), ..Default::default() };
        give(&mut job, 0, Event { subscribed: Some(subscribed), ..of(event::Type::Subscribed) });
        job
    }

    fn of(kind: event::Type) -> Event {
        Event { r#type: Some(kind.into()), ..Event::default() }
    }

    fn at(seconds: u64) -> Time {
        Time::from_epoch(Duration::from_secs(seconds))
    }

    fn give(job: &mut Job, now: u64, event: Event) -> Vec<Act> {
        job.event(at(now), event)
    }

    fn offers(job: &mut Job, hosts: &[(&str, f64)]) -> Vec<Act> {
        let offer = |(host, cpus): &(&str, f64)| offer(host, &[scalar("cpus", *cpus), scalar("mem", 512.0)]);
        let offers = hosts.iter().map(offer).collect();
        give(job, 1, Event { offers: Some(event::Offers { offers }), ..of(event::Type::Offers) })
    }

    fn update(job: &mut Job, now: u64, id: &str, state: TaskState, message: &str) -> Vec<Act> {
        let status = TaskStatus {
            task_id: id.into(),
            state: state.into(),
            message: Some(message.to_owned()),
            agent_id: Some("agent-a".into()),
            uuid: Some(vec![1].into()),
            ..TaskStatus::default()
        };
        give(job, now, Event { update: Some(event::Update { status }), ..of(event::Type::Update) })
    }

    fn kinds(acts: &[Act]) -> Vec<call::Type> {
        let call = |act: &Act| match act {
            Act::Call(call) => Some(call.r#type()),
            _ => None,
        };
        acts.iter().filter_map(call).collect()
    }

    #[test]
    fn launches_what_fits_says_what_is_missing_and_goes_on() {
        let mut job = job(&["true", "--instances", "3"]);
        assert_eq!(job.missing(), "the master has offered nothing to the role `*`");
        let acts = offers(&mut job, &[("a", 2.5), ("b", 0.5)]);
        assert_eq!(kinds(&acts), [call::Type::Accept, call::Type::Decline]);
        assert_eq!((job.is_placed(), job.progress()), (false, (2, 3)));
        assert_eq!(job.missing(), "cpus: wants 1, largest offer has 0.5");
        let acts = offers(&mut job, &[("c", 1.0)]);
        assert_eq!(kinds(&acts), [call::Type::Accept, call::Type::Suppress]);
        assert_eq!(kinds(&offers(&mut job, &[("c", 1.0)])), [call::Type::Decline]);
        for (id, code) in [("mesoslab-run.1", 3), ("mesoslab-run.0", 4), ("mesoslab-run.2", 0)] {
            assert!(!job.is_over());
            let state = if code == 0 { TaskState::TaskFinished } else { TaskState::TaskFailed };
            let acts = update(&mut job, 2, id, state, &format!("Command exited with status {code}"));
            assert_eq!(kinds(&acts), [call::Type::Acknowledge]);
            assert!(acts.contains(&Act::Over(id.into())));
        }
        assert!(job.is_over());
        assert_eq!(job.failure().unwrap().1.code, Some(4), "the first that was launched");
    }

    #[test]
    fn kills_after_its_time_and_all_at_once() {
        let mut job = job(&["sleep 9", "--kill-after", "5s", "--instances", "2"]);
        offers(&mut job, &[("a", 1.0)]);
        update(&mut job, 10, "mesoslab-run.0", TaskState::TaskRunning, "");
        assert_eq!(job.next_deadline(), Some(at(15)));
        assert!(kinds(&job.tick(at(14))).is_empty());
        assert_eq!(kinds(&job.tick(at(15))), [call::Type::Kill]);
        assert_eq!(job.next_deadline(), None);
        assert_eq!(kinds(&job.kill_all()), [call::Type::Kill]);
        assert!(job.is_placed() && !job.is_over());
        let message = "Command terminated with signal Terminated";
        update(&mut job, 16, "mesoslab-run.0", TaskState::TaskKilled, message);
        assert!(job.is_over());
        assert_eq!(job.failure().unwrap().1.code, Some(143));
        assert!(
            kinds(&offers(&mut job, &[("a", 9.0)])).contains(&call::Type::Decline),
            "no other is launched"
        );
        assert_eq!(job.teardown().unwrap().r#type(), call::Type::Teardown);
    }

    #[test]
    fn a_new_subscription_asks_for_what_was_alive() {
        let mut job = job(&["true"]);
        offers(&mut job, &[("a", 1.0)]);
        let subscribed = event::Subscribed { framework_id: "f".into(), ..Default::default() };
        let acts = give(&mut job, 5, Event { subscribed: Some(subscribed), ..of(event::Type::Subscribed) });
        assert_eq!(kinds(&acts), [call::Type::Reconcile]);
        update(&mut job, 6, "mesoslab-run.0", TaskState::TaskUnknown, "Reconciliation: Task is unknown");
        assert!(job.is_over());
        assert_eq!(job.failure().unwrap().1.code, None);
    }
}
