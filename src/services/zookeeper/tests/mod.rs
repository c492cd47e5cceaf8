//! The server alone, with a clock that is a number.

mod by_itself;
mod make;
mod properties;
mod small_parts;
mod timeouts;
mod watching;
mod words;
