//! Messages as the HTML part of a mail: tables and inline styles only, since mail programs drop the rest. Colours of text
//! and ground are left to the reader's program, so that it is read by day and by night. Nothing is loaded from anywhere.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::colour::hex;
use super::digest::{series, share};
use super::foreign::{fit, units};
use super::sheet::{Link, Part, Row, Sheet};
use crate::domain::notice::Trend;
use crate::render::style::Tone;

/// The longer texts together, with what escaping adds: some programs cut mails of more than 100 kB.
const ROOM: usize = 20_000;
/// The longest of the longer texts, and the headline.
const LONGEST: usize = 2_000;
/// The longest short fact.
const FACT: usize = 300;
/// The longest name of a fact.
const LABEL: usize = 60;
/// The longest bar, in pixels: three of them with their counts stand side by side on a phone.
const BAR: u64 = 48;

/// The tones of the three series.
const TONES: [Tone; 3] = [Tone::Warn, Tone::Good, Tone::Bad];

const BODY: &str = "margin:0;padding:12px;\
    font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;font-size:16px;line-height:1.45";
const CARD: &str = "padding:4px 0 4px 14px;max-width:640px;overflow-wrap:anywhere;word-break:break-word;\
    border-left:5px solid ";
const CODE: &str = "font-family:Menlo,Consolas,monospace;font-size:14px;padding:8px 10px;border-radius:4px;\
    background-color:rgba(128,128,128,0.16)";
const TABLE: &str = "<table role=\"presentation\" cellpadding=\"0\" cellspacing=\"0\" border=\"0\"";

/// The HTML part of a mail.
pub(super) fn page(sheet: &Sheet) -> String {
    let most = sheet.share(ROOM, LONGEST);
    let headline = html(&sheet.headline, LONGEST);
    let parts: String = sheet.parts.iter().map(|part| part_of(part, most)).collect();
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\" style=\"color-scheme:light dark\">\n<head>\n\
         <meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{headline}</title>\n</head>\n<body style=\"{BODY}\">\n\
         {TABLE} width=\"100%\"><tr><td style=\"{CARD}{colour}\">\n\
         <div dir=\"auto\" style=\"font-size:19px;font-weight:bold;margin:0 0 10px\">{headline}</div>\n\
         {parts}\
         <div style=\"font-size:13px;opacity:0.7;margin:14px 0 0\">{source}</div>\n\
         </td></tr></table>\n</body>\n</html>\n",
        colour = hex(sheet.tone),
        source = html(&sheet.source, FACT),
    )
}

fn part_of(part: &Part, most: usize) -> String {
    match part {
        Part::Text(text) => {
            format!("<p dir=\"auto\" style=\"margin:0 0 10px\">{}</p>\n", html(text, most))
        }
        Part::Title(text) => format!(
            "<div dir=\"auto\" style=\"font-weight:bold;margin:16px 0 4px\">{}</div>\n",
            html(text, most)
        ),
        Part::Facts(rows) => table(rows, FACT),
        Part::Rows(rows) => table(rows, most),
        Part::List(lines) => list(lines, most),
        Part::Calls(calls) if calls.is_empty() => String::new(),
        Part::Calls(calls) => typed(calls),
        Part::Link(link) => linked(link),
        Part::Trend(days) => bars(days),
    }
}

fn table(rows: &[Row], most: usize) -> String {
    let mut text = format!("{TABLE} style=\"margin:0 0 8px\">\n");
    for row in rows {
        let (label, fact) = (html(&row.label, LABEL), html(&row.text, most));
        let _infallible = writeln!(
            text,
            "<tr><td width=\"92\" style=\"width:92px;vertical-align:top;padding:2px 10px 2px 0;opacity:0.7\">{label}</td>\
             <td dir=\"auto\" style=\"vertical-align:top;padding:2px 0\">{fact}</td></tr>"
        );
    }
    text.push_str("</table>\n");
    text
}

fn list(lines: &[String], most: usize) -> String {
    let mut text = "<ul style=\"margin:0 0 8px;padding:0 0 0 18px\">\n".to_owned();
    for line in lines {
        let _infallible =
            writeln!(text, "<li dir=\"auto\" style=\"margin:0 0 4px\">{}</li>", html(line, most));
    }
    text.push_str("</ul>\n");
    text
}

fn typed(calls: &[String]) -> String {
    let calls: Vec<String> = calls.iter().map(|call| html(call, FACT)).collect();
    format!("<div style=\"{CODE};margin:10px 0\">{}</div>\n", calls.join("<br>\n"))
}

fn linked(link: &Link) -> String {
    let (url, label) = (html(&link.url, LONGEST), html(&link.label, FACT));
    format!("<p style=\"margin:8px 0\"><a href=\"{url}\" style=\"color:#3b82c4\">{label}</a></p>\n")
}

/// A row for each day with a bar for each series: cells with a ground, and no picture. All bars have one measure.
fn bars(days: &[Trend]) -> String {
    let series = series(days);
    let largest = series.iter().flat_map(|(_, counts)| counts).copied().max().unwrap_or(0);
    let names = series.iter().map(|(name, _)| (*name).to_owned());
    let mut text = format!("{TABLE} style=\"margin:0 0 8px\">\n");
    text.push_str(&day_row("", names));
    for (place, day) in days.iter().enumerate() {
        let count = |counts: &[u64]| counts.get(place).copied().unwrap_or(0);
        let bars = series.iter().zip(TONES);
        let bars = bars.map(|((_, counts), tone)| bar(count(counts), largest, tone));
        text.push_str(&day_row(&day.day, bars));
    }
    text.push_str("</table>\n");
    text
}

/// A row of the chart; its cells are written already.
fn day_row(day: &str, cells: impl Iterator<Item = String>) -> String {
    let style = "style=\"font-size:13px;padding:2px 10px 2px 0;vertical-align:middle\"";
    let mut text = format!("<tr><td {style}>{}</td>", html(day, LABEL));
    for cell in cells {
        let _infallible = write!(text, "<td {style}>{cell}</td>");
    }
    text.push_str("</tr>\n");
    text
}

fn bar(count: u64, largest: u64, tone: Tone) -> String {
    let colour = hex(tone);
    let ground = match share(count, largest, BAR) {
        0 => String::new(),
        width => format!(
            "<td width=\"{width}\" height=\"10\" bgcolor=\"{colour}\" \
             style=\"width:{width}px;height:10px;font-size:1px;line-height:10px;background-color:{colour}\">&nbsp;</td>"
        ),
    };
    format!(
        "{TABLE}><tr>{ground}<td style=\"font-size:13px;padding:0 0 0 4px\">{count}</td></tr></table>"
    )
}

/// Text that no program reads as a tag, in an attribute as well.
fn html(text: &str, limit: usize) -> String {
    fit(text, limit, units, |_, one, _| escape(one))
}

fn escape(one: &str) -> Cow<'_, str> {
    if !one.contains(['&', '<', '>', '"', '\'']) {
        return Cow::Borrowed(one);
    }
    let mut written = String::new();
    for c in one.chars() {
        match c {
            '&' => written.push_str("&amp;"),
            '<' => written.push_str("&lt;"),
            '>' => written.push_str("&gt;"),
            '"' => written.push_str("&quot;"),
            '\'' => written.push_str("&#39;"),
            other => written.push(other),
        }
    }
    Cow::Owned(written)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_tag_and_no_attribute_of_a_stranger_survives() {
        assert_eq!(html("<b a='1' c=\"2\">&", 99), "&lt;b a=&#39;1&#39; c=&quot;2&quot;&gt;&amp;");
        assert_eq!(html("<\u{301}b>", 99), "&lt;\u{301}b&gt;");
    }

    #[test]
    fn a_bar_is_as_long_as_its_share_and_nothing_has_none() {
        assert!(bar(4, 4, Tone::Good).contains("width=\"48\""));
        assert!(bar(1, 4, Tone::Good).contains("width=\"12\""));
        assert!(!bar(0, 4, Tone::Good).contains("bgcolor"));
    }
}
