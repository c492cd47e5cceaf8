//! The dashboard as a user has it: the real binary in a pseudo-terminal.

mod bad_input;
mod lab;
mod print;
pub mod screen;
mod shell;
mod strangers;
mod terminal;
