//! The terminal is taken over, given back after every kind of end, and may have any size.

use mesoslab::{runtime, tui::terminal};
use portable_pty::CommandBuilder;
use rustix::process::{Pid, Signal, kill_process};

use crate::{support::Lab, tui::screen::Screen};

/// A dashboard of a lab that has been stopped: it is there at once.
fn opened(lab: &Lab) -> Screen {
    let mut screen = Screen::start(lab, &[], 100, 30);
    screen.until("Overview");
    screen
}

fn stopped_lab() -> Lab {
    let lab = Lab::new().up(&[]);
    lab.ok(&["down"]);
    lab
}

fn send(screen: &Screen, signal: Signal) {
    kill_process(Pid::from_raw(screen.pid()).expect("a pid"), signal).expect("it runs");
}

#[test]
fn every_end_gives_the_terminal_back() {
    let lab = stopped_lab();
    for key in ["q", "\x03"] {
        let mut screen = opened(&lab);
        assert!(!screen.is_restored(), "the dashboard takes the terminal over");
        assert_eq!(screen.key(key).code(), 0, "{key:?}");
        screen.until_restored();
    }
    for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
        let mut screen = opened(&lab);
        send(&screen, signal);
        assert_eq!(screen.code(), 0, "{signal:?}");
        screen.until_restored();
    }
}

#[test]
fn a_terminal_that_hangs_up_ends_the_dashboard() {
    let lab = stopped_lab();
    opened(&lab).hang_up().code();
    // Without the signal that a session leader gets.
    let mut command = Screen::command(&lab, &[]);
    command.set_controlling_tty(false);
    let mut screen = Screen::run(command, 100, 30);
    screen.until("Overview").hang_up();
    assert_eq!(screen.code(), 1);
}

#[test]
fn suspended_and_continued_as_any_program() {
    let lab = stopped_lab();
    let binary = env!("CARGO_BIN_EXE_mesoslab");
    let script = format!("{binary} tui; echo it stopped; read line; fg; echo it ended");
    let mut screen = Screen::run(Screen::of(&lab, ["sh", "-mc", &script]), 100, 30);
    screen.until("Overview").key("\x1a").until("it stopped").until_restored();
    screen.key("\r").until("Overview").until_gone("it stopped");
    screen.key("q").until("it ended").until_restored();
}

#[test]
fn a_panic_gives_the_terminal_back_and_can_be_read() {
    for (test, message) in [("panics_while_it_draws", "as it drew"), ("panics_elsewhere", "as it looked")] {
        let mut command = CommandBuilder::new(std::env::current_exe().expect("this program"));
        command.args(["--ignored", "--nocapture", "--exact", &format!("tui::terminal::{test}")]);
        command.env("TERM", "xterm");
        let mut screen = Screen::run(command, 100, 30);
        screen.until(message).until_restored();
        assert_ne!(screen.code(), 0);
    }
}

#[test]
#[ignore = "run in a terminal of its own"]
fn panics_while_it_draws() {
    let _screen = terminal::Screen::take(drop).expect("a terminal");
    panic!("as it drew");
}

#[test]
#[ignore = "run in a terminal of its own"]
fn panics_elsewhere() {
    let options = mesoslab::tui::Options {
        lab: mesoslab::tui::model::Lab::default(),
        locate: std::sync::Arc::new(|| panic!("as it looked")),
        theme: mesoslab::tui::theme::Theme::dark(),
        read_only: true,
        tab: mesoslab::tui::model::Tab::default(),
    };
    let ended = runtime::block_on_lab(mesoslab::tui::run(options, runtime::Clock::start()));
    ended.expect("a runtime").expect("no panic");
}

#[test]
fn any_size_will_do() {
    let lab = stopped_lab();
    let mut screen = opened(&lab);
    for (columns, rows) in [(60, 16), (10, 3), (1, 1), (200, 60), (39, 9), (100, 30)] {
        screen.resize(columns, rows);
        if (columns, rows) == (10, 3) {
            screen.until("10x3");
        }
    }
    screen.until("Overview").key("q");
    assert_eq!(screen.code(), 0);
}
