//! Shells in containers at a real terminal: by `mesoslab exec`, and by a key of the dashboard.

use rustix::process::{Pid, Signal, kill_process};

use crate::{
    support::{Lab, processes},
    tui::screen::Screen,
};

const CTRL_C: &str = "\x03";

#[test]
fn a_shell_at_a_terminal_knows_its_size_and_takes_control_keys() {
    let lab = Lab::new().up(&["--tasks", "1"]);
    let binary = env!("CARGO_BIN_EXE_mesoslab");
    let script = format!(
        "stty -a >before; {binary} exec -it mesoslab.0 sh; echo code=$?; stty -a >after; \
        cmp before after && echo as it was; cat"
    );
    let mut screen = Screen::run(Screen::of(&lab, ["sh", "-c", &script]), 90, 30);
    screen.until("# ").key("stty size\r").until("30 90");
    screen.key("trap 'echo caught' INT; sleep 1000; echo on\\we go\r").until("sleep 1000");
    screen.key(CTRL_C).until("caught");
    screen.key("trap - INT; exit 5\r").until("code=5").until("as it was");
}

#[test]
fn a_signal_to_the_client_gives_the_terminal_back() {
    let lab = Lab::new().up(&["--tasks", "1"]);
    let binary = env!("CARGO_BIN_EXE_mesoslab");
    let script = format!(
        "stty -a >before; {binary} exec -it mesoslab.0 sh; \
        stty -a >after; cmp before after && echo as it was; cat"
    );
    let mut screen = Screen::run(Screen::of(&lab, ["sh", "-c", &script]), 90, 30);
    screen.until("# ").key("echo there\r").until("\nthere");
    let home = format!("HOME={}\n", lab.path().display());
    let clients = processes(|environment, command| {
        environment.contains(&home) && command.starts_with(&format!("{binary}\nexec\n-it\n"))
    });
    let [pid] = clients[..] else { panic!("one client: {clients:?}") };
    kill_process(Pid::from_raw(pid.cast_signed()).expect("a process"), Signal::TERM).expect("it is there");
    screen.until("as it was");
}

#[test]
fn a_key_of_the_dashboard_opens_a_shell_and_comes_back() {
    let lab = Lab::new().up(&["--tasks", "1"]);
    let mut screen = Screen::start(&lab, &["--tab", "tasks"], 120, 32);
    screen.until("● live").until("● running").key("o").until("# ");
    screen.key("echo $MESOS_TASK_ID here\r").until_that("the task's place", |text| {
        text.lines().any(|line| line.starts_with("mesoslab.0.") && line.ends_with(" here"))
    });
    screen.key("exit 3\r").until("ended with 3").until("● running");
}
