//! Histories of a cluster, folded.

mod folding;
pub(crate) mod make;
mod properties;
