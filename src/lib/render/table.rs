//! Tables of plain text that fit a terminal, whatever their cells hold.

use std::fmt::Write as _;

use unicode_segmentation::UnicodeSegmentation as _;

/// The width that every table fits unless the caller knows a better one.
pub const WIDTH: usize = 80;
/// A column is never made narrower than this.
const NARROWEST: usize = 6;
/// Between two columns.
const GAP: &str = "  ";
/// A wrapped cell has at most so many lines; the last one then ends in `…`.
const TALLEST: usize = 12;

/// What a column does when the table is too wide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// It is cut, and ends in `…`.
    Cut,
    /// It goes on in the next line.
    Wrap,
}

/// A table.
#[derive(Clone, Debug)]
pub struct Table {
    columns: Vec<(String, Fit)>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// An empty table with these columns.
    #[must_use]
    pub fn new(columns: &[(&str, Fit)]) -> Self {
        let columns = columns.iter().map(|(name, fit)| ((*name).to_owned(), *fit)).collect();
        Self { columns, rows: Vec::new() }
    }

    /// Adds a row; a missing cell is empty, a surplus one is dropped.
    pub fn row<T: AsRef<str>>(&mut self, cells: impl IntoIterator<Item = T>) {
        let mut row: Vec<String> = cells.into_iter().map(|cell| clean(cell.as_ref())).collect();
        row.resize(self.columns.len(), String::new());
        self.rows.push(row);
    }

    /// Whether it has no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The table in lines of at most `width`, each ended by a newline.
    #[must_use]
    pub fn render(&self, width: usize) -> String {
        let header: Vec<String> = self.columns.iter().map(|(name, _)| name.clone()).collect();
        let widths = self.widths(&header, width);
        let mut text = String::new();
        for row in std::iter::once(&header).chain(&self.rows) {
            self.draw(row, &widths, &mut text);
        }
        text
    }

    /// The natural widths, and where these are too much, the widest column gives first.
    fn widths(&self, header: &[String], width: usize) -> Vec<usize> {
        let natural = |place: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(place)).chain(header.get(place));
            cells.map(|cell| display_width(cell)).max().unwrap_or(0)
        };
        let mut widths: Vec<usize> = (0..self.columns.len()).map(natural).collect();
        let gaps = GAP.len() * self.columns.len().saturating_sub(1);
        let room = width.saturating_sub(gaps);
        while widths.iter().sum::<usize>() > room {
            let Some(widest) = widths.iter_mut().max().filter(|widest| **widest > NARROWEST) else {
                break;
            };
            *widest -= 1;
        }
        widths
    }

    fn draw(&self, row: &[String], widths: &[usize], text: &mut String) {
        let cells: Vec<Vec<String>> = row
            .iter()
            .zip(widths)
            .zip(&self.columns)
            .map(|((cell, width), (_, fit))| match fit {
                Fit::Cut => vec![cut(cell, *width)],
                Fit::Wrap => wrap(cell, *width),
            })
            .collect();
        let height = cells.iter().map(Vec::len).max().unwrap_or(0);
        for line in 0..height {
            let mut drawn = String::new();
            for (place, (lines, width)) in cells.iter().zip(widths).enumerate() {
                let part = lines.get(line).map_or("", String::as_str);
                let gap = if place == 0 { "" } else { GAP };
                let pad = width.saturating_sub(display_width(part));
                let _ = write!(drawn, "{gap}{part}{}", " ".repeat(pad));
            }
            text.push_str(drawn.trim_end());
            text.push('\n');
        }
    }
}

/// `text` in one line without anything that a terminal would obey.
#[must_use]
pub fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() || is_direction(c) { ' ' } else { c }).collect()
}

/// Marks that turn the direction of writing around, and with it what a reader sees.
const fn is_direction(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// `text`, cut to `width` with `…` at its end.
#[must_use]
pub fn cut(text: &str, width: usize) -> String {
    if display_width(text) <= width {
        return text.to_owned();
    }
    let (head, _) = split(text, width.saturating_sub(1));
    format!("{}…", head.trim_end())
}

/// `text` in lines of at most `width`, broken at spaces where there are any; no more of them than a cell has.
#[must_use]
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    wrap_to(text, width, TALLEST)
}

/// The same with at most `most` lines, of which the last one then ends in `…`.
#[must_use]
pub fn wrap_to(text: &str, width: usize, most: usize) -> Vec<String> {
    let width = width.max(1);
    let mut lines = Vec::new();
    let mut rest = text.trim();
    while display_width(rest) > width {
        if lines.len() + 1 >= most {
            lines.push(cut(rest, width));
            return lines;
        }
        let (head, tail) = split(rest, width);
        let at_space = if tail.starts_with(' ') { None } else { head.rfind(' ') };
        let (line, after) = match at_space.filter(|place| *place > 0) {
            Some(place) => rest.split_at(place),
            None => (head, tail),
        };
        lines.push(line.trim_end().to_owned());
        rest = after.trim_start();
    }
    lines.push(rest.to_owned());
    lines
}

/// The longest head that is at most `width` wide and at least one character, and what follows it. A character of several
/// code points stays whole where it fits.
fn split(text: &str, width: usize) -> (&str, &str) {
    let mut used = 0;
    for (place, whole) in text.grapheme_indices(true) {
        used += display_width(whole);
        if used > width && place > 0 {
            return text.split_at(place);
        }
        if used > width {
            return split_within(text, width);
        }
    }
    (text, "")
}

/// The same, inside a character that is too wide.
fn split_within(text: &str, width: usize) -> (&str, &str) {
    let mut used = 0;
    for (place, c) in text.char_indices() {
        used += char_width(c);
        if used > width && place > 0 {
            return text.split_at(place);
        }
    }
    (text, "")
}

/// How many columns of a terminal `text` takes.
#[must_use]
pub fn display_width(text: &str) -> usize {
    text.chars().map(char_width).sum()
}

/// Combining marks take no column, the wide characters of East Asian scripts and pictures take two. The ranges
/// are coarse: the worst that a wrong one does is a ragged edge.
const fn char_width(c: char) -> usize {
    match c {
        '\u{0300}'..='\u{036f}' | '\u{200b}'..='\u{200d}' | '\u{fe00}'..='\u{fe0f}' => 0,
        '\u{1100}'..='\u{115f}'
        | '\u{2e80}'..='\u{a4cf}'
        | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}'
        | '\u{fe30}'..='\u{fe6f}'
        | '\u{ff00}'..='\u{ff60}'
        | '\u{1f300}'..='\u{1faff}'
        | '\u{20000}'..='\u{3fffd}' => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_fits_its_width_and_keeps_every_word_of_a_wrapped_cell() {
        let mut table = Table::new(&[("check", Fit::Cut), ("what", Fit::Wrap)]);
        table.row(["process_down", &"the process is not running ".repeat(6)]);
        let text = table.render(40);
        assert!(text.lines().all(|line| display_width(line) <= 40), "{text}");
        assert_eq!(text.matches("running").count(), 6, "{text}");
    }

    #[test]
    fn a_cut_cell_ends_in_an_ellipsis_and_never_inside_a_character() {
        assert_eq!(cut("héllo wörld", 6), "héllo…");
        assert_eq!(cut("日本語日本語", 5), "日本…");
        assert_eq!(cut("short", 5), "short");
        assert_eq!(wrap("日本語日本語", 4), ["日本", "語日", "本語"]);
    }

    #[test]
    fn what_a_terminal_would_obey_is_taken_out() {
        let mut table = Table::new(&[("x", Fit::Cut)]);
        table.row(["a\u{1b}[31mb\nc\u{202e}d"]);
        assert_eq!(table.render(WIDTH), "x\na [31mb c d\n");
    }

    #[test]
    fn a_wrapped_cell_has_a_last_line() {
        let lines = wrap(&"word ".repeat(1000), 20);
        assert_eq!(lines.len(), TALLEST);
        assert!(lines.last().unwrap().ends_with('…'));
    }
}
