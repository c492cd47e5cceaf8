//! The slider: where the cluster is on its way to the number that is wanted, and where a draft would take it.
//!
//! ```text
//! tasks  ━━━━━━━╍╍╍●──────────────────────┤╌╌╌╌  5 / 38 fit now
//!        target 7 · running 5 · starting 1 · waiting 1
//! ```
//!
//! `━` running, `╍` between running and target, `●` the target, `┤` as many as fit. With a draft: `○` the target,
//! `═` from there to the draft, `◆` the draft.

use ratatui::{
    Frame,
    layout::Rect,
    style::Style,
    text::{Line, Span},
};

use crate::{
    scheduler::api::Phase,
    tui::{
        layout::{self, SliderParts},
        model::Model,
        slider::{Track, counts, off, target},
        view::{
            parts::{self, Part},
            text, units,
        },
    },
};

/// From here on the numbers beside the track have words.
const WORDS: u16 = 14;

pub fn draw(frame: &mut Frame, area: Rect, model: &Model) {
    let places = layout::slider(area);
    frame.render_widget(Line::styled("tasks", model.theme.title), places.label);
    let words = status_area(model, &places);
    if !words.intersects(places.track) {
        frame.render_widget(track(model, places.track.width), places.track);
        frame.render_widget(value(model, places.value.width), places.value);
    }
    frame.render_widget(parts::line(status(model), words.width.into(), model.theme.dim), words);
}

/// Where nothing is known of the tasks, what is to be said takes the place of the track in its row.
fn status_area(model: &Model, places: &SliderParts) -> Rect {
    let same_row = places.status.y == places.track.y;
    if same_row && target(&model.cluster).is_none() {
        places.track.union(places.status)
    } else {
        places.status
    }
}

fn track(model: &Model, cells: u16) -> Line<'static> {
    let theme = &model.theme;
    let Some(target) = target(&model.cluster) else {
        return Line::styled("╌".repeat(cells.into()), theme.border);
    };
    let slider = &model.slider;
    let track = Track { end: slider.end, cells };
    let draft = slider.draft.as_ref().map(|draft| draft.wanted);
    let at = |number| usize::from(track.cell(number));
    let (running, wanted) = (at(counts(&model.cluster).running), at(target));
    let mut row = vec![("─", theme.border); cells.into()];
    let mut paint = |from: usize, to: usize, symbol, style| row[from..to].fill((symbol, style));
    if let Some(fits) = slider.fits.filter(|fits| *fits < slider.end) {
        paint(at(fits), cells.into(), "╌", theme.border);
    }
    if let Some(draft) = draft.map(at) {
        paint(wanted.min(draft), wanted.max(draft), "═", theme.key);
    }
    paint(0, running.min(wanted), "━", theme.used);
    paint(running.min(wanted), running.max(wanted), "╍", theme.offered);
    if let Some(draft) = draft.map(at).filter(|draft| *draft < wanted) {
        paint(draft, wanted.min(running), "═", theme.key);
    }
    if let Some(fits) = slider.fits.filter(|fits| *fits < slider.end) {
        paint(at(fits), at(fits) + 1, "┤", theme.dim);
    }
    let (mark, style) = if draft.is_some() { ("○", theme.text) } else { ("●", theme.key) };
    paint(wanted, wanted + 1, mark, style);
    if let Some(draft) = draft.map(at) {
        paint(draft, draft + 1, "◆", theme.key);
    }
    row.into_iter().map(|(symbol, style)| Span::styled(symbol, style)).collect()
}

/// `5 / 38 fit now`: what runs, or what the draft wants.
fn value(model: &Model, width: u16) -> Line<'static> {
    let theme = &model.theme;
    let draft = model.slider.draft.as_ref().map(|draft| draft.wanted);
    if target(&model.cluster).is_none() {
        return Line::default();
    }
    let number = draft.unwrap_or(counts(&model.cluster).running);
    let style = if draft.is_some() { theme.key } else { theme.title };
    let Some(fits) = model.slider.fits else {
        let word = if draft.is_some() { "wanted" } else { "running" };
        return Line::from(vec![
            Span::styled(format!(" {}", units::short_count(number)), style),
            Span::styled(format!(" {word}"), theme.dim),
        ]);
    };
    let too_many = number > fits;
    let mark = if too_many { " ▲ " } else { " " };
    let (between, words) = if width < WORDS { ("/", " fit") } else { (" / ", " fit now") };
    let fits = format!("{between}{}{words}", units::short_count(fits));
    let spans = vec![
        Span::styled(
            format!("{mark}{}", units::short_count(number)),
            if too_many { theme.warning } else { style },
        ),
        Span::styled(fits, theme.text),
    ];
    parts::clipped(spans, width.into())
}

/// What the tasks do, the most important first to be seen and last to go.
fn status(model: &Model) -> Vec<Part> {
    let theme = &model.theme;
    let mut parts = draft(model);
    let off = off(&model.cluster);
    if let Some(why) = &off {
        parts.push(Part::new(8, format!("▲ off: {}", text::clean(why)), theme.warning).elastic());
    }
    let Some(target) = target(&model.cluster) else { return parts };
    parts.push(Part::new(7, format!("target {}", units::count(target)), theme.text));
    parts.extend(numbers(model));
    if let Some(problem) = not_subscribed(model) {
        parts.push(Part::new(6, problem, theme.warning).elastic());
    }
    if model.slider.draft.is_none() && off.is_none() {
        parts.push(Part::new(0, "← → scale", theme.dim));
    }
    parts
}

/// `◆ 7 to 12`, and that it is being typed or asked for.
fn draft(model: &Model) -> Vec<Part> {
    let theme = &model.theme;
    let mut parts = Vec::new();
    if let Some(draft) = &model.slider.draft {
        let words = match (draft.typing, draft.typed.as_str()) {
            (true, "") => "type a number▏".to_owned(),
            (true, digits) => format!("{digits}▏"),
            (false, _) => units::count(draft.wanted),
        };
        let mark = Span::styled("◆ ", theme.key);
        parts.push(Part::of(9, vec![mark, Span::styled(words, theme.title)]));
    }
    if let Some(wanted) = model.slider.committing {
        parts.push(Part::new(9, format!("◌ asking for {}", units::count(wanted)), theme.info));
    }
    parts
}

fn numbers(model: &Model) -> Vec<Part> {
    let (theme, counts) = (&model.theme, counts(&model.cluster));
    let part = |rank, word: &str, number: u64, style: Style| {
        Part::new(rank, format!("{word} {}", units::count(number)), style)
    };
    let rest = [
        (6, "starting", counts.starting, theme.info),
        (5, "ending", counts.killing, theme.warning),
        (6, "failed", counts.backing_off, theme.bad),
        (6, "waiting", counts.unplaced, theme.warning),
        (5, "unreachable", counts.unreachable, theme.bad),
        (4, "unhealthy", counts.unhealthy, theme.warning),
        (3, "done", counts.completed, theme.dim),
        (2, "outdated", counts.outdated, theme.dim),
    ];
    let rest = rest.into_iter().filter(|(_, _, number, _)| *number > 0);
    let rest = rest.map(|(rank, word, number, style)| part(rank, word, number, style));
    [part(6, "running", counts.running, theme.good)].into_iter().chain(rest).collect()
}

fn not_subscribed(model: &Model) -> Option<String> {
    let state = &model.cluster.scheduler.as_ref()?.state;
    let what = match state.phase {
        Phase::Subscribed => return None,
        Phase::Disconnected => "not subscribed",
        Phase::Stopped => "stopped for good",
    };
    let why = state.problem.as_deref().map(|why| format!(": {}", text::clean(why))).unwrap_or_default();
    Some(format!("▲ {what}{why}"))
}
