//! How the allocator is set up: the flags of `mesos-master` that concern it.

use std::{collections::BTreeSet, time::Duration};

use thiserror::Error;

use crate::engine::allocator::Quantities;

/// Flags of `mesos-master` by their own names, with Mesos' defaults, and one switch of our own.
#[derive(Clone, Debug)]
pub struct AllocatorConfig {
    /// Between periodic allocations.
    pub allocation_interval: Duration,
    /// What is offered must contain one of these; anything goes when there is none.
    pub min_allocatable_resources: Vec<Quantities>,
    /// Keep agents with GPUs from frameworks without GPU_RESOURCES.
    pub filter_gpu_resources: bool,
    pub fair_sharing_excluded_resource_names: BTreeSet<String>,
    /// The region of the master's `--domain`.
    pub region: Option<String>,
    /// Offer what a terminal task frees at once (ours) instead of with the next tick (Mesos).
    pub offer_freed_resources_at_once: bool,
    /// A master that comes after another one gives nothing while there are quotas, until so many agents are back (a
    /// part of those it knows of) or so much time has passed: it would meet guarantees that have long been met.
    pub agent_recovery_factor: f64,
    pub recovery_timeout: Duration,
    /// Decides the order in which agents are gone through.
    pub seed: u64,
}

impl Default for AllocatorConfig {
    fn default() -> Self {
        Self {
            allocation_interval: Duration::from_secs(1),
            min_allocatable_resources: vec![
                Quantities::from_iter([("cpus", 0.01)]),
                Quantities::from_iter([("mem", 32.0)]),
            ],
            filter_gpu_resources: true,
            fair_sharing_excluded_resource_names: BTreeSet::new(),
            region: None,
            offer_freed_resources_at_once: true,
            agent_recovery_factor: 0.8,
            recovery_timeout: Duration::from_secs(10 * 60),
            seed: 0,
        }
    }
}

/// A part of `--min_allocatable_resources` that is no `name:amount`.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("read `{0}` as `name:amount`")]
pub struct QuantityError(String);

/// Reads `--min_allocatable_resources`, `cpus:0.01|mem:32`: alternatives of `;`-separated amounts.
///
/// # Errors
///
/// When a part is no `name:amount` with a finite amount that is not negative.
pub fn parse_min_allocatable_resources(text: &str) -> Result<Vec<Quantities>, QuantityError> {
    parts(text, '|').map(|set| parts(set, ';').map(parse_quantity).collect()).collect()
}

fn parts(text: &str, separator: char) -> impl Iterator<Item = &str> {
    text.split(separator).map(str::trim).filter(|part| !part.is_empty())
}

fn parse_quantity(text: &str) -> Result<(&str, f64), QuantityError> {
    text.split_once(':')
        .and_then(|(name, amount)| Some((name.trim(), amount.trim().parse().ok()?)))
        .filter(|(name, amount): &(&str, f64)| !name.is_empty() && amount.is_finite() && *amount >= 0.0)
        .ok_or_else(|| QuantityError(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flag_reads_as_its_default() {
        let parsed = parse_min_allocatable_resources("cpus:0.01|mem:32");
        assert_eq!(parsed, Ok(AllocatorConfig::default().min_allocatable_resources));
        assert_eq!(parse_min_allocatable_resources(""), Ok(Vec::new()));
    }

    #[test]
    fn what_is_no_amount_is_named() {
        for text in ["cpus", "cpus:x", "cpus:-1", "cpus:inf", ":1"] {
            assert_eq!(parse_min_allocatable_resources(text), Err(QuantityError(text.into())));
        }
    }
}
