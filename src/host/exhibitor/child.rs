//! A ZooKeeper as a child process: a shell command in a process group of its own, which is started and ended as ordered
//! and does not outlive us.

use std::{io, os::fd::AsFd, process::Stdio, time::Duration};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::{
    process::{Child, Command},
    sync::mpsc,
    time::timeout,
};

use super::{ExhibitorHandle, Order};
use crate::runtime::Tasks;

/// From TERM to KILL.
const GRACE: Duration = Duration::from_secs(5);

/// Starts the command, and follows orders until `tasks` is cancelled; then it ends the process.
pub fn supervise(
    tasks: &Tasks,
    exhibitor: ExhibitorHandle,
    command: String,
    orders: mpsc::UnboundedReceiver<Order>,
) {
    tasks.spawn_graceful(run(tasks.clone(), exhibitor, command, orders));
}

async fn run(
    tasks: Tasks,
    exhibitor: ExhibitorHandle,
    command: String,
    mut orders: mpsc::UnboundedReceiver<Order>,
) {
    let end = tasks.token();
    let mut process = Process { command, child: None, group: None };
    process.start(&exhibitor);
    loop {
        tokio::select! {
            () = end.cancelled() => break,
            ended = process.ended() => exhibitor.exited(ended),
            order = orders.recv() => match order {
                None => break,
                Some(Order::Start) => process.start(&exhibitor),
                Some(Order::Stop) => process.stop(GRACE).await,
                Some(Order::Restart) => {
                    process.stop(GRACE).await;
                    process.start(&exhibitor);
                }
            },
        }
    }
    process.stop(GRACE).await;
}

struct Process {
    command: String,
    child: Option<Child>,
    /// Outlives the child where the shell has left something behind.
    group: Option<Pid>,
}

impl Process {
    /// Starts it, unless it runs.
    fn start(&mut self, exhibitor: &ExhibitorHandle) {
        if self.child.is_some() {
            return;
        }
        match self.spawn() {
            Ok(child) => {
                tracing::info!(command = self.command, process = child.id(), "started ZooKeeper");
                self.group = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
                self.child = Some(child);
            }
            Err(error) => exhibitor.failed(error.to_string()),
        }
    }

    /// Both its streams are our stderr.
    fn spawn(&self) -> io::Result<Child> {
        let output = || io::stderr().as_fd().try_clone_to_owned().map(Stdio::from);
        Command::new("sh")
            .args(["-c", &self.command])
            .stdin(Stdio::null())
            .stdout(output()?)
            .stderr(output()?)
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
    }

    /// Waits for its end; for ever where it does not run.
    async fn ended(&mut self) -> String {
        let Some(child) = &mut self.child else { return std::future::pending().await };
        let status = child.wait().await;
        self.child = None;
        self.signal(Signal::KILL);
        status.map_or_else(|error| error.to_string(), |status| status.to_string())
    }

    /// Ends it and all of its group.
    async fn stop(&mut self, grace: Duration) {
        self.signal(Signal::TERM);
        if let Some(child) = &mut self.child
            && timeout(grace, child.wait()).await.is_err()
        {
            tracing::warn!("ZooKeeper does not end, and is killed");
        }
        self.signal(Signal::KILL);
        if let Some(mut child) = self.child.take() {
            // It has been killed; whatever is said of it is no news.
            let _status = child.wait().await;
        }
        self.group = None;
    }

    fn signal(&self, signal: Signal) {
        if let Some(group) = self.group
            && let Err(error) = kill_process_group(group, signal)
        {
            tracing::debug!(%error, "no process of the group is left");
        }
    }
}
