//! The lab of virtual machines. There is no hypervisor here: what that does is not tested. What wants Ruby, Vagrant,
//! shellcheck or systemd-nspawn skips with a printed reason where it is missing.

mod fake;
mod lab_file;
#[cfg(target_os = "linux")]
mod machines;

use std::process::{Command, Stdio};

use crate::support::skipped;

/// Whether `program` runs here; a test that wants it says so where it does not.
fn has(program: &str, argument: &str) -> bool {
    let silent = |command: &mut Command| {
        command.arg(argument).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status()
    };
    let there = silent(&mut Command::new(program)).is_ok_and(|status| status.success());
    if !there {
        skipped(&format!("{program} is not installed"));
    }
    there
}

/// This project's directory.
fn root() -> &'static str {
    env!("CARGO_MANIFEST_DIR")
}
