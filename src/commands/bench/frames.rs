//! How long the dashboard takes from a key, or from news, to the picture: in memory, with big clusters.
//!
//! It is processor time: a frame waits for nothing, and other programs do not count.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::{Terminal, backend::TestBackend, layout::Size};

use super::{Figure, synthetic::Cluster};
use crate::{
    cluster::Change,
    runtime::{self, Clock},
    tui::{
        message::Msg,
        model::{Lab, Model, Tab},
        theme::Theme,
        update::{settle, update},
        view,
    },
};

const SIZE: Size = Size { width: 200, height: 60 };

/// How many tasks the clusters have.
const TASKS: [usize; 3] = [1_000, 10_000, 100_000];

/// How many tasks change at once in a burst.
const BURST: usize = 1_000;

/// How many bursts there are.
const BURSTS: usize = 20;

/// Frame times of all sizes.
pub fn measure(clock: Clock, runs: usize) -> Vec<Figure> {
    TASKS.into_iter().flat_map(|tasks| of_size(clock, tasks, runs)).collect()
}

fn of_size(clock: Clock, tasks: usize, runs: usize) -> Vec<Figure> {
    let figure = |what: &str, times| Figure::of(format!("frame, {tasks} tasks: {what}"), "ms", times, None);
    let cluster = Cluster { tasks };
    let mut screen = Screen::new(clock);
    let snapshot = vec![screen.changes(cluster.changes(clock.now()))];
    let scrolling = screen.keys(&SCROLLING.repeat(runs));
    let sorting = screen.keys(&SORTING.repeat(runs));
    let filtering = screen.keys(&FILTERING.repeat(runs));
    let bursts = (0..BURSTS).map(|round| screen.changes(cluster.burst(clock.now(), round, BURST))).collect();
    vec![
        figure("the first, with the whole snapshot", snapshot),
        figure("scrolling", scrolling),
        figure("sorting", sorting),
        figure("filtering", filtering),
        figure("1000 tasks change at once", bursts),
    ]
}

const SCROLLING: [KeyCode; 10] = {
    use KeyCode as K;
    [K::Down, K::Down, K::PageDown, K::PageDown, K::Up, K::PageDown, K::End, K::PageUp, K::Up, K::Home]
};

/// Column after column, there and back.
const SORTING: [KeyCode; 4] =
    [KeyCode::Char('s'), KeyCode::Char('R'), KeyCode::Char('s'), KeyCode::Char('R')];

/// A filter that finds ever less, and is taken away.
const FILTERING: [KeyCode; 9] = {
    use KeyCode as K;
    [
        K::Char('/'),
        K::Char('7'),
        K::Char('7'),
        K::Char('7'),
        K::Backspace,
        K::Char('1'),
        K::Enter,
        K::Down,
        K::Esc,
    ]
};

/// The whole dashboard without its terminal and its network.
struct Screen {
    clock: Clock,
    model: Model,
    terminal: Terminal<TestBackend>,
}

impl Screen {
    fn new(clock: Clock) -> Self {
        let lab = Lab { name: "bench".to_owned(), provider: "none".to_owned() };
        let mut model = Model::new(clock.now(), SIZE, lab, Theme::dark(), true);
        model.tab = Tab::Tasks;
        let Ok(terminal) = Terminal::new(TestBackend::new(SIZE.width, SIZE.height));
        Self { clock, model, terminal }
    }

    fn keys(&mut self, keys: &[KeyCode]) -> Vec<f64> {
        let keys = keys.iter().map(|code| Msg::Key(KeyEvent::new(*code, KeyModifiers::NONE)));
        keys.map(|msg| self.frame(msg)).collect()
    }

    fn changes(&mut self, changes: Vec<Change>) -> f64 {
        self.frame(Msg::Changes(changes))
    }

    /// Milliseconds from a message to its picture.
    fn frame(&mut self, msg: Msg) -> f64 {
        let start = runtime::thread_time();
        drop(update(&mut self.model, self.clock.now(), msg));
        settle(&mut self.model);
        let Ok(_) = self.terminal.draw(|frame| view::draw(frame, &self.model));
        (runtime::thread_time() - start).as_secs_f64() * 1000.0
    }
}
