//! Byte offsets as lines and columns, counted from 1, columns in characters.

use schemars::JsonSchema;
use serde::Serialize;

/// A place in the settings file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct Place {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
}

/// Where the byte `offset` of `text` stands. An offset beyond the end, or inside a character, is moved back.
pub(super) fn place(text: &str, offset: usize) -> Place {
    let mut end = offset.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let before = &text[..end];
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    Place { line: before.matches('\n').count() + 1, column: before[start..].chars().count() + 1 }
}

/// The line of `place` with a caret under its column, both cut to what fits a terminal.
pub(super) fn excerpt(text: &str, place: Place) -> String {
    const WIDTH: usize = 100;
    let line = text.lines().nth(place.line - 1).unwrap_or_default();
    let skip = (place.column - 1).saturating_sub(WIDTH - 20);
    // Tabs would put the caret elsewhere on every terminal.
    let shown: String =
        line.chars().skip(skip).take(WIDTH).map(|c| if c.is_control() { ' ' } else { c }).collect();
    let number = place.line.to_string();
    let gutter = " ".repeat(number.len());
    let caret = " ".repeat(place.column - 1 - skip);
    format!("{number} | {shown}\n{gutter} | {caret}^")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_and_lines_count_from_one() {
        let text = "a = 1\nümlaut = x\n";
        assert_eq!(place(text, 0), Place { line: 1, column: 1 });
        let x = text.find('x').unwrap();
        assert_eq!(place(text, x), Place { line: 2, column: 10 });
        assert_eq!(place(text, 7), Place { line: 2, column: 1 }, "inside the umlaut");
        assert_eq!(place(text, 9_999).line, 3);
    }

    #[test]
    fn the_caret_stands_under_the_column() {
        assert_eq!(excerpt("a = \n", Place { line: 1, column: 5 }), "1 | a = \n  |     ^");
        let long = format!("{}x", "y".repeat(500));
        let shown = excerpt(&long, Place { line: 1, column: 501 });
        assert!(shown.lines().all(|line| line.len() < 110), "{shown}");
        assert_eq!(shown.lines().next().unwrap().chars().last(), Some('x'));
    }
}
