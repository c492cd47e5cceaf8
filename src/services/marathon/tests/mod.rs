//! Marathon as a whole, with a master of one agent.

mod groups;
mod lives;
mod refusals;
mod sim;
