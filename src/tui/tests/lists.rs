//! What keys, the mouse and news do to the tabs with rows.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::Position;

use crate::{
    cluster::{
        Change,
        history::{Happening, Kind, Weight},
    },
    mesos::v1::TaskState,
    tui::{
        layout,
        list::{Line, List},
        message::{Effect, Msg},
        model::{Model, Selected, Tab},
        tests::{
            sample::{self, NOON},
            tabs::body,
        },
        update::{list, settle, update},
        view::table,
    },
};

fn tasks(mut model: Model) -> Model {
    model.tab = Tab::Tasks;
    settle(&mut model);
    model
}

fn press(model: &mut Model, code: KeyCode) {
    update(model, NOON, Msg::Key(KeyEvent::from(code)));
    settle(model);
}

fn keys(model: &mut Model, keys: &str) {
    keys.chars().for_each(|key| press(model, KeyCode::Char(key)));
}

fn filter(model: &mut Model, text: &str) {
    list::filter(model, text);
    settle(model);
}

fn selected(model: &Model) -> String {
    match model.selected() {
        Some(Selected::Task(id)) => id,
        other => panic!("{other:?}"),
    }
}

/// The ids of the tasks that are shown, with the heads of groups between.
fn shown(model: &Model) -> Vec<String> {
    let list = list_of(model);
    let line = |line: &Line| match line {
        Line::Head(group) => {
            let group = &list.groups()[*group as usize];
            format!("{} {}", group.title, group.count)
        }
        Line::Row(key) => {
            use crate::cluster::rows::Rows as _;
            model.cluster.tasks.get(*key).unwrap().id.clone()
        }
    };
    list.lines().iter().map(line).collect()
}

fn list_of(model: &Model) -> &List {
    model.list().unwrap()
}

fn put(model: &mut Model, order: u64, slot: u32, state: TaskState) -> String {
    let task = sample::task(order, slot, state);
    model.cluster.tasks.put(&task.id.clone(), task.clone());
    task.id
}

#[test]
fn the_cursor_stays_on_its_row() {
    let mut model = tasks(sample::lab());
    keys(&mut model, "jj");
    let row = selected(&model);
    assert!(row.starts_with("web.2"), "{row}");
    let first = shown(&model)[0].clone();
    model.cluster.tasks.remove(&first);
    settle(&mut model);
    assert_eq!((selected(&model), list_of(&model).at()), (row.clone(), 1));
    for (order, slot) in [(20, 0), (21, 1)] {
        put(&mut model, order, slot, TaskState::TaskRunning);
    }
    keys(&mut model, "R");
    assert_eq!(selected(&model), row);
    assert_eq!(shown(&model)[list_of(&model).at()], row);
}

#[test]
fn when_its_row_goes_the_cursor_steps_to_a_neighbour() {
    let mut model = tasks(sample::lab());
    keys(&mut model, "jj");
    let before = shown(&model);
    model.cluster.tasks.remove(&before[2]);
    model.cluster.tasks.remove(&before[0]);
    let reused = put(&mut model, 40, 7, TaskState::TaskRunning);
    settle(&mut model);
    assert_eq!(selected(&model), before[3], "the next one");
    assert_ne!(selected(&model), reused, "not the one that got its key");
    keys(&mut model, "G");
    let before = shown(&model);
    model.cluster.tasks.remove(before.last().unwrap());
    settle(&mut model);
    assert_eq!(selected(&model), before[before.len() - 2], "the one before, at the end");
}

#[test]
fn the_cursor_finds_its_row_in_a_new_snapshot() {
    let mut model = tasks(sample::lab());
    keys(&mut model, "jjj");
    let row = selected(&model);
    let mut rows: Vec<_> = model.cluster.tasks.iter().cloned().collect();
    rows.reverse();
    model.cluster.tasks.clear();
    for row in rows {
        model.cluster.tasks.put(&row.id.clone(), row);
    }
    settle(&mut model);
    assert_eq!(selected(&model), row);
}

#[test]
fn rows_that_are_over_stand_last_and_can_be_hidden() {
    let mut model = tasks(sample::lab());
    let failed = shown(&model).pop().unwrap();
    keys(&mut model, "R");
    assert_eq!(shown(&model).pop().unwrap(), failed, "whichever way it is sorted");
    keys(&mut model, "a");
    assert!(!shown(&model).contains(&failed));
    assert_eq!(list_of(&model).counts(), (5, 6));
    keys(&mut model, "a");
    assert_eq!(list_of(&model).counts(), (6, 6));
}

#[test]
fn s_sorts_by_the_columns_that_are_seen() {
    let mut model = tasks(sample::lab());
    let ids = shown(&model);
    keys(&mut model, "s");
    assert_eq!(list_of(&model).sort().column, 3, "name and framework are folded: the state is next");
    keys(&mut model, "ss");
    assert_eq!(shown(&model)[..5], ids[..5], "by age, the newest first");
    keys(&mut model, "R");
    assert_eq!(shown(&model)[..5], [4, 3, 2, 1, 0].map(|at| ids[at].clone()));
}

#[test]
fn tasks_are_grouped_by_state_then_by_agent() {
    let mut model = tasks(sample::failing());
    keys(&mut model, "O");
    let heads =
        |model: &Model| -> Vec<_> { shown(model).into_iter().filter(|l| !l.starts_with("web")).collect() };
    assert_eq!(heads(&model), ["unreachable 1", "staging 1", "running 3", "failed 7"]);
    let all = shown(&model).len();
    assert_eq!(all, 12 + 4);
    keys(&mut model, "g");
    assert_eq!(model.selected(), None, "a head is no task");
    press(&mut model, KeyCode::Enter);
    assert_eq!(shown(&model).len(), all - 1, "folded");
    insta::assert_snapshot!(body(&mut model));
    press(&mut model, KeyCode::Enter);
    assert_eq!(shown(&model).len(), all);
    keys(&mut model, "O");
    assert_eq!(heads(&model)[0], "agent-1 2");
    keys(&mut model, "O");
    assert_eq!(shown(&model).len(), 12);
}

#[test]
fn a_filter_narrows_widens_and_goes() {
    let mut model = tasks(sample::big(300));
    filter(&mut model, "web.29");
    assert_eq!(list_of(&model).counts(), (11, 300));
    filter(&mut model, "web.299");
    assert_eq!(list_of(&model).counts(), (1, 300));
    assert!(selected(&model).starts_with("web.299."));
    filter(&mut model, "web.299(");
    assert_eq!(list_of(&model).counts(), (1, 300), "the one before holds on");
    insta::assert_snapshot!(body(&mut model));
    filter(&mut model, "nothing like it");
    insta::assert_snapshot!(body(&mut model));
    let id = put(&mut model, 900, 900, TaskState::TaskRunning);
    filter(&mut model, "web.900");
    assert_eq!(shown(&model), [id]);
    press(&mut model, KeyCode::Esc);
    assert_eq!(list_of(&model).counts(), (301, 301));
}

#[test]
fn pages_and_ends() {
    let mut model = tasks(sample::big(300));
    let height = list_of(&model).height();
    let place = |model: &Model| (list_of(model).top(), list_of(model).at());
    press(&mut model, KeyCode::PageDown);
    assert_eq!(place(&model), (height - 1, height + 1));
    keys(&mut model, "G");
    assert_eq!(place(&model), (300 - height, 299));
    press(&mut model, KeyCode::PageUp);
    assert_eq!(place(&model), (300 - height - (height - 1), 299 - (height - 1) - 2));
    press(&mut model, KeyCode::Home);
    assert_eq!(place(&model), (0, 0));
    update(&mut model, NOON, Msg::Key(KeyEvent::new(KeyCode::Char('d'), KeyModifiers::CONTROL)));
    assert_eq!(list_of(&model).top(), height - 1);
}

fn happen(model: &mut Model) {
    let happening = Happening {
        at: NOON,
        kind: Kind::User,
        weight: Weight::Info,
        subject: "web".to_owned(),
        text: "one more".to_owned(),
    };
    update(model, NOON, Msg::Changes(vec![Change::Happened(happening)]));
    settle(model);
}

#[test]
fn events_follow_until_one_scrolls_up() {
    let mut model = sample::lab();
    model.tab = Tab::Events;
    settle(&mut model);
    (0..50).for_each(|_| happen(&mut model));
    let at_end = |model: &Model| list_of(model).at() + 1 == list_of(model).lines().len();
    assert!(at_end(&model) && list_of(&model).follows());
    keys(&mut model, "k");
    let place = (list_of(&model).at(), list_of(&model).top());
    happen(&mut model);
    assert_eq!((list_of(&model).at(), list_of(&model).top()), place, "it stays");
    keys(&mut model, "f");
    assert!(at_end(&model));
    happen(&mut model);
    assert!(at_end(&model));
    keys(&mut model, "f");
    happen(&mut model);
    assert!(!at_end(&model));
    keys(&mut model, "G");
    happen(&mut model);
    assert!(at_end(&model), "back at the end it follows again");
}

fn areas(model: &Model) -> table::Areas {
    table::areas(layout::regions(model.size).unwrap().body)
}

fn mouse(model: &mut Model, kind: MouseEventKind, at: Position) -> Vec<Effect> {
    let event = MouseEvent { kind, column: at.x, row: at.y, modifiers: KeyModifiers::NONE };
    let effects = update(model, NOON, Msg::Mouse(event));
    settle(model);
    effects
}

fn click(model: &mut Model, at: Position) {
    mouse(model, MouseEventKind::Down(MouseButton::Left), at);
    mouse(model, MouseEventKind::Up(MouseButton::Left), at);
}

#[test]
fn the_mouse_selects_rolls_sorts_and_drags() {
    let mut model = tasks(sample::big(300));
    let areas = areas(&model);
    let row = |at: u16| Position::new(areas.rows.x + 5, areas.rows.y + at);
    click(&mut model, row(4));
    assert_eq!(list_of(&model).at(), 4);
    assert!(model.layers.is_empty());
    click(&mut model, row(4));
    assert_eq!(model.layers.len(), 1, "what is selected already is opened");
    press(&mut model, KeyCode::Esc);
    mouse(&mut model, MouseEventKind::ScrollDown, row(0));
    assert_eq!((list_of(&model).top(), list_of(&model).at()), (3, 5), "the cursor is kept in sight");
    mouse(&mut model, MouseEventKind::ScrollUp, row(0));
    assert_eq!(list_of(&model).top(), 0);
    let end = Position::new(areas.bar.x, areas.bar.bottom() - 1);
    mouse(&mut model, MouseEventKind::Down(MouseButton::Left), Position::new(areas.bar.x, areas.bar.y));
    mouse(&mut model, MouseEventKind::Drag(MouseButton::Left), Position::new(0, end.y));
    assert_eq!(list_of(&model).top(), 300 - list_of(&model).height());
    mouse(&mut model, MouseEventKind::Up(MouseButton::Left), end);
    mouse(&mut model, MouseEventKind::Drag(MouseButton::Left), Position::new(0, areas.bar.y));
    assert_eq!(list_of(&model).top(), 300 - list_of(&model).height(), "it was let go");
    let head = Position::new(areas.cells_x(), areas.head.y);
    click(&mut model, head);
    assert!(list_of(&model).sort().reverse);
    assert_eq!(selected(&model), shown(&model)[list_of(&model).at()]);
}

#[test]
fn text_that_a_terminal_would_obey_is_shown_harmless() {
    let mut model = tasks(sample::lab());
    let mut task = sample::task(30, 9, TaskState::TaskRunning);
    task.id = "nasty\u{1b}[2J\u{202e}.中文的名字很长很长很长很长很长很长很长很长".to_owned();
    task.message = format!("line\nline\u{7} {}", "x".repeat(100_000));
    model.cluster.tasks.put("nasty", task);
    insta::assert_snapshot!(body(&mut model));
}
