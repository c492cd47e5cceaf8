//! A lab of containers: what containers a lab is made of, and making an engine have them.

pub mod compose;
pub mod images;
pub mod plan;
