//! A screen as SVG: a dark window with its text in columns, whatever font shows it.
//!
//! Backgrounds are rectangles; lines and blocks are drawn as shapes, so that they meet as they do on a terminal; each
//! other run of one style is a text stretched to its columns.

use std::fmt::Write as _;

use ratatui::{
    buffer::{Buffer, Cell},
    style::{Color, Modifier},
};

use crate::tui::picture::{cells, width};

/// A cell, in the units of the picture.
const CELL: (f32, f32) = (8.4, 17.0);

/// Where the text stands in its cell.
const BASELINE: f32 = 13.0;

/// Around the screen.
const MARGIN: f32 = 12.0;

const PAPER: &str = "#0d1117";
const INK: &str = "#d5dde5";

/// The sixteen colours of a terminal, on dark paper.
const PALETTE: [&str; 16] = [
    "#30363d", "#ff7b72", "#3fb950", "#d29922", "#58a6ff", "#bc8cff", "#39c5cf", "#b1bac4", "#6e7681",
    "#ffa198", "#56d364", "#e3b341", "#79c0ff", "#d2a8ff", "#56d4dd", "#f0f6fc",
];

/// The picture, with `title` for those who cannot see it.
pub fn svg(buffer: &Buffer, title: &str) -> String {
    let (columns, rows) = (f32::from(buffer.area.width), f32::from(buffer.area.height));
    let (wide, high) = (columns * CELL.0 + 2.0 * MARGIN, rows * CELL.1 + 2.0 * MARGIN);
    let mut out = Svg::default();
    out.line(format_args!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide:.1} {high:.1}" width="{wide:.0}" height="{high:.0}" role="img">"#
    ));
    out.line(format_args!("<title>{}</title>", escaped(title)));
    out.line(format_args!(
        r#"<rect width="100%" height="100%" rx="8" fill="{PAPER}" stroke="{}"/>"#,
        PALETTE[0]
    ));
    out.line(format_args!(
        r#"<g transform="translate({MARGIN} {MARGIN})" font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="14" fill="{INK}" xml:space="preserve" style="white-space: pre">"#
    ));
    for row in 0..buffer.area.height {
        for run in runs(buffer, row) {
            out.run(&run, f32::from(row) * CELL.1);
        }
    }
    out.line(format_args!("</g>\n</svg>"));
    out.0
}

/// Neighbours of one look.
#[derive(Debug)]
struct Run {
    column: u16,
    columns: u16,
    look: Look,
    text: String,
    /// What to draw instead of the text, which is one character then.
    shape: Option<Shape>,
}

#[derive(Clone, Debug, PartialEq)]
struct Look {
    ink: String,
    /// None: the paper.
    back: Option<String>,
    bold: bool,
    faint: bool,
    italic: bool,
    underlined: bool,
}

impl Look {
    fn of(cell: &Cell) -> Self {
        let is = |modifier| cell.modifier.contains(modifier);
        let (ink, back) = (hex(cell.fg), hex(cell.bg));
        let (ink, back) = if is(Modifier::REVERSED) {
            (Some(back.unwrap_or_else(|| PAPER.to_owned())), Some(ink.unwrap_or_else(|| INK.to_owned())))
        } else {
            (ink, back)
        };
        Self {
            ink: ink.unwrap_or_else(|| INK.to_owned()),
            back,
            bold: is(Modifier::BOLD),
            faint: is(Modifier::DIM),
            italic: is(Modifier::ITALIC),
            underlined: is(Modifier::UNDERLINED),
        }
    }

    /// The attributes of a text or of its shapes.
    fn attributes(&self) -> String {
        let mut text = String::new();
        if self.ink != INK {
            text += &format!(r#" fill="{}""#, self.ink);
        }
        let flags = [
            (self.bold, r#" font-weight="bold""#),
            (self.faint, r#" fill-opacity="0.6""#),
            (self.italic, r#" font-style="italic""#),
            (self.underlined, r#" text-decoration="underline""#),
        ];
        flags.iter().filter(|(is, _)| *is).for_each(|(_, attribute)| text += attribute);
        text
    }
}

fn runs(buffer: &Buffer, row: u16) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for (column, cell) in cells(buffer, row) {
        let (look, shape, columns) = (Look::of(cell), shape(cell.symbol()), width(cell));
        match runs.last_mut() {
            Some(run) if run.look == look && run.shape.is_none() && shape.is_none() => {
                run.text += cell.symbol();
                run.columns += columns;
            }
            // A line of equal lines is one longer line.
            Some(run) if run.look == look && shape.is_some() && run.text == cell.symbol() => {
                run.columns += columns
            }
            _ => runs.push(Run { column, columns, look, text: cell.symbol().to_owned(), shape }),
        }
    }
    runs
}

/// The part of a cell from left, top to right, bottom; 0 to 1.
type Rectangle = [f32; 4];

#[derive(Debug)]
struct Shape {
    parts: Vec<Rectangle>,
    opacity: f32,
}

/// Lines and blocks.
fn shape(symbol: &str) -> Option<Shape> {
    let mut chars = symbol.chars();
    let (c, None) = (chars.next()?, chars.next()) else { return None };
    let eighths = |first: char| (c as u32 - first as u32 + 1) as f32 / 8.0;
    let whole = [0.0, 0.0, 1.0, 1.0];
    let (parts, opacity) = match c {
        '█' => (vec![whole], 1.0),
        '▓' => (vec![whole], 0.75),
        '▒' => (vec![whole], 0.45),
        '░' => (vec![whole], 0.2),
        '▀' => (vec![[0.0, 0.0, 1.0, 0.5]], 1.0),
        '▁'..='▇' => (vec![[0.0, 1.0 - eighths('▁'), 1.0, 1.0]], 1.0),
        '▉'..='▏' => (vec![[0.0, 0.0, 1.0 - eighths('▉'), 1.0]], 1.0),
        '╌' => (dashes(0.5), 1.0),
        '╍' => (dashes(1.2), 1.0),
        _ => (lines(arms(c)?), 1.0),
    };
    Some(Shape { parts, opacity })
}

fn dashes(half: f32) -> Vec<Rectangle> {
    let y = half / CELL.1;
    vec![[0.1, 0.5 - y, 0.4, 0.5 + y], [0.6, 0.5 - y, 0.9, 0.5 + y]]
}

/// Which arms a line has, and half of how thick it is: left, right, up, down.
fn arms(c: char) -> Option<([bool; 4], f32)> {
    const THIN: f32 = 0.5;
    let (arms, half) = match c {
        '─' => ("lr", THIN),
        '━' => ("lr", 1.2),
        '│' => ("ud", THIN),
        '┃' => ("ud", 1.2),
        '┌' | '╭' => ("rd", THIN),
        '┐' | '╮' => ("ld", THIN),
        '└' | '╰' => ("ru", THIN),
        '┘' | '╯' => ("lu", THIN),
        '├' => ("rud", THIN),
        '┤' => ("lud", THIN),
        '┬' => ("lrd", THIN),
        '┴' => ("lru", THIN),
        '┼' => ("lrud", THIN),
        _ => return None,
    };
    Some((['l', 'r', 'u', 'd'].map(|arm| arms.contains(arm)), half))
}

fn lines(([left, right, up, down], half): ([bool; 4], f32)) -> Vec<Rectangle> {
    let (x, y) = (half / CELL.0, half / CELL.1);
    let mut lines = Vec::new();
    if left || right {
        lines.push([if left { 0.0 } else { 0.5 - x }, 0.5 - y, if right { 1.0 } else { 0.5 + x }, 0.5 + y]);
    }
    if up || down {
        lines.push([0.5 - x, if up { 0.0 } else { 0.5 - y }, 0.5 + x, if down { 1.0 } else { 0.5 + y }]);
    }
    lines
}

#[derive(Default)]
struct Svg(String);

impl Svg {
    fn line(&mut self, line: std::fmt::Arguments) {
        // Writing to a String does not fail.
        let _ = writeln!(self.0, "{line}");
    }

    fn run(&mut self, run: &Run, top: f32) {
        let (x, wide) = (f32::from(run.column) * CELL.0, f32::from(run.columns) * CELL.0);
        if let Some(back) = &run.look.back {
            self.line(format_args!(
                r#"<rect x="{x:.1}" y="{top:.1}" width="{wide:.1}" height="{:.1}" fill="{back}"/>"#,
                CELL.1
            ));
        }
        match &run.shape {
            Some(shape) => self.shape(run, shape, top),
            None if run.text.trim().is_empty() && !run.look.underlined => {}
            None => self.text(run, top),
        }
    }

    /// Blanks at both ends are left out, so that the letters stand where they belong.
    fn text(&mut self, run: &Run, top: f32) {
        let before = run.text.len() - run.text.trim_start().len();
        let after = run.text.len() - run.text.trim_end().len();
        let x = (f32::from(run.column) + before as f32) * CELL.0;
        let wide = (f32::from(run.columns) - (before + after) as f32) * CELL.0;
        self.line(format_args!(
            r#"<text x="{x:.1}" y="{:.1}" textLength="{wide:.1}" lengthAdjust="spacingAndGlyphs"{}>{}</text>"#,
            top + BASELINE,
            run.look.attributes(),
            escaped(run.text.trim())
        ));
    }

    /// What is whole from left to right is drawn once for all cells of the run.
    fn shape(&mut self, run: &Run, shape: &Shape, top: f32) {
        let attributes = match shape.opacity {
            1.0 => run.look.attributes(),
            opacity => format!(r#"{} opacity="{opacity}""#, run.look.attributes()),
        };
        for cell in 0..run.columns {
            let left = f32::from(run.column + cell) * CELL.0;
            for [x, y, right, bottom] in &shape.parts {
                let whole = *x == 0.0 && *right == 1.0;
                let wide = if whole { f32::from(run.columns) * CELL.0 } else { (right - x) * CELL.0 };
                if whole && cell > 0 {
                    continue;
                }
                self.line(format_args!(
                    r#"<rect x="{:.1}" y="{:.1}" width="{wide:.1}" height="{:.1}"{attributes}/>"#,
                    left + x * CELL.0,
                    top + y * CELL.1,
                    (bottom - y) * CELL.1,
                ));
            }
        }
    }
}

/// None: as the terminal has it.
fn hex(color: Color) -> Option<String> {
    let named = |index: u8| Some(PALETTE[usize::from(index)].to_owned());
    match color {
        Color::Reset => None,
        Color::Black => named(0),
        Color::Red => named(1),
        Color::Green => named(2),
        Color::Yellow => named(3),
        Color::Blue => named(4),
        Color::Magenta => named(5),
        Color::Cyan => named(6),
        Color::Gray => named(7),
        Color::DarkGray => named(8),
        Color::LightRed => named(9),
        Color::LightGreen => named(10),
        Color::LightYellow => named(11),
        Color::LightBlue => named(12),
        Color::LightMagenta => named(13),
        Color::LightCyan => named(14),
        Color::White => named(15),
        Color::Rgb(r, g, b) => Some(rgb([r, g, b])),
        Color::Indexed(index @ 0..16) => named(index),
        // A cube of six steps a side, then a ramp of greys.
        Color::Indexed(index @ 16..232) => {
            let step = |step: u8| if step == 0 { 0 } else { 55 + 40 * step };
            let index = index - 16;
            Some(rgb([step(index / 36), step(index / 6 % 6), step(index % 6)]))
        }
        Color::Indexed(index) => Some(rgb([8 + 10 * (index - 232); 3])),
    }
}

fn rgb([r, g, b]: [u8; 3]) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}

/// Text for XML, which knows no control characters.
fn escaped(text: &str) -> String {
    let visible = text.chars().filter(|c| !c.is_control());
    visible.fold(String::new(), |mut out, c| {
        match c {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '"' => out += "&quot;",
            other => out.push(other),
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use ratatui::{
        buffer::Buffer,
        style::{Color, Style},
    };

    use super::{hex, svg};

    fn picture(text: &str, style: Style) -> String {
        let mut buffer = Buffer::with_lines([" ".repeat(20)]);
        buffer.set_string(0, 0, text, style);
        svg(&buffer, "a & b")
    }

    #[test]
    fn text_keeps_its_columns_and_breaks_no_xml() {
        let svg = picture("  <x & y>", Style::new().red());
        assert!(svg.contains("<title>a &amp; b</title>"), "{svg}");
        let x = 2.0 * super::CELL.0;
        assert!(svg.contains(&format!(r#"<text x="{x:.1}""#)), "{svg}");
        assert!(svg.contains(r##" fill="#ff7b72">&lt;x &amp; y&gt;</text>"##), "{svg}");
    }

    #[test]
    fn reversed_text_is_paper_on_ink() {
        let svg = picture("cursor", Style::new().reversed());
        assert!(svg.contains(&format!(r#"height="17.0" fill="{}""#, super::INK)), "{svg}");
        assert!(svg.contains(&format!(r#" fill="{}">cursor"#, super::PAPER)), "{svg}");
    }

    #[test]
    fn equal_lines_are_one_and_blocks_are_shapes() {
        let svg = picture("┌────┐ ███", Style::new());
        assert!(!svg.contains("<text"), "{svg}");
        assert_eq!(svg.matches("<rect").count(), 1 + 2 + 1 + 2 + 1, "{svg}");
    }

    #[test]
    fn colours_by_number_are_those_of_xterm() {
        let colours = [16, 196, 231, 232, 255].map(|index| hex(Color::Indexed(index)).unwrap_or_default());
        assert_eq!(colours, ["#000000", "#ff0000", "#ffffff", "#080808", "#eeeeee"]);
    }
}
