//! The streams of a container that clients may attach to: what comes out of it goes to its sandbox and to whoever is
//! attached, what one client sends goes in.
//!
//! ```text
//! ATTACH_CONTAINER_INPUT > Input > pipe or terminal > process > pipe or terminal > pump > sandbox
//!                                                                                      > outlets > clients
//! ```
//!
//! Whoever has launched a session is waited for, as a pipe waits for its reader; others that do not keep up for some
//! seconds are left behind. Source: Mesos' `slave/containerizer/mesos/io/switchboard.cpp`.

use std::{
    fs::File,
    io::{self, Write},
    os::fd::{AsFd, OwnedFd},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use rustix::{
    fs::{Mode, OFlags},
    io::Errno,
    pty::OpenptFlags,
    termios::Winsize,
};
use tokio::net::unix::pipe::{Receiver, Sender};
use tokio_util::sync::CancellationToken;

use crate::{
    engine::agent::nested::Streams,
    host::{http::Sink, process::spawn::Surroundings, sandbox::Outputs},
    mesos::{
        json,
        media::MediaType,
        recordio,
        v1::agent::{
            ProcessIo,
            process_io::{self, Control, Data, control, data},
        },
    },
    runtime::Tasks,
};

/// How much of a stream is one record.
const PIECE: usize = 16 * 1024;

/// How often the heart of an output beats: the default of Mesos' `--http_heartbeat_interval`.
const HEARTBEAT: Duration = Duration::from_secs(30);

/// How long a client that has not launched the container may take nothing, while there is more.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long a process may go on without streams before they are taken for ended.
const SILENT: Duration = Duration::from_secs(1);

/// From the end of a container to the end of its streams, if somebody still holds them open, or nobody has come for them.
pub(super) const LINGERS: Duration = Duration::from_secs(5);

/// The streams of one container; clones are the same.
#[derive(Clone, Debug)]
pub(super) struct Switchboard(Arc<Board>);

#[derive(Debug)]
struct Board {
    terminal: bool,
    /// Closed at the end of the input.
    input: Mutex<Option<Arc<Sender>>>,
    /// Somebody is attached to the input.
    taken: AtomicBool,
    outlets: Mutex<Vec<Arc<Outlet>>>,
    /// From now on what comes out is read.
    begun: CancellationToken,
    /// The process has ended.
    ended: CancellationToken,
    /// Nothing comes out any more.
    over: CancellationToken,
    /// Streams that are still read.
    open: AtomicUsize,
}

/// A client that is attached to the output.
#[derive(Debug)]
struct Outlet {
    sink: Sink,
    media: MediaType,
    /// It is waited for, however long it takes.
    first: bool,
}

/// The ends that the agent holds: in, out and, where it is not the same, error.
struct Ends {
    input: OwnedFd,
    output: OwnedFd,
    error: Option<OwnedFd>,
}

impl Switchboard {
    /// Makes the streams of a container, and what its process gets of them; `outputs` are the files of its sandbox.
    ///
    /// # Errors
    /// When the system gives no pipe or terminal.
    pub fn open(streams: Streams, outputs: Outputs, tasks: &Tasks) -> io::Result<(Self, Surroundings)> {
        let (ends, surroundings) = match streams {
            Streams::Terminal { rows, columns, .. } => terminal(rows, columns)?,
            Streams::Session | Streams::Files => pipes()?,
        };
        // Unchecked: a terminal is no pipe, and is read and written like one.
        let input = Arc::new(Sender::from_owned_fd_unchecked(ends.input)?);
        let output = Receiver::from_owned_fd_unchecked(ends.output)?;
        let error = ends.error.map(Receiver::from_owned_fd_unchecked).transpose()?;
        let board = Board {
            terminal: surroundings.terminal,
            input: Mutex::new(Some(input)),
            taken: AtomicBool::new(false),
            outlets: Mutex::default(),
            begun: CancellationToken::new(),
            ended: CancellationToken::new(),
            over: CancellationToken::new(),
            open: AtomicUsize::new(1 + usize::from(error.is_some())),
        };
        let switchboard = Self(Arc::new(board));
        if matches!(streams, Streams::Terminal { waits: false, .. }) {
            switchboard.0.begun.cancel();
        }
        tasks.spawn(switchboard.clone().pump(output, data::Type::Stdout, outputs.stdout));
        if let Some(error) = error {
            tasks.spawn(switchboard.clone().pump(error, data::Type::Stderr, outputs.stderr));
        }
        tasks.spawn(switchboard.clone().beat());
        Ok((switchboard, surroundings))
    }

    /// Attaches a client to the output, which begins with that. `first` is whoever has launched the container.
    pub fn attach(&self, sink: Sink, media: MediaType, first: bool) {
        if self.0.over.is_cancelled() {
            return;
        }
        self.outlets().push(Arc::new(Outlet { sink, media, first }));
        self.0.begun.cancel();
        if self.0.over.is_cancelled() {
            self.outlets().clear();
        }
    }

    /// The input, for one client at a time; none while it is another's.
    pub fn take_input(&self) -> Option<Input> {
        let free = !self.0.taken.swap(true, Ordering::SeqCst);
        free.then(|| Input(self.clone()))
    }

    /// The process has ended; what it leaves may hold the streams still.
    pub fn ended(&self) {
        self.0.ended.cancel();
    }

    /// Waits until nothing comes out any more.
    pub async fn over(&self) {
        self.0.over.cancelled().await;
    }

    /// Whether these are the same streams.
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Ends the streams, whoever holds them.
    pub fn close(&self) {
        self.0.begun.cancel();
        self.0.over.cancel();
        self.outlets().clear();
        drop(self.input().take());
    }

    fn outlets(&self) -> MutexGuard<'_, Vec<Arc<Outlet>>> {
        self.0.outlets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn input(&self) -> MutexGuard<'_, Option<Arc<Sender>>> {
        self.0.input.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads one stream to its end. The last one ends them all, with the process: many a program closes its streams just
    /// before it ends, and a session that is over is killed.
    async fn pump(self, end: Receiver, kind: data::Type, mut file: File) {
        let over = self.0.over.clone();
        let reading = async {
            self.0.begun.cancelled().await;
            let mut piece = vec![0; PIECE];
            while let Some(read) = read(&end, &mut piece).await {
                if let Err(error) = file.write_all(&piece[..read]) {
                    tracing::warn!(%error, "failed to write what a container says into its sandbox");
                }
                self.say(&message(kind, &piece[..read])).await;
            }
        };
        over.run_until_cancelled(reading).await;
        if self.0.open.fetch_sub(1, Ordering::SeqCst) == 1 {
            let _goes_on = tokio::time::timeout(SILENT, self.0.ended.cancelled()).await;
            self.close();
        }
    }

    /// Tells everybody who is attached, as fast as they take it.
    async fn say(&self, message: &ProcessIo) {
        let outlets = self.outlets().clone();
        let mut gone = Vec::new();
        for outlet in outlets {
            let room = outlet.sink.room();
            let in_time = match outlet.first {
                true => {
                    room.await;
                    true
                }
                false => tokio::time::timeout(PATIENCE, room).await.is_ok(),
            };
            if !in_time {
                outlet.sink.abort();
            }
            if !in_time || outlet.sink.send(encode(message, outlet.media)).is_err() {
                gone.push(outlet);
            }
        }
        if !gone.is_empty() {
            self.outlets().retain(|outlet| !gone.iter().any(|it| Arc::ptr_eq(it, outlet)));
        }
    }

    async fn beat(self) {
        let over = self.0.over.clone();
        let beating = async {
            loop {
                tokio::time::sleep(HEARTBEAT).await;
                let outlets = self.outlets().clone();
                for outlet in outlets {
                    let _gone = outlet.sink.send(encode(&heartbeat(), outlet.media));
                }
            }
        };
        over.run_until_cancelled(beating).await;
    }
}

/// The input of a container while one client has it.
#[derive(Debug)]
pub(super) struct Input(Switchboard);

impl Input {
    /// Takes in what the client sends, as slowly as the process reads it. Nothing is the end, but for a terminal, which
    /// gets its own sign.
    ///
    /// # Errors
    /// When the input was closed, or the process reads no more.
    pub async fn write(&self, mut data: &[u8]) -> io::Result<()> {
        if data.is_empty() && !self.0.0.terminal {
            drop(self.0.input().take());
            return Ok(());
        }
        let Some(end) = self.0.input().clone() else { return Err(Errno::BADF.into()) };
        while !data.is_empty() {
            end.writable().await?;
            match end.try_write(data) {
                Ok(written) => data = &data[written..],
                Err(error) if is_not_yet(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Tells the terminal how large it is.
    ///
    /// # Errors
    /// When there is none.
    pub fn resize(&self, (rows, columns): (u16, u16)) -> io::Result<()> {
        let Some(end) = self.0.input().clone() else { return Err(Errno::BADF.into()) };
        let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        Ok(rustix::termios::tcsetwinsize(&*end, size)?)
    }

    /// Waits until nothing comes out of the container any more.
    pub async fn over(&self) {
        self.0.over().await;
    }
}

impl Drop for Input {
    fn drop(&mut self) {
        self.0.0.taken.store(false, Ordering::SeqCst);
    }
}

/// The next piece; none at the end. A terminal that nobody has open any more fails in place of an end.
async fn read(end: &Receiver, piece: &mut [u8]) -> Option<usize> {
    loop {
        end.readable().await.ok()?;
        match end.try_read(piece) {
            Ok(0) => return None,
            Ok(read) => return Some(read),
            Err(error) if is_not_yet(&error) => {}
            Err(_) => return None,
        }
    }
}

fn is_not_yet(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

fn pipes() -> io::Result<(Ends, Surroundings)> {
    let (input, write) = io::pipe()?;
    let (read_out, output) = io::pipe()?;
    let (read_err, error) = io::pipe()?;
    let ends = Ends { input: write.into(), output: read_out.into(), error: Some(read_err.into()) };
    [&ends.input, &ends.output].into_iter().chain(&ends.error).try_for_each(do_not_block)?;
    let [stdout, stderr] = [output, error].map(|end| File::from(OwnedFd::from(end)));
    let outputs = Outputs { stdout, stderr };
    Ok((ends, Surroundings { outputs, input: input.into(), terminal: false, directory: None }))
}

/// Our end stays ours: what we start closes it. The other end is no terminal of ours.
fn terminal(rows: u16, columns: u16) -> io::Result<(Ends, Surroundings)> {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY;
    #[cfg(target_os = "linux")]
    let flags = flags | OpenptFlags::CLOEXEC;
    let ours = rustix::pty::openpt(flags)?;
    rustix::io::fcntl_setfd(&ours, rustix::io::FdFlags::CLOEXEC)?;
    rustix::pty::grantpt(&ours)?;
    rustix::pty::unlockpt(&ours)?;
    let name = rustix::pty::ptsname(&ours, Vec::new())?;
    let theirs =
        rustix::fs::open(name.as_c_str(), OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty())?;
    let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    rustix::termios::tcsetwinsize(&ours, size)?;
    do_not_block(&ours)?;
    let [stdout, stderr] = [theirs.try_clone()?, theirs.try_clone()?].map(File::from);
    let surroundings =
        Surroundings { outputs: Outputs { stdout, stderr }, input: theirs, terminal: true, directory: None };
    Ok((Ends { input: ours.try_clone()?, output: ours, error: None }, surroundings))
}

fn do_not_block(end: impl AsFd) -> io::Result<()> {
    Ok(rustix::io::ioctl_fionbio(end, true)?)
}

fn message(kind: data::Type, piece: &[u8]) -> ProcessIo {
    let data = Data { r#type: Some(kind.into()), data: Some(bytes::Bytes::copy_from_slice(piece)) };
    ProcessIo { r#type: Some(process_io::Type::Data.into()), data: Some(data), control: None }
}

fn heartbeat() -> ProcessIo {
    let nanoseconds = i64::try_from(HEARTBEAT.as_nanos()).unwrap_or(i64::MAX);
    let interval = Some(crate::mesos::v1::DurationInfo { nanoseconds });
    let control = Control {
        r#type: Some(control::Type::Heartbeat.into()),
        heartbeat: Some(control::Heartbeat { interval }),
        tty_info: None,
    };
    ProcessIo { r#type: Some(process_io::Type::Control.into()), control: Some(control), data: None }
}

fn encode(message: &ProcessIo, media: MediaType) -> bytes::Bytes {
    match media {
        MediaType::Protobuf => recordio::encode(&prost::Message::encode_to_vec(message)),
        _ => recordio::encode(json::to_json_string(message).as_bytes()),
    }
}
