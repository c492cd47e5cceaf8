//! What the fuzz targets do, and the corpus that each begins with.

pub mod corpus;
pub mod targets;
