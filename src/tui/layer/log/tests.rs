//! What is seen of a log that comes in pieces.

use proptest::prelude::*;
use ratatui::layout::Size;

use crate::tui::{
    keys::Action,
    layer::log::{
        buffer::{Buffer, LIMIT},
        search::Search,
        window::Window,
    },
    view::text,
};

fn filled(text: &str) -> Buffer {
    let mut buffer = Buffer::new(0, LIMIT);
    buffer.append(text.as_bytes());
    buffer
}

fn window(width: u16, height: u16) -> Window {
    let mut window = Window::default();
    window.resize(Size { width, height });
    window
}

fn seen(window: &Window, buffer: &Buffer) -> Vec<String> {
    let rows = window.seen(buffer).into_iter();
    rows.map(|row| buffer.get(row.line).unwrap()[row.range].to_owned()).collect()
}

#[test]
fn it_stays_at_the_end_until_one_goes_up_and_again_at_the_end() {
    let mut buffer = filled("1\n2\n3\n4\n");
    let mut window = window(10, 2);
    assert_eq!(seen(&window, &buffer), ["3", "4"]);
    window.step(&buffer, Action::Up);
    buffer.append(b"5\n6\n");
    assert_eq!((seen(&window, &buffer), window.follow), (vec!["2".to_owned(), "3".to_owned()], false));
    window.step(&buffer, Action::PageDown);
    window.step(&buffer, Action::PageDown);
    window.step(&buffer, Action::PageDown);
    assert!(window.follow);
    buffer.append(b"7\n");
    assert_eq!(seen(&window, &buffer), ["6", "7"]);
    window.step(&buffer, Action::First);
    assert_eq!(
        (seen(&window, &buffer), window.is_at_first(&buffer)),
        (vec!["1".to_owned(), "2".to_owned()], true)
    );
}

#[test]
fn long_lines_are_broken_or_seen_in_part() {
    let buffer = filled("abcdefgh\n漢字漢字\nx\n");
    let mut window = window(5, 6);
    assert_eq!(seen(&window, &buffer), ["abcde", "fgh", "漢字", "漢字", "x"]);
    window.toggle_wrap(&buffer);
    assert_eq!(seen(&window, &buffer), ["abcde", "漢字", "x"]);
    window.step(&buffer, Action::Right);
    assert_eq!(
        (seen(&window, &buffer), window.left),
        (vec!["defgh".to_owned(), "字漢".to_owned(), String::new()], 3)
    );
    window.step(&buffer, Action::Left);
    assert_eq!(window.left, 0);
}

#[test]
fn what_is_seen_stays_when_more_comes_before_it_or_the_oldest_goes() {
    let mut buffer = Buffer::new(6, 20);
    buffer.append(b"3\n4\n5\n6\n");
    let mut window = window(10, 2);
    window.step(&buffer, Action::First);
    window.step(&buffer, Action::Down);
    buffer.prepend(b"1\n2\n");
    assert_eq!(seen(&window, &buffer), ["4", "5"]);
    buffer.append(b"7777777777\n");
    assert!(buffer.dropped);
    assert_eq!(seen(&window, &buffer)[1], "5");
    buffer.append(b"8888888888\n9\n");
    assert_eq!(seen(&window, &buffer), ["8888888888", "9"], "it is gone: what is left is seen");
}

#[test]
fn a_match_is_gone_to_wherever_it_is_in_its_line() {
    let long = format!("{}needle{}", "x".repeat(100), "y".repeat(100));
    let buffer = filled(&format!("one\n{long}\ntwo\n{}", "z\n".repeat(30)));
    let search = Search::new("needle", &buffer);
    for wrap in [true, false] {
        let mut window = window(20, 6);
        window.wrap = wrap;
        let line = search.at_or_after(0).unwrap();
        window.show(&buffer, line, search.column(&buffer, line));
        assert!(seen(&window, &buffer).iter().any(|row| row.contains("needle")), "{wrap}");
        assert_eq!(search.count(window.mark), "match 1 of 1");
    }
}

#[test]
fn a_search_is_a_regex_where_it_is_one_and_minds_capitals_when_there_are_any() {
    let buffer = filled("Error 1\nerror 22\n(oops\n");
    let count = |text: &str| Search::new(text, &buffer).count(None);
    let table = [
        ("error", "2 matches"),
        ("Error", "1 match"),
        ("error \\d\\d", "1 match"),
        ("(oops", "1 match"),
        ("nothing", "no match"),
        ("x*", "3 matches"),
    ];
    for (text, expected) in table {
        assert_eq!(count(text), expected, "{text}");
    }
    assert!(Search::new("x*", &buffer).ranges("abc").is_empty(), "what is empty is not marked");
}

proptest! {
    /// However it is scrolled and whatever comes: rows fit, follow each other, and fill the window where there are enough.
    #[test]
    fn the_window_is_always_full_of_neighbours(
        text in "[ab漢\\n]{0,60}",
        more in "[ab\\n]{0,20}",
        steps in proptest::collection::vec(0_usize..11, 0..30),
        width in 1_u16..12,
        height in 1_u16..8,
    ) {
        use Action as A;
        let actions = [A::Up, A::Down, A::PageUp, A::PageDown, A::First, A::Last, A::Left, A::Right];
        let mut buffer = Buffer::new(7, 64);
        buffer.append(text.as_bytes());
        let mut window = window(width, height);
        for step in steps {
            match actions.get(step) {
                Some(action) => window.step(&buffer, *action),
                None if step == 8 => window.toggle_wrap(&buffer),
                None if step == 9 => drop(buffer.append(more.as_bytes()).to_string()),
                None => buffer.prepend(b"b\n"),
            }
            let rows = window.seen(&buffer);
            let all = (buffer.end() - buffer.first()) as usize;
            prop_assert!(rows.len() <= height.into());
            prop_assert!(rows.len() >= all.min(height.into()), "{} of {all}", rows.len());
            prop_assert!(rows.windows(2).all(|pair| pair[1].line - pair[0].line <= 1));
            for row in &rows {
                let shown = &buffer.get(row.line).unwrap()[row.range.clone()];
                prop_assert!(text::width(shown) <= usize::from(width).max(2), "{shown}");
            }
            if window.follow {
                prop_assert_eq!(rows.last().map_or(buffer.end(), |row| row.line + 1), buffer.end());
            }
        }
    }
}
