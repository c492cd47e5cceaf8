//! The feeds against servers that say what a test has written down.

mod feeds;
mod state_json;
