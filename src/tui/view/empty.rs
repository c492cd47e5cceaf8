//! What a tab says instead of rows: why there are none, and what to do about it.

use ratatui::{buffer::Buffer, layout::Rect};

use crate::{
    cluster::link::Link,
    tui::{
        list::List,
        model::{Model, Tab},
        view::{text, units},
    },
};

pub fn draw(buffer: &mut Buffer, area: Rect, model: &Model, list: &List) {
    let (what, help) = words(model, list);
    let rows = [(what, model.theme.text), (help, model.theme.dim)];
    let first = area.y + area.height.saturating_sub(3) / 3;
    for (at, (words, style)) in rows.into_iter().enumerate() {
        let y = first + at as u16;
        if y < area.bottom() {
            let words = text::clip(&words, area.width.saturating_sub(4).into()).into_owned();
            let x = area.x + (area.width - text::width(&words) as u16) / 2;
            buffer.set_string(x, y, words, style);
        }
    }
}

/// What there is not, and what helps.
fn words(model: &Model, list: &List) -> (String, String) {
    let (_, all) = list.counts();
    if !list.filter().is_empty() && all > 0 {
        let text = text::clean(list.filter().text());
        let what = format!("no {} matches `{text}`", one(model.tab));
        return (what, "Esc shows all again".to_owned());
    }
    if all > 0 {
        return ("all tasks have ended".to_owned(), "`a` shows them".to_owned());
    }
    if model.tab != Tab::Components && !matches!(model.tab, Tab::Events) {
        match &model.cluster.master_link {
            Link::Connecting => return ("waiting for the master".to_owned(), String::new()),
            Link::Lost { problem, retry_at, .. } => {
                let next = format!("next try in {}", units::until(model.now, *retry_at));
                return (format!("no master: {}", text::clean(problem)), next);
            }
            Link::Live { .. } | Link::Polling { .. } | Link::Absent { .. } => {}
        }
    }
    let (what, help) = nothing(model);
    (what.to_owned(), help)
}

fn one(tab: Tab) -> &'static str {
    match tab {
        Tab::Overview => "row",
        Tab::Offers => "offer",
        Tab::Tasks => "task",
        Tab::Agents => "agent",
        Tab::Frameworks => "framework",
        Tab::Components => "component",
        Tab::Events => "event",
    }
}

fn nothing(model: &Model) -> (&'static str, String) {
    let scheduler = match &model.cluster.scheduler_link {
        Link::Absent { why } => Some(text::clean(why).into_owned()),
        _ => None,
    };
    match model.tab {
        Tab::Overview => ("", String::new()),
        Tab::Offers => ("no offers yet", scheduler.unwrap_or_else(offers_help)),
        Tab::Tasks if model.read_only => ("no tasks", String::new()),
        Tab::Tasks => ("no tasks", scheduler.unwrap_or_else(|| "`→` and Enter start one".to_owned())),
        Tab::Agents => ("no agents", "they register with the master a moment after they start".to_owned()),
        Tab::Frameworks => {
            ("no frameworks", scheduler.unwrap_or_else(|| "none has subscribed with the master".to_owned()))
        }
        Tab::Components => ("no components yet", "each part of the lab is asked how it does".to_owned()),
        Tab::Events => ("nothing has happened yet", "what happens from now on is listed here".to_owned()),
    }
}

fn offers_help() -> String {
    "the master sends them while tasks are wanted and agents have something free".to_owned()
}
