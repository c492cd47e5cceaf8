//! The lab of containers. What wants an engine skips with a printed reason where none answers.

mod compose;
