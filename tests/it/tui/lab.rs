//! A user at the dashboard of a real lab: scaling, killing, reading logs, and a lab that dies and comes back.

use base64::{Engine, prelude::BASE64_STANDARD};
use rustix::process::{Pid, Signal, kill_process};

use crate::{
    support::{Lab, eventually},
    tui::screen::Screen,
};

const RIGHT: &str = "\x1b[C";
const ENTER: &str = "\r";
const ESC: &str = "\x1b";

fn tasks_of(lab: &Lab, args: &[&str]) -> Screen {
    let mut screen = Screen::start(lab, &[&["--tab", "tasks"], args].concat(), 120, 32);
    screen.until("● live");
    screen
}

/// The ids of the tasks that the screen shows as running.
fn shown(text: &str) -> Vec<String> {
    let rows = text.lines().filter(|line| line.contains("● running"));
    let ids = rows.filter_map(|row| row.split_whitespace().find(|word| word.starts_with("mesoslab.")));
    ids.map(str::to_owned).collect()
}

fn runs(screen: &mut Screen, count: usize) -> Vec<String> {
    screen.until_that(&format!("{count} rows of running tasks"), |text| shown(text).len() == count);
    shown(&screen.text())
}

#[test]
fn it_opens_on_a_lab_and_shows_its_parts() {
    let lab = Lab::new().up(&["--tasks", "2"]);
    let mut screen = Screen::start(&lab, &[], 120, 32);
    screen.until("test · embedded").until("running 2").until_that("both streams live", |text| {
        text.lines().filter(|line| line.trim_end().ends_with("● live")).count() == 2
    });
    screen.key("6");
    for component in ["master", "agent-1", "agent-2", "agent-3", "scheduler"] {
        screen.until_that(component, |text| {
            text.lines().any(|line| line.contains(component) && line.contains("● ready"))
        });
    }
    screen.key("4").until_that("three agents", |text| text.matches("● active").count() == 3);
    screen.key("5").until("mesoslab");
    screen.key("7").until("connected to http://127.0.0.1:");
}

#[test]
fn the_slider_scales_by_arrows_digits_commands_and_the_mouse() {
    let lab = Lab::new().up(&["--tasks", "1"]);
    let mut screen = tasks_of(&lab, &[]);
    runs(&mut screen, 1);
    screen.key(&RIGHT.repeat(2)).until("◆").key(ENTER);
    runs(&mut screen, 3);
    assert_eq!(lab.running().len(), 3);
    screen.key("=12").until("◆").key(ESC).until_gone("◆");
    assert_eq!(lab.running().len(), 3, "a draft that is dropped changes nothing");
    screen.key("=4").until("◆").key(ENTER);
    runs(&mut screen, 4);
    screen.key(":scale 2").until(":scale 2").key(ENTER);
    let left = runs(&mut screen, 2);
    eventually("the others are gone", || lab.running().len() == 2);
    assert!(lab.running().iter().all(|task| left.contains(task)));
    screen.click_on("●─").until_gone("◆");
    screen.click_on("─────").until("◆").key(ENTER).until_gone("◆");
    eventually("the mouse has scaled", || lab.running().len() > 2);
}

#[test]
fn a_task_that_is_killed_is_replaced_before_ones_eyes() {
    let lab = Lab::new().up(&["--tasks", "1"]);
    let mut screen = tasks_of(&lab, &[]);
    let [victim] = &runs(&mut screen, 1)[..] else { panic!("one task") };
    screen.key("x").until("sure?").key("n").until_gone("sure?");
    assert_eq!(shown(&screen.text()), std::slice::from_ref(victim), "no is no");
    screen.key("x").until("sure?").key("y");
    screen.until_that("another task", |text| matches!(&shown(text)[..], [task] if task != victim));
    assert_eq!(lab.running(), shown(&screen.text()));
}

#[test]
fn the_log_of_a_task_is_followed() {
    let command =
        "for i in 1 2 3; do echo line $i; done; echo oops >&2; read x < gate; echo last; sleep 100000";
    let gate = "mkfifo gate; ";
    let lab = Lab::with_file(&format!("[scheduler]\ncommand = \"{gate}{command}\"\n")).up(&["--tasks", "1"]);
    let mut screen = tasks_of(&lab, &[]);
    let task = runs(&mut screen, 1).remove(0);
    screen.key(ENTER).until(&format!("task {task}")).until("127.0.0.1");
    screen.key("l").until(&format!("log {task}")).until("line 3");
    assert!(!screen.text().contains("last"), "the task waits");
    lab.open_gates();
    screen.until("last");
    screen.key("\t").until("oops").until_gone("line 3");
    screen.key("qq").until_gone(&format!("task {task} ─"));
    runs(&mut screen, 1);
}

#[test]
fn a_lab_that_dies_is_said_to_and_comes_back_with_nothing_forgotten() {
    let lab = Lab::new().up(&["--tasks", "2"]);
    let mut screen = tasks_of(&lab, &[]);
    runs(&mut screen, 2);
    screen.key("/mesoslab.1").key(ENTER);
    runs(&mut screen, 1);
    screen.key(RIGHT).until("◆");
    kill(lab.pid());
    screen.until("its process").until("mesoslab up").until("◆");
    lab.ok(&["up"]);
    screen
        .until("scheduler ● live")
        .until_gone("nothing can be changed")
        .until("◆")
        .key(ENTER)
        .until_gone("◆");
    eventually("the draft was committed", || lab.running().len() == 3);
    screen.until_that("the filter holds", |text| {
        let tasks = shown(text);
        tasks.len() == 1 && tasks[0].starts_with("mesoslab.1")
    });
}

#[test]
fn without_its_scheduler_the_slider_is_off_and_the_rest_works() {
    let lab = Lab::new().up(&["--tasks", "2"]);
    let mut screen = tasks_of(&lab, &[]);
    runs(&mut screen, 2);
    lab.ok(&["scheduler", "stop"]);
    screen.until("mesoslab scheduler start").key(RIGHT);
    runs(&mut screen, 2);
    screen.key("6").until("agent-1");
    assert!(!screen.text().contains('◆'), "{}", screen.text());
    lab.ok(&["scheduler", "start"]);
    screen.until_gone("mesoslab scheduler start").key(RIGHT).until("◆");
}

#[test]
fn read_only_refuses_every_change() {
    let lab = Lab::new().up(&["--tasks", "1"]);
    let mut screen = tasks_of(&lab, &["--read-only"]);
    let tasks = runs(&mut screen, 1);
    screen.key(RIGHT).until("◆").key(ENTER).until("nothing is changed");
    screen.key(ESC).until_gone("◆").until_gone("nothing is changed");
    for change in ["x", ":scale 3\r", ":kill\r"] {
        screen.key(change).until("nothing is changed").until_gone("nothing is changed");
    }
    assert_eq!(lab.running(), tasks);
}

#[test]
fn a_screen_is_saved_and_an_id_is_copied() {
    let lab = Lab::new().up(&["--tasks", "1"]);
    let mut screen = tasks_of(&lab, &[]);
    let task = runs(&mut screen, 1).remove(0);
    screen.key("SS").until("mesoslab-screen-2.txt").key("y");
    for file in ["mesoslab-screen.txt", "mesoslab-screen-2.txt"] {
        let text = std::fs::read_to_string(lab.path().join(file)).expect("a file");
        assert!(text.contains(&task) && text.lines().count() == 32, "{text}");
    }
    eventually("the id is on the clipboard", || !screen.clipboard().is_empty());
    assert_eq!(screen.clipboard(), BASE64_STANDARD.encode(task));
}

/// `kill -9`.
fn kill(pid: u32) {
    let pid = Pid::from_raw(pid as i32).expect("a pid");
    kill_process(pid, Signal::KILL).expect("kill");
}
