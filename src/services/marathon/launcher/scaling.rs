//! Which instances go when an app has too many, and how many it lacks.

use std::collections::{BTreeMap, BTreeSet};

use super::{fleet::is_launchable, matching::site::Site};
use crate::services::marathon::model::{
    AppDefinition, Constraint, Goal, Instance, InstanceId, InstanceState, KillSelection, Operator, Timestamp,
};

/// What brings an app to its number of instances.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proposal {
    pub decommission: Vec<InstanceId>,
    pub start: usize,
}

/// `victims` go whatever the number; of the others first those without a task, then those that leave the groups of the
/// constraints even, then those that have come least far, then the unhealthy ones, then by `killSelection`.
pub fn propose(
    app: &AppDefinition,
    instances: &[&Instance],
    victims: &BTreeSet<InstanceId>,
    count: usize,
) -> Proposal {
    let counted: Vec<_> = instances.iter().copied().filter(|instance| counts(instance)).collect();
    let (mut first, mut others): (Vec<_>, Vec<_>) =
        counted.iter().copied().partition(|instance| victims.contains(&instance.id));
    let excess = counted.len().saturating_sub(count).max(first.len());
    others.sort_by_key(|instance| rank(instance, app.kill_selection));
    let (without_task, others): (Vec<_>, Vec<_>) = others.into_iter().partition(|each| is_launchable(each));
    first.extend(without_task);
    let chosen = keep_even(&app.constraints, &others, excess.saturating_sub(first.len()));
    let rest = others.into_iter().filter(|instance| !chosen.contains(&instance.id));
    let decommission: Vec<_> = first
        .iter()
        .map(|instance| instance.id.clone())
        .chain(chosen.iter().cloned())
        .chain(rest.map(|instance| instance.id.clone()))
        .take(excess)
        .collect();
    Proposal { start: (count + decommission.len()).saturating_sub(counted.len()), decommission }
}

/// Whether it is one of those that an app is to have.
fn counts(instance: &Instance) -> bool {
    instance.goal == Goal::Running && instance.state != InstanceState::UnreachableInactive
}

/// The order in which instances go.
fn rank(instance: &Instance, selection: KillSelection) -> (u8, bool, Option<Age>, InstanceId) {
    let progress = match instance.state {
        InstanceState::Unreachable => 1,
        InstanceState::Provisioned => 2,
        InstanceState::Staging => 3,
        InstanceState::Starting => 4,
        InstanceState::Running | InstanceState::Killing => 5,
        _ => 0,
    };
    let since = match instance.state {
        InstanceState::Staging => instance.staged_at,
        InstanceState::Starting => Some(instance.since),
        _ => instance.started_at,
    };
    let healthy = instance.healthy() != Some(false);
    (progress, healthy, since.map(|since| Age::of(since, selection)), instance.id.clone())
}

/// A moment in the order in which it counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Age {
    Youngest(std::cmp::Reverse<Timestamp>),
    Oldest(Timestamp),
}

impl Age {
    fn of(since: Timestamp, selection: KillSelection) -> Self {
        match selection {
            KillSelection::YoungestFirst => Self::Youngest(std::cmp::Reverse(since)),
            KillSelection::OldestFirst => Self::Oldest(since),
        }
    }
}

/// Instances by the value of one `GROUP_BY` field.
struct Groups {
    of: BTreeMap<InstanceId, usize>,
    sizes: Vec<usize>,
    /// How uneven they were at first.
    before: usize,
}

impl Groups {
    fn new(field: &str, instances: &[&Instance]) -> Self {
        let mut indices = BTreeMap::new();
        let mut groups = Self { of: BTreeMap::new(), sizes: Vec::new(), before: 0 };
        for instance in instances {
            let value = Site::of_instance(instance).value(field);
            let index = *indices.entry(value).or_insert_with(|| {
                groups.sizes.push(0);
                groups.sizes.len() - 1
            });
            groups.sizes[index] += 1;
            groups.of.insert(instance.id.clone(), index);
        }
        groups.before = groups.spread();
        groups
    }

    fn spread(&self) -> usize {
        let most = self.sizes.iter().max().copied().unwrap_or_default();
        most - self.sizes.iter().min().copied().unwrap_or_default()
    }

    /// How uneven the groups are without this one more.
    fn spread_without(&self, id: &InstanceId) -> usize {
        let Some(index) = self.of.get(id) else { return self.spread() };
        let sizes = self.sizes.iter().enumerate().map(|(at, size)| size - usize::from(at == *index));
        let (mut least, mut most) = (usize::MAX, 0);
        for size in sizes {
            least = least.min(size);
            most = most.max(size);
        }
        most.saturating_sub(least)
    }

    fn is_in_largest(&self, id: &InstanceId) -> bool {
        let most = self.sizes.iter().max();
        self.of.get(id).is_some_and(|index| Some(&self.sizes[*index]) == most)
    }

    fn remove(&mut self, id: &InstanceId) {
        if let Some(index) = self.of.remove(id) {
            self.sizes[index] -= 1;
        }
    }
}

/// Up to `count` instances without which the groups of all `GROUP_BY` constraints are even, or more so than before.
/// None without such a constraint, or when nothing is left to choose.
fn keep_even(constraints: &[Constraint], instances: &[&Instance], count: usize) -> Vec<InstanceId> {
    let fields = constraints.iter().filter(|each| each.operator == Operator::GroupBy);
    let mut groups: Vec<_> = fields.map(|each| Groups::new(&each.field, instances)).collect();
    if groups.is_empty() || count >= instances.len() {
        return Vec::new();
    }
    let mut left: Vec<_> = instances.iter().map(|instance| instance.id.clone()).collect();
    let mut chosen = Vec::new();
    while chosen.len() < count {
        groups.sort_by_key(|group| std::cmp::Reverse(group.spread()));
        let from_largest = groups.iter().filter(|group| group.spread() > 0).flat_map(|group| {
            left.iter().enumerate().filter(|(_, id)| group.is_in_largest(id)).map(|(at, _)| at)
        });
        let suits = |at: &usize| {
            groups.iter().all(|group| {
                let spread = group.spread_without(&left[*at]);
                spread <= 1 || spread < group.before
            })
        };
        let Some(at) = from_largest.chain(0..left.len()).find(suits) else { break };
        let id = left.remove(at);
        groups.iter_mut().for_each(|group| group.remove(&id));
        chosen.push(id);
    }
    chosen
}

#[cfg(test)]
mod tests;
