//! Tasks with images on an agent of the real binary and the real engine: what runs, what is said of it, what is left.

mod image;
mod lives;
mod restarts;
mod stage;
