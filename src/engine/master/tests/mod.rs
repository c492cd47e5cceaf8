//! Random histories: whatever comes, the books balance, and the same history gives the same outputs.

mod books;
mod history;
mod settled;

use proptest::prelude::*;

use self::history::World;

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn the_books_balance(seed: u64, events: Vec<[u8; 4]>) {
        let mut world = World::new(seed);
        for event in events {
            world.happen(event);
            books::check(&world.master);
        }
    }

    #[test]
    fn the_same_history_gives_the_same_outputs(seed: u64, events: Vec<[u8; 4]>) {
        let run = || {
            let mut world = World::new(seed);
            events.iter().flat_map(|event| world.happen(*event)).collect::<Vec<_>>()
        };
        prop_assert_eq!(run(), run());
    }
}

/// A long history of one seed, so that every kind of event meets a busy cluster.
#[test]
fn a_long_history_balances() {
    let mut world = World::new(7);
    let mut state = 0x2545_f491_u32;
    for _ in 0..4000 {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        world.happen((state ^ (state >> 13)).to_be_bytes());
        books::check(&world.master);
    }
    assert!(!world.master.quotas.is_empty() && world.master.maintenance.was_used);
    assert!(world.master.counters.tasks_finished > 10, "{:?}", world.master.counters);
}
