//! Messages as an Adaptive Card for a workflow of Microsoft Teams. All text stands in runs, which Teams shows as they are:
//! its text blocks would read Markdown. A workflow refuses messages above 28 kB.

use serde_json::{Value, json};

use super::compose;
use super::digest::{Series, series, sparkline};
use super::foreign::{as_it_is, fit, json_bytes};
use super::sheet::{Part, Row, Sheet};
use crate::domain::notice::Message;
use crate::render::style::Tone;

/// The longer texts together, in bytes: with what surrounds each of them the card stays below the limit.
const ROOM: usize = 9_000;
/// The longest of the longer texts, short fact and name of a fact, in bytes.
const LONGEST: usize = 1_500;
const FACT: usize = 300;
const LABEL: usize = 60;

/// The message.
pub(super) fn message(message: &Message) -> Value {
    let sheet = compose::sheet(message);
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "content": card(&sheet),
        }],
    })
}

fn card(sheet: &Sheet) -> Value {
    let most = sheet.share(ROOM, LONGEST);
    let headline = json!({
        "type": "TextRun",
        "text": text(&sheet.headline, FACT),
        "size": "Large",
        "weight": "Bolder",
        "color": colour(sheet.tone),
    });
    let parts = sheet.parts.iter().flat_map(|part| blocks(part, most));
    let source = json!({ "type": "TextRun", "text": text(&sheet.source, FACT), "isSubtle": true });
    let body: Vec<Value> =
        std::iter::once(block(&[headline])).chain(parts).chain([block(&[source])]).collect();
    json!({
        "type": "AdaptiveCard",
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "version": "1.4",
        "msteams": { "width": "full" },
        "body": body,
        "actions": sheet.parts.iter().filter_map(action).collect::<Vec<Value>>(),
    })
}

fn blocks(part: &Part, most: usize) -> Vec<Value> {
    match part {
        Part::Text(said) => vec![block(&[run(said, most)])],
        Part::Title(said) => vec![block(&[bold(said, most)])],
        Part::Facts(rows) => rows.iter().map(|row| labelled(row, FACT)).collect(),
        Part::Rows(rows) => rows.iter().map(|row| labelled(row, most)).collect(),
        Part::List(lines) => {
            lines.iter().map(|line| block(&[run("• ", FACT), run(line, most)])).collect()
        }
        Part::Calls(calls) => calls.iter().map(|call| block(&[fixed(call)])).collect(),
        Part::Trend(days) => {
            let line = |(name, counts): &Series| {
                block(&[fixed(&format!("{name}: {}", sparkline(counts)))])
            };
            series(days).iter().map(line).collect()
        }
        Part::Link(_) => Vec::new(),
    }
}

fn block(runs: &[Value]) -> Value {
    json!({ "type": "RichTextBlock", "inlines": runs, "spacing": "Small" })
}

fn run(said: &str, most: usize) -> Value {
    json!({ "type": "TextRun", "text": text(said, most) })
}

fn bold(said: &str, most: usize) -> Value {
    json!({ "type": "TextRun", "text": text(said, most), "weight": "Bolder" })
}

/// A line of ours that is copied.
fn fixed(said: &str) -> Value {
    json!({ "type": "TextRun", "text": said, "fontType": "Monospace" })
}

fn labelled(row: &Row, most: usize) -> Value {
    let label = json!({
        "type": "TextRun",
        "text": format!("{}: ", text(&row.label, LABEL)),
        "weight": "Bolder",
    });
    block(&[label, run(&row.text, most)])
}

fn action(part: &Part) -> Option<Value> {
    match part {
        Part::Link(link) => {
            let title = text(&link.label, LABEL);
            Some(json!({ "type": "Action.OpenUrl", "title": title, "url": link.url }))
        }
        Part::Text(_)
        | Part::Title(_)
        | Part::Facts(_)
        | Part::Rows(_)
        | Part::List(_)
        | Part::Calls(_)
        | Part::Trend(_) => None,
    }
}

const fn colour(tone: Tone) -> &'static str {
    match tone {
        Tone::Good => "Good",
        Tone::Warn => "Warning",
        Tone::Bad => "Attention",
        Tone::Dim | Tone::Strong => "Default",
    }
}

fn text(said: &str, most: usize) -> String {
    fit(said, most, json_bytes, as_it_is)
}
