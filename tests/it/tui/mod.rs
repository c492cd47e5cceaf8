//! The dashboard as a user has it: the real binary in a pseudo-terminal.

mod bad_input;
mod print;
mod screen;
mod terminal;
