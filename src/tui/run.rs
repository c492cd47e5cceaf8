//! The loop: waits for keys and news, takes in all that wait, draws what they changed, and ends as it is asked to.
//!
//! Drawing never waits for the network: the feeds and the effects are tasks of other threads, and the keys are read by
//! a thread of their own.

use std::{io, time::Duration};

use crossterm::event::{Event, MouseEventKind};
use ratatui::layout::Size;
use tokio::sync::mpsc;

use crate::{
    cluster::{
        Change,
        watch::{self, Locate},
    },
    mesos::time::Time,
    runtime::{self, Clock, Tasks},
    tui::{
        ending::{self, Ending},
        events::{self, Gate},
        message::{Answer, Effect, Msg, ShellIn},
        model::{Lab, Model},
        picture,
        terminal::Screen,
        theme::Theme,
        update::{next_tick, settle, update},
        work::{self, Worker},
    },
};

/// How many changes may wait for the screen; feeds that are faster wait in turn.
pub(super) const WAITING: usize = 4096;

/// How many changes are taken in before the keys are looked at again.
const AT_ONCE: usize = 1024;

/// How many messages are taken in before the screen is drawn.
const BEFORE_DRAWING: usize = 64;

/// The shortest time between two frames.
const FRAME: Duration = Duration::from_millis(16);

/// How long the feeds may take to end.
const GRACE: Duration = Duration::from_millis(500);

/// How the dashboard is started.
pub struct Options {
    pub lab: Lab,
    pub locate: Locate,
    pub theme: Theme,
    pub read_only: bool,
    pub tab: crate::tui::model::Tab,
}

impl Options {
    pub(super) fn model(&self, now: Time, size: Size) -> Model {
        let mut model = Model::new(now, size, self.lab.clone(), self.theme.clone(), self.read_only);
        model.tab = self.tab;
        model
    }
}

/// Shows the dashboard until it is quit or the process is asked to end.
///
/// # Errors
/// When the terminal cannot be written or read; when a part of the dashboard panics.
pub async fn run(options: Options, clock: Clock) -> io::Result<()> {
    let tasks = Tasks::new();
    let (endings_in, endings) = mpsc::unbounded_channel();
    ending::watch(&tasks, &endings_in)?;
    let panicked = move |message| drop(endings_in.send(Ending::Panicked(message)));
    let mut screen = Screen::take(panicked)?;
    let result = show(&mut screen, options, clock, &tasks, endings).await;
    drop(screen);
    // Feeds that do not end in time end with the process.
    drop(tokio::time::timeout(GRACE, tasks.stop()).await);
    result
}

async fn show(
    screen: &mut Screen,
    options: Options,
    clock: Clock,
    tasks: &Tasks,
    endings: mpsc::UnboundedReceiver<Ending>,
) -> io::Result<()> {
    let (answers_in, answers) = mpsc::unbounded_channel();
    let (events, gate) = events::read()?;
    let sources = Sources {
        clock,
        endings,
        events,
        answers,
        changes: feeds(tasks, clock, &options.locate),
        held: Vec::new(),
    };
    let worker = Worker::new(tasks.clone(), options.locate.clone(), answers_in);
    let model = options.model(clock.now(), screen.size()?);
    Dashboard { screen, model, worker, gate, clock }.run(sources).await
}

fn feeds(tasks: &Tasks, clock: Clock, locate: &Locate) -> mpsc::Receiver<Change> {
    let (changes_in, changes) = mpsc::channel(WAITING);
    watch::start(tasks, clock, locate.clone(), changes_in);
    changes
}

struct Dashboard<'a> {
    screen: &'a mut Screen,
    model: Model,
    worker: Worker,
    gate: Gate,
    clock: Clock,
}

impl Dashboard<'_> {
    async fn run(mut self, mut sources: Sources) -> io::Result<()> {
        loop {
            self.draw()?;
            let frame = self.clock.now() + FRAME;
            let mut wake = next_tick(&self.model);
            let mut changed = false;
            while !changed || self.clock.now() < frame {
                let msgs = match sources.next(wake).await? {
                    News::Msgs(msgs) => msgs,
                    News::Woken if changed => break,
                    News::Woken => vec![Msg::Tick],
                    News::End => return Ok(()),
                };
                for msg in msgs {
                    if !self.take(msg).await? {
                        return Ok(());
                    }
                }
                (changed, wake) = (true, Some(frame));
            }
        }
    }

    /// The size is asked for: a window that shrinks tells it late, and what lies outside cannot be drawn.
    fn draw(&mut self) -> io::Result<()> {
        let size = self.screen.size()?;
        if size != self.model.size {
            update(&mut self.model, self.clock.now(), Msg::Resize(size));
        }
        settle(&mut self.model);
        self.screen.draw(&self.model)
    }

    /// Takes in one message and does what follows from it; false when the dashboard is quit.
    async fn take(&mut self, msg: Msg) -> io::Result<bool> {
        let mut waiting = vec![msg];
        while let Some(msg) = waiting.pop() {
            for effect in update(&mut self.model, self.clock.now(), msg) {
                match effect {
                    Effect::Quit => return Ok(false),
                    Effect::Suspend => self.suspend().await?,
                    Effect::Shell(shell) => waiting.push(Msg::Answer(self.shell(shell).await?)),
                    Effect::Copy(text) => self.screen.copy(&text)?,
                    Effect::Save => {
                        settle(&mut self.model);
                        waiting.push(Msg::Answer(Answer::Saved(picture::save(&self.model))));
                    }
                    other => self.worker.run(other),
                }
            }
        }
        Ok(true)
    }

    async fn suspend(&mut self) -> io::Result<()> {
        self.screen.leave()?;
        ending::stop_until_continued().await?;
        self.screen.enter()
    }
}

/// The terminal is the shell's as it was before the dashboard.
impl Dashboard<'_> {
    async fn shell(&mut self, shell: ShellIn) -> io::Result<Answer> {
        self.gate.hold();
        self.screen.leave()?;
        let result = work::shell(&shell).await;
        self.screen.enter()?;
        self.gate.release();
        Ok(Answer::Shell { task: shell.task_id, result })
    }
}

/// What the loop waits for.
struct Sources {
    clock: Clock,
    endings: mpsc::UnboundedReceiver<Ending>,
    events: mpsc::UnboundedReceiver<io::Result<Event>>,
    answers: mpsc::UnboundedReceiver<Answer>,
    changes: mpsc::Receiver<Change>,
    /// Room for the changes of one message.
    held: Vec<Change>,
}

enum News {
    Msgs(Vec<Msg>),
    /// The time has come.
    Woken,
    End,
}

impl Sources {
    /// All that waits, as soon as anything does, but for what a frame can bear; or that `wake` has come.
    async fn next(&mut self, wake: Option<Time>) -> io::Result<News> {
        let wake = wake.map(|at| self.clock.instant(at));
        loop {
            let first = tokio::select! {
                biased;
                Some(ending) = self.endings.recv() => return ending.result().map(|()| News::End),
                Some(event) = self.events.recv() => read(event?),
                Some(answer) = self.answers.recv() => Some(Msg::Answer(answer)),
                1.. = self.changes.recv_many(&mut self.held, AT_ONCE) => Some(self.release()),
                () = runtime::until(wake) => return Ok(News::Woken),
            };
            let mut msgs = Vec::from_iter(first);
            while msgs.len() < BEFORE_DRAWING
                && let Some(msg) = self.waiting()?
            {
                msgs.push(msg);
            }
            if !msgs.is_empty() {
                return Ok(News::Msgs(msgs));
            }
        }
    }

    /// What has come already: keys before answers before changes.
    fn waiting(&mut self) -> io::Result<Option<Msg>> {
        while let Ok(event) = self.events.try_recv() {
            if let Some(msg) = read(event?) {
                return Ok(Some(msg));
            }
        }
        if let Ok(answer) = self.answers.try_recv() {
            return Ok(Some(Msg::Answer(answer)));
        }
        while self.held.len() < AT_ONCE
            && let Ok(change) = self.changes.try_recv()
        {
            self.held.push(change);
        }
        Ok((!self.held.is_empty()).then(|| self.release()))
    }

    fn release(&mut self) -> Msg {
        Msg::Changes(std::mem::take(&mut self.held))
    }
}

fn read(event: Event) -> Option<Msg> {
    match event {
        Event::Key(key) if key.is_release() => None,
        Event::Key(key) => Some(Msg::Key(key)),
        Event::Mouse(mouse) if mouse.kind == MouseEventKind::Moved => None,
        Event::Mouse(mouse) => Some(Msg::Mouse(mouse)),
        Event::Paste(text) => Some(Msg::Paste(text)),
        Event::Resize(width, height) => Some(Msg::Resize(Size { width, height })),
        Event::FocusGained | Event::FocusLost => None,
    }
}
