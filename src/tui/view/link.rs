//! How a stream does, in words.

use ratatui::style::Style;

use crate::{
    cluster::link::Link,
    mesos::time::Time,
    tui::{
        theme::Theme,
        view::{text, units},
    },
};

/// The fewest cells in which a problem is worth being told.
const PROBLEM: usize = 12;

pub fn style(link: &Link, theme: &Theme) -> Style {
    match link {
        Link::Connecting => theme.info,
        Link::Live { .. } => theme.good,
        Link::Polling { .. } => theme.warning,
        Link::Lost { .. } => theme.bad,
        Link::Absent { .. } => theme.dim,
    }
}

/// All there is to say in at most `cells` cells; first the problem is cut short, then what follows it.
pub fn words(link: &Link, now: Time, cells: usize) -> String {
    let (head, problem, tail) = parts(link, now);
    let room = cells.saturating_sub(text::width(&head) + text::width(&tail) + 2);
    if problem.is_empty() {
        return text::clip(&format!("{head}{tail}"), cells).into_owned();
    }
    if room >= PROBLEM.min(text::width(&problem)) {
        return format!("{head}: {}{tail}", text::clip(&problem, room));
    }
    let short = format!("{head}{tail}");
    if text::width(&short) <= cells { short } else { text::clip(&head, cells).into_owned() }
}

fn parts(link: &Link, now: Time) -> (String, String, String) {
    let plain = |head: String| (head, String::new(), String::new());
    match link {
        Link::Connecting => plain("◌ connecting".to_owned()),
        Link::Live { .. } => plain("● live".to_owned()),
        Link::Polling { every, .. } => plain(format!("◐ polling every {}", units::pace(*every))),
        Link::Lost { since, problem, retry_at } => (
            format!("▲ stale since {}", units::age(now.since(*since))),
            text::clean(problem).into_owned(),
            format!(" · next try {}", next(now, *retry_at)),
        ),
        Link::Absent { why } => ("○ none".to_owned(), text::clean(why).into_owned(), String::new()),
    }
}

fn next(now: Time, retry_at: Time) -> String {
    if retry_at > now { format!("in {}", units::until(now, retry_at)) } else { "now".to_owned() }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::words;
    use crate::{cluster::link::Link, mesos::time::Time};

    #[test]
    fn the_problem_is_cut_short_before_the_next_try_is() {
        let now = Time::from_epoch(Duration::from_secs(100));
        let lost = Link::Lost {
            since: now - Duration::from_secs(12),
            problem: "Connection refused".to_owned(),
            retry_at: now + Duration::from_secs(3),
        };
        assert_eq!(words(&lost, now, 80), "▲ stale since 12s: Connection refused · next try in 3 s");
        assert_eq!(words(&lost, now, 50), "▲ stale since 12s: Connection r… · next try in 3 s");
        assert_eq!(words(&lost, now, 40), "▲ stale since 12s · next try in 3 s");
        assert_eq!(words(&lost, now, 20), "▲ stale since 12s");
        assert_eq!(words(&lost, now, 8), "▲ stale…");
    }
}
