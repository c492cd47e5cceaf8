//! What keys, the mouse, answers and time do to layers.

use std::time::Duration;

use bytes::Bytes;
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::{Position, Size};

use crate::{
    cluster::history::Weight,
    mesos::time::Time,
    scheduler::api::Explain,
    tui::{
        keys::tests::STACKS,
        layer::{Layer, place},
        layout,
        message::{Answer, Effect, LogNews, Msg, PIECE},
        model::{Model, Selected, Tab},
        tests::{
            layers::{RUNNING, detail, explanation, keys, logged, rich},
            sample::{self, MASTER_ID, NOON},
        },
        update::{next_tick, scopes, settle, update},
    },
};

fn later(seconds: f64) -> Time {
    NOON + Duration::from_secs_f64(seconds)
}

fn said(model: &Model) -> &str {
    model.notice.as_ref().map_or("", |notice| &notice.text)
}

fn kinds(model: &Model) -> Vec<&'static str> {
    let kind = |layer: &Layer| match layer {
        Layer::Detail(_) => "detail",
        Layer::Log(_) => "log",
        Layer::Explain(_) => "explain",
        Layer::Help(_) => "help",
        Layer::Question(_) => "question",
        Layer::Prompt(_) => "prompt",
    };
    model.layers.iter().map(kind).collect()
}

fn log(model: &Model) -> &crate::tui::layer::log::Log {
    let logs = model.layers.iter().find_map(|layer| match layer {
        Layer::Log(log) => Some(log),
        _ => None,
    });
    logs.unwrap()
}

/// A lab with the cursor on its first task.
fn tasks() -> Model {
    let mut model = rich();
    model.size = Size::new(100, 30);
    keys(&mut model, "3");
    settle(&mut model);
    keys(&mut model, ":filter web.0⏎");
    settle(&mut model);
    assert_eq!(model.selected(), Some(Selected::Task(RUNNING.to_owned())));
    model
}

#[test]
fn keys_are_looked_up_in_the_stacks_that_the_table_is_held_to() {
    let mut model = rich();
    let openers = [
        ("", "1"),
        ("", "3"),
        ("", "7"),
        (":", ""),
        ("?", ""),
        ("e", ""),
        (":kill web.0.1a2b⏎", ""),
        (":log web.0.1a2b⏎", ""),
    ];
    let mut seen = Vec::new();
    for (open, tab) in openers {
        keys(&mut model, tab);
        keys(&mut model, open);
        seen.push(scopes(&model));
        model.layers.clear();
    }
    detail(&mut model, Selected::Task(RUNNING.to_owned()));
    seen.push(scopes(&model));
    for stack in seen {
        assert!(STACKS.contains(&stack.as_slice()), "{stack:?}");
    }
}

#[test]
fn details_open_one_another_and_go_back() {
    let mut model = tasks();
    keys(&mut model, "⏎");
    settle(&mut model);
    let title = |model: &Model| match model.layers.last() {
        Some(Layer::Detail(detail)) => detail.title.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(title(&model), "task web.0.1a2b");
    keys(&mut model, "jjjjjj⏎");
    assert_eq!(title(&model), "agent agent-1");
    keys(&mut model, "G⏎");
    assert!(title(&model).starts_with("task web."), "the last line of an agent is one of its tasks");
    assert_eq!(kinds(&model).len(), 3);
    keys(&mut model, "q⎋q");
    assert_eq!(kinds(&model), Vec::<&str>::new());
    assert!(keys(&mut model, "⎋").is_empty(), "Esc never quits");
}

#[test]
fn a_detail_follows_its_subject_and_keeps_it_when_it_goes() {
    let mut model = tasks();
    keys(&mut model, "⏎");
    let state = |model: &mut Model| {
        settle(model);
        let Some(Layer::Detail(detail)) = model.layers.last() else { panic!() };
        let state = detail.entries.iter().find(|entry| entry.name == "state").unwrap();
        (state.text.clone(), detail.gone)
    };
    assert_eq!(state(&mut model), ("● running for 1m00s".to_owned(), None));
    let mut task = model.cluster.tasks.find(RUNNING).unwrap().clone();
    update(&mut model, later(5.0), Msg::Tick);
    assert_eq!(state(&mut model).0, "● running for 1m05s");
    model.cluster.tasks.remove(RUNNING);
    update(&mut model, later(9.0), Msg::Tick);
    assert_eq!(state(&mut model), ("● running for 1m05s".to_owned(), Some(later(9.0))));
    task.state = crate::mesos::v1::TaskState::TaskKilling;
    model.cluster.tasks.put(RUNNING, task);
    assert_eq!(state(&mut model), ("◑ killing for 1m09s".to_owned(), None));
}

#[test]
fn a_kill_is_asked_for_and_done_on_yes_only() {
    let mut model = tasks();
    for no in ["n", "⎋", "q"] {
        assert!(keys(&mut model, "x").is_empty());
        assert_eq!(kinds(&model), ["question"]);
        assert!(keys(&mut model, no).is_empty() && model.layers.is_empty());
    }
    assert!(keys(&mut model, "x3? \u{1b}⏎").is_empty(), "no other key answers");
    assert!(matches!(&keys(&mut model, "y")[..], [Effect::Kill(id)] if id == RUNNING));
    assert!(model.layers.is_empty());
    update(&mut model, NOON, Msg::Answer(Answer::Killed { task: RUNNING.to_owned(), result: Ok(()) }));
    assert_eq!(said(&model), "task web.0.1a2b gets TERM, then KILL; its place is filled again");
    let result = Err("nothing answers".to_owned());
    update(&mut model, NOON, Msg::Answer(Answer::Killed { task: RUNNING.to_owned(), result }));
    assert_eq!(said(&model), "task web.0.1a2b was not killed: nothing answers");
}

#[test]
fn a_shell_is_opened_in_a_living_task_and_says_why_when_it_is_not() {
    let mut model = tasks();
    let opened = keys(&mut model, "o");
    let [Effect::Shell(shell)] = &opened[..] else { panic!("{opened:?}") };
    assert_eq!(shell.task_id, RUNNING);
    assert!(shell.agent.starts_with("http://"), "{}", shell.agent);
    keys(&mut model, "⏎");
    assert!(matches!(&keys(&mut model, "o")[..], [Effect::Shell(shell)] if shell.task_id == RUNNING));
    let answer = |result| Msg::Answer(Answer::Shell { task: RUNNING.to_owned(), result });
    update(&mut model, NOON, answer(Err("it has no container yet".to_owned())));
    assert_eq!(said(&model), "no shell in task web.0.1a2b: it has no container yet");
    update(&mut model, NOON, answer(Ok(3)));
    assert_eq!(said(&model), "the shell in task web.0.1a2b ended with 3");
    let mut over = model.cluster.tasks.find(RUNNING).unwrap().clone();
    over.state = crate::mesos::v1::TaskState::TaskKilled;
    model.cluster.tasks.put(RUNNING, over);
    assert!(keys(&mut model, "o").is_empty());
    assert_eq!(said(&model), "task web.0.1a2b has ended, and its container with it");
    model.read_only = true;
    assert!(keys(&mut model, "o").is_empty());
    assert_eq!(said(&model), "read-only: no shell is opened");
}

#[test]
fn only_living_tasks_of_ours_can_be_killed_and_none_read_only() {
    let mut model = tasks();
    let other = sample::task(90, 1, crate::mesos::v1::TaskState::TaskRunning);
    let other = crate::cluster::task::Task {
        ours: None,
        framework: "marathon".into(),
        id: "other".to_owned(),
        ..other
    };
    model.cluster.tasks.put("other", other);
    let table = [
        ("other", "task other is marathon's, not ours: only its own scheduler can kill it"),
        ("web.9", "there is no task web.9"),
        ("web.2.9d02", "task web.2.9d02 has ended already"),
    ];
    for (id, why) in table {
        keys(&mut model, &format!(":kill {id}⏎"));
        assert_eq!((said(&model), model.layers.len()), (why, 0));
    }
    keys(&mut model, "1:kill⏎");
    assert_eq!(said(&model), "no task is chosen: :kill TASK names one");
    model.read_only = true;
    keys(&mut model, "3:kill web.0.1a2b⏎");
    assert_eq!((said(&model), model.layers.len()), ("read-only: nothing is changed", 0));
}

#[test]
fn commands_do_what_they_say() {
    let mut model = tasks();
    assert!(matches!(keys(&mut model, ":q⏎")[..], [Effect::Quit]));
    assert!(matches!(keys(&mut model, ":scale 7⏎")[..], [Effect::Scale(7), ..]));
    assert!(matches!(keys(&mut model, ":save⏎")[..], [Effect::Save]));
    keys(&mut model, ":events⏎");
    assert_eq!(model.tab, Tab::Events);
    keys(&mut model, ":theme mono⏎");
    assert_eq!(model.theme.name, "mono");
    keys(&mut model, ":theme pink⏎");
    assert_eq!(said(&model), "there is no theme `pink`; there are dark, light, contrast, mono");
    keys(&mut model, ":pause⏎");
    assert!(model.pause.is_some());
    keys(&mut model, ":taks⏎");
    assert_eq!(said(&model), "there is no command :taks; did you mean :tasks?");
    keys(&mut model, ":↑↑⏎");
    assert!(model.pause.is_none(), "pause is the command before the last");
}

#[test]
fn rows_are_sorted_and_grouped_by_name() {
    let mut model = tasks();
    keys(&mut model, ":sort age⏎");
    let sorted = model.lists.tasks.sort();
    keys(&mut model, ":sort age⏎");
    let again = model.lists.tasks.sort();
    assert_eq!((again.column, again.reverse), (sorted.column, !sorted.reverse));
    keys(&mut model, ":sort stat⏎");
    assert_ne!(model.lists.tasks.sort().column, sorted.column);
    keys(&mut model, ":sort agee⏎");
    assert_eq!(said(&model), "there is no column agee; did you mean age?");
    keys(&mut model, "1:group agent⏎");
    assert_eq!((model.tab, model.lists.tasks.grouping().is_some()), (Tab::Tasks, true));
    keys(&mut model, ":group none⏎");
    assert_eq!(model.lists.tasks.grouping(), None);
    keys(&mut model, ":group colour⏎");
    assert!(said(&model).starts_with("there is no grouping colour"), "{}", said(&model));
}

#[test]
fn a_prompt_gets_all_keys_as_they_are() {
    let mut model = tasks();
    keys(&mut model, ":q?1 x");
    let Some(Layer::Prompt(prompt)) = model.layers.last() else { panic!() };
    assert_eq!(prompt.line.text(), "q?1 x");
    update(&mut model, NOON, Msg::Paste("yz\nnext".to_owned()));
    let Some(Layer::Prompt(prompt)) = model.layers.last() else { panic!() };
    assert_eq!(prompt.line.text(), "q?1 xyz next");
    let quit = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
    assert!(matches!(update(&mut model, NOON, Msg::Key(quit))[..], [Effect::Quit]));
    keys(&mut model, "⎋:⌫");
    assert!(model.layers.is_empty(), "Backspace in an empty line leaves it");
}

#[test]
fn a_filter_holds_while_it_is_typed_and_escape_brings_the_old_one_back() {
    let mut model = tasks();
    let filter = |model: &Model| model.lists.tasks.filter().text().to_owned();
    keys(&mut model, "/⌫⌫⌫fail");
    assert_eq!(filter(&model), "wefail");
    keys(&mut model, "⎋");
    assert_eq!(filter(&model), "web.0");
    keys(&mut model, "/x⏎");
    assert_eq!((filter(&model), model.layers.len()), ("web.0x".to_owned(), 0));
    keys(&mut model, "⎋");
    assert_eq!(filter(&model), "");
    keys(&mut model, ":filter run⏎");
    assert_eq!(filter(&model), "run");
    keys(&mut model, "1:filter x⏎");
    assert_eq!(said(&model), "there are no rows here to filter");
}

#[test]
fn an_explanation_is_asked_for_again_when_it_is_old_or_the_scheduler_has_changed() {
    let mut model = rich();
    let asks = |model: &mut Model, seconds: f64| {
        let effects = update(model, later(seconds), Msg::Tick);
        effects.iter().filter(|effect| matches!(effect, Effect::Explain)).count()
    };
    let answer = |model: &mut Model, seconds: f64, answer: Result<Box<Explain>, String>| {
        update(model, later(seconds), Msg::Answer(Answer::Explain(answer)));
    };
    keys(&mut model, "e");
    assert_eq!(asks(&mut model, 3.0), 0, "one question at a time");
    answer(&mut model, 3.0, Ok(explanation()));
    assert!(next_tick(&model).unwrap() <= later(3.0), "it is due");
    assert_eq!(asks(&mut model, 3.1), 1);
    answer(&mut model, 3.2, Err("the scheduler is stopped".to_owned()));
    assert_eq!(asks(&mut model, 4.0), 0);
    model.cluster.scheduler.as_mut().unwrap().state.counts.unplaced += 1;
    assert_eq!(asks(&mut model, 4.1), 1, "the scheduler has changed");
    assert_eq!(asks(&mut model, 50.0), 1, "an answer that does not come is not waited for");
    let Some(Layer::Explain(explanation)) = model.layers.last() else { panic!() };
    assert!(explanation.explain.is_some() && explanation.problem.is_some(), "the last answer stays");
    keys(&mut model, "q");
    assert_eq!(asks(&mut model, 99.0), 0);
}

fn news(model: &mut Model, number: u64, news: LogNews) -> Vec<Effect> {
    update(model, NOON, Msg::Answer(Answer::Log { number, news }))
}

#[test]
fn a_log_takes_the_answers_to_its_own_questions_only() {
    let mut model = tasks();
    let opened = keys(&mut model, "l");
    let [Effect::OpenLog(file)] = &opened[..] else { panic!("{opened:?}") };
    let sandbox = format!("/frameworks/{}/executors/{RUNNING}/runs/latest", sample::framework_id());
    assert_eq!(
        (file.agent.as_str(), file.path.clone()),
        ("http://127.0.0.1:5051", format!("{sandbox}/stdout"))
    );
    news(&mut model, file.number, LogNews::Tail { offset: 0, data: Bytes::from_static(b"out\n") });
    let opened = keys(&mut model, "⇥");
    let [Effect::OpenLog(file)] = &opened[..] else { panic!("{opened:?}") };
    assert_eq!(file.path, format!("{sandbox}/stderr"));
    news(&mut model, file.number - 1, LogNews::More(Bytes::from_static(b"late\n")));
    assert!(log(&model).buffer.is_empty());
    news(&mut model, file.number, LogNews::Tail { offset: 0, data: Bytes::from_static(b"err\n") });
    assert_eq!(log(&model).buffer.get(0), Some("err"));
    assert!(matches!(keys(&mut model, "q")[..], [Effect::CloseLog]));
    news(&mut model, file.number, LogNews::More(Bytes::from_static(b"too late\n")));
    assert!(model.layers.is_empty());
}

#[test]
fn what_came_before_is_loaded_when_it_is_scrolled_to() {
    let mut model = rich();
    logged(&mut model, &"line\n".repeat(100), 2 * PIECE + 10);
    settle(&mut model);
    assert!(keys(&mut model, "k").is_empty(), "there are lines above in memory");
    let asked = keys(&mut model, "g");
    assert!(matches!(asked[..], [Effect::LogBefore { offset }] if offset == 2 * PIECE + 10), "{asked:?}");
    assert!(keys(&mut model, "k").is_empty(), "it is asked for once");
    keys(&mut model, "g");
    let before = |offset, length| LogNews::Before { offset, data: Bytes::from(vec![b'\n'; length as usize]) };
    let asked = news(&mut model, 1, before(PIECE + 10, PIECE));
    assert!(matches!(asked[..], [Effect::LogBefore { .. }]), "it goes on to the begin: {asked:?}");
    let asked = news(&mut model, 1, before(10, PIECE));
    assert!(matches!(asked[..], [Effect::LogBefore { offset: 10 }]), "{asked:?}");
    assert!(news(&mut model, 1, before(0, 10)).is_empty());
    assert_eq!(log(&model).buffer.offset(), 0);
    assert!(keys(&mut model, "gk").is_empty());
}

#[test]
fn a_log_follows_its_agent_and_says_when_it_is_gone() {
    let mut model = rich();
    logged(&mut model, "one\n", 0);
    let agent_id = format!("{MASTER_ID}-S0");
    model.cluster.agents.find_mut(&agent_id).unwrap().url = "http://127.0.0.1:6051".to_owned();
    let effects = update(&mut model, NOON, Msg::Changes(Vec::new()));
    let opened: Vec<_> = effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::OpenLog(file) => Some((file.agent.as_str(), file.number)),
            _ => None,
        })
        .collect();
    assert_eq!(opened, [("http://127.0.0.1:6051", 2)]);
    let effects = update(&mut model, NOON, Msg::Changes(Vec::new()));
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::OpenLog(_))));
    news(&mut model, 2, LogNews::Failed("nothing answers at http://127.0.0.1:6051".to_owned()));
    let words = |model: &Model| log(model).words(&model.cluster).unwrap().1;
    assert_eq!(words(&model), "nothing answers at http://127.0.0.1:6051; trying again");
    model.cluster.agents.remove(&agent_id);
    assert_eq!(words(&model), "its agent is gone, and its sandbox with it");
    keys(&mut model, "q:log web.0.1a2b⏎");
    assert_eq!(said(&model), "the agent of task web.0.1a2b is gone, and its sandbox with it");
}

#[test]
fn there_is_one_log_at_a_time() {
    let mut model = rich();
    logged(&mut model, "one\n", 0);
    keys(&mut model, ":log web.1.3456⏎");
    assert_eq!((kinds(&model), log(&model).task.as_str()), (vec!["log"], "web.1.3456"));
    keys(&mut model, "?");
    assert_eq!(kinds(&model), ["log", "help"]);
    let effects = keys(&mut model, ":tasks⏎");
    assert!(matches!(effects[..], [Effect::CloseLog]) && model.layers.is_empty());
}

#[test]
fn a_search_goes_along_while_it_is_typed() {
    let mut model = rich();
    logged(&mut model, "one\ntwo\nthree\ntwo\n", 0);
    settle(&mut model);
    keys(&mut model, "/two");
    let count = |model: &Model| log(model).search.as_ref().map(|search| search.count(log(model).window.mark));
    assert_eq!(count(&model).as_deref(), Some("match 1 of 2"));
    keys(&mut model, "⏎n");
    assert_eq!(count(&model).as_deref(), Some("match 2 of 2"));
    keys(&mut model, "n");
    assert_eq!(count(&model).as_deref(), Some("match 1 of 2"), "round and round");
    keys(&mut model, "N");
    assert_eq!(count(&model).as_deref(), Some("match 2 of 2"));
    news(&mut model, 1, LogNews::More(Bytes::from_static(b"and two more\n")));
    assert_eq!(count(&model).as_deref(), Some("match 2 of 3"));
    keys(&mut model, "/x⎋");
    assert_eq!(count(&model).as_deref(), Some("match 1 of 3"), "Escape brings the old search back");
    keys(&mut model, "/⌫⌫⌫⏎n");
    assert_eq!((count(&model), said(&model)), (None, "nothing is searched for: / begins"));
}

#[test]
fn ids_are_copied_and_notices_go_away() {
    let mut model = tasks();
    assert!(matches!(&keys(&mut model, "y")[..], [Effect::Copy(id)] if id == RUNNING));
    assert_eq!(said(&model), "copied web.0.1a2b");
    let until = model.notice.as_ref().unwrap().until;
    assert!(next_tick(&model).unwrap() <= until);
    update(&mut model, until, Msg::Tick);
    assert_eq!(said(&model), "");
    keys(&mut model, "7");
    settle(&mut model);
    assert!(matches!(&keys(&mut model, "gy")[..], [Effect::Copy(text)] if text.contains("connected")));
    update(&mut model, NOON, Msg::Answer(Answer::Saved(Ok("screen.txt".to_owned()))));
    assert_eq!((said(&model), model.notice.as_ref().unwrap().weight), ("saved to screen.txt", Weight::Good));
    update(&mut model, NOON, Msg::Answer(Answer::Saved(Err("no space".to_owned()))));
    assert_eq!(said(&model), "not saved: no space");
}

fn mouse(model: &mut Model, kind: MouseEventKind, at: Position) -> Vec<Effect> {
    let event = MouseEvent { kind, column: at.x, row: at.y, modifiers: KeyModifiers::NONE };
    let effects = update(model, NOON, Msg::Mouse(event));
    settle(model);
    effects
}

fn click(model: &mut Model, x: u16, y: u16) -> Vec<Effect> {
    mouse(model, MouseEventKind::Down(MouseButton::Left), Position::new(x, y))
}

#[test]
fn a_click_outside_closes_and_reaches_what_it_points_at() {
    let mut model = tasks();
    let regions = layout::regions(model.size).unwrap();
    keys(&mut model, "⏎");
    click(&mut model, 2, regions.tabs.y);
    assert_eq!((kinds(&model).len(), model.tab), (0, Tab::Overview));
    model.size = Size::new(200, 60);
    keys(&mut model, "3?");
    click(&mut model, 0, regions.tabs.y);
    assert!(model.layers.is_empty());
    model.size = Size::new(100, 30);
    keys(&mut model, "x");
    click(&mut model, 0, 0);
    assert!(model.layers.is_empty());
    keys(&mut model, "/zzz");
    click(&mut model, 5, regions.body.y + 2);
    assert_eq!((model.layers.len(), model.lists.tasks.filter().text()), (0, "web.0"));
}

#[test]
fn a_question_is_answered_with_the_mouse() {
    let mut model = tasks();
    let button = |model: &Model, number: usize| {
        let area = place::area(model.size, model.layers.last().unwrap()).unwrap();
        place::buttons(area)[number].0.as_position()
    };
    keys(&mut model, "x");
    let no = button(&model, 1);
    assert!(click(&mut model, no.x, no.y).is_empty() && model.layers.is_empty());
    keys(&mut model, "x");
    let yes = button(&model, 0);
    assert!(matches!(click(&mut model, yes.x, yes.y)[..], [Effect::Kill(_)]));
}

#[test]
fn a_candidate_is_taken_by_a_click() {
    let mut model = tasks();
    keys(&mut model, ":kill w");
    let area = place::area(model.size, model.layers.last().unwrap()).unwrap();
    click(&mut model, 4, area.y + 1);
    let Some(Layer::Prompt(prompt)) = model.layers.last() else { panic!() };
    assert_eq!(prompt.line.text(), "kill web.1.3456");
}

#[test]
fn keys_in_the_footer_are_pressed_by_a_click_and_a_notice_is_taken_away() {
    let mut model = tasks();
    let y = model.size.height - 1;
    model.notify(Weight::Info, "something");
    click(&mut model, 0, y);
    assert_eq!((said(&model), model.layers.len()), ("", 0));
    assert!(matches!(click(&mut model, 0, y)[..], [Effect::OpenLog(_)]), "`l log` stands first");
    click(&mut model, 0, y);
    assert!(!log(&model).window.follow, "`f follow` stands first");
}

#[test]
fn the_wheel_scrolls_and_a_second_click_opens() {
    let mut model = tasks();
    model.size = Size::new(60, 16);
    keys(&mut model, "⏎");
    settle(&mut model);
    let body = layout::regions(model.size).unwrap().body;
    let inside = Position::new(body.x + 5, body.y + 2);
    mouse(&mut model, MouseEventKind::ScrollDown, inside);
    let Some(Layer::Detail(detail)) = model.layers.last() else { panic!() };
    assert_eq!(detail.top, 3);
    mouse(&mut model, MouseEventKind::ScrollUp, inside);
    let agent = body.y + 1 + 6;
    click(&mut model, 5, agent);
    assert_eq!(kinds(&model), ["detail"]);
    click(&mut model, 5, agent);
    assert_eq!(kinds(&model), ["detail", "detail"]);
    keys(&mut model, "qq?");
    let before = kinds(&model);
    mouse(&mut model, MouseEventKind::ScrollDown, inside);
    let Some(Layer::Help(help)) = model.layers.last() else { panic!("{before:?}") };
    assert_eq!(help.top, 3);
    keys(&mut model, "G");
    let Some(Layer::Help(help)) = model.layers.last() else { panic!() };
    assert!(help.top > 50);
}

/// Whatever is pressed, whatever the size: nothing panics, on a screen of any size.
mod storm {
    use proptest::prelude::*;

    use super::*;
    use crate::tui::picture;

    const KEYS: &str = "123jkgG?:/exlyoswnNfq⏎⎋⇥↑↓⌫ t aR";

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn any_keys_on_any_screen(
            pressed in proptest::collection::vec(any::<prop::sample::Index>(), 0..60),
            width in 1_u16..130,
            height in 1_u16..40,
        ) {
            let all: Vec<char> = KEYS.chars().collect();
            let mut model = rich();
            update(&mut model, NOON, Msg::Resize(Size::new(width, height)));
            for index in pressed {
                keys(&mut model, &index.get(&all).to_string());
                if model.logs > 0 {
                    let data = Bytes::from_static("two\n\x1b[1mthree 漢字\n".as_bytes());
                    let number = model.logs;
                    news(&mut model, number, LogNews::More(data));
                }
                settle(&mut model);
                picture::of(&model);
            }
        }
    }
}
