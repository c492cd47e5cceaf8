//! Restarts, step by step.
