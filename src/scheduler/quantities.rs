//! How much of each resource: what a task wants, what an offer has, and what the one lacks for the other.

use serde::{Deserialize, Serialize};

/// Amounts of the resources we deal in; `mem` and `disk` in MB, `ports` as a count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Quantities {
    pub cpus: f64,
    pub mem: f64,
    pub disk: f64,
    pub ports: u64,
}

/// One resource of which there is too little.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Shortfall {
    /// `cpus`, `mem`, `disk` or `ports`.
    pub resource: String,
    pub wants: f64,
    pub has: f64,
}

/// Mesos keeps three decimals of every scalar.
pub fn round(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

/// A scalar in thousandths, which add up exactly.
pub fn thousandths(value: f64) -> i64 {
    (value * 1000.0).round() as i64
}

impl Quantities {
    pub fn is_zero(&self) -> bool {
        thousandths(self.cpus) == 0 && thousandths(self.mem) == 0
    }

    fn each(&self) -> [(&'static str, f64); 4] {
        [("cpus", self.cpus), ("mem", self.mem), ("disk", self.disk), ("ports", self.ports as f64)]
    }

    /// What is missing here for someone who wants `wants`; empty when it fits.
    pub fn shortfalls(&self, wants: &Self) -> Vec<Shortfall> {
        self.each()
            .into_iter()
            .zip(wants.each())
            .filter(|((_, has), (_, wants))| thousandths(*has) < thousandths(*wants))
            .map(|((resource, has), (_, wants))| Shortfall { resource: resource.to_owned(), wants, has })
            .collect()
    }

    /// What is left of each, never below zero.
    pub fn minus(&self, other: &Self) -> Self {
        Self {
            cpus: round(self.cpus - other.cpus).max(0.0),
            mem: round(self.mem - other.mem).max(0.0),
            disk: round(self.disk - other.disk).max(0.0),
            ports: self.ports.saturating_sub(other.ports),
        }
    }

    /// The sum of each.
    pub fn plus(&self, other: &Self) -> Self {
        Self {
            cpus: round(self.cpus + other.cpus),
            mem: round(self.mem + other.mem),
            disk: round(self.disk + other.disk),
            ports: self.ports.saturating_add(other.ports),
        }
    }

    /// How many times `wants` fits in here.
    pub fn times(&self, wants: &Self) -> u64 {
        let each = self.each().into_iter().zip(wants.each());
        let each = each.map(|((_, has), (_, wants))| (thousandths(has).max(0), thousandths(wants)));
        let times = each.filter(|(_, wants)| *wants > 0).map(|(has, wants)| (has / wants).unsigned_abs());
        times.min().unwrap_or(u64::MAX)
    }

    /// The larger of each.
    pub fn max(&self, other: &Self) -> Self {
        Self {
            cpus: self.cpus.max(other.cpus),
            mem: self.mem.max(other.mem),
            disk: self.disk.max(other.disk),
            ports: self.ports.max(other.ports),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Quantities;

    #[test]
    fn shortfalls_name_what_is_missing_to_three_decimals() {
        let has = Quantities { cpus: 0.1 + 0.2, mem: 31.0, disk: 0.0, ports: 1 };
        let wants = Quantities { cpus: 0.3, mem: 32.0, disk: 0.0, ports: 2 };
        let missing: Vec<_> = has.shortfalls(&wants).into_iter().map(|s| s.resource).collect();
        assert_eq!(missing, ["mem", "ports"]);
    }
}
