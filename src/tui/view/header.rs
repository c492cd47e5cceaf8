//! The top of the screen: which lab, which master, how the streams do, how full the cluster is.
//!
//! ```text
//! demo · embedded                                                        master ● live
//! http://127.0.0.1:5050 · bd5c4dd1 leads · Mesos 1.12.0 · up 1h02m       scheduler ● live
//! cpus ▓▓▓▒▒░░░ 0.5 used · 3.5 offered · 8 free of 12    mem ...
//! ```

use ratatui::{
    Frame,
    layout::Rect,
    style::Style,
    text::{Line, Span},
};

use crate::{
    cluster::{Gauges, link::Link},
    scheduler::quantities::Quantities,
    tui::{
        layout::{self, Regions},
        model::Model,
        view::{
            bar::{self, Parts},
            link,
            parts::{self, Part},
            text, units,
        },
    },
};

/// How much of an id tells it from others.
const ID: usize = 8;
/// Cells between what stands left and what stands right.
const GAP: usize = 2;
/// The shortest bar that still says something.
const BAR: usize = 6;
const LABEL: usize = 6;
/// In how many ways a gauge can be written.
const FORMS: usize = 5;
/// The words of a link that are never cut.
const SHORT: usize = 24;

pub fn draw(frame: &mut Frame, regions: &Regions, model: &Model) {
    let rows: Vec<Rect> = layout::inner(regions.identity).rows().collect();
    match rows[..] {
        [first, second] => {
            let (lab, master) = (lab(model), master(model));
            row(frame, first, model, lab, |room| {
                [states(model), links(model, &[Which::Master], room)].concat()
            });
            row(frame, second, model, master, |room| links(model, &[Which::Scheduler], room));
        }
        [only] => {
            let left = [lab(model), master(model)].concat();
            row(frame, only, model, left, |room| {
                [states(model), links(model, &[Which::Master, Which::Scheduler], room)].concat()
            });
        }
        _ => {}
    }
    gauges(frame, regions.gauges, model);
    let rule = "─".repeat(regions.rule.width.into());
    frame.render_widget(Line::styled(rule, model.theme.border), regions.rule);
}

/// One row: the right side has its room first, all but the name at the left.
fn row(
    frame: &mut Frame,
    area: Rect,
    model: &Model,
    left: Vec<Part>,
    right: impl FnOnce(usize) -> Vec<Part>,
) {
    let width = usize::from(area.width);
    let name = left.first().map_or(0, |part| parts::total(std::slice::from_ref(part)).min(width / 3));
    let room = width.saturating_sub(name + GAP);
    let right = parts::line(right(room), room, model.theme.dim);
    let rest = width.saturating_sub(right.width() + GAP);
    frame.render_widget(parts::line(left, rest, model.theme.dim), area);
    frame.render_widget(right.right_aligned(), area);
}

fn lab(model: &Model) -> Vec<Part> {
    let name = text::clean(&model.lab.name).into_owned();
    vec![
        Part::new(9, name, model.theme.title),
        Part::new(2, text::clean(&model.lab.provider).into_owned(), model.theme.text),
    ]
}

fn master(model: &Model) -> Vec<Part> {
    let (master, theme) = (&model.cluster.master, &model.theme);
    if master.url.is_empty() {
        return vec![Part::new(4, "no master yet", theme.dim)];
    }
    let id: String = text::clean(&master.id).chars().take(ID).collect();
    let role = if master.elected.is_some() || !id.is_empty() { "leads" } else { "no leader" };
    let version = text::clean(&master.version).into_owned();
    vec![
        Part::new(5, text::clean(&master.url).into_owned(), theme.text),
        Part::new(3, format!("{id} {role}").trim_start().to_owned(), theme.text),
        Part::new(1, if version.is_empty() { version } else { format!("Mesos {version}") }, theme.text),
        Part::new(4, format!("up {}", units::since(model.now, master.started)), theme.text),
    ]
}

/// What the dashboard itself is in.
fn states(model: &Model) -> Vec<Part> {
    let mut parts = Vec::new();
    if let Some(pause) = &model.pause {
        let held = units::counted(pause.held.len() as u64, "change");
        let since = units::age(model.now.since(pause.since));
        parts.push(Part::new(9, format!("‖ paused {since}"), model.theme.warning));
        parts.push(Part::new(1, format!("{held} held back"), model.theme.warning));
    }
    if model.read_only {
        parts.push(Part::new(6, "read-only", model.theme.info));
    }
    parts
}

#[derive(Clone, Copy)]
enum Which {
    Master,
    Scheduler,
}

fn links(model: &Model, which: &[Which], room: usize) -> Vec<Part> {
    let links = which.iter().map(|which| match which {
        Which::Master => ("master", &model.cluster.master_link, 8),
        Which::Scheduler => ("scheduler", &model.cluster.scheduler_link, 7),
    });
    let links: Vec<_> = links.collect();
    let wide = |(name, stream, _): &(&str, &Link, u8)| {
        name.len() + 1 + text::width(&link::words(stream, model.now, usize::MAX))
    };
    let (short, long): (Vec<_>, Vec<_>) = links.iter().map(wide).partition(|width| *width <= SHORT);
    let taken = short.iter().sum::<usize>() + (links.len() - 1) * text::width(parts::BETWEEN);
    let share = (room.saturating_sub(taken) / long.len().max(1)).max(SHORT);
    links
        .into_iter()
        .map(|(name, stream, rank)| {
            let words = link::words(stream, model.now, share - name.len() - 1);
            let rank = if matches!(stream, Link::Live { .. }) { rank - 4 } else { rank };
            let name = Span::styled(format!("{name} "), model.theme.dim);
            Part::of(rank, vec![name, Span::styled(words, link::style(stream, &model.theme))])
        })
        .collect()
}

/// One gauge, before it is known how wide it may be.
struct Gauge {
    label: &'static str,
    parts: Parts,
    write: fn(f64) -> String,
}

fn of(gauges: &Gauges) -> [Gauge; 4] {
    let gauge = |label, write, of: fn(&Quantities) -> f64| Gauge {
        label,
        parts: Parts { used: of(&gauges.used), offered: of(&gauges.offered), total: of(&gauges.total) },
        write,
    };
    [
        gauge("cpus", units::amount, |sum| sum.cpus),
        gauge("mem", units::short_megabytes, |sum| sum.mem),
        gauge("disk", units::short_megabytes, |sum| sum.disk),
        gauge("ports", |ports| units::count(ports as u64), |sum| sum.ports as f64),
    ]
}

impl Gauge {
    /// What is written behind the bar, the longest form first.
    fn words(&self) -> [String; FORMS] {
        let Parts { used, offered, total } = self.parts;
        if total <= 0.0 {
            return std::array::from_fn(|_| "-".to_owned());
        }
        let percent = units::percent(used, total);
        let [used, offered, free, total] = [used, offered, self.parts.free(), total].map(self.write);
        [
            format!("{used} used · {offered} offered · {free} free of {total}"),
            format!("{used} used · {offered} offered · {free} free"),
            format!("{used} used · {free} free"),
            format!("{free} free"),
            percent,
        ]
    }
}

/// All four in the longest form for which each has room.
fn gauges(frame: &mut Frame, area: Rect, model: &Model) {
    if area.height == 0 {
        return;
    }
    let (gauges, areas) = (of(&model.cluster.gauges), layout::gauges(area));
    let words = gauges.each_ref().map(Gauge::words);
    let widest = |form: usize| words.iter().map(|forms| text::width(&forms[form])).max().unwrap_or_default();
    let cells = usize::from(areas[0].width.min(areas[3].width));
    let fits = |form: &usize| LABEL + BAR + 1 + widest(*form) <= cells;
    let form = (0..FORMS).find(fits).unwrap_or(FORMS - 1);
    for ((gauge, area), words) in gauges.iter().zip(areas).zip(&words) {
        let bar = usize::from(area.width).saturating_sub(LABEL + 1 + widest(form));
        frame.render_widget(gauge_line(gauge, bar, &words[form], model), area);
    }
}

fn gauge_line(gauge: &Gauge, bar: usize, words: &str, model: &Model) -> Line<'static> {
    let mut spans = vec![Span::styled(text::pad(gauge.label, LABEL), model.theme.dim)];
    spans.extend(bar::spans(gauge.parts, bar as u16, &model.theme));
    spans.push(Span::styled(format!(" {words}"), Style::new().patch(model.theme.text)));
    Line::from(spans)
}
