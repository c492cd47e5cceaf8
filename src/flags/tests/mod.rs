//! The flags as a whole: the table against the list of Mesos, precedence, problems.

mod meaning;
mod names;
mod reading;
