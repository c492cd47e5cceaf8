//! Recorded conversations between a real master and a real agent, with one of the two replaced by ours: the pure engine
//! with a virtual clock hears what the other one said then, and has to say what its predecessor said.

mod agent;
mod compare;
mod life;
mod master;
mod recording;
mod tokens;
mod verdict;

use self::{compare::differences, recording::recordings, verdict::Verdict};

#[test]
fn our_master_speaks_to_agents_as_mesos_does() {
    let mut verdict = Verdict::on("master");
    let mut compared = 0;
    for recording in recordings() {
        let (recorded, ours) = (master::recorded(&recording), master::replayed(&recording));
        compared += recorded.len();
        verdict.take(&recording.name, &differences(&recorded, &ours));
    }
    verdict.pronounce();
    assert!(compared >= 141, "{compared} messages only");
}

#[test]
fn our_agent_speaks_to_masters_as_mesos_does() {
    let mut verdict = Verdict::on("agent");
    let mut compared = 0;
    for recording in recordings().iter().filter(|recording| agent::can_play(recording)) {
        let (recorded, ours) = (agent::recorded(recording), agent::replayed(recording));
        compared += recorded.len();
        verdict.take(&recording.name, &differences(&recorded, &ours));
    }
    verdict.pronounce();
    assert!(compared >= 111, "{compared} messages only");
}
