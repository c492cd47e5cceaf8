//! Starting the lab's process from `up`, and hearing from it.

use std::{fs::OpenOptions, io, os::unix::fs::OpenOptionsExt, process::Stdio};

use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Command,
};

use super::{lab::PortInUse, process::Started};
use crate::{provider::state::StateDir, spec::LabSpec};

/// Starts the lab's process in the background and waits until its components listen.
///
/// # Errors
/// What the process says, or that it died before it said anything.
pub async fn spawn(state: &StateDir, spec: &LabSpec) -> io::Result<Vec<PortInUse>> {
    state.create()?;
    state.write_wanted(spec)?;
    let log = OpenOptions::new().create(true).append(true).mode(0o600).open(state.log())?;
    let mut child = Command::new(std::env::current_exe()?)
        .arg("lab-process")
        .arg(state.path())
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log)
        .spawn()?;
    let Some(stdout) = child.stdout.take() else {
        return Err(io::Error::other("no pipe to the lab's process"));
    };
    let mut line = String::new();
    BufReader::new(stdout).read_line(&mut line).await?;
    if line.is_empty() {
        let status = child.wait().await?;
        return Err(io::Error::other(format!("the lab's process ended at its start: {status}")));
    }
    match serde_json::from_str(&line)? {
        Started::Listening { in_use } => Ok(in_use),
        Started::Failed { message } => Err(io::Error::other(message)),
    }
}
