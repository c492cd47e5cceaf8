//! `mesoslab run`: a command that is run once, by a framework of its own that lives as long as the command.
//!
//! ```text
//! argv > wish > job: SUBSCRIBE, OFFERS, ACCEPT, UPDATE ... TEARDOWN
//!                └─> output: each task's stdout and stderr, read from its agent > ours
//! ```

mod ending;
mod job;
mod output;
mod wish;

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::{
    sync::mpsc,
    time::{Instant, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::{
    cli,
    client::{
        ClientError, Http,
        masters::Masters,
        operator::Operator,
        retry::Retry,
        scheduler::{Caller, Events, subscribe},
    },
    error::{Code, Context, Failure, Result},
    host::accounts::own_name,
    mesos::v1::{
        FrameworkInfo, TaskId,
        framework_info::{Capability, capability},
        scheduler::{Call, Event, call, event},
    },
    runtime::{self, Clock, Signals, Tasks},
    settings::Settings,
};
use job::{Act, Followed, Job};
use output::{Lines, Piece, Stream};
use wish::Wish;

/// So long nothing is said of instances that found no place.
const QUIET: Duration = Duration::from_secs(3);
/// How long a master may be away.
const AWAY: Duration = Duration::from_secs(60);
/// How long the master may take to hear that we are done.
const LEAVING: Duration = Duration::from_secs(5);
/// Pieces of output that wait to be written.
const PIECES: usize = 64;
/// As a shell has it for a program that Ctrl-C has ended.
const INTERRUPTED: u8 = 130;

const CAPABILITIES: [capability::Type; 4] = [
    capability::Type::MultiRole,
    capability::Type::PartitionAware,
    capability::Type::TaskKillingState,
    capability::Type::ReservationRefinement,
];

/// # Errors
/// With the code of the first task that did not succeed; when nothing can be run.
pub async fn run(settings: &Settings, args: &cli::Run, clock: Clock) -> Result<()> {
    let wish = Wish::of(args)?;
    let signals = Signals::listen().context("listen for signals")?;
    let masters = settings.masters()?;
    let info = framework_info(settings, args);
    let tasks = Tasks::new();
    let (pieces, written) = mpsc::channel(PIECES);
    let now = clock.instant(clock.now());
    let mut run = Run {
        settings,
        clock,
        lines: Lines::new(wish.tasks() > 1),
        job: Job::new(wish, args.kill_after),
        info,
        masters,
        operator: Arc::new(settings.operator()?),
        link: None,
        tasks: tasks.clone(),
        pieces: Some(pieces),
        over: HashMap::new(),
        signals,
        interrupts: 0,
        gives_up: args.timeout.map(|after| now + after),
        explains: now + QUIET,
        explained: String::new(),
    };
    let ended = run.until_over(written).await;
    run.leave().await;
    tasks.stop().await;
    ended?;
    run.verdict()
}

fn framework_info(settings: &Settings, args: &cli::Run) -> FrameworkInfo {
    FrameworkInfo {
        user: args.user.clone().unwrap_or_else(|| user(settings)),
        name: args.task_name.clone(),
        roles: vec![args.role.clone()],
        capabilities: CAPABILITIES.map(|kind| Capability { r#type: Some(kind.into()) }).to_vec(),
        ..FrameworkInfo::default()
    }
}

/// Who runs the tasks: whoever we are, or root where agents have users of their own.
fn user(settings: &Settings) -> String {
    let elsewhere = settings.master_flag().is_none()
        && settings.record().is_ok_and(|(_, record)| {
            record.containers.is_some() || crate::commands::vagrant::is_of_machines(&record)
        });
    if elsewhere { "root".to_owned() } else { own_name() }
}

/// The command at work.
struct Run<'a> {
    settings: &'a Settings,
    clock: Clock,
    lines: Lines,
    job: Job,
    info: FrameworkInfo,
    masters: Masters,
    operator: Arc<Operator>,
    /// None while not subscribed.
    link: Option<(Caller, Events)>,
    tasks: Tasks,
    /// For further readers; none when no task is to come.
    pieces: Option<mpsc::Sender<Piece>>,
    /// By task: cancelled when it is over.
    over: HashMap<TaskId, CancellationToken>,
    signals: Signals,
    interrupts: u32,
    /// When instances without a place are given up.
    gives_up: Option<Instant>,
    /// When it is said next what is missing.
    explains: Instant,
    explained: String,
}

/// What happens next.
enum Next {
    Event(Result<Box<Event>, ClientError>),
    Piece(Option<Piece>),
    Signal,
    Tick,
}

impl Run<'_> {
    /// # Errors
    /// When the master cannot be had or refuses, or not every instance finds a place in time.
    async fn until_over(&mut self, mut written: mpsc::Receiver<Piece>) -> Result<()> {
        self.subscribe().await?;
        let mut reads = true;
        while reads || !self.job.is_over() {
            if self.job.is_over() {
                self.pieces = None;
            }
            match self.next(&mut written, reads).await {
                Next::Event(Ok(event)) => self.event(*event).await?,
                Next::Event(Err(error)) => {
                    self.settings.printer.say(format!("  the master is away: {error}"));
                    self.link = None;
                    self.subscribe().await?;
                }
                Next::Piece(Some(piece)) => {
                    let stream = piece.stream;
                    let text = self.lines.take(piece);
                    if !self.write(stream, &text)? {
                        return Ok(());
                    }
                }
                Next::Piece(None) => reads = false,
                Next::Signal if self.interrupted().await? => return Ok(()),
                Next::Signal => {}
                Next::Tick => self.tick().await?,
            }
        }
        for (stream, text) in self.lines.rest() {
            self.write(stream, &text)?;
        }
        Ok(())
    }

    async fn next(&mut self, written: &mut mpsc::Receiver<Piece>, reads: bool) -> Next {
        let deadline = self.deadline();
        let due = runtime::until(deadline);
        let link = &mut self.link;
        let event = async {
            match link {
                Some((_, events)) => events.next().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            piece = written.recv(), if reads => Next::Piece(piece),
            event = event => Next::Event(event.map(Box::new)),
            () = self.signals.next() => Next::Signal,
            () = due => Next::Tick,
        }
    }

    fn now(&self) -> Instant {
        self.clock.instant(self.clock.now())
    }

    fn deadline(&self) -> Option<Instant> {
        let of_job = self.job.next_deadline().map(|at| self.clock.instant(at));
        let placing = (!self.job.is_placed()).then_some(self.explains);
        let gives_up = self.gives_up.filter(|_| !self.job.is_placed());
        [of_job, placing, gives_up].into_iter().flatten().min()
    }

    /// Subscribes, for the first time or again; then what it takes until the master is back.
    async fn subscribe(&mut self) -> Result<()> {
        let until = self.now() + AWAY;
        let mut retry = Retry::new(u64::from(std::process::id()));
        loop {
            let info = FrameworkInfo { id: self.job.id().cloned(), ..self.info.clone() };
            let subscribe_to = call::Subscribe { framework_info: info, ..call::Subscribe::default() };
            let call = Call {
                framework_id: self.job.id().cloned(),
                r#type: Some(call::Type::Subscribe.into()),
                subscribe: Some(subscribe_to),
                ..Call::default()
            };
            let error = match subscribe(&Http::new(), &mut self.masters, &call).await {
                Ok(link) => {
                    self.link = Some(link);
                    return Ok(());
                }
                Err(error) => error,
            };
            let is_final = matches!(&error, ClientError::Refused { status: 400..=499, .. });
            if is_final || self.job.id().is_none() || self.now() >= until {
                return Err(Failure::failed(format!("failed to subscribe with the master: {error}"))
                    .hint("mesoslab status"));
            }
            tokio::select! {
                () = tokio::time::sleep(retry.wait()) => {}
                () = self.signals.next() => {
                    self.interrupts += 1;
                    return Err(Failure::failed("interrupted while the master is away"));
                }
            }
        }
    }

    async fn event(&mut self, event: Event) -> Result<()> {
        if event.r#type() == event::Type::Error {
            let message = event.error.map(|error| error.message).unwrap_or_default();
            return Err(Failure::failed(format!("the master has ended the framework: {message}")));
        }
        let acts = self.job.event(self.clock.now(), event);
        self.act(acts).await
    }

    async fn act(&mut self, acts: Vec<Act>) -> Result<()> {
        for act in acts {
            match act {
                Act::Call(call) => self.call(&call).await?,
                Act::Say(text) => self.settings.printer.say(format!("  {text}")),
                Act::Follow(followed) => self.follow(followed),
                Act::Over(id) => {
                    if let Some(over) = self.over.get(&id) {
                        over.cancel();
                    }
                }
            }
        }
        Ok(())
    }

    /// A call that did not arrive is no failure: the stream ends then too, and the next one tells how things are.
    async fn call(&mut self, call: &Call) -> Result<()> {
        let Some((caller, _)) = &self.link else { return Ok(()) };
        match caller.call(call).await {
            Err(ClientError::Refused { status: 400, body }) => Err(Failure::failed(format!(
                "the master refuses {}: {}",
                call.r#type().as_str_name(),
                body.message
            ))),
            Err(error) => {
                self.settings.printer.detail(format!("  {}: {error}", call.r#type().as_str_name()));
                Ok(())
            }
            Ok(()) => Ok(()),
        }
    }

    fn follow(&mut self, followed: Followed) {
        let Some(pieces) = &self.pieces else { return };
        let over = CancellationToken::new();
        self.over.insert(followed.task_id.clone(), over.clone());
        let count = self.job.progress().1;
        for stream in Stream::BOTH {
            let (printer, id) = (self.settings.printer.clone(), followed.task_id.clone());
            let read = output::follow(
                Arc::clone(&self.operator),
                followed.clone(),
                stream,
                (over.clone(), count),
                pieces.clone(),
            );
            self.tasks.spawn(async move {
                if let Err(error) = read.await {
                    printer.warn(format!("the rest of what {id} wrote cannot be read: {error}"));
                }
            });
        }
    }

    /// False when nobody reads any more.
    fn write(&self, stream: Stream, text: &[u8]) -> Result<bool> {
        let printer = &self.settings.printer;
        match stream {
            Stream::Stdout => printer.hand_on(text),
            Stream::Stderr => {
                printer.hand_on_to_stderr(text);
                Ok(true)
            }
        }
    }

    /// The first time the tasks are killed; true the second time.
    async fn interrupted(&mut self) -> Result<bool> {
        self.interrupts += 1;
        if self.interrupts > 1 {
            return Ok(true);
        }
        self.settings.printer.say("  killing the tasks; Ctrl-C again waits for nothing");
        let acts = self.job.kill_all();
        self.act(acts).await.map(|()| false)
    }

    async fn tick(&mut self) -> Result<()> {
        let now = self.now();
        let acts = self.job.tick(self.clock.now());
        self.act(acts).await?;
        if self.job.is_placed() {
            return Ok(());
        }
        let (launched, all) = self.job.progress();
        if self.gives_up.is_some_and(|at| at <= now) {
            let missing = self.job.missing();
            let message = format!("{} of {all} tasks found no place in time: {missing}", all - launched);
            return Err(Failure::new(Code::NotReady, message).hint("mesoslab agents"));
        }
        if self.explains <= now {
            self.explains = now + QUIET;
            let text =
                format!("  waiting for offers, {launched} of {all} tasks launched: {}", self.job.missing());
            if text != self.explained {
                self.settings.printer.say(&text);
                self.explained = text;
            }
        }
        Ok(())
    }

    /// The framework ends, and whatever of it still runs.
    async fn leave(&mut self) {
        let (Some((caller, _)), Some(teardown)) = (&self.link, self.job.teardown()) else { return };
        match timeout(LEAVING, caller.call(&teardown)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => self.settings.printer.warn(format!("the framework was not torn down: {error}")),
            Err(_) => self.settings.printer.warn("the master did not hear that the framework is done"),
        }
    }

    fn verdict(&self) -> Result<()> {
        if self.interrupts > 0 {
            return Err(Failure::of_program(INTERRUPTED));
        }
        match self.job.failure() {
            None => Ok(()),
            Some((_, ending)) if ending.code.is_some() => Err(Failure::of_program(ending.code.unwrap_or(1))),
            Some((id, ending)) => Err(Failure::failed(format!("{id} {}", ending.text))),
        }
    }
}
