//! Messages as text that reads well on any screen: short labels, hanging lines, commands on lines of their own.

use super::digest::{series, sparkline, sums};
use super::foreign::{as_it_is, fit, units};
use super::sheet::{Part, Sheet};
use crate::domain::notice::Trend;
use crate::render::table::wrap_to;

/// What mail programs show without breaking it anew.
const WIDTH: usize = 76;
/// More than a text can have by its length.
const LINES: usize = 1_000;
/// The longer texts together.
const ROOM: usize = 20_000;
/// The longest of the longer texts, the headline and a short fact.
const LONGEST: usize = 2_000;
/// The longest name of a fact.
const LABEL: usize = 40;

/// The text part of a mail.
pub(super) fn text(sheet: &Sheet) -> String {
    let most = sheet.share(ROOM, LONGEST);
    let mut text = String::new();
    add(&mut text, "", &sheet.headline, LONGEST);
    for part in &sheet.parts {
        text.push('\n');
        add_part(&mut text, part, most);
    }
    text.push('\n');
    add(&mut text, "-- ", &sheet.source, LONGEST);
    text
}

fn add_part(text: &mut String, part: &Part, most: usize) {
    match part {
        Part::Text(said) => add(text, "", said, most),
        Part::Title(said) => add(text, "## ", said, most),
        Part::Facts(rows) | Part::Rows(rows) => {
            for row in rows {
                let label = fit(&row.label, LABEL, units, as_it_is);
                add(text, &format!("{label}: "), &row.text, most.max(LABEL));
            }
        }
        Part::List(lines) => {
            for line in lines {
                add(text, "- ", line, most);
            }
        }
        Part::Calls(calls) => {
            for call in calls {
                line(text, &format!("  {call}"));
            }
        }
        Part::Link(link) => {
            line(text, &link.label);
            line(text, &link.url);
        }
        Part::Trend(days) => bars(text, days),
    }
}

fn line(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}

/// Adds a text of a stranger after a mark of ours; what does not fit in the first line hangs below it.
fn add(text: &mut String, mark: &str, said: &str, most: usize) {
    let said = format!("{mark}{}", fit(said, most, units, as_it_is));
    let lines = wrap_to(&said, WIDTH - 2, LINES);
    for (place, part) in lines.iter().enumerate() {
        let indent = if place == 0 || mark.is_empty() { "" } else { "  " };
        line(text, &format!("{indent}{part}"));
    }
}

fn bars(text: &mut String, days: &[Trend]) {
    let day = |day: Option<&Trend>| {
        day.map(|day| fit(&day.day, LABEL, units, as_it_is)).unwrap_or_default()
    };
    add(text, "", &format!("{} to {}", day(days.first()), day(days.last())), LONGEST);
    for (name, counts) in series(days) {
        line(text, &format!("{name}: {}", sparkline(&counts)));
        line(text, &format!("  {}", sums(&counts)));
    }
}
