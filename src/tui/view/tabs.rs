//! The row of tabs, a rule with the names of the tabs in it: `─ 1 Overview ─┤ 2 Offers (3) ├─ 3 Tasks (5) ─`

use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
    widgets::Clear,
};

use crate::{
    cluster::{
        agent::AgentState, component::Health, framework::FrameworkState, offer::Verdict, rows::Rows as _,
    },
    tui::{
        model::{Model, Tab},
        view::{text, units},
    },
};

/// A tab and where its name stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    pub tab: Tab,
    pub text: String,
    pub area: Rect,
}

pub fn draw(frame: &mut Frame, area: Rect, model: &Model) {
    let theme = &model.theme;
    let rule = "─".repeat(area.width.into());
    frame.render_widget(Line::styled(rule, theme.border), area);
    for label in labels(area, model) {
        // The rule's colour would shine through.
        frame.render_widget(Clear, label.area);
        let line = if label.tab == model.tab {
            Line::from(vec![
                Span::styled("┤", theme.border),
                Span::styled(label.text, theme.cursor),
                Span::styled("├", theme.border),
            ])
        } else {
            let (digit, name) = label.text.split_at(1);
            Line::from(vec![
                Span::raw(" "),
                Span::styled(digit.to_owned(), theme.key),
                Span::styled(name.to_owned(), theme.text),
                Span::raw(" "),
            ])
        };
        frame.render_widget(line, label.area);
    }
}

/// The names of all tabs, in the longest form for which there is room.
pub fn labels(area: Rect, model: &Model) -> Vec<Label> {
    let room = usize::from(area.width);
    let forms = [(Form::Long, 1), (Form::Counted, 1), (Form::Named, 1), (Form::Named, 0), (Form::Short, 0)];
    let (mut written, mut air) = (Vec::new(), 1);
    for (form, blank) in forms.into_iter().chain([(Form::Digits, 1)]) {
        written = Tab::ALL.map(|tab| (tab, write(form, tab, model))).into();
        air = blank;
        let names: usize = written.iter().map(|(_, text)| text::width(text) + 1 + usize::from(air)).sum();
        if names + 2 <= room {
            break;
        }
    }
    let mut x = area.x + 1;
    let place = |(tab, text): (Tab, String)| {
        let shown = u16::from(tab == model.tab).max(air);
        let width = text::width(&text) as u16 + 1 + shown;
        let label = Label { tab, text, area: Rect { x, width, ..area }.intersection(area) };
        x = x.saturating_add(width);
        label
    };
    written.into_iter().map(place).collect()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// `5 Frameworks (1)`
    Long,
    /// `5 Fwks (1)`
    Counted,
    /// `5 Frameworks`
    Named,
    /// `5 Fwks`
    Short,
    /// `5`, and the name of the one that is shown.
    Digits,
}

fn write(form: Form, tab: Tab, model: &Model) -> String {
    let digit = tab as usize + 1;
    let name = match form {
        Form::Long | Form::Named => tab.title(),
        Form::Short if tab == Tab::Overview => "Over",
        Form::Counted | Form::Short => short_title(tab),
        Form::Digits if tab != model.tab => return digit.to_string(),
        Form::Digits => tab.title(),
    };
    match form {
        Form::Long | Form::Counted => match count(tab, model) {
            Some(count) => format!("{digit} {name} ({count})"),
            None => format!("{digit} {name}"),
        },
        Form::Named | Form::Short | Form::Digits => format!("{digit} {name}"),
    }
}

fn short_title(tab: Tab) -> &'static str {
    match tab {
        Tab::Frameworks => "Fwks",
        Tab::Components => "Comps",
        Tab::Overview | Tab::Offers | Tab::Tasks | Tab::Agents | Tab::Events => tab.title(),
    }
}

/// What is there now; `2/3` where some are not as they should be.
fn count(tab: Tab, model: &Model) -> Option<String> {
    let cluster = &model.cluster;
    let of = |good: usize, all: usize| {
        let [good, all] = [good, all].map(|number| units::short_count(number as u64));
        if good == all { all } else { format!("{good}/{all}") }
    };
    Some(match tab {
        Tab::Overview | Tab::Events => return None,
        Tab::Offers => {
            let outstanding =
                cluster.offers.iter().filter(|offer| offer.verdict == Verdict::Outstanding).count();
            of(outstanding, outstanding)
        }
        Tab::Tasks => {
            let counts = &cluster.counts;
            let live = counts.starting + counts.running + counts.killing + counts.unreachable;
            of(live, live)
        }
        Tab::Agents => {
            let active = cluster.agents.iter().filter(|agent| agent.state == AgentState::Active).count();
            of(active, cluster.agents.len())
        }
        Tab::Frameworks => {
            let known = cluster.frameworks.iter().filter(|known| known.state != FrameworkState::Completed);
            let known = known.count();
            of(known, known)
        }
        Tab::Components => {
            let ready = cluster.components.iter().filter(|part| part.health == Health::Ready).count();
            of(ready, cluster.components.len())
        }
    })
}
