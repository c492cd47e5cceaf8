//! When a ZooKeeper is started again, and when not.

use std::time::Duration;

use crate::{
    mesos::time::Time,
    services::exhibitor::{Effect, Input, InstanceState, Judgement, Supervisor, Switch},
};

const CHECK: Duration = Duration::from_secs(1);
const SERVING: Judgement = Judgement { state: InstanceState::Serving, is_leader: true };
const UNSERVED: Judgement = Judgement { state: InstanceState::NotServing, is_leader: false };

/// A supervisor whose ZooKeeper is always found as `found` says.
struct Watch {
    supervisor: Supervisor,
    now: Time,
    found: Judgement,
    done: Vec<Effect>,
}

impl Watch {
    fn new(found: Judgement, governs: bool) -> Self {
        let now = Time::default();
        let mut watch =
            Self { supervisor: Supervisor::new(now, CHECK, governs), now, found, done: Vec::new() };
        watch.pass(Duration::ZERO);
        watch
    }

    fn tell(&mut self, input: Input) {
        for effect in self.supervisor.handle(self.now, input) {
            if effect == Effect::Check {
                self.tell(Input::Checked(self.found));
            } else {
                self.done.push(effect);
            }
        }
    }

    /// Lets time pass; gives what was done beside looking.
    fn pass(&mut self, time: Duration) -> Vec<Effect> {
        let end = self.now + time;
        while let Some(next) = self.supervisor.next_deadline().filter(|next| *next <= end) {
            self.now = self.now.max(next);
            self.tell(Input::Tick);
        }
        self.now = end;
        std::mem::take(&mut self.done)
    }

    fn restarts(&mut self, time: Duration) -> usize {
        self.pass(time).iter().filter(|effect| **effect == Effect::Restart).count()
    }

    fn said(&self, text: &str) -> bool {
        self.supervisor.log.text().contains(text)
    }
}

#[test]
fn one_missed_look_is_no_reason_and_two_are() {
    let mut watch = Watch::new(SERVING, true);
    watch.found = Judgement::DOWN;
    watch.pass(CHECK);
    assert_eq!(watch.supervisor.judgement(), SERVING);
    watch.found = SERVING;
    assert_eq!(watch.pass(CHECK * 5), []);
    watch.found = Judgement::DOWN;
    assert_eq!(watch.pass(CHECK * 2), [Effect::Restart]);
    assert_eq!(watch.supervisor.judgement(), Judgement::DOWN);
    watch.found = SERVING;
    assert_eq!(watch.pass(CHECK * 60), []);
    assert_eq!(watch.supervisor.judgement(), SERVING);
    assert!(watch.said("Restarting ZooKeeper, which is down") && watch.said("State: serving"));
    assert_eq!(watch.supervisor.restarts(), 1);
}

#[test]
fn a_zookeeper_that_does_not_come_back_is_started_ever_less_often() {
    let mut watch = Watch::new(Judgement::DOWN, true);
    assert_eq!(watch.restarts(Duration::from_secs(9)), 0, "it may be starting still");
    assert_eq!(watch.restarts(Duration::from_secs(2)), 1);
    let first = watch.restarts(Duration::from_secs(60));
    assert!((4..=6).contains(&first), "{first}");
    watch.restarts(Duration::from_secs(60));
    let later = watch.restarts(Duration::from_secs(120));
    assert!((3..=5).contains(&later), "{later}");
}

#[test]
fn one_that_exits_again_and_again_is_started_ever_less_often() {
    let mut watch = Watch::new(Judgement::DOWN, true);
    let mut restarts = 0;
    for _ in 0..100 {
        watch.tell(Input::Exited("exit status: 1".into()));
        restarts += watch.restarts(Duration::from_millis(100));
    }
    assert!((3..=5).contains(&restarts), "{restarts}");
}

#[test]
fn one_that_exits_is_started_at_once_the_first_time() {
    let mut watch = Watch::new(SERVING, true);
    watch.pass(CHECK * 10);
    watch.tell(Input::Exited("signal: 9".into()));
    assert_eq!(watch.done, [Effect::Restart]);
    assert!(watch.said("ZooKeeper has ended: signal: 9"));
    watch.found = Judgement::DOWN;
    watch.tell(Input::Exited("exit status: 1".into()));
    assert_eq!(watch.done, [Effect::Restart], "not again at once");
    assert_eq!(watch.restarts(Duration::from_secs(1)), 2);
}

#[test]
fn what_an_operator_stops_stays_down() {
    let mut watch = Watch::new(SERVING, true);
    watch.tell(Input::Stop);
    assert_eq!(watch.done, [Effect::Stop]);
    watch.done.clear();
    watch.found = Judgement::DOWN;
    watch.tell(Input::Exited("exit status: 0".into()));
    assert_eq!(watch.pass(CHECK * 100), []);
    assert_eq!(watch.supervisor.judgement(), Judgement::DOWN);
    watch.tell(Input::Start);
    watch.found = SERVING;
    assert_eq!(watch.pass(CHECK), [Effect::Start]);
    assert_eq!(watch.supervisor.judgement(), SERVING);
    watch.tell(Input::Restart);
    assert_eq!(watch.pass(CHECK * 3), [Effect::Restart]);
    assert_eq!(watch.supervisor.restarts(), 0, "an operator's do not count");
}

#[test]
fn nothing_is_restarted_while_that_is_switched_off() {
    let mut watch = Watch::new(SERVING, true);
    watch.tell(Input::Switch(Switch::Restarts, false));
    watch.found = Judgement::DOWN;
    assert_eq!(watch.pass(CHECK * 20), []);
    assert!(watch.said("Restart of ZooKeeper skipped due to control panel setting"));
    watch.tell(Input::Switch(Switch::Restarts, true));
    assert_eq!(watch.restarts(CHECK), 1);
}

#[test]
fn one_without_a_quorum_gets_ten_looks() {
    let mut watch = Watch::new(UNSERVED, true);
    assert_eq!(watch.pass(CHECK * 9), []);
    assert_eq!(watch.pass(CHECK * 2), [Effect::Restart]);
}

#[test]
fn where_somebody_else_runs_it_it_is_only_looked_at() {
    let mut watch = Watch::new(Judgement::DOWN, false);
    watch.tell(Input::Restart);
    assert_eq!(watch.pass(CHECK * 30), []);
    assert_eq!(watch.supervisor.judgement(), Judgement::DOWN);
    assert!(watch.said("somebody else runs"));
}

#[test]
fn another_pause_holds_at_once() {
    let mut watch = Watch::new(SERVING, true);
    watch.tell(Input::CheckEvery(Duration::from_secs(60)));
    watch.pass(CHECK);
    watch.found = UNSERVED;
    watch.pass(Duration::from_secs(50));
    assert_eq!(watch.supervisor.judgement(), SERVING);
    watch.tell(Input::CheckEvery(CHECK));
    watch.pass(CHECK);
    assert_eq!(watch.supervisor.judgement(), UNSERVED);
}
