//! Scaling tests.
