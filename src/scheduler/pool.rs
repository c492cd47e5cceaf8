//! What offers of one agent hold and tasks can take: drawn piece by piece, reserved pieces first.

use crate::{
    mesos::v1,
    scheduler::quantities::{Quantities, round, thousandths},
};

/// The usable resources of offers: neither revocable nor shared, and no volumes.
#[derive(Clone, Debug, Default)]
pub struct Pool {
    pieces: Vec<v1::Resource>,
}

/// What one task has got.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Share {
    pub resources: Vec<v1::Resource>,
    pub ports: Vec<u32>,
}

impl Pool {
    pub fn add(&mut self, resources: &[v1::Resource]) {
        self.pieces.extend(resources.iter().filter(|r| is_plain(r)).cloned());
        self.pieces.sort_by_key(|piece| !is_reserved(piece));
    }

    pub fn quantities(&self) -> Quantities {
        usable(self.pieces.iter())
    }

    /// Takes what `wants` says, or nothing when something is short.
    pub fn take(&mut self, wants: &Quantities) -> Option<Share> {
        if !self.quantities().shortfalls(wants).is_empty() {
            return None;
        }
        let mut share = Share::default();
        for (name, wanted) in [("cpus", wants.cpus), ("mem", wants.mem), ("disk", wants.disk)] {
            self.draw_scalar(name, thousandths(wanted), &mut share);
        }
        self.draw_ports(wants.ports, &mut share);
        Some(share)
    }

    /// Takes the share of a task, and beside it what its executor takes; nothing when something is short.
    pub fn take_both(&mut self, task: &Quantities, executor: &Quantities) -> Option<(Share, Share)> {
        if !self.quantities().shortfalls(&task.plus(executor)).is_empty() {
            return None;
        }
        Some((self.take(task)?, self.take(executor)?))
    }

    fn draw_scalar(&mut self, name: &str, mut wanted: i64, share: &mut Share) {
        for piece in self.pieces.iter_mut().filter(|piece| piece.name == name) {
            let part = amount(piece).min(wanted);
            if part > 0 {
                let left = amount(piece) - part;
                share.resources.push(v1::Resource { scalar: Some(scalar(part)), ..piece.clone() });
                piece.scalar = Some(scalar(left));
                wanted -= part;
            }
        }
    }

    fn draw_ports(&mut self, mut wanted: u64, share: &mut Share) {
        for piece in self.pieces.iter_mut().filter(|piece| piece.name == "ports") {
            let taken = cut(piece, wanted);
            if taken.is_empty() {
                continue;
            }
            wanted -= taken.iter().map(length).sum::<u64>();
            let numbers = taken.iter().flat_map(|range| range.begin..=range.end);
            share.ports.extend(numbers.filter_map(|port| u32::try_from(port).ok()));
            share
                .resources
                .push(v1::Resource { ranges: Some(v1::value::Ranges { range: taken }), ..piece.clone() });
        }
    }
}

/// What tasks can take of these resources.
pub fn usable<'a>(resources: impl Iterator<Item = &'a v1::Resource>) -> Quantities {
    let (mut cpus, mut mem, mut disk, mut ports) = (0, 0, 0, 0);
    for resource in resources.filter(|resource| is_plain(resource)) {
        match resource.name.as_str() {
            "cpus" => cpus += amount(resource),
            "mem" => mem += amount(resource),
            "disk" => disk += amount(resource),
            "ports" => ports += count(resource),
            _ => {}
        }
    }
    let [cpus, mem, disk] = [cpus, mem, disk].map(|thousandths| thousandths as f64 / 1000.0);
    Quantities { cpus, mem, disk, ports }
}

fn is_plain(resource: &v1::Resource) -> bool {
    let is_volume = resource.disk.as_ref().is_some_and(|d| d.persistence.is_some() || d.source.is_some());
    resource.revocable.is_none() && resource.shared.is_none() && !is_volume
}

fn is_reserved(resource: &v1::Resource) -> bool {
    !resource.reservations.is_empty()
}

fn amount(piece: &v1::Resource) -> i64 {
    piece.scalar.as_ref().map_or(0, |scalar| thousandths(scalar.value))
}

fn scalar(thousandths: i64) -> v1::value::Scalar {
    v1::value::Scalar { value: round(thousandths as f64 / 1000.0) }
}

fn length(range: &v1::value::Range) -> u64 {
    (range.end + 1).saturating_sub(range.begin)
}

fn count(piece: &v1::Resource) -> u64 {
    piece.ranges.iter().flat_map(|ranges| &ranges.range).map(length).sum()
}

/// Cuts up to `wanted` numbers off the front of the ranges of `piece`.
fn cut(piece: &mut v1::Resource, mut wanted: u64) -> Vec<v1::value::Range> {
    let mut taken = Vec::new();
    let mut left = Vec::new();
    for range in piece.ranges.take().unwrap_or_default().range {
        let part = length(&range).min(wanted);
        if part > 0 {
            taken.push(v1::value::Range { begin: range.begin, end: range.begin + part - 1 });
        }
        if part < length(&range) {
            left.push(v1::value::Range { begin: range.begin + part, end: range.end });
        }
        wanted -= part;
    }
    piece.ranges = Some(v1::value::Ranges { range: left });
    taken
}

#[cfg(test)]
mod tests {
    use super::Pool;
    use crate::{
        mesos::v1,
        scheduler::{
            quantities::Quantities,
            testing::{ports, reserved, scalar},
        },
    };

    #[test]
    fn reserved_pieces_go_first_and_pieces_keep_what_marks_them() {
        let mut pool = Pool::default();
        pool.add(&[scalar("cpus", 1.0), reserved(scalar("cpus", 0.3), "web"), scalar("mem", 64.0)]);
        let share = pool.take(&Quantities { cpus: 0.5, mem: 32.0, ..Quantities::default() }).unwrap();
        let cpus: Vec<_> = share.resources.iter().filter(|r| r.name == "cpus").collect();
        assert_eq!(cpus[0].scalar.as_ref().unwrap().value, 0.3);
        assert_eq!(cpus[0].reservations.len(), 1);
        assert_eq!(cpus[1].scalar.as_ref().unwrap().value, 0.2);
        assert_eq!(pool.quantities(), Quantities { cpus: 0.8, mem: 32.0, disk: 0.0, ports: 0 });
    }

    #[test]
    fn ports_are_cut_from_the_front() {
        let mut pool = Pool::default();
        pool.add(&[scalar("cpus", 1.0), ports(&[(31000, 31000), (31005, 31010)])]);
        let wants = Quantities { cpus: 0.1, ports: 3, ..Quantities::default() };
        assert_eq!(pool.take(&wants).unwrap().ports, [31000, 31005, 31006]);
        assert_eq!(pool.quantities().ports, 4);
        assert!(pool.take(&Quantities { ports: 5, ..wants }).is_none());
    }

    #[test]
    fn what_is_not_ours_to_use_is_left_alone() {
        let mut pool = Pool::default();
        let revocable =
            v1::Resource { revocable: Some(v1::resource::RevocableInfo {}), ..scalar("cpus", 8.0) };
        pool.add(&[revocable]);
        assert!(pool.quantities().is_zero());
    }
}
