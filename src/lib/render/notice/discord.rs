//! Messages as embeds of a Discord webhook. Nobody is mentioned, and no mark of a stranger is obeyed.

use std::borrow::Cow;

use serde_json::{Value, json};

use super::colour::rgb;
use super::compose;
use super::digest::{Series, series, sparkline};
use super::foreign::{as_it_is, fit, units};
use super::sheet::{Part, Row, Sheet};
use crate::domain::notice::{Message, Trend};

/// The longest title.
const TITLE: usize = 256;
/// The longest description.
const DESCRIPTION: usize = 4_096;
/// The room that the longer texts can have together, beside labels, commands and addresses.
const ROOMS: [usize; 4] = [3_400, 2_600, 1_600, 600];
/// The longest of the longer texts, short fact, name of a fact and footer.
const LONGEST: usize = 800;
const FACT: usize = 100;
const LABEL: usize = 24;
const FOOTER: usize = 200;

/// The message.
pub(super) fn message(message: &Message) -> Value {
    let sheet = compose::sheet(message);
    let footer = fit(&sheet.source, FOOTER, units, as_it_is);
    json!({
        "allowed_mentions": { "parse": [] },
        "embeds": [{
            "title": markdown(&sheet.headline, TITLE),
            "description": description(&sheet),
            "color": rgb(sheet.tone),
            "footer": { "text": footer },
            "timestamp": message.at.to_string(),
        }],
    })
}

/// The parts with the most room for their texts with which they fit. The least is always enough.
fn description(sheet: &Sheet) -> String {
    let written = ROOMS.map(|room| within(sheet, room));
    let [most, less, little, least] = written;
    [most, less, little].into_iter().find(|text| units(text) <= DESCRIPTION).unwrap_or(least)
}

fn within(sheet: &Sheet, room: usize) -> String {
    let most = sheet.share(room, LONGEST);
    let parts = sheet.parts.iter().map(|part| part_of(part, most));
    parts.filter(|part| !part.is_empty()).collect::<Vec<String>>().join("\n")
}

fn part_of(part: &Part, most: usize) -> String {
    match part {
        // Behind a mark of ours nothing of it begins a line: there more characters would mean something.
        Part::Text(text) => format!("» {}", markdown(text, most)),
        Part::Title(text) => format!("**{}**", markdown(text, most)),
        Part::Facts(rows) => lines(rows.iter().map(|row| labelled(row, FACT))),
        Part::Rows(rows) => lines(rows.iter().map(|row| labelled(row, most))),
        Part::List(all) => lines(all.iter().map(|line| format!("- {}", markdown(line, most)))),
        Part::Calls(calls) if calls.is_empty() => String::new(),
        Part::Calls(calls) => format!("```\n{}\n```", calls.join("\n")),
        Part::Link(link) => format!("[{}](<{}>)", markdown(&link.label, FACT), link.url),
        Part::Trend(days) => format!("```\n{}\n```", bars(days)),
    }
}

fn lines(lines: impl Iterator<Item = String>) -> String {
    lines.collect::<Vec<String>>().join("\n")
}

fn labelled(row: &Row, most: usize) -> String {
    format!("**{}:** {}", markdown(&row.label, LABEL), markdown(&row.text, most))
}

fn bars(days: &[Trend]) -> String {
    let line = |(name, counts): &Series| format!("{name:<13} {}", sparkline(counts));
    lines(series(days).iter().map(line))
}

fn markdown(text: &str, limit: usize) -> String {
    fit(text, limit, units, |_, one, _| escape(one))
}

/// Every character that could begin a mark, a link or a mention is written as itself.
fn escape(one: &str) -> Cow<'_, str> {
    const MARKS: &str = "\\*_~`|<>[]()#:@-";
    if !one.contains(|c| MARKS.contains(c)) {
        return Cow::Borrowed(one);
    }
    let written =
        one.chars().flat_map(|c| MARKS.contains(c).then_some('\\').into_iter().chain([c]));
    Cow::Owned(written.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_links_and_mentions_are_written_as_themselves() {
        assert_eq!(markdown("**a** [x](y) <@1>", 99), r"\*\*a\*\* \[x\]\(y\) \<\@1\>");
        assert_eq!(markdown("https://a @everyone", 99), r"https\://a \@everyone");
        assert_eq!(markdown("**", 3), r"\*…", "an escape is not cut");
    }
}
