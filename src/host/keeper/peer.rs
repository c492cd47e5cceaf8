//! The agent's side of one keeper: finds or starts it, speaks with it, and sees it out.

use std::{io, os::fd::OwnedFd, process::Stdio, time::Duration};

use rustix::process::{Pid, Signal};
use tokio::{
    net::UnixStream,
    process::{Child, Command},
    time::timeout,
};

use super::{
    KeeperConfig,
    message::{FromKeeper, KeptContainer, ToKeeper, VERSION},
    place::Place,
    wire::Wire,
};

/// How long a keeper may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// A keeper that serves us.
#[derive(Debug)]
pub(super) struct Peer {
    wire: Wire,
    /// When it was we who have started it.
    child: Option<Child>,
    grip: Grip,
}

impl Peer {
    /// The keeper of an agent before us, with what it has kept; none when there is none, or it is just going.
    pub async fn find(
        place: &Place,
        recovery_timeout: Duration,
    ) -> io::Result<Option<(Self, Vec<KeptContainer>)>> {
        match place.connect().await {
            Ok(stream) => Self::greet(place, stream, recovery_timeout).await,
            Err(_) => Ok(None),
        }
    }

    /// A new keeper.
    pub async fn start(place: &Place, config: &KeeperConfig) -> io::Result<Self> {
        let listener = place.bind()?;
        let mut child = Command::new(&config.program)
            .args(&config.arguments)
            .stdin(OwnedFd::from(listener))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let greeted = Self::find(place, config.recovery_timeout).await;
        if let Ok(Some((peer, _nothing))) = greeted {
            return Ok(Self { child: Some(child), ..peer });
        }
        child.kill().await?;
        Err(greeted.err().unwrap_or_else(|| io::Error::other("it has ended at once")))
    }

    async fn greet(
        place: &Place,
        stream: UnixStream,
        recovery_timeout: Duration,
    ) -> io::Result<Option<(Self, Vec<KeptContainer>)>> {
        let mut wire = Wire::new(stream);
        wire.send(&ToKeeper::Hello { version: VERSION, recovery_timeout })?;
        let answer = timeout(PATIENCE, answer(&mut wire)).await.map_err(|_| place.keeper_is_silent())?;
        let grip = Grip::on(place.keeper());
        Ok(answer?.map(|kept| (Self { wire, child: None, grip }, kept)))
    }

    /// Sends without waiting.
    pub fn send(&mut self, message: &ToKeeper) -> io::Result<()> {
        self.wire.send(message)
    }

    /// The next message; none when the keeper is gone, or is as good as that.
    pub async fn next(&mut self) -> Option<FromKeeper> {
        self.wire.next().await.unwrap_or_default()
    }

    /// Ends a keeper with which we cannot speak any more.
    pub async fn kill(mut self) {
        self.grip.kill();
        if let Some(child) = &mut self.child {
            let _reaped = child.wait().await;
        }
    }
}

/// What the keeper has kept; none when it goes without an answer.
async fn answer(wire: &mut Wire) -> io::Result<Option<Vec<KeptContainer>>> {
    let count = match wire.next().await {
        Ok(Some(FromKeeper::Welcome { containers })) => containers,
        Ok(Some(FromKeeper::Refused { version })) => {
            let other = format!("the keeper speaks version {version} of its protocol, this agent {VERSION}");
            return Err(io::Error::new(io::ErrorKind::Unsupported, other));
        }
        _ => return Ok(None),
    };
    let mut kept = Vec::new();
    while kept.len() < count {
        let Ok(Some(FromKeeper::Kept(container))) = wire.next().await else { return Ok(None) };
        kept.push(*container);
    }
    Ok(Some(kept))
}

/// A process by which it can be killed, and no other that has got its number.
#[derive(Debug)]
struct Grip(#[cfg(target_os = "linux")] Option<OwnedFd>, #[cfg(not(target_os = "linux"))] Option<Pid>);

#[cfg(target_os = "linux")]
impl Grip {
    fn on(pid: Option<Pid>) -> Self {
        Self(pid.and_then(|pid| rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()).ok()))
    }

    fn kill(&self) {
        if let Some(process) = &self.0 {
            let _gone = rustix::process::pidfd_send_signal(process, Signal::KILL);
        }
    }
}

#[cfg(not(target_os = "linux"))]
impl Grip {
    fn on(pid: Option<Pid>) -> Self {
        Self(pid)
    }

    fn kill(&self) {
        if let Some(process) = self.0 {
            let _gone = rustix::process::kill_process(process, Signal::KILL);
        }
    }
}
