//! The slider as a pure function: keys, mouse and news in, drafts and effects out.

use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::{Rect, Size};

use crate::{
    cluster::{Change, link::Link},
    mesos::time::Time,
    scheduler::forecast::Forecast,
    spec::MAX_TASKS,
    tui::{
        layout,
        message::{Answer, Effect, Msg},
        model::{Model, Tab},
        slider::Track,
        tests::sample::{self, NOON},
        update::{next_tick, settle, update},
        view::preview::Preview,
    },
};

/// Presses keys as they are written: `> < » «` for the arrows, plain and with Shift, `⏎ ⎋ ⌫`, and characters.
fn press(model: &mut Model, keys: &str) -> Vec<Effect> {
    let key = |c| match c {
        '>' => KeyEvent::from(KeyCode::Right),
        '<' => KeyEvent::from(KeyCode::Left),
        '»' => KeyEvent::new(KeyCode::Right, KeyModifiers::SHIFT),
        '«' => KeyEvent::new(KeyCode::Left, KeyModifiers::SHIFT),
        '⏎' => KeyEvent::from(KeyCode::Enter),
        '⎋' => KeyEvent::from(KeyCode::Esc),
        '⌫' => KeyEvent::from(KeyCode::Backspace),
        c => KeyEvent::from(KeyCode::Char(c)),
    };
    let now = model.now;
    let effects = keys.chars().flat_map(|c| update(model, now, Msg::Key(key(c)))).collect();
    settle(model);
    effects
}

fn draft(model: &Model) -> Option<u64> {
    model.slider.draft.as_ref().map(|draft| draft.wanted)
}

fn asked(effects: &[Effect]) -> Vec<(u64, u64)> {
    let asked = effects.iter().filter_map(|effect| match effect {
        Effect::Forecast { number, question } => Some((*number, question.wanted)),
        _ => None,
    });
    asked.collect()
}

fn scaled(effects: &[Effect]) -> Vec<u64> {
    let scaled = effects.iter().filter_map(|effect| match effect {
        Effect::Scale(wanted) => Some(*wanted),
        _ => None,
    });
    scaled.collect()
}

fn answer(model: &mut Model, number: u64, wanted: u64, fits: u64) -> Vec<Effect> {
    let forecast = Box::new(Forecast { wanted, fits, ..Forecast::default() });
    let now = model.now;
    let effects = update(model, now, Msg::Answer(Answer::Forecast { number, forecast }));
    settle(model);
    effects
}

fn news(model: &mut Model, at: Time, change: Change) -> Vec<Effect> {
    update(model, at, Msg::Changes(vec![change]))
}

fn seconds(seconds: f64) -> Time {
    NOON + Duration::from_secs_f64(seconds)
}

fn notice(model: &Model) -> &str {
    model.notice.as_ref().map_or("", |notice| &notice.text)
}

fn lost() -> Change {
    let problem = "Connection refused".to_owned();
    Change::SchedulerLink(Link::Lost { since: NOON, problem, retry_at: seconds(3.0) })
}

#[test]
fn keys_make_drafts_and_only_enter_scales() {
    let none: &[u64] = &[];
    for (keys, wanted, commits) in [
        (">", Some(6), none),
        ("<", Some(4), none),
        (">>>", Some(8), none),
        ("»", Some(15), none),
        ("«", Some(0), none),
        ("««>", Some(1), none),
        (">⎋", None, none),
        ("=12", Some(12), none),
        ("=", Some(5), none),
        ("=007", Some(7), none),
        ("=12⌫", Some(1), none),
        ("=12⌫⌫", Some(5), none),
        ("=12⌫⌫⌫", Some(5), none),
        (">»⌫", Some(1), none),
        (">42", Some(42), none),
        ("=7>", Some(8), none),
        ("=7>3", Some(3), none),
        ("=4294967295", Some(MAX_TASKS), none),
        ("=4294967296", Some(429_496_729), none),
        (">⏎", Some(6), &[6]),
        (">⏎⏎", Some(6), &[6]),
        (">⏎>⏎", Some(7), &[6, 7]),
        ("=12⏎", Some(12), &[12]),
        ("=5⏎", None, none),
        ("⏎", None, none),
    ] {
        let mut model = sample::lab();
        let effects = press(&mut model, keys);
        assert_eq!((draft(&model), scaled(&effects)), (wanted, commits.to_vec()), "after {keys}");
    }
}

#[test]
fn digits_switch_tabs_only_without_a_draft() {
    let mut model = sample::lab();
    press(&mut model, ">3");
    assert_eq!((model.tab, draft(&model)), (Tab::Overview, Some(3)));
    press(&mut model, "⎋3");
    assert_eq!((model.tab, draft(&model)), (Tab::Tasks, None));
}

#[test]
fn one_question_is_under_way_and_stale_answers_are_ignored() {
    let mut model = sample::lab();
    assert_eq!(asked(&press(&mut model, ">")), [(1, 6)]);
    assert_eq!(asked(&press(&mut model, ">>")), [], "the answer to the first has not come");
    assert_eq!(asked(&answer(&mut model, 1, 6, 38)), [(2, 8)]);
    assert_eq!((model.slider.fits, model.slider.draft.clone().unwrap().forecast), (Some(38), None));
    answer(&mut model, 1, 8, 99);
    assert_eq!((model.slider.fits, model.slider.draft.clone().unwrap().forecast), (Some(38), None), "stale");
    assert_eq!(asked(&answer(&mut model, 2, 8, 37)), []);
    let forecast = model.slider.draft.clone().unwrap().forecast.unwrap();
    assert_eq!((model.slider.fits, forecast.wanted), (Some(37), 8));
}

#[test]
fn an_answer_that_never_comes_is_not_waited_for() {
    let mut model = sample::lab();
    press(&mut model, ">");
    assert_eq!(asked(&update(&mut model, seconds(4.9), Msg::Tick)), []);
    assert_eq!(asked(&update(&mut model, seconds(5.0), Msg::Tick)), [(2, 6)]);
}

/// A change of the tasks or agents, as a feed would tell it.
fn touch(model: &mut Model) {
    model.cluster.tasks.iter_mut().for_each(drop);
}

#[test]
fn a_draft_is_looked_at_anew_when_the_cluster_has_changed_but_not_all_the_time() {
    let mut model = sample::lab();
    press(&mut model, ">");
    answer(&mut model, 1, 6, 38);
    touch(&mut model);
    assert_eq!(asked(&update(&mut model, seconds(0.1), Msg::Tick)), []);
    assert_eq!(next_tick(&model), Some(seconds(0.25)));
    assert_eq!(asked(&update(&mut model, seconds(0.25), Msg::Tick)), [(2, 6)]);
    assert_eq!(asked(&answer(&mut model, 2, 6, 38)), []);
    assert_eq!(asked(&update(&mut model, seconds(9.0), Msg::Tick)), [], "nothing has changed");
}

#[test]
fn what_fits_is_found_out_once_a_second_at_most() {
    let mut model = sample::lab();
    assert_eq!(asked(&update(&mut model, NOON, Msg::Tick)), [(1, 5)]);
    answer(&mut model, 1, 5, 38);
    assert_eq!(model.slider.standing.as_ref().map(|forecast| forecast.fits), Some(38));
    touch(&mut model);
    assert_eq!(asked(&update(&mut model, seconds(0.9), Msg::Tick)), []);
    assert_eq!(asked(&update(&mut model, seconds(1.0), Msg::Tick)), [(2, 5)]);
}

#[test]
fn before_the_agents_are_known_nothing_is_said_to_fit() {
    let mut model = sample::empty();
    let lab = sample::lab();
    (model.cluster.scheduler, model.cluster.scheduler_link) =
        (lab.cluster.scheduler, lab.cluster.scheduler_link);
    assert_eq!(asked(&update(&mut model, NOON, Msg::Tick)), []);
    assert!(next_tick(&model).is_none_or(|at| at > NOON), "it is not asked for again and again");
    let live = Change::MasterLink(Link::Live { since: NOON });
    assert_eq!(asked(&news(&mut model, NOON, live)), [(1, 5)]);
}

#[test]
fn a_draft_outlives_tabs_and_the_connection() {
    let mut model = sample::lab();
    press(&mut model, ">>");
    answer(&mut model, 1, 6, 38);
    answer(&mut model, 2, 7, 38);
    let before = model.slider.draft.clone();
    assert_eq!(asked(&news(&mut model, seconds(1.0), lost())), [], "nobody to ask for");
    update(&mut model, seconds(9.0), Msg::Key(KeyEvent::from(KeyCode::Tab)));
    assert_eq!((model.tab, &model.slider.draft), (Tab::Offers, &before));
    assert!(scaled(&press(&mut model, "⏎")).is_empty());
    assert_eq!(notice(&model), "the slider is off: the scheduler does not answer: Connection refused");
    press(&mut model, ">");
    assert_eq!(draft(&model), Some(8), "it can be moved all the same");
    let live = Change::SchedulerLink(Link::Live { since: seconds(10.0) });
    assert_eq!(asked(&news(&mut model, seconds(10.0), live)), [(3, 8)]);
    assert_eq!(scaled(&press(&mut model, "⏎")), [8]);
}

#[test]
fn a_slider_without_a_scheduler_is_off_and_says_so() {
    let mut model = sample::lab();
    model.cluster.scheduler = None;
    let why = "the scheduler is stopped; mesoslab scheduler start".to_owned();
    model.cluster.scheduler_link = Link::Absent { why };
    for keys in [">", "«", "=", "=3", "⏎"] {
        assert!(press(&mut model, keys).is_empty());
        assert_eq!(draft(&model), None, "after {keys}");
    }
    assert_eq!(notice(&model), "the slider is off: the scheduler is stopped; mesoslab scheduler start");
    assert!(mouse(&mut model, MouseEventKind::Down(MouseButton::Left), 20).is_empty());
    assert_eq!(draft(&model), None);
}

#[test]
fn a_read_only_dashboard_looks_and_does_not_scale() {
    let mut model = sample::lab();
    model.read_only = true;
    assert_eq!(asked(&press(&mut model, ">")), [(1, 6)]);
    assert!(scaled(&press(&mut model, "⏎")).is_empty());
    assert_eq!((notice(&model), draft(&model)), ("read-only: nothing is changed", Some(6)));
}

#[test]
fn the_draft_goes_when_it_is_done_and_stays_when_it_was_refused() {
    let mut model = sample::lab();
    press(&mut model, ">⏎");
    let refused = Err("`num_of_node`: too many".to_owned());
    update(&mut model, NOON, Msg::Answer(Answer::Scaled { wanted: 6, result: refused }));
    assert_eq!((notice(&model), draft(&model)), ("`num_of_node`: too many", Some(6)));
    assert_eq!(scaled(&press(&mut model, "⏎>")), [6], "it can be tried again");
    let mut view = model.cluster.scheduler.clone().unwrap().config;
    view.config.num_of_node = 6;
    let done = Answer::Scaled { wanted: 6, result: Ok(Box::new(view)) };
    update(&mut model, NOON, Msg::Answer(done));
    assert_eq!(draft(&model), Some(7), "it is of another number by now");
    assert_eq!(notice(&model), "6 tasks are wanted now");
    press(&mut model, "<⏎");
    assert_eq!((notice(&model), draft(&model)), ("6 tasks are wanted already", None));
}

fn track(model: &Model) -> Rect {
    layout::slider(layout::regions(model.size).unwrap().slider).track
}

/// An event in the row of the track, so many cells from its left end.
fn mouse(model: &mut Model, kind: MouseEventKind, cell: u16) -> Vec<Effect> {
    let track = track(model);
    point(model, kind, track.x + cell, track.y)
}

fn point(model: &mut Model, kind: MouseEventKind, column: u16, row: u16) -> Vec<Effect> {
    let event = MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE };
    let effects = update(model, NOON, Msg::Mouse(event));
    settle(model);
    effects
}

/// With a scale from 0 to 40.
fn with_track() -> (Model, Track) {
    let mut model = sample::lab();
    model.slider.fits = Some(38);
    settle(&mut model);
    let track = Track { end: model.slider.end, cells: track(&model).width };
    assert_eq!(track.end, 40);
    (model, track)
}

const DOWN: MouseEventKind = MouseEventKind::Down(MouseButton::Left);
const DRAG: MouseEventKind = MouseEventKind::Drag(MouseButton::Left);
const UP: MouseEventKind = MouseEventKind::Up(MouseButton::Left);

#[test]
fn a_click_on_the_track_brings_the_handle_there() {
    let (mut model, track) = with_track();
    assert_eq!(asked(&mouse(&mut model, DOWN, track.cell(20))), [(1, 20)]);
    mouse(&mut model, UP, track.cell(20));
    assert_eq!((draft(&model), model.slider.dragging), (Some(20), false));
}

#[test]
fn the_handle_is_dragged_wherever_the_mouse_goes() {
    let (mut model, track) = with_track();
    mouse(&mut model, DOWN, track.cell(5));
    assert_eq!(draft(&model), None, "taking hold of it changes nothing");
    mouse(&mut model, DRAG, track.cell(12));
    assert_eq!(draft(&model), Some(12));
    point(&mut model, DRAG, 99, 25);
    assert_eq!((draft(&model), model.slider.end), (Some(40), 40), "to the end, and the scale stands still");
    point(&mut model, DRAG, 0, 25);
    assert_eq!(draft(&model), Some(0));
    mouse(&mut model, DRAG, track.cell(5));
    mouse(&mut model, UP, track.cell(5));
    assert_eq!(draft(&model), None, "put back where it was");
}

#[test]
fn the_wheel_moves_by_one_over_the_slider_only() {
    let (mut model, _) = with_track();
    mouse(&mut model, MouseEventKind::ScrollUp, 3);
    mouse(&mut model, MouseEventKind::ScrollUp, 3);
    mouse(&mut model, MouseEventKind::ScrollDown, 3);
    assert_eq!(draft(&model), Some(6));
    point(&mut model, MouseEventKind::ScrollUp, 50, 25);
    assert_eq!(draft(&model), Some(6));
}

#[test]
fn the_words_of_the_preview_can_be_clicked() {
    let (mut model, _) = with_track();
    press(&mut model, ">");
    let body = layout::regions(model.size).unwrap().body;
    let buttons = Preview::of(&model, body).unwrap().buttons();
    let [commit, esc] = [&buttons[0].area, &buttons[1].area];
    assert_eq!(scaled(&point(&mut model, DOWN, commit.x + 1, commit.y)), [6]);
    point(&mut model, DOWN, esc.x + 1, esc.y);
    assert_eq!(draft(&model), None);
}

#[test]
fn tabs_and_the_panes_of_the_overview_can_be_clicked() {
    for (width, height) in [(100, 30), (60, 16), (40, 10), (200, 60)] {
        let mut model = sample::lab();
        model.size = Size { width, height };
        let area = layout::regions(model.size).unwrap().tabs;
        for tab in Tab::ALL {
            let labels = crate::tui::view::tabs::labels(area, &model);
            let label = labels.into_iter().find(|label| label.tab == tab).unwrap();
            point(&mut model, DOWN, label.area.x + 1, label.area.y);
            assert_eq!(model.tab, tab, "{width}x{height}");
        }
    }
    let mut model = sample::lab();
    let body = layout::regions(model.size).unwrap().body;
    point(&mut model, DOWN, body.right() - 5, body.y + 1);
    assert_eq!(model.tab, Tab::Agents);
}
