//! One picture without a terminal.

use crate::support::Lab;

#[test]
fn the_picture_is_as_large_as_was_asked_for() {
    let lab = Lab::new().up(&["--tasks", "2"]);
    let text = lab.ok(&["tui", "--print", "--size", "90x20"]).stdout();
    assert_eq!(text.lines().count(), 20, "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 90), "{text}");
    assert!(text.contains("test") && text.contains("Overview"), "{text}");
}

#[test]
fn the_picture_shows_what_was_read() {
    let lab = Lab::new().up(&["--tasks", "2"]);
    let text = lab.ok(&["tui", "--print", "--tab", "tasks"]).stdout();
    for task in lab.running() {
        assert!(text.contains(&task), "{task} in\n{text}");
    }
}

#[test]
fn svg_is_xml_with_the_same_text() {
    let lab = Lab::new().up(&[]);
    let svg = lab.ok(&["tui", "--print", "svg", "--tab", "agents"]).stdout();
    assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"), "{svg}");
    assert!(svg.contains("● active"), "{svg}");
    let (opened, closed) = (svg.matches("<text ").count(), svg.matches("</text>").count());
    assert!(opened == closed && opened > 10, "{svg}");
}

#[test]
fn a_picture_of_what_does_not_answer_says_so_and_is_3() {
    let lab = Lab::new();
    let ran = lab.run(&["tui", "--print", "--master", "http://127.0.0.1:1", "--wait", "300ms"]);
    assert_eq!(ran.code(), 3, "{}", ran.stderr());
    assert!(ran.stderr().contains("the picture is not whole after 300ms"), "{}", ran.stderr());
    assert_eq!(ran.stdout().lines().count(), 36, "{}", ran.stdout());
}
