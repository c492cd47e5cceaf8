//! Text of the cluster, made fit for cells: nothing that a terminal would obey, and no wider than its place.

use std::borrow::Cow;

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

const MORE: char = '…';

/// One line without control characters and without those that turn the direction of writing.
pub fn clean(text: &str) -> Cow<'_, str> {
    if text.chars().all(is_plain) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().map(|c| if is_plain(c) { c } else { stand_in(c) }).collect())
}

/// Whether a terminal shows it as what it is.
pub fn is_plain(c: char) -> bool {
    !c.is_control() && !is_format(c)
}

/// Characters that are not seen and change how others look.
fn is_format(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

fn stand_in(c: char) -> char {
    if matches!(c, '\n' | '\r' | '\t' | '\u{2028}' | '\u{2029}') { ' ' } else { '·' }
}

/// How many cells it takes.
pub fn width(text: &str) -> usize {
    text.width()
}

/// Its beginning, in at most `cells` cells; `…` stands for what is cut off.
pub fn clip(text: &str, cells: usize) -> Cow<'_, str> {
    if text.width() <= cells {
        return Cow::Borrowed(text);
    }
    if cells == 0 {
        return Cow::Borrowed("");
    }
    let mut clipped = String::new();
    let mut left = cells - 1;
    for c in text.chars() {
        let cells = c.width().unwrap_or_default();
        if cells > left {
            break;
        }
        left -= cells;
        clipped.push(c);
    }
    clipped.push(MORE);
    Cow::Owned(clipped)
}

/// Its end, in at most `cells` cells: for ids and paths that differ at their ends.
pub fn clip_start(text: &str, cells: usize) -> Cow<'_, str> {
    if text.width() <= cells {
        return Cow::Borrowed(text);
    }
    if cells == 0 {
        return Cow::Borrowed("");
    }
    let mut left = cells - 1;
    let fits = |c: &char| {
        let cells = c.width().unwrap_or_default();
        let fits = cells <= left;
        left = left.saturating_sub(cells);
        fits
    };
    let mut end: Vec<_> = text.chars().rev().take_while(fits).collect();
    end.push(MORE);
    Cow::Owned(end.into_iter().rev().collect())
}

/// Clipped, and filled with blanks: exactly `cells` cells.
pub fn pad(text: &str, cells: usize) -> String {
    let clipped = clip(text, cells);
    let blanks = cells.saturating_sub(clipped.width());
    format!("{clipped}{:blanks$}", "")
}

/// The same, at the right end.
pub fn pad_start(text: &str, cells: usize) -> String {
    let clipped = clip(text, cells);
    let blanks = cells.saturating_sub(clipped.width());
    format!("{:blanks$}{clipped}", "")
}

/// Broken at blanks into rows of at most `cells` cells, words that are longer anywhere; at least one row. A single
/// character may be wider than its row.
pub fn wrap(text: &str, cells: usize) -> Vec<String> {
    let mut rows = Vec::new();
    let mut rest = text;
    loop {
        let end = cut(rest, cells);
        if end == rest.len() {
            rows.push(rest.to_owned());
            return rows;
        }
        let blank = rest[..end].rfind(' ').filter(|_| !rest[end..].starts_with(' ')).filter(|at| *at > 0);
        let at = blank.unwrap_or(end);
        rows.push(rest[..at].trim_end().to_owned());
        rest = rest[at..].trim_start_matches(' ');
        if rest.is_empty() {
            return rows;
        }
    }
}

/// How many of its bytes go into `cells` cells; at least one character.
pub fn cut(text: &str, cells: usize) -> usize {
    let mut used = 0;
    for (at, c) in text.char_indices() {
        used += c.width().unwrap_or_default();
        if used > cells && at > 0 {
            return at;
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

    use super::{clean, clip, clip_start, cut, pad, width, wrap};

    #[test]
    fn breaks_at_blanks_where_there_are_any() {
        assert_eq!(wrap("one two three", 8), ["one two", "three"]);
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("REASON_COMMAND", 6), ["REASON", "_COMMA", "ND"]);
        assert_eq!(wrap("a  b", 2), ["a", "b"]);
        assert_eq!(wrap("中文字", 3), ["中", "文", "字"]);
        assert_eq!(wrap("", 3), [""]);
    }

    #[test]
    fn nothing_that_a_terminal_obeys_is_left() {
        assert_eq!(clean("\u{1b}[31mred\u{7}\tand\nblue\u{202e}"), "·[31mred· and blue·");
        assert_eq!(clean("плюс 中"), "плюс 中");
    }

    #[test]
    fn clipped_text_says_so() {
        assert_eq!(clip("sleeper", 7), "sleeper");
        assert_eq!(clip("sleeper", 4), "sle…");
        assert_eq!(clip("中文字", 4), "中…");
        assert_eq!(clip_start("a.1.b-42", 5), "…b-42");
        assert_eq!(pad("中文字", 4), "中… ");
    }

    proptest! {
        #[test]
        fn any_text_fits_its_place(text in any::<String>(), cells in 0_usize..40) {
            let text = clean(&text);
            prop_assert!(width(&clip(&text, cells)) <= cells);
            prop_assert!(width(&clip_start(&text, cells)) <= cells);
            prop_assert_eq!(width(&pad(&text, cells)), cells);
        }

        #[test]
        fn wrapping_loses_blanks_only(text in "[ab 中é]{0,30}", cells in 1_usize..12) {
            let rows = wrap(&text, cells);
            prop_assert!(rows.iter().all(|row| width(row) <= cells.max(2)), "{rows:?}");
            let dense = |text: &str| text.replace(' ', "");
            prop_assert_eq!(dense(&rows.concat()), dense(&text));
            prop_assert!(cut(&text, cells) <= text.len());
        }
    }
}
