//! Every layer, question and prompt as it looks, on a large and on a small screen.

use std::time::Duration;

use bytes::Bytes;
use crossterm::event::{KeyCode, KeyEvent};
use insta::assert_snapshot;
use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect, Size},
};

use crate::{
    cluster::{
        history::Weight,
        task::{More, Status},
    },
    mesos::{
        resources::Resources,
        v1::{TaskState, task_status},
    },
    scheduler::api::{AgentRefusal, Explain, Missing, OfferView, SlotWait, Verdict},
    tui::{
        layer::{Layer, detail::Detail, place},
        message::{Answer, Effect, LogNews, Msg},
        model::{Model, Selected, Tab},
        picture,
        tests::sample::{self, NOON, ago},
        update::{settle, update},
    },
};

const SIZES: [Size; 2] = [Size::new(100, 30), Size::new(60, 16)];

/// The layer and the footer, at each of the sizes.
fn seen(model: &mut Model) -> String {
    SIZES.map(|size| seen_at(model, size)).concat()
}

fn seen_at(model: &mut Model, size: Size) -> String {
    update(model, NOON, Msg::Resize(size));
    settle(model);
    let mut screen = picture::of(model);
    let footer = picture::text(&screen).lines().last().unwrap().to_owned();
    let area = model.layers.last().map(|layer| place::area(size, layer).unwrap());
    if let Some(area) = area {
        let cells = area.positions().map(|at| screen[at].clone()).collect();
        screen = Buffer { area: Rect::from((Position::ORIGIN, area.as_size())), content: cells };
    }
    let layer = if area.is_some() { picture::text(&screen) } else { String::new() };
    format!("{}x{}\n{layer}---\n{footer}\n", size.width, size.height)
}

pub fn keys(model: &mut Model, keys: &str) -> Vec<Effect> {
    let press = |key: char| match key {
        '⏎' => KeyCode::Enter,
        '⎋' => KeyCode::Esc,
        '⇥' => KeyCode::Tab,
        '↑' => KeyCode::Up,
        '↓' => KeyCode::Down,
        '⌫' => KeyCode::Backspace,
        other => KeyCode::Char(other),
    };
    let events = keys.chars().map(press).map(KeyEvent::from);
    events.flat_map(|event| update(model, NOON, Msg::Key(event))).collect()
}

pub fn detail(model: &mut Model, subject: Selected) {
    let detail = Detail::open(subject, &model.cluster, NOON).unwrap();
    model.layers.push(Layer::Detail(Box::new(detail)));
}

pub const RUNNING: &str = "web.0.1a2b";

/// A lab whose first task has all that a task can have.
pub fn rich() -> Model {
    let mut model = sample::lab();
    let task = model.cluster.tasks.find_mut(RUNNING).unwrap();
    task.more = More {
        ports: "31000-31001".to_owned(),
        labels: vec![
            ("tier".to_owned(), "front".to_owned()),
            ("owner".to_owned(), "\u{1b}[31mred team".to_owned()),
        ],
        user: Some("nobody".to_owned()),
        container_id: Some("5f3f1f70-2f0e-4d8e-9b0a-6f1f8f3f2c11".to_owned()),
        addresses: vec!["127.0.0.1".to_owned()],
        container: Some("docker nginx:1.27".to_owned()),
        discovery: Some("web".to_owned()),
        ..More::default()
    };
    let status = |seconds, state, message: &str| Status {
        at: Some(ago(seconds)),
        state,
        reason: None,
        source: Some(task_status::Source::Executor),
        message: message.to_owned(),
        healthy: None,
    };
    task.history = vec![
        status(63, TaskState::TaskStaging, ""),
        status(62, TaskState::TaskStarting, "pulling nginx:1.27, which may take a while the first time"),
        status(60, TaskState::TaskRunning, ""),
    ];
    let agent = model.cluster.agents.find_mut(&format!("{}-S0", sample::MASTER_ID)).unwrap();
    agent.total_resources =
        Resources::parse("cpus:3;mem:3072;disk:10240;cpus(db):1;mem(db):1024", "*").unwrap().to_protos();
    agent.allocated_resources =
        Resources::parse("cpus:1.5;mem:768", "*").unwrap().allocated("web").to_protos();
    model
}

#[test]
fn detail_of_a_task() {
    let mut model = rich();
    detail(&mut model, Selected::Task(RUNNING.to_owned()));
    assert_snapshot!(seen(&mut model));
}

#[test]
fn detail_of_a_failed_task_that_is_gone() {
    let mut model = rich();
    let failed = failed(&model);
    detail(&mut model, Selected::Task(failed.clone()));
    model.cluster.tasks.remove(&failed);
    update(&mut model, NOON + Duration::from_secs(1), Msg::Tick);
    assert_snapshot!(seen(&mut model));
}

fn failed(model: &Model) -> String {
    let mut tasks = model.cluster.tasks.iter();
    tasks.find(|task| task.state == TaskState::TaskFailed).unwrap().id.clone()
}

#[test]
fn detail_of_an_agent() {
    let mut model = rich();
    detail(&mut model, Selected::Agent(format!("{}-S0", sample::MASTER_ID)));
    assert_snapshot!(seen(&mut model));
}

#[test]
fn detail_of_a_framework() {
    let mut model = rich();
    detail(&mut model, Selected::Framework(sample::framework_id().to_string()));
    assert_snapshot!(seen(&mut model));
}

#[test]
fn detail_of_an_offer() {
    let mut model = rich();
    detail(&mut model, Selected::Offer(format!("{}-O40", sample::MASTER_ID)));
    assert_snapshot!(seen(&mut model));
}

#[test]
fn detail_of_a_component() {
    let mut model = rich();
    detail(&mut model, Selected::Component("agent-1".to_owned()));
    assert_snapshot!(seen(&mut model));
}

#[test]
fn detail_of_an_event() {
    let mut model = rich();
    detail(&mut model, Selected::Event(4));
    assert_snapshot!(seen(&mut model));
}

const LOG: &str = "starting web server on 0.0.0.0:31000\n\
    \x1b[32mINFO\x1b[0m\tlistening\n\
    GET /index.html 200 3 ms user-agent=\"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120\"\n\
    GET /favicon.ico 404 1 ms\n\
    \x1b]0;evil title\x07WARN slow: 漢字 took 1200 ms\n\
    10%\r50%\r100%\n\
    GET /index.html 200 2 ms";

pub fn logged(model: &mut Model, data: &str, offset: u64) {
    keys(model, ":log ");
    for c in RUNNING.chars() {
        keys(model, &c.to_string());
    }
    assert!(matches!(keys(model, "⏎")[..], [Effect::OpenLog(_)]));
    let news = LogNews::Tail { offset, data: Bytes::copy_from_slice(data.as_bytes()) };
    update(model, NOON, Msg::Answer(Answer::Log { number: model.logs, news }));
}

#[test]
fn a_log_with_a_search() {
    let mut model = rich();
    logged(&mut model, LOG, 4096);
    keys(&mut model, "/get⏎n");
    assert_snapshot!(seen(&mut model));
}

#[test]
fn a_log_with_its_lines_in_one_piece() {
    let mut model = rich();
    logged(&mut model, LOG, 0);
    keys(&mut model, "wlg");
    assert_snapshot!(seen(&mut model));
}

#[test]
fn a_log_without_a_sandbox() {
    let mut model = rich();
    model.cluster.tasks.find_mut(RUNNING).unwrap().state = TaskState::TaskStaging;
    logged(&mut model, "", 0);
    update(&mut model, NOON, Msg::Answer(Answer::Log { number: 1, news: LogNews::Missing }));
    assert_snapshot!(seen(&mut model));
}

pub fn explanation() -> Box<Explain> {
    let offer = OfferView {
        id: "O1".to_owned(),
        at: 0.0,
        agent_id: "S1".to_owned(),
        hostname: "agent-1".to_owned(),
        role: "web".to_owned(),
        resources: sample::quantities(3.9, 3328.0),
        verdict: Verdict::Declined,
        reason: "cpus: wants 8, offer has 3.9".to_owned(),
        tasks: Vec::new(),
        refuse_seconds: 5.0,
    };
    Box::new(Explain {
        summary: "3/5 tasks running, 2 without an offer: cpus: wants 8, largest offer has 3.9".to_owned(),
        unplaced: 2,
        wants: sample::quantities(8.0, 128.0),
        missing: vec![Missing {
            requirement: "cpus".to_owned(),
            text: "cpus: wants 8, largest offer has 3.9".to_owned(),
        }],
        constraints: vec![AgentRefusal {
            agent_id: "S2".to_owned(),
            hostname: "agent-2".to_owned(),
            text: "rack: wants one of a, b; has c".to_owned(),
        }],
        backing_off: vec![SlotWait {
            slot: 2,
            failures: 3,
            seconds: 7.5,
            last_message: Some("Command exited with status 1".to_owned()),
        }],
        offers: vec![offer],
    })
}

#[test]
fn an_explanation() {
    let mut model = rich();
    assert!(matches!(keys(&mut model, "e")[..], [Effect::Explain]));
    update(&mut model, NOON, Msg::Answer(Answer::Explain(Ok(explanation()))));
    assert_snapshot!(seen(&mut model));
}

#[test]
fn an_explanation_that_did_not_come() {
    let mut model = rich();
    keys(&mut model, "e");
    let problem = "the scheduler is stopped; mesoslab scheduler start".to_owned();
    update(&mut model, NOON, Msg::Answer(Answer::Explain(Err(problem))));
    assert_snapshot!(seen(&mut model));
}

#[test]
fn the_help() {
    let mut model = rich();
    keys(&mut model, "?");
    assert_snapshot!(seen(&mut model));
    assert_snapshot!(seen_at(&mut model, Size::new(200, 60)));
}

#[test]
fn a_question() {
    let mut model = rich();
    keys(&mut model, ":kill web.0.1a2b⏎");
    assert_snapshot!(seen(&mut model));
}

#[test]
fn the_command_bar() {
    let mut model = rich();
    keys(&mut model, ":kill w⇥⇥");
    assert_snapshot!(seen(&mut model));
}

#[test]
fn a_filter() {
    let mut model = rich();
    keys(&mut model, "3/state:run");
    assert_snapshot!(seen(&mut model));
}

#[test]
fn the_footer_of_every_tab_and_of_a_draft() {
    let mut model = rich();
    let mut rows = Vec::new();
    for tab in Tab::ALL {
        model.tab = tab;
        settle(&mut model);
        rows.push(seen(&mut model));
    }
    model.tab = Tab::Tasks;
    keys(&mut model, "+");
    rows.push(seen(&mut model));
    assert_snapshot!(rows.concat());
}

#[test]
fn notices() {
    let mut model = rich();
    model.read_only = true;
    let mut screens = Vec::new();
    for weight in [Weight::Info, Weight::Good, Weight::Warning, Weight::Bad] {
        model.notify(
            weight,
            "what a key has done, or why it has not; long enough to be cut on a small screen",
        );
        screens.push(seen(&mut model));
    }
    keys(&mut model, "p");
    model.notice = None;
    screens.push(seen(&mut model));
    assert_snapshot!(screens.concat());
}
