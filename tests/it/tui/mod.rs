//! The dashboard as a user has it: the real binary in a pseudo-terminal.

mod bad_input;
mod lab;
mod print;
mod screen;
mod strangers;
mod terminal;
