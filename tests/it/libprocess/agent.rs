//! Our agents in the place of the recorded ones: what they say to the master.

use super::{
    compare::Said,
    life::{Legacy, Life, Sent},
    recording::{Happening, Recording, Row, What},
    tokens::Tokens,
};

/// Seeds that are tried until an agent draws the pauses that the recorded one drew.
const SEEDS: u64 = 30_000;

/// Not where the recorded agent is no real one, nor where the executor is one that our agent does not run.
pub fn can_play(recording: &Recording) -> bool {
    !recording.name.starts_with("p02") && !recording.name.starts_with("a14")
}

/// What the recorded agent said to the master.
pub fn recorded(recording: &Recording) -> Vec<Said> {
    let messages = recording.rows.iter().filter_map(|row| match &row.what {
        What::Message(message) if message.is_from_agent() => Some(Sent {
            at: row.at,
            to: message.to.clone(),
            name: message.name.clone(),
            body: message.body.clone(),
        }),
        _ => None,
    });
    in_words(messages.collect())
}

/// What ours says: one agent after the other, each with what the one before has written down.
pub fn replayed(recording: &Recording) -> Vec<Said> {
    let is_start = |row: &Row| matches!(row.what, What::Happening(Happening::AgentStarts));
    let starts: Vec<usize> = (0..recording.rows.len()).filter(|n| is_start(&recording.rows[*n])).collect();
    let ends = starts.iter().skip(1).copied().chain([recording.rows.len()]);
    let (mut sent, mut legacy) = (Vec::new(), Legacy::default());
    for (n, (start, end)) in starts.iter().zip(ends).enumerate() {
        let life = live(&recording.rows[*start..end], &legacy, n as u64 * SEEDS);
        sent.extend(life.sent);
        legacy = life.legacy;
    }
    in_words(sent)
}

fn in_words(messages: Vec<Sent>) -> Vec<Said> {
    let mut tokens = Tokens::default();
    let said = messages.into_iter().map(|Sent { at, to, name, body }| {
        let name = name.trim_start_matches("mesos.internal.").to_owned();
        Said { at, channel: to, text: tokens.text(&name, &body), name }
    });
    said.collect()
}

/// The pauses before registrations are drawn by lot: plays a life with the first seed that draws those of the recorded
/// agent, or else at least as many.
fn live(rows: &[Row], legacy: &Legacy, first_seed: u64) -> Life {
    let mut seeds = (first_seed..).take(SEEDS as usize);
    let timed = seeds.clone().find_map(|seed| Life::play(rows, legacy, seed, true));
    timed.or_else(|| seeds.find_map(|seed| Life::play(rows, legacy, seed, false))).unwrap()
}
