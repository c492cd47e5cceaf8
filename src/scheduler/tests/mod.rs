//! The scheduler as a whole: against a scripted master, and against a simulated one that does its worst.

mod forecast;
mod scenarios;
mod sim;
mod steps;
mod storm;
mod switching;
mod views;
