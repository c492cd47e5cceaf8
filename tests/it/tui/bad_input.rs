//! What is refused, and with which code.

use portable_pty::CommandBuilder;

use crate::{support::Lab, tui::screen::Screen};

#[test]
fn without_a_terminal_it_is_2_and_names_what_works() {
    let lab = Lab::new();
    let ran = lab.run(&["tui"]);
    assert_eq!(ran.code(), 2);
    assert!(ran.stderr().contains("the dashboard needs a terminal"), "{}", ran.stderr());
    assert!(ran.stderr().contains("hint: mesoslab tui --print"), "{}", ran.stderr());
}

#[test]
fn a_terminal_that_cannot_move_its_cursor_is_none() {
    let lab = Lab::new();
    let mut command: CommandBuilder = Screen::command(&lab, &[]);
    command.env("TERM", "dumb");
    let mut screen = Screen::run(command, 100, 30);
    screen.until("TERM=dumb");
    assert_eq!(screen.code(), 2);
}

#[test]
fn no_lab_is_4() {
    let lab = Lab::new();
    let mut screen = Screen::start(&lab, &[], 100, 30);
    screen.until("hint: mesoslab up --name test");
    assert_eq!(screen.code(), 4);
    assert_eq!(lab.run(&["tui", "--print"]).code(), 4);
}

#[test]
fn what_is_no_address_theme_tab_or_size_is_2() {
    let lab = Lab::new();
    for (args, said) in [
        (&["--master", "zk://a:2181"][..], "--master zk://127.0.0.1:2181/mesos"),
        (&["--master", "a:5050,b c"], "--master http://127.0.0.1:5050"),
        (&["--master", "a:5050", "--scheduler", "ftp://b"], "`--scheduler ftp://b` is no URL"),
        (&["--theme", "plaid"], "there are dark, light"),
        (&["--tab", "task"], "tasks"),
        (&["--size", "12"], "write it as 120x36"),
        (&["--size", "0x0"], "write it as 120x36"),
    ] {
        let ran = lab.run(&[&["tui", "--print"], args].concat());
        assert_eq!(ran.code(), 2, "{args:?}: {}", ran.stderr());
        assert!(ran.stderr().contains(said), "{args:?}: {}", ran.stderr());
    }
    assert_eq!(lab.run(&["tui", "--size", "80x24"]).code(), 2, "a size is for a picture");
}
