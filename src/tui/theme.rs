//! Colours by meaning. No meaning is carried by colour alone.

use ratatui::style::{Color, Modifier, Style};

/// What each kind of text looks like.
#[derive(Clone, Debug, PartialEq)]
pub struct Theme {
    pub name: String,
    pub text: Style,
    pub dim: Style,
    pub title: Style,
    pub border: Style,
    /// The row under the cursor.
    pub cursor: Style,
    /// Keys in the footer and in help.
    pub key: Style,
    pub good: Style,
    pub warning: Style,
    pub bad: Style,
    pub info: Style,
    /// Parts of bars and gauges.
    pub used: Style,
    pub offered: Style,
    pub free: Style,
}

impl Theme {
    pub fn dark() -> Self {
        let fg = |color| Style::new().fg(color);
        Self {
            name: "dark".into(),
            text: Style::new(),
            dim: fg(Color::DarkGray),
            title: Style::new().add_modifier(Modifier::BOLD),
            border: fg(Color::DarkGray),
            cursor: Style::new().add_modifier(Modifier::REVERSED),
            key: fg(Color::Cyan),
            good: fg(Color::Green),
            warning: fg(Color::Yellow),
            bad: fg(Color::Red),
            info: fg(Color::Blue),
            used: fg(Color::Green),
            offered: fg(Color::Yellow),
            free: fg(Color::DarkGray),
        }
    }
}
