//! What a draft would do, over the top of the body: who takes the new tasks and what finds no place, or which tasks end.
//!
//! ```text
//! ╭ 5 to 9 tasks: 4 more ───────────────────────────╮
//! │ ▲ 1 finds no place                              │
//! │   cpus: wants 2, largest agent has 1.5          │
//! │ agent-1  +2  ▓▓▓▓▒▒▒▒░░░░░░░░ 1 + 1 of 4 cpus │
//! ╰ Enter scales to 9 ─ Esc drops ──────────────────╯
//! ```

use ratatui::{
    Frame,
    layout::Rect,
    style::Style,
    text::{Line, Span},
    widgets::{Block, BorderType, Clear, Paragraph},
};

use crate::{
    mesos::v1::TaskState,
    scheduler::forecast::{Forecast, Placed},
    tui::{
        keys::Action,
        layout,
        model::Model,
        slider::{Draft, off, target},
        tables::meaning,
        view::{
            bar::{self, Parts},
            parts, text, units,
        },
    },
};

/// The widest name of an agent.
const NAME: usize = 24;
const BAR: u16 = 16;
/// From here on there is room for bars.
const BARS: u16 = 50;

/// What there is to see, and where.
#[derive(Debug)]
pub struct Preview {
    pub area: Rect,
    title: Line<'static>,
    lines: Vec<Line<'static>>,
    foot: Vec<(Action, String)>,
    note: Option<&'static str>,
}

/// Words that can be clicked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Button {
    pub area: Rect,
    pub action: Action,
    pub text: String,
}

pub fn draw(frame: &mut Frame, body: Rect, model: &Model) {
    let Some(preview) = Preview::of(model, body) else { return };
    let theme = &model.theme;
    let block = Block::bordered().border_type(BorderType::Rounded).border_style(theme.key);
    let block = block.title(preview.title.clone());
    frame.render_widget(Clear, preview.area);
    frame.buffer_mut().set_style(preview.area, theme.text);
    frame.render_widget(Paragraph::new(preview.lines.clone()), block.inner(preview.area));
    frame.render_widget(block, preview.area);
    for button in preview.buttons() {
        frame.render_widget(Span::styled(button.text, theme.key), button.area);
    }
    let taken = preview.buttons().last().map_or(0, |button| button.area.right());
    let room = usize::from(preview.area.right().saturating_sub(taken));
    if let Some(note) = preview.note.filter(|note| text::width(note) + 4 <= room) {
        let line = Line::styled(format!(" {note} "), theme.warning).right_aligned();
        let foot = Rect { y: preview.area.bottom().saturating_sub(1), height: 1, ..preview.area };
        frame.render_widget(line, layout::inner(foot));
    }
}

impl Preview {
    /// None while there is no draft, or no room.
    pub fn of(model: &Model, body: Rect) -> Option<Self> {
        let draft = model.slider.draft.as_ref()?;
        let room = layout::preview_room(body);
        if room == 0 {
            return None;
        }
        let width = layout::preview(body, 0).width.saturating_sub(4);
        let lines = lines(draft, model, room, width);
        Some(Self {
            area: layout::preview(body, lines.len()),
            title: title(draft, model),
            lines: lines.into_iter().map(indented).collect(),
            foot: vec![
                (Action::Commit, format!(" Enter scales to {} ", units::count(draft.wanted))),
                (Action::Back, " Esc drops ".to_owned()),
            ],
            note: model.read_only.then_some("read-only"),
        })
    }

    pub fn buttons(&self) -> Vec<Button> {
        let area = Rect { y: self.area.bottom().saturating_sub(1), height: 1, ..self.area };
        let mut x = area.x + 1;
        let place = |(action, text): &(Action, String)| {
            let width = text::width(text) as u16;
            let area = Rect { x, width, ..area }.intersection(layout::inner(area));
            x = x.saturating_add(width + 1);
            Button { area, action: *action, text: text.clone() }
        };
        self.foot.iter().map(place).collect()
    }
}

fn indented(line: Line<'static>) -> Line<'static> {
    [Span::raw(" ")].into_iter().chain(line.spans).collect()
}

/// `5 to 9 tasks: 4 more`
fn title(draft: &Draft, model: &Model) -> Line<'static> {
    let target = target(&model.cluster).unwrap_or_default();
    let difference = match draft.wanted.checked_sub(target) {
        Some(0) => "as it is".to_owned(),
        Some(more) => format!("{} more", units::count(more)),
        None => format!("{} fewer", units::count(target - draft.wanted)),
    };
    let change = format!(" {} to {} tasks: ", units::count(target), units::count(draft.wanted));
    Line::from(vec![
        Span::styled(change, model.theme.title),
        Span::styled(format!("{difference} "), model.theme.key),
    ])
}

fn say(text: impl Into<String>, style: Style) -> Line<'static> {
    Line::from(Span::styled(text.into(), style))
}

fn lines(draft: &Draft, model: &Model, room: usize, width: u16) -> Vec<Line<'static>> {
    let theme = &model.theme;
    let mut lines = Vec::new();
    if off(&model.cluster).is_some() {
        lines.push(say("▲ the scheduler is away: nothing can be changed now", theme.warning));
    }
    let rows = room.saturating_sub(lines.len());
    match &draft.forecast {
        None => lines.push(say("◌ looking at what would happen", theme.info)),
        Some(forecast) if forecast.wanted == draft.wanted => lines.extend(tell(forecast, model, rows, width)),
        Some(before) => {
            let told = tell(before, model, rows, width).into_iter();
            lines.extend(told.map(|line| say(line.to_string(), theme.dim)));
        }
    }
    lines.truncate(room);
    lines.into_iter().map(|line| parts::clipped(line.spans, width.into())).collect()
}

fn tell(forecast: &Forecast, model: &Model, rows: usize, width: u16) -> Vec<Line<'static>> {
    let theme = &model.theme;
    let mut lines = Vec::new();
    if forecast.unplaced > 0 {
        let verb = if forecast.unplaced == 1 { "finds" } else { "find" };
        let problem = format!("▲ {} {verb} no place", units::counted(forecast.unplaced, "task"));
        lines.push(say(problem, theme.warning));
        let missing = forecast.missing.iter().map(|missing| format!("  {}", text::clean(&missing.text)));
        lines.extend(missing.map(|text| say(text, theme.text)));
    }
    let rows = rows.saturating_sub(lines.len());
    let name = forecast.placed.iter().take(rows).map(|placed| text::width(name_of(placed, model))).max();
    let name = name.unwrap_or_default();
    let agent = |placed: &Placed| takes(placed, model, name.min(NAME), width);
    lines.extend(folded(&forecast.placed, rows, model, agent));
    let rows = rows.saturating_sub(lines.len());
    lines.extend(folded(&forecast.ending, rows, model, |id| ends(id, model)));
    if lines.is_empty() {
        lines.push(say("nothing would change", theme.dim));
    }
    lines
}

/// A line for each, or for as many as there is room and one for those that are left.
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
    all[..shown].iter().map(line).chain([say(rest, model.theme.dim)]).collect()
}

/// `agent-1  +2  ▓▓▓▓▒▒▒▒░░░░░░░░  1 + 1 of 4 cpus`
fn takes(placed: &Placed, model: &Model, name: usize, width: u16) -> Line<'static> {
    let theme = &model.theme;
    let mut spans = vec![
        Span::styled(text::pad(&text::clean(name_of(placed, model)), name), theme.text),
        Span::styled(format!("  {:>4}", format!("+{}", units::short_count(placed.tasks))), theme.good),
    ];
    let Some((parts, words)) = room_taken(placed, model) else { return Line::from(spans) };
    if width >= BARS {
        spans.push(Span::raw("  "));
        spans.extend(bar::spans(parts, BAR, theme));
    }
    spans.push(Span::styled(format!("  {words}"), theme.dim));
    Line::from(spans)
}

/// What the agent is called; several may share a host.
fn name_of<'a>(placed: &'a Placed, model: &'a Model) -> &'a str {
    model.cluster.agents.find(&placed.agent_id).map_or(&placed.hostname, |agent| &agent.name)
}

/// What the new tasks take of their agent: of its cpus, or of its memory when they want no cpus.
fn room_taken(placed: &Placed, model: &Model) -> Option<(Parts, String)> {
    let agent = model.cluster.agents.find(&placed.agent_id)?;
    let config = &model.cluster.scheduler.as_ref()?.config.config;
    let taken = |used, each, total, write: fn(f64) -> String, unit| {
        let new = placed.tasks as f64 * each;
        let words = format!("{} + {} of {}{unit}", write(used), write(new), write(total));
        (Parts { used, offered: new, total }, words)
    };
    Some(if config.cpus > 0.0 {
        taken(agent.used.cpus, config.cpus, agent.total.cpus, units::amount, " cpus")
    } else {
        taken(agent.used.mem, config.mem, agent.total.mem, units::megabytes, "")
    })
}

/// `■ web.4.828f  ends on agent-2 after 4m05s`
fn ends(id: &str, model: &Model) -> Line<'static> {
    let theme = &model.theme;
    let Some(task) = model.cluster.tasks.find(id) else {
        return say(text::clean(id).into_owned(), theme.text);
    };
    let sign = meaning::task(TaskState::TaskKilled);
    let since = units::since(model.now, task.started);
    Line::from(vec![
        Span::styled(format!("{} ", sign.symbol), theme.warning),
        Span::styled(text::clean(id).into_owned(), theme.text),
        Span::styled(format!("  ends on {} after {since}", text::clean(&task.agent)), theme.dim),
    ])
}
