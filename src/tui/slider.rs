//! The slider: how many tasks are wanted, and what another number would do before it is committed.

use crate::scheduler::forecast::Forecast;

#[derive(Debug, Default)]
pub struct Slider {
    /// A number that is looked at and not yet committed.
    pub draft: Option<Draft>,
    /// How many tasks would fit now.
    pub fits: Option<u64>,
    /// Of the newest question that was asked.
    pub asked: u64,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    pub wanted: u64,
    /// The digits that are being typed.
    pub typed: String,
    /// None until it is known.
    pub forecast: Option<Forecast>,
}
