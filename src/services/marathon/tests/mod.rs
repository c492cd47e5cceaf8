//! Marathon as a whole.
