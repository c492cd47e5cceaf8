//! The screen that is kept open: what is, what is wrong, where it goes.
//!
//! ```text
//! ── Right now ───────────────────  ── Agents ────────────────────────
//! ● web: 5/5 tasks running          ● agent-1  cpus ▓▓▒░░  mem ▓▒░░░
//! ▲ 2 tasks wait: cpus: ...         ● agent-2  cpus ▓▓░░░  mem ▓░░░░
//! ── Lately ──────────────────────  ── Newest ────────────────────────
//! running   ▁▂▃▅▇█ 5 now · 0 to 5      30s ✗ web.2.9d02 failed: ...
//! ── Tasks ───────────────────────
//! ● running  5 ▓▓▓▓▓▓
//! ```
//!
//! Below 80 columns one column: right now, tasks, lately, agents, newest. Panes that have no room fold away,
//! the last of these first: right now, tasks, lately, agents, newest. A pane that has
//! room for the least it has to say has no head.

use ratatui::{
    Frame,
    layout::{Constraint, Layout, Position, Rect},
    text::{Line, Span},
};

use crate::{
    cluster::{
        ClusterView,
        agent::{Agent, AgentState},
        history::{Happening, Kind, Weight},
        rows::Rows as _,
    },
    mesos::v1::TaskState,
    tui::{
        layout::{self, Need, stack},
        model::{Model, Tab},
        tables::meaning::{self, Sign},
        view::{
            bar::{self, Parts},
            parts::{self, Part},
            spark::{Spark, Unit},
            text, trouble, units,
        },
    },
};

/// From here on there are two columns.
const TWO_COLUMNS: u16 = 80;
/// How far back the newest happenings are looked for.
const LOOK_BACK: usize = 500;
/// The most rows of a sparkline.
const SPARK: u16 = 7;
/// The widest name of an agent.
const NAME: usize = 20;
const AGE: usize = 6;
/// Cells around the bars of an agent: the word before, the fewest of the bar, the most, and the number behind.
const LABEL: usize = 7;
const BAR: usize = 6;
const LONGEST_BAR: usize = 24;
const PERCENT: usize = 5;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pane {
    Now,
    Tasks,
    Lately,
    Agents,
    Newest,
}

impl Pane {
    fn title(self) -> &'static str {
        match self {
            Self::Now => "Right now",
            Self::Tasks => "Tasks",
            Self::Lately => "Lately",
            Self::Agents => "Agents",
            Self::Newest => "Newest",
        }
    }

    /// The tab that tells more.
    fn tab(self) -> Tab {
        match self {
            Self::Now => Tab::Components,
            Self::Tasks => Tab::Tasks,
            Self::Lately => Tab::Offers,
            Self::Agents => Tab::Agents,
            Self::Newest => Tab::Events,
        }
    }

    /// In a column of so many rows, of which the agents take half at most.
    fn need(self, model: &Model, column: u16) -> Need {
        let rows = |rows: usize| u16::try_from(rows).unwrap_or(u16::MAX);
        match self {
            Self::Now => {
                let troubles = trouble::list(model).len();
                Need { least: rows(1 + troubles.min(3)), most: rows(2 + troubles.max(1)), rank: 5 }
            }
            Self::Tasks => Need { least: 1, most: rows(1 + states(&model.cluster).len().max(1)), rank: 4 },
            Self::Lately => Need { least: 2, most: 1 + 4 * SPARK, rank: 3 },
            Self::Agents => {
                let most = rows(1 + model.cluster.agents.len().max(1));
                Need { least: most.min(3), most: most.min(column / 2).max(3), rank: 2 }
            }
            Self::Newest => Need { least: 3, most: u16::MAX, rank: 1 },
        }
    }
}

pub fn draw(frame: &mut Frame, body: Rect, model: &Model) {
    for (pane, area) in panes(body, model) {
        let content = head(frame, pane, area, model);
        match pane {
            Pane::Now => now(frame, content, model),
            Pane::Tasks => tasks(frame, content, model),
            Pane::Lately => lately(frame, content, model),
            Pane::Agents => agents(frame, content, model),
            Pane::Newest => newest(frame, content, model),
        }
    }
}

/// The tab behind the pane at this place.
pub fn pointed_at(body: Rect, model: &Model, position: Position) -> Option<Tab> {
    let panes = panes(body, model);
    panes.into_iter().find(|(_, area)| area.contains(position)).map(|(pane, _)| pane.tab())
}

fn panes(body: Rect, model: &Model) -> Vec<(Pane, Rect)> {
    let body = layout::inner(body);
    if body.width < TWO_COLUMNS - 2 {
        return column(body, [Pane::Now, Pane::Tasks, Pane::Lately, Pane::Agents, Pane::Newest], model);
    }
    let [left, right] = Layout::horizontal([Constraint::Fill(1); 2]).spacing(2).areas(body);
    let left = column(left, [Pane::Now, Pane::Lately, Pane::Tasks], model);
    [left, column(right, [Pane::Agents, Pane::Newest], model)].concat()
}

fn column<const N: usize>(area: Rect, panes: [Pane; N], model: &Model) -> Vec<(Pane, Rect)> {
    let rows = stack(area.height, panes.map(|pane| pane.need(model, area.height)));
    let mut y = area.y;
    let place = |(pane, height): (Pane, u16)| {
        let area = Rect { y, height, ..area };
        y += height;
        (pane, area)
    };
    panes.into_iter().zip(rows).filter(|(_, height)| *height > 0).map(place).collect()
}

/// A rule with the title in it; what is left for the pane.
fn head(frame: &mut Frame, pane: Pane, area: Rect, model: &Model) -> Rect {
    if area.height < least_with_head(pane, model) {
        return area;
    }
    let rule = "─".repeat(usize::from(area.width).saturating_sub(pane.title().len() + 4));
    let line = Line::from(vec![
        Span::styled("── ", model.theme.border),
        Span::styled(pane.title(), model.theme.title),
        Span::styled(format!(" {rule}"), model.theme.border),
    ]);
    frame.render_widget(line, Rect { height: 1, ..area });
    Rect { y: area.y + 1, height: area.height - 1, ..area }
}

fn least_with_head(pane: Pane, model: &Model) -> u16 {
    match pane {
        Pane::Now => pane.need(model, 0).least + 1,
        Pane::Tasks | Pane::Agents => 2,
        Pane::Lately | Pane::Newest => 3,
    }
}

fn now(frame: &mut Frame, area: Rect, model: &Model) {
    let width = usize::from(area.width);
    let troubles = trouble::list(model);
    let mut lines = vec![scheduler(model, width)];
    if troubles.is_empty() {
        lines.push(Line::from(Span::styled("✓ nothing is wrong", model.theme.good)));
    }
    let rows = usize::from(area.height).saturating_sub(1);
    lines.extend(folded(&troubles, rows, model, |trouble| trouble.line(model, width)));
    draw_lines(frame, area, lines);
}

/// `● web: 5/5 tasks running · subscribed · up 1h02m`
fn scheduler(model: &Model, width: usize) -> Line<'static> {
    let theme = &model.theme;
    let Some(view) = &model.cluster.scheduler else {
        return Line::from(Span::styled("○ no scheduler is known", theme.dim));
    };
    let state = &view.state;
    let well = trouble::scheduler_is_well(model);
    let (symbol, style) = if well { ("●", theme.good) } else { ("▲", theme.warning) };
    let summary = format!("{symbol} {}: {}", text::clean(&state.name), text::clean(&state.summary));
    let mut parts = vec![Part::new(9, summary, style)];
    if state.suppressed {
        parts.push(Part::new(2, "wants no offers", theme.text));
    }
    if let Some(framework) = state.framework_id.as_deref() {
        parts.push(Part::new(1, text::clip_start(&text::clean(framework), 10).into_owned(), theme.dim));
    }
    parts::line(parts, width, theme.dim)
}

/// What there is of each state, most wanted first; only states that there are.
fn states(cluster: &ClusterView) -> Vec<(Sign, u64)> {
    let counts = &cluster.counts;
    let ended = Sign { word: "ended", ..meaning::task(TaskState::TaskFinished) };
    [
        (meaning::task(TaskState::TaskRunning), counts.running),
        (meaning::task(TaskState::TaskStarting), counts.starting),
        (meaning::task(TaskState::TaskKilling), counts.killing),
        (meaning::task(TaskState::TaskUnreachable), counts.unreachable),
        (meaning::task(TaskState::TaskFailed), counts.failed),
        (ended, counts.ended),
    ]
    .into_iter()
    .filter(|(_, count)| *count > 0)
    .map(|(sign, count)| (sign, count as u64))
    .collect()
}

fn tasks(frame: &mut Frame, area: Rect, model: &Model) {
    let (theme, states) = (&model.theme, states(&model.cluster));
    if states.is_empty() {
        return draw_lines(frame, area, vec![Line::from(Span::styled("no tasks", theme.dim))]);
    }
    if states.len() > usize::from(area.height) {
        let part = |(at, (sign, count)): (usize, &(Sign, u64))| {
            let words = format!("{} {} {}", sign.symbol, units::short_count(*count), sign.word);
            Part::new(9 - at as u8, words, sign.tone.style(theme))
        };
        let parts = states.iter().enumerate().map(part).collect();
        return draw_lines(frame, area, vec![parts::line(parts, area.width.into(), theme.dim)]);
    }
    let most = states.iter().map(|(_, count)| *count).max().unwrap_or_default();
    let line = |(sign, count): &(Sign, u64)| {
        let words = format!("{} {:>6} ", text::pad(&sign.text(), 13), units::short_count(*count));
        let room = u64::from(area.width).saturating_sub(text::width(&words) as u64);
        let bar = (u128::from(*count) * u128::from(room)).div_ceil(u128::from(most.max(1)));
        let style = sign.tone.style(theme);
        Line::from(vec![Span::styled(words, style), Span::styled("▓".repeat(bar as usize), style)])
    };
    draw_lines(frame, area, states.iter().map(line).collect());
}

fn lately(frame: &mut Frame, area: Rect, model: &Model) {
    let (rates, theme) = (&model.cluster.rates, &model.theme);
    let spark = |label, numbers, unit, style| Spark { label, label_width: 8, numbers, unit, style, theme };
    let sparks = [
        spark("running", &rates.running, Unit::Level, theme.good),
        spark("launches", &rates.launches, Unit::PerSecond, theme.info),
        spark("offers", &rates.offers, Unit::PerSecond, theme.warning),
        spark("failures", &rates.failures, Unit::PerSecond, theme.bad),
    ];
    for (spark, area) in sparks.iter().zip(spark_areas(area)) {
        frame.render_widget(spark, area);
    }
}

/// One above the other, all of the same height; two by two where there are not even four rows.
fn spark_areas(area: Rect) -> [Rect; 4] {
    if area.height < 4 {
        let rows = Layout::vertical([Constraint::Length(1); 2]).areas::<2>(area);
        let [[a, b], [c, d]] =
            rows.map(|row| Layout::horizontal([Constraint::Fill(1); 2]).spacing(2).areas(row));
        return [a, b, c, d];
    }
    let air = u16::from(area.height > 4 * 3);
    Layout::vertical([Constraint::Fill(1); 4]).spacing(air).areas(area)
}

fn agents(frame: &mut Frame, area: Rect, model: &Model) {
    let mut agents: Vec<_> = model.cluster.agents.iter().collect();
    if agents.is_empty() {
        let line = Line::from(Span::styled("no agents", model.theme.dim));
        return draw_lines(frame, area, vec![line]);
    }
    agents.sort_by_cached_key(|agent| (agent.state == AgentState::Active, units::natural(&agent.name)));
    let name = agents.iter().take(area.height.into()).map(|agent| text::width(&agent.name)).max();
    let name = name.unwrap_or_default().min(NAME);
    let lines =
        folded(&agents, area.height.into(), model, |agent| agent_line(agent, name, area.width, model));
    draw_lines(frame, area, lines);
}

/// `● agent-1  cpus ▓▓▓▒░░░  38%  mem ▓▓░░░░░  19%  2 tasks`
fn agent_line(agent: &Agent, name: usize, width: u16, model: &Model) -> Line<'static> {
    let theme = &model.theme;
    let sign = meaning::agent(agent.state);
    let tasks = units::counted(agent.tasks as u64, "task");
    let tasks = if usize::from(width) < name + 2 * (LABEL + BAR) + 12 { String::new() } else { tasks };
    let rest = usize::from(width).saturating_sub(name + 2 + text::width(&tasks) + 2);
    let with_percent = rest >= 2 * (LABEL + BAR + PERCENT);
    let percent = if with_percent { PERCENT } else { 0 };
    let bar = (rest / 2).saturating_sub(LABEL + percent).min(LONGEST_BAR) as u16;
    let mut spans = vec![
        Span::styled(format!("{} ", sign.symbol), sign.tone.style(theme)),
        Span::styled(text::pad(&text::clean(&agent.name), name), theme.text),
    ];
    if agent.state == AgentState::Active {
        let of = |used, offered, total| Parts { used, offered, total };
        let resources = [
            ("cpus", of(agent.used.cpus, agent.offered.cpus, agent.total.cpus)),
            ("mem", of(agent.used.mem, agent.offered.mem, agent.total.mem)),
        ];
        for (label, parts) in resources {
            spans.push(Span::styled(format!("  {label} "), theme.dim));
            spans.extend(bar::spans(parts, bar, theme));
            if with_percent {
                let percent = units::percent(parts.used, parts.total);
                spans.push(Span::styled(text::pad_start(&percent, PERCENT), theme.text));
            }
        }
    } else {
        spans.push(Span::styled(format!("  {}", sign.word), sign.tone.style(theme)));
    }
    spans.push(Span::styled(format!("  {tasks}"), theme.dim));
    parts::clipped(spans, width.into())
}

fn newest(frame: &mut Frame, area: Rect, model: &Model) {
    let rows = usize::from(area.height);
    let told = model.cluster.history.iter().rev().take(LOOK_BACK).filter(|happening| is_news(happening));
    let lines: Vec<_> = told.take(rows).map(|happening| happened(happening, area.width, model)).collect();
    if lines.is_empty() {
        let line = Line::from(Span::styled("nothing has happened yet", model.theme.dim));
        return draw_lines(frame, area, vec![line]);
    }
    draw_lines(frame, area, lines);
}

/// Offers come all the time, and have a tab of their own.
fn is_news(happening: &Happening) -> bool {
    happening.kind != Kind::Offer || happening.weight >= Weight::Warning
}

fn happened(happening: &Happening, width: u16, model: &Model) -> Line<'static> {
    let theme = &model.theme;
    let sign = meaning::happening(happening.kind, happening.weight);
    let age = units::age(model.now.since(happening.at));
    let spans = vec![
        Span::styled(text::pad_start(&age, AGE), theme.dim),
        Span::styled(format!(" {} ", sign.symbol), sign.tone.style(theme)),
        Span::styled(text::clean(&happening.text).into_owned(), theme.text),
    ];
    parts::clipped(spans, width.into())
}

/// A line for each, or for as many as there is room and one that counts those that are left.
fn folded<T>(
    all: &[T],
    rows: usize,
    model: &Model,
    line: impl Fn(&T) -> Line<'static>,
) -> Vec<Line<'static>> {
    if all.len() <= rows {
        return all.iter().map(line).collect();
    }
    let shown = rows.saturating_sub(1);
    let rest = format!("… and {} more", units::count((all.len() - shown) as u64));
    all[..shown].iter().map(line).chain([Line::from(Span::styled(rest, model.theme.dim))]).collect()
}

fn draw_lines(frame: &mut Frame, area: Rect, lines: Vec<Line<'static>>) {
    for (line, row) in lines.into_iter().zip(area.rows()) {
        frame.render_widget(line, row);
    }
}
