//! The lab of containers. What wants an engine skips with a printed reason where none answers.

#[cfg(target_os = "linux")]
mod apache;
#[cfg(target_os = "linux")]
mod by_compose;
mod compose;
mod engine;
mod images;
#[cfg(target_os = "linux")]
mod lab;
#[cfg(target_os = "linux")]
mod private;
#[cfg(target_os = "linux")]
mod reach;
#[cfg(target_os = "linux")]
mod rootless;
#[cfg(target_os = "linux")]
mod stand_ins;
#[cfg(target_os = "linux")]
mod tasks;
