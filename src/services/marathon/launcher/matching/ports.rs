//! Which host ports a task gets.
//!
//! Dynamic ports follow each other from a random one on, in ranges of random order: so that a port is not soon used again
//! for another app, and ranges do not break into pieces.

use std::collections::BTreeSet;

use rand::{Rng, seq::SliceRandom};

use super::pool::Place;
use crate::mesos::v1::value::Range;

/// What an app asks for at one place of its list of ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PortRequest {
    /// This port of the host.
    Fixed(u32),
    /// Any port of the host.
    Dynamic,
    /// No port of the host: the container has an address of its own.
    Unmapped,
}

/// Finds a port for each request in the ranges that are offered; `None` when one cannot be had. No port is given twice.
pub fn assign(
    requests: &[PortRequest],
    offered: &[(usize, Range)],
    rng: &mut impl Rng,
) -> Option<Vec<Option<Place>>> {
    let fixed: BTreeSet<u32> = requests.iter().filter_map(PortRequest::fixed).collect();
    let mut free = requests
        .contains(&PortRequest::Dynamic)
        .then(|| shuffled(offered, rng))
        .into_iter()
        .flatten()
        .filter(|place| !fixed.contains(&place.port));
    let mut given = BTreeSet::new();
    requests
        .iter()
        .map(|request| match request {
            PortRequest::Unmapped => Some(None),
            PortRequest::Dynamic => free.by_ref().find(|place| given.insert(place.port)).map(Some),
            PortRequest::Fixed(port) => {
                find(*port, offered).filter(|place| given.insert(place.port)).map(Some)
            }
        })
        .collect()
}

impl PortRequest {
    fn fixed(&self) -> Option<u32> {
        match self {
            Self::Fixed(port) => Some(*port),
            Self::Dynamic | Self::Unmapped => None,
        }
    }
}

fn find(port: u32, offered: &[(usize, Range)]) -> Option<Place> {
    let holds = |range: &Range| (range.begin..=range.end).contains(&u64::from(port));
    offered.iter().find(|(_, range)| holds(range)).map(|(piece, _)| Place { piece: *piece, port })
}

/// All ports that are offered, from a random one on and around.
fn shuffled(offered: &[(usize, Range)], rng: &mut impl Rng) -> impl Iterator<Item = Place> {
    let mut ranges = offered.to_vec();
    ranges.shuffle(rng);
    let size = |range: &Range| range.end.saturating_sub(range.begin) + 1;
    let total: u64 = ranges.iter().map(|(_, range)| size(range)).sum();
    let start = if total == 0 { 0 } else { rng.random_range(0..total) };
    (0..total).filter_map(move |step| {
        let mut at = (start + step) % total;
        ranges.iter().find_map(|(piece, range)| {
            if at < size(range) {
                let port = u32::try_from(range.begin + at).ok()?;
                return Some(Place { piece: *piece, port });
            }
            at -= size(range);
            None
        })
    })
}

#[cfg(test)]
mod tests {
    use rand::{SeedableRng, rngs::SmallRng};

    use super::{PortRequest::*, *};

    fn offered(ranges: &[(u64, u64)]) -> Vec<(usize, Range)> {
        ranges.iter().enumerate().map(|(at, (begin, end))| (at, Range { begin: *begin, end: *end })).collect()
    }

    fn ports(requests: &[PortRequest], ranges: &[(u64, u64)], seed: u64) -> Option<Vec<Option<u32>>> {
        let places = assign(requests, &offered(ranges), &mut SmallRng::seed_from_u64(seed))?;
        Some(places.into_iter().map(|place| place.map(|place| place.port)).collect())
    }

    #[test]
    fn fixed_ports_are_given_or_the_offer_does_not_do() {
        assert_eq!(
            ports(&[Fixed(80), Fixed(443)], &[(80, 80), (400, 500)], 1),
            Some(vec![Some(80), Some(443)])
        );
        assert_eq!(ports(&[Fixed(80), Fixed(81)], &[(80, 80)], 1), None);
        assert_eq!(ports(&[Fixed(80), Fixed(80)], &[(80, 80)], 1), None);
    }

    #[test]
    fn dynamic_ports_leave_the_fixed_ones_alone() {
        for seed in 0..50 {
            let given = ports(&[Dynamic, Fixed(31001), Unmapped, Dynamic], &[(31000, 31002)], seed).unwrap();
            assert_eq!((given[1], given[2]), (Some(31001), None));
            let mut dynamic = [given[0].unwrap(), given[3].unwrap()];
            dynamic.sort_unstable();
            assert_eq!(dynamic, [31000, 31002]);
        }
        assert_eq!(ports(&[Dynamic, Fixed(31000)], &[(31000, 31000)], 1), None);
        assert_eq!(ports(&[Dynamic], &[], 1), None);
        assert_eq!(ports(&[], &[], 1), Some(vec![]));
    }

    #[test]
    fn dynamic_ports_follow_each_other_from_anywhere_on() {
        let starts: BTreeSet<_> =
            (0..200).map(|seed| ports(&[Dynamic; 3], &[(31000, 31009)], seed).unwrap()[0]).collect();
        assert_eq!(starts.len(), 10);
        for seed in 0..20 {
            let given: Vec<_> =
                ports(&[Dynamic; 3], &[(31000, 31009)], seed).unwrap().into_iter().flatten().collect();
            assert!(
                given.windows(2).all(|pair| pair[1] == pair[0] + 1 || (pair[0], pair[1]) == (31009, 31000))
            );
        }
        assert_eq!(ports(&[Dynamic; 3], &[(1, 900)], 7), ports(&[Dynamic; 3], &[(1, 900)], 7));
    }
}
