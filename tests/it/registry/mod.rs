//! The registry of images, as the real binary serves it: over HTTP, across its death, beside Debian's registry, and as the
//! one that an engine pushes to.

mod ask;
mod death;
mod engine;
mod flow;
mod real;
