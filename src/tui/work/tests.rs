//! The worker against a scheduler and an agent that say what a test has written down.
