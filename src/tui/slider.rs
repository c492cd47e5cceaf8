//! The slider: how many tasks are wanted, and what another number would do before it is committed.

use crate::{
    cluster::{ClusterView, link::Link, rows::Rows as _},
    mesos::time::Time,
    scheduler::{api::Counts, forecast::Forecast},
};

/// The shortest scale of the track.
const SHORTEST: u64 = 10;
/// Ends of scales, times a power of ten.
const ENDS: [u64; 11] = [10, 12, 15, 20, 25, 30, 40, 50, 60, 80, 100];

#[derive(Debug, Default)]
pub struct Slider {
    /// A number that is looked at and not yet committed.
    pub draft: Option<Draft>,
    /// How many tasks would fit now.
    pub fits: Option<u64>,
    /// Of the newest question that was asked.
    pub asked: u64,
    /// What becomes of the number that is wanted now: why some of it does not run.
    pub standing: Option<Forecast>,
    /// The number at the right end of the track; 0 before anything is known.
    pub end: u64,
    /// The handle is held with the mouse: the scale stands still.
    pub dragging: bool,
    /// Committed, and not yet answered.
    pub committing: Option<u64>,
    /// What the newest question was about.
    pub question: Option<Asked>,
}

/// A question that was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    pub at: Time,
    pub wanted: u64,
    pub seen: Seen,
    pub answered: bool,
}

/// What a forecast was made from: another one is due when it has changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    tasks: u64,
    agents: u64,
    config: u64,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Draft {
    pub wanted: u64,
    /// The digits that are being typed.
    pub typed: String,
    /// A number is being typed, even if there is no digit yet.
    pub typing: bool,
    /// None until it is known.
    pub forecast: Option<Forecast>,
}

impl Seen {
    pub fn of(cluster: &ClusterView) -> Self {
        let config = cluster.scheduler.as_ref().map_or(0, |scheduler| scheduler.config.version);
        Self { tasks: cluster.tasks.version(), agents: cluster.agents.version(), config }
    }
}

/// How many tasks are wanted; none before our scheduler was heard of.
pub fn target(cluster: &ClusterView) -> Option<u64> {
    cluster.scheduler.as_ref().map(|scheduler| scheduler.config.config.num_of_node.into())
}

pub fn counts(cluster: &ClusterView) -> Counts {
    cluster.scheduler.as_ref().map(|scheduler| scheduler.state.counts).unwrap_or_default()
}

/// Why the slider is off, for people; none when it is on.
pub fn off(cluster: &ClusterView) -> Option<String> {
    match &cluster.scheduler_link {
        Link::Absent { why } => Some(why.clone()),
        Link::Lost { problem, .. } => Some(format!("the scheduler does not answer: {problem}")),
        Link::Connecting => Some("connecting to the scheduler".to_owned()),
        Link::Live { .. } | Link::Polling { .. } if cluster.scheduler.is_none() => {
            Some("the scheduler has not said anything yet".to_owned())
        }
        Link::Live { .. } | Link::Polling { .. } => None,
    }
}

impl Slider {
    /// Where the handle is.
    pub fn handle(&self, cluster: &ClusterView) -> Option<u64> {
        self.draft.as_ref().map(|draft| draft.wanted).or_else(|| target(cluster))
    }

    /// Lets the scale follow what it has to show, without jumping for little things or under the mouse.
    pub fn settle(&mut self, cluster: &ClusterView) {
        let draft = self.draft.as_ref().map(|draft| draft.wanted);
        let shown = [self.fits, target(cluster), draft, Some(counts(cluster).running)];
        let wanted = scale(shown.into_iter().flatten().max().unwrap_or_default());
        if !self.dragging && (wanted > self.end || wanted <= self.end / 10 * 6) {
            self.end = wanted;
        }
    }
}

/// A round number that is not smaller.
fn scale(number: u64) -> u64 {
    let mut power = 1_u64;
    while number > power.saturating_mul(100) {
        power = power.saturating_mul(10);
    }
    let end = ENDS.iter().map(|end| end.saturating_mul(power)).find(|end| *end >= number);
    end.unwrap_or(u64::MAX).max(SHORTEST)
}

/// Numbers on a row of cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Track {
    /// The number at the last cell.
    pub end: u64,
    pub cells: u16,
}

impl Track {
    /// The cell of a number; the last one for all beyond the end.
    pub fn cell(self, number: u64) -> u16 {
        let last = u128::from(self.cells.saturating_sub(1));
        let end = u128::from(self.end.max(1));
        let number = u128::from(number).min(end);
        u16::try_from((number * last + end / 2) / end).unwrap_or(u16::MAX)
    }

    /// The number at a cell.
    pub fn number(self, cell: u16) -> u64 {
        let last = u128::from(self.cells.saturating_sub(1)).max(1);
        let cell = u128::from(cell).min(last);
        u64::try_from((u128::from(self.end) * cell + last / 2) / last).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert, prop_assert_eq, proptest};

    use super::{Draft, Slider, Track, scale};
    use crate::{cluster::ClusterView, spec::MAX_TASKS};

    #[test]
    fn scales_end_at_round_numbers() {
        let ends = [0, 5, 10, 11, 38, 41, 100, 101, 999, MAX_TASKS].map(scale);
        assert_eq!(ends, [10, 10, 10, 12, 40, 50, 100, 120, 1000, 5_000_000_000]);
    }

    #[test]
    fn the_scale_does_not_jump_for_little_things_or_under_the_mouse() {
        let (mut slider, cluster) = (Slider::default(), ClusterView::default());
        let mut end = |fits, draft: Option<u64>, dragging| {
            slider.fits = Some(fits);
            slider.draft = draft.map(|wanted| Draft { wanted, ..Draft::default() });
            slider.dragging = dragging;
            slider.settle(&cluster);
            slider.end
        };
        assert_eq!(end(41, None, false), 50);
        assert_eq!(end(39, None, false), 50, "a little less");
        assert_eq!(end(39, Some(60), true), 50, "while it is dragged");
        assert_eq!(end(39, Some(60), false), 60);
        assert_eq!(end(25, None, false), 25, "much less");
    }

    proptest! {
        #[test]
        fn a_scale_is_large_enough_and_not_much_larger(number in 0..=MAX_TASKS) {
            prop_assert!(scale(number) >= number);
            prop_assert!(number < 10 || scale(number) <= number + number / 3 + 2);
        }

        #[test]
        fn a_cell_shows_the_number_it_stands_for(end in 10..=2 * MAX_TASKS, cells in 2_u16..300, at in 0.0..=1.0) {
            let track = Track { end, cells };
            let cell = (at * f64::from(cells - 1)) as u16;
            if end >= u64::from(cells) {
                prop_assert_eq!(track.cell(track.number(cell)), cell);
            }
            let number = (at * end as f64) as u64;
            prop_assert!(track.number(track.cell(number)).abs_diff(number) <= end / u64::from(cells - 1) + 1);
            prop_assert_eq!((track.number(0), track.number(cells - 1)), (0, end));
        }
    }
}
