//! What stands at the top of the screen, in all states, and the overview.

use std::time::Duration;

use proptest::prelude::{ProptestConfig, Strategy as _, prop_oneof, proptest};

use crate::{
    cluster::{history::Weight, link::Link},
    mesos::v1::TaskState,
    scheduler::{
        api::Missing,
        forecast::{Forecast, Placed},
    },
    tui::{
        layout,
        model::{Model, Pause, Tab},
        slider::Draft,
        tests::{
            sample::{self, MASTER_ID, NOON, ago},
            screen,
        },
        theme::{NAMES, Theme},
        update::settle,
    },
};

fn placed(number: u64, tasks: u64) -> Placed {
    let agent_id = format!("{MASTER_ID}-S{}", number - 1);
    Placed { agent_id, hostname: format!("agent-{number}"), tasks }
}

fn forecast(wanted: u64) -> Forecast {
    Forecast { wanted, fits: 38, ..Forecast::default() }
}

fn with_draft(wanted: u64, forecast: Forecast) -> Model {
    let mut model = sample::lab();
    model.slider.fits = Some(38);
    model.slider.draft = Some(Draft { wanted, forecast: Some(forecast), ..Draft::default() });
    model
}

fn draft_up() -> Model {
    with_draft(9, Forecast { placed: vec![placed(1, 1), placed(2, 1), placed(3, 2)], ..forecast(9) })
}

fn draft_down() -> Model {
    let ending = (1..5).rev().map(|slot| sample::task(slot, slot as u32, TaskState::TaskRunning).id);
    with_draft(1, Forecast { ending: ending.collect(), ..forecast(1) })
}

fn does_not_fit() -> Model {
    let text = "cpus: wants 0.1, largest agent has 0.05".to_owned();
    let missing = vec![Missing { requirement: "cpus".to_owned(), text }];
    let placed = vec![placed(1, 11), placed(2, 11), placed(3, 11)];
    with_draft(60, Forecast { placed, unplaced: 22, missing, ..forecast(60) })
}

fn typing() -> Model {
    let mut model = with_draft(12, forecast(12));
    model.slider.draft = Some(Draft { wanted: 12, typed: "12".to_owned(), typing: true, forecast: None });
    model
}

/// Half way from 5 to 14 tasks, with some that do not do well.
fn following() -> Model {
    let mut model = sample::lab();
    model.slider.fits = Some(38);
    if let Some(view) = &mut model.cluster.scheduler {
        view.config.config.num_of_node = 14;
        let counts = &mut view.state.counts;
        (counts.wanted, counts.starting, counts.backing_off, counts.unplaced) = (14, 3, 1, 5);
        view.state.summary = "5/14 tasks running, 3 starting, 1 backing off, 5 wait for offers".to_owned();
    }
    model
}

fn lost() -> Model {
    let mut model = draft_up();
    let link = Link::Lost {
        since: ago(12),
        problem: "Connection refused (os error 111)".to_owned(),
        retry_at: NOON + Duration::from_secs(3),
    };
    (model.cluster.master_link, model.cluster.scheduler_link) = (link.clone(), link);
    model
}

fn polling() -> Model {
    let mut model = sample::lab();
    model.slider.fits = Some(38);
    let why = "the master answers 403 to SUBSCRIBE".to_owned();
    model.cluster.master_link = Link::Polling { since: ago(60), every: Duration::from_secs(1), why };
    model
}

fn no_scheduler() -> Model {
    let mut model = sample::lab();
    model.cluster.scheduler = None;
    let why = "the scheduler is stopped; mesoslab scheduler start".to_owned();
    model.cluster.scheduler_link = Link::Absent { why };
    model
}

fn read_only() -> Model {
    let mut model = draft_up();
    model.read_only = true;
    model.pause = Some(Pause { since: ago(7), held: Vec::new() });
    model
}

fn live() -> Model {
    let mut model = sample::lab();
    model.slider.fits = Some(38);
    model
}

fn big() -> Model {
    sample::big(2000)
}

type Build = fn() -> Model;

const STATES: [(&str, Build); 11] = [
    ("nothing known yet", sample::empty),
    ("live", live),
    ("following", following),
    ("a draft of more", draft_up),
    ("a draft of fewer", draft_down),
    ("a draft that does not fit", does_not_fit),
    ("typing", typing),
    ("lost, with a draft", lost),
    ("polling", polling),
    ("no scheduler", no_scheduler),
    ("read-only and paused", read_only),
];

/// Everything down to the tabs, or to the end of the preview.
fn top(model: &mut Model, width: u16, height: u16) -> String {
    model.tab = Tab::Tasks;
    let rows = screen::rows(model, width, height);
    let tabs = usize::from(layout::regions(model.size).unwrap().tabs.y);
    let preview = rows.iter().position(|row| row.starts_with('╰')).filter(|_| model.slider.draft.is_some());
    let end = preview.unwrap_or(tabs);
    let preview = rows[tabs + 1..end.max(tabs + 1)].iter().chain(preview.map(|end| &rows[end]));
    let preview = preview.map(|row| row.chars().take(100).collect());
    rows[..=tabs].iter().cloned().chain(preview).collect::<Vec<_>>().join("\n")
}

fn tops(width: u16, height: u16) -> String {
    let state = |(name, build): (&str, Build)| format!("=== {name}\n{}\n", top(&mut build(), width, height));
    STATES.map(state).join("\n")
}

#[test]
fn the_top_of_the_screen_in_all_states() {
    insta::assert_snapshot!("top_100x30", tops(100, 30));
    insta::assert_snapshot!("top_60x16", tops(60, 16));
    insta::assert_snapshot!("top_200x60", tops(200, 60));
    insta::assert_snapshot!("top_40x10", tops(40, 10));
}

#[test]
fn the_overview() {
    for (name, build) in [
        ("lab", live as Build),
        ("failing", sample::failing),
        ("following", following),
        ("empty", sample::empty),
        ("big", big),
    ] {
        for (width, height) in [(100, 30), (60, 16), (200, 60)] {
            let name = format!("overview_{name}_{width}x{height}");
            let rows = screen::rows(&mut build(), width, height);
            let (_footer, rest) = rows.split_last().unwrap();
            insta::assert_snapshot!(name, rest.join("\n"));
        }
    }
}

/// Everything that is told by a colour is told by a symbol or a word too: without styles no two states look the same.
#[test]
fn states_differ_without_colour() {
    let tops: std::collections::BTreeSet<_> = STATES.map(|(_, build)| top(&mut build(), 100, 30)).into();
    assert_eq!(tops.len(), STATES.len());
}

#[test]
fn text_of_the_cluster_does_not_reach_the_terminal_raw() {
    let mut model = lost();
    model.lab.name = "de\u{1b}[2Jmo".to_owned();
    model.cluster.master.version = "1\u{7}2".to_owned();
    model.notify(Weight::Bad, "\u{1b}]0;title\u{7}");
    let problem = "\u{1b}[31mred\r\n".to_owned();
    model.cluster.scheduler_link = Link::Lost { since: ago(1), problem, retry_at: NOON };
    for tab in Tab::ALL {
        model.tab = tab;
        let screen = screen::text(&mut model, 200, 60);
        assert!(!screen.replace('\n', "").contains(char::is_control), "{screen}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn any_size_can_be_drawn(
        width in prop_oneof![1_u16..=220, 36_u16..=64],
        height in prop_oneof![1_u16..=70, 8_u16..=24],
        state in (0..STATES.len() + 1).prop_map(|at| STATES.get(at).map_or(sample::failing as Build, |s| s.1)),
        tab in 0..Tab::ALL.len(),
        theme in 0..NAMES.len(),
    ) {
        let mut model = state();
        model.tab = Tab::ALL[tab];
        model.theme = Theme::named(NAMES[theme]).unwrap();
        settle(&mut model);
        screen::buffer(&mut model, width, height);
    }
}
