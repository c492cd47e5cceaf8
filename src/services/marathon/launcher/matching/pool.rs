//! What is left of one offer while apps take their shares of it.

use std::collections::BTreeSet;

use crate::mesos::{
    roles,
    v1::{
        Offer, Resource,
        value::{Range, Ranges, Scalar},
    },
    values::{from_thousandths, thousandths},
};

/// The resources of an offer that ordinary tasks can take: no volumes, nothing revocable, nothing shared.
#[derive(Clone, Debug, Default)]
pub struct Pool {
    pieces: Vec<Piece>,
}

/// One resource of the offer, in the form in which it came.
#[derive(Clone, Debug)]
struct Piece {
    resource: Resource,
    /// For which role it is reserved; `*` when for none.
    role: String,
}

/// What one task takes out of a pool.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Share {
    parts: Vec<(usize, Resource)>,
    /// The host port of each port that the app asks for; none for a port that only the container has.
    pub host_ports: Vec<Option<u32>>,
}

/// Where a port lies: in which piece of the pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub piece: usize,
    pub port: u32,
}

impl Share {
    /// The resources for the task, each with the reservation that it has in the offer.
    pub fn resources(&self) -> Vec<Resource> {
        self.parts.iter().map(|(_, resource)| resource.clone()).collect()
    }
}

impl Pool {
    pub fn new(offer: &Offer) -> Self {
        let pieces = offer.resources.iter().filter(|resource| is_plain(resource)).map(|resource| {
            let refined = resource.clone().into_refined_format();
            let role = refined.reservation_role().unwrap_or(roles::ANY).to_owned();
            Piece { resource: resource.clone(), role }
        });
        Self { pieces: pieces.collect() }
    }

    /// Whether anything is left for one of these roles.
    pub fn serves(&self, accepted: &BTreeSet<String>) -> bool {
        self.pieces.iter().any(|piece| accepted.contains(&piece.role) && !piece.resource.is_empty())
    }

    /// How much is left of a scalar, for any role.
    pub fn total(&self, name: &str) -> f64 {
        from_thousandths(self.named(name).map(|(_, piece)| amount(&piece.resource)).sum())
    }

    /// Adds `wanted` of the scalar `name` to `share`; false when there is not as much.
    pub fn draw(&self, name: &str, wanted: f64, accepted: &BTreeSet<String>, share: &mut Share) -> bool {
        let mut missing = thousandths(wanted);
        for (index, piece) in self.named(name).filter(|(_, piece)| accepted.contains(&piece.role)) {
            let part = amount(&piece.resource).min(missing);
            if part > 0 {
                let scalar = Some(Scalar { value: from_thousandths(part) });
                share.parts.push((index, Resource { scalar, ..piece.resource.clone() }));
                missing -= part;
            }
        }
        missing <= 0
    }

    /// The ranges of ports that are left, with the piece that each is of.
    pub fn port_ranges(&self, accepted: &BTreeSet<String>) -> Vec<(usize, Range)> {
        let pieces = self.named("ports").filter(|(_, piece)| accepted.contains(&piece.role));
        pieces
            .flat_map(|(index, piece)| {
                let ranges = piece.resource.ranges.iter().flat_map(|ranges| &ranges.range);
                ranges.map(move |range| (index, *range))
            })
            .collect()
    }

    /// Adds these ports to `share`: as one resource of each piece.
    pub fn draw_ports(&self, places: &[Option<Place>], share: &mut Share) {
        for (index, piece) in self.pieces.iter().enumerate() {
            let own = places.iter().flatten().filter(|place| place.piece == index);
            let range = own.map(|place| Range { begin: place.port.into(), end: place.port.into() }).collect();
            let mut ranges = Ranges { range };
            ranges.coalesce();
            if !ranges.range.is_empty() {
                share.parts.push((index, Resource { ranges: Some(ranges), ..piece.resource.clone() }));
            }
        }
        share.host_ports = places.iter().map(|place| place.map(|place| place.port)).collect();
    }

    /// Takes a share out.
    pub fn take(&mut self, share: &Share) {
        for (index, part) in &share.parts {
            let resource = &mut self.pieces[*index].resource;
            if let (Some(left), Some(taken)) = (&mut resource.scalar, &part.scalar) {
                left.value = from_thousandths(left.thousandths() - taken.thousandths());
            }
            if let (Some(left), Some(taken)) = (&mut resource.ranges, &part.ranges) {
                left.subtract(taken);
            }
        }
    }

    fn named(&self, name: &str) -> impl Iterator<Item = (usize, &Piece)> {
        self.pieces.iter().enumerate().filter(move |(_, piece)| piece.resource.name == name)
    }
}

fn is_plain(resource: &Resource) -> bool {
    resource.revocable.is_none() && resource.shared.is_none() && resource.disk.is_none()
}

fn amount(resource: &Resource) -> i64 {
    resource.scalar.map_or(0, |scalar| scalar.thousandths())
}
