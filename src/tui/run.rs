//! The terminal: takes it over, waits for keys and news, draws, and gives it back, however the dashboard ends.

use std::io;

use crossterm::event::{Event, EventStream};
use futures_util::StreamExt as _;
use ratatui::{DefaultTerminal, layout::Size};
use tokio::sync::mpsc;

use crate::{
    cluster::{
        Change,
        watch::{self, Locate},
    },
    runtime::{Clock, Signals, Tasks},
    tui::{
        message::{Answer, Effect, Msg},
        model::{Lab, Model},
        theme::Theme,
        update::{next_tick, settle, update},
        view,
        work::Worker,
    },
};

/// How many changes may wait for the screen; feeds that are faster wait in turn.
const WAITING: usize = 4096;

/// How the dashboard is started.
pub struct Options {
    pub lab: Lab,
    pub locate: Locate,
    pub theme: Theme,
    pub read_only: bool,
}

/// Shows the dashboard until it is quit or the process is asked to end.
///
/// # Errors
/// When the terminal cannot be written or read.
pub async fn run(options: Options, clock: Clock) -> io::Result<()> {
    let mut terminal = ratatui::try_init()?;
    let tasks = Tasks::new();
    let result = show(&mut terminal, options, clock, &tasks).await;
    ratatui::restore();
    tasks.stop().await;
    result
}

/// What the loop waits for.
struct Sources {
    signals: Signals,
    events: EventStream,
    changes: mpsc::Receiver<Change>,
    answers: mpsc::UnboundedReceiver<Answer>,
}

async fn show(
    terminal: &mut DefaultTerminal,
    options: Options,
    clock: Clock,
    tasks: &Tasks,
) -> io::Result<()> {
    let (changes_in, changes) = mpsc::channel(WAITING);
    let (answers_in, answers) = mpsc::unbounded_channel();
    watch::start(tasks, clock, options.locate.clone(), changes_in);
    let mut worker = Worker::new(tasks.clone(), options.locate, answers_in);
    let mut sources = Sources { signals: Signals::listen()?, events: EventStream::new(), changes, answers };
    let size = terminal.size()?;
    let mut model = Model::new(clock.now(), size, options.lab, options.theme, options.read_only);
    loop {
        settle(&mut model);
        terminal.draw(|frame| view::draw(frame, &model))?;
        let Some(msg) = sources.next(clock, &model).await? else { return Ok(()) };
        for effect in update(&mut model, clock.now(), msg) {
            match effect {
                Effect::Quit => return Ok(()),
                other => worker.run(other),
            }
        }
    }
}

impl Sources {
    /// The next message; none when the process is to end.
    async fn next(&mut self, clock: Clock, model: &Model) -> io::Result<Option<Msg>> {
        let tick = next_tick(model).map(|at| clock.instant(at));
        let mut batch = Vec::new();
        loop {
            let msg = tokio::select! {
                () = self.signals.next() => return Ok(None),
                event = self.events.next() => match event {
                    Some(event) => read(event?),
                    None => return Ok(None),
                },
                Some(answer) = self.answers.recv() => Some(Msg::Answer(answer)),
                1.. = self.changes.recv_many(&mut batch, WAITING) => Some(Msg::Changes(std::mem::take(&mut batch))),
                () = reached(tick) => Some(Msg::Tick),
            };
            if msg.is_some() {
                return Ok(msg);
            }
        }
    }
}

async fn reached(instant: Option<tokio::time::Instant>) {
    match instant {
        Some(instant) => tokio::time::sleep_until(instant).await,
        None => std::future::pending().await,
    }
}

fn read(event: Event) -> Option<Msg> {
    match event {
        Event::Key(key) if key.is_release() => None,
        Event::Key(key) => Some(Msg::Key(key)),
        Event::Mouse(mouse) => Some(Msg::Mouse(mouse)),
        Event::Paste(text) => Some(Msg::Paste(text)),
        Event::Resize(width, height) => Some(Msg::Resize(Size { width, height })),
        Event::FocusGained | Event::FocusLost => None,
    }
}
