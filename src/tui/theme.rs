//! Colours by meaning, from `assets/themes.toml`. No meaning is carried by colour alone.

use ratatui::style::{Color, Modifier, Style};
use serde::{Deserialize, Deserializer, de::Error as _};
use toml::Table;

const THEMES: &str = include_str!("../../assets/themes.toml");
/// In the order in which they follow each other.
pub const NAMES: [&str; 4] = ["dark", "light", "contrast", "mono"];

/// What each kind of text looks like.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Theme {
    #[serde(skip)]
    pub name: String,
    /// Everything that nothing else is said of; also the background.
    #[serde(deserialize_with = "style")]
    pub text: Style,
    #[serde(deserialize_with = "style")]
    pub dim: Style,
    #[serde(deserialize_with = "style")]
    pub title: Style,
    #[serde(deserialize_with = "style")]
    pub border: Style,
    /// The row under the cursor.
    #[serde(deserialize_with = "style")]
    pub cursor: Style,
    /// Keys in the footer and in help, and what can be taken hold of.
    #[serde(deserialize_with = "style")]
    pub key: Style,
    #[serde(deserialize_with = "style")]
    pub good: Style,
    #[serde(deserialize_with = "style")]
    pub warning: Style,
    #[serde(deserialize_with = "style")]
    pub bad: Style,
    #[serde(deserialize_with = "style")]
    pub info: Style,
    /// Parts of bars and gauges.
    #[serde(deserialize_with = "style")]
    pub used: Style,
    #[serde(deserialize_with = "style")]
    pub offered: Style,
    #[serde(deserialize_with = "style")]
    pub free: Style,
}

impl Theme {
    /// The theme of that name.
    ///
    /// # Errors
    /// When there is none: the error lists those there are.
    pub fn named(name: &str) -> Result<Self, String> {
        let unknown = || format!("there is no theme `{name}`; there are {}", NAMES.join(", "));
        let mut themes: Table = toml::from_str(THEMES).map_err(|error| error.to_string())?;
        let theme = themes.remove(name).ok_or_else(unknown)?;
        let theme: Self = theme.try_into().map_err(|error| format!("theme `{name}`: {error}"))?;
        Ok(Self { name: name.to_owned(), ..theme })
    }

    /// What was asked for; else `mono` where no colour is wanted (`NO_COLOR`), and `dark`.
    ///
    /// # Errors
    /// When there is no theme of that name.
    pub fn chosen(name: Option<&str>, no_color: bool) -> Result<Self, String> {
        Self::named(name.unwrap_or(if no_color { "mono" } else { "dark" }))
    }

    pub fn dark() -> Self {
        Self::named("dark").unwrap_or_default()
    }

    /// The one that follows, round and round.
    pub fn next(&self) -> Self {
        let at = NAMES.iter().position(|name| *name == self.name).map_or(0, |at| (at + 1) % NAMES.len());
        Self::named(NAMES[at]).unwrap_or_else(|_| self.clone())
    }
}

fn style<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Style, D::Error> {
    parse(&String::deserialize(deserializer)?).map_err(D::Error::custom)
}

/// `bright-red on 236 bold`
fn parse(words: &str) -> Result<Style, String> {
    let mut style = Style::new();
    let mut words = words.split_whitespace();
    while let Some(word) = words.next() {
        style = match (modifier(word), word) {
            (Some(modifier), _) => style.add_modifier(modifier),
            (None, "on") => style.bg(color(words.next().unwrap_or_default())?),
            (None, word) => style.fg(color(word)?),
        };
    }
    Ok(style)
}

fn modifier(word: &str) -> Option<Modifier> {
    Some(match word {
        "bold" => Modifier::BOLD,
        "dim" => Modifier::DIM,
        "italic" => Modifier::ITALIC,
        "underlined" => Modifier::UNDERLINED,
        "reversed" => Modifier::REVERSED,
        _ => return None,
    })
}

fn color(word: &str) -> Result<Color, String> {
    word.parse().map_err(|_| format!("`{word}` is no colour"))
}

#[cfg(test)]
mod tests {
    use ratatui::style::{Color, Modifier, Style};

    use super::{NAMES, THEMES, Theme, parse};

    #[test]
    fn every_theme_can_be_read_and_every_one_comes_round() {
        let file: toml::Table = toml::from_str(THEMES).unwrap();
        let mut written: Vec<_> = file.keys().map(String::as_str).collect();
        written.sort_by_key(|name| NAMES.iter().position(|known| known == name));
        assert_eq!(written, NAMES);
        let mut theme = Theme::dark();
        for name in NAMES {
            assert_eq!(theme, Theme::named(name).unwrap());
            theme = theme.next();
        }
        assert_eq!(theme.name, "dark");
    }

    #[test]
    fn an_unknown_theme_names_those_there_are() {
        let error = Theme::named("pink").unwrap_err();
        assert_eq!(error, "there is no theme `pink`; there are dark, light, contrast, mono");
    }

    #[test]
    fn no_color_is_mono_unless_a_theme_is_asked_for() {
        let chosen = |name, no_color| Theme::chosen(name, no_color).unwrap().name;
        assert_eq!(
            [chosen(None, true), chosen(None, false), chosen(Some("light"), true)],
            ["mono", "dark", "light"]
        );
    }

    #[test]
    fn mono_has_no_colour() {
        let mono = format!("{:?}", Theme::named("mono").unwrap());
        assert!(!mono.contains("fg(") && !mono.contains("Indexed") && !mono.contains("Some("), "{mono}");
    }

    #[test]
    fn styles() {
        assert_eq!(
            parse("bright-red on 236 bold"),
            Ok(Style::new().fg(Color::LightRed).bg(Color::Indexed(236)).add_modifier(Modifier::BOLD))
        );
        assert_eq!(parse("pinkish").unwrap_err(), "`pinkish` is no colour");
    }
}
