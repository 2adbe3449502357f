//! Messages for Slack, in its Block Kit.
//!
//! Slack refuses what is too long, so every part has a limit of its own and their sum stays below Slack's. Sentences of
//! strangers stand in plain text where they can; where a label stands before them they lose the marks that Slack would
//! obey, and nothing is linked by itself. The headline is a block beside the coloured attachment: where a message has
//! blocks, its `text` is only what a notification shows.

use std::borrow::Cow;

use serde_json::{Value, json};

use super::colour::hex;
use super::compose;
use super::digest::{Series, series, sparkline, sums};
use super::foreign::{fit, units};
use super::sheet::{Part, Row, Sheet};
use crate::domain::moment;
use crate::domain::notice::{Message, Trend};

/// The longest text of a header.
const HEADER: usize = 150;
/// The longest text of a section.
const SECTION: usize = 3_000;
/// How many fields a section has.
const FIELDS: usize = 10;
/// What a phone shows of a message that has not been opened.
const FALLBACK: usize = 300;
/// The longer texts together: Slack refuses messages from about 13,000 characters on.
const ROOM: usize = 9_000;
/// The longest of the longer texts.
const LONGEST: usize = 900;
/// The longest short fact.
const FACT: usize = 200;
/// The longest name of a fact.
const LABEL: usize = 40;

/// The body for an incoming webhook.
#[must_use]
pub fn webhook(message: &Message) -> Value {
    let sheet = compose::sheet(message);
    let head =
        json!({ "type": "plain_text", "text": plain(&sheet.headline, HEADER), "emoji": false });
    json!({
        "text": mrkdwn(&sheet.headline, FALLBACK),
        "blocks": [{ "type": "header", "text": head }],
        "attachments": [{ "color": hex(sheet.tone), "blocks": blocks(&sheet) }],
        "unfurl_links": false,
        "unfurl_media": false,
    })
}

/// What a bot posts, and puts in the place of what it posted: its channel is added by whoever sends it.
#[must_use]
pub fn post(message: &Message) -> Value {
    as_bot(webhook(message))
}

/// What a bot writes into the thread below its post, which it has edited: one line.
#[must_use]
pub fn history(message: &Message) -> Value {
    let sheet = compose::sheet(message);
    let at = moment::full(message.at);
    let line = as_bot(json!({
        "text": format!("{at} · {}", mrkdwn(&sheet.headline, FALLBACK)),
        "mrkdwn": false,
        "unfurl_links": false,
        "unfurl_media": false,
    }));
    if message.kind.calls_again() { in_the_channel(line) } else { line }
}

/// What a bot writes into the thread below a post that tells of more than this, and so stays as it is: whole, where people
/// are called again.
#[must_use]
pub fn reply(message: &Message) -> Value {
    if message.kind.calls_again() { in_the_channel(post(message)) } else { history(message) }
}

/// A reply that is seen in the channel as well: neither an edit nor a line in a thread calls those who are in it.
fn in_the_channel(mut reply: Value) -> Value {
    if let Some(fields) = reply.as_object_mut() {
        fields.insert("reply_broadcast".to_owned(), json!(true));
    }
    reply
}

/// A bot's message in which nothing is made a link or a mention by itself.
fn as_bot(mut body: Value) -> Value {
    if let Some(fields) = body.as_object_mut() {
        fields.insert("parse".to_owned(), json!("none"));
        fields.insert("link_names".to_owned(), json!(false));
    }
    body
}

fn blocks(sheet: &Sheet) -> Vec<Value> {
    let most = sheet.share(ROOM, LONGEST);
    let parts = sheet.parts.iter().flat_map(|part| blocks_of(part, most));
    let source =
        json!({ "type": "plain_text", "text": plain(&sheet.source, FALLBACK), "emoji": false });
    parts.chain([json!({ "type": "context", "elements": [source] })]).collect()
}

fn blocks_of(part: &Part, most: usize) -> Vec<Value> {
    match part {
        Part::Text(text) => vec![sentence(&plain(text, most))],
        Part::Title(title) => sections([format!("*{}*", mrkdwn(title, most))]),
        Part::Facts(rows) => rows.chunks(FIELDS).map(fields).collect(),
        Part::Rows(rows) => sections(rows.iter().map(|row| labelled(row, most))),
        Part::List(lines) => sections(lines.iter().map(|line| format!("• {}", mrkdwn(line, most)))),
        Part::Calls(calls) if calls.is_empty() => Vec::new(),
        Part::Calls(calls) => sections([format!("```{}```", calls.join("\n"))]),
        Part::Link(link) => sections([format!("<{}|{}>", link.url, mrkdwn(&link.label, FACT))]),
        Part::Trend(days) => sections([format!("```{}```", bars(days))]),
    }
}

/// A sentence that Slack shows as it is. An empty text is refused.
fn sentence(text: &str) -> Value {
    let text = if text.is_empty() { "–" } else { text };
    json!({ "type": "section", "text": { "type": "plain_text", "text": text, "emoji": false } })
}

fn mrkdwn_object(text: &str) -> Value {
    json!({ "type": "mrkdwn", "text": text, "verbatim": true })
}

/// Lines in as few sections as hold them.
fn sections(lines: impl IntoIterator<Item = String>) -> Vec<Value> {
    let mut texts: Vec<String> = Vec::new();
    for line in lines {
        match texts.last_mut() {
            Some(text) if units(text) + 1 + units(&line) <= SECTION => {
                text.push('\n');
                text.push_str(&line);
            }
            _ => texts.push(line),
        }
    }
    let section = |text: &String| json!({ "type": "section", "text": mrkdwn_object(text) });
    texts.iter().map(section).collect()
}

fn fields(rows: &[Row]) -> Value {
    // At the beginning of a line a stranger's text could be read as a quotation.
    let field = |row: &Row| mrkdwn_object(&labelled(row, FACT));
    json!({ "type": "section", "fields": rows.iter().map(field).collect::<Vec<Value>>() })
}

fn labelled(row: &Row, most: usize) -> String {
    format!("*{}:* {}", mrkdwn(&row.label, LABEL), mrkdwn(&row.text, most))
}

fn bars(days: &[Trend]) -> String {
    let line =
        |(name, counts): &Series| format!("{name:<13} {}  {}", sparkline(counts), sums(counts));
    series(days).iter().map(line).collect::<Vec<String>>().join("\n")
}

/// Text that Slack shows as it is, but for the three characters that it reads everywhere.
fn plain(text: &str, limit: usize) -> String {
    fit(text, limit, units, |_, one, _| escape(one))
}

/// Text that stands beside marks of ours.
fn mrkdwn(text: &str, limit: usize) -> String {
    fit(text, limit, units, unmarked)
}

fn escape(one: &str) -> Cow<'_, str> {
    match one {
        "&" => Cow::Borrowed("&amp;"),
        "<" => Cow::Borrowed("&lt;"),
        ">" => Cow::Borrowed("&gt;"),
        // An accent on one of them makes it another character for a reader, but not for Slack.
        _ if one.contains(['&', '<', '>']) => {
            Cow::Owned(one.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"))
        }
        _ => Cow::Borrowed(one),
    }
}

/// The marks of Slack's formatting become letters that look alike. An underscore within a word is none of them, and stays,
/// so that names can be copied.
fn unmarked<'t>(before: Option<&'t str>, one: &'t str, after: Option<&'t str>) -> Cow<'t, str> {
    let is_word =
        |part: Option<&str>| part.is_some_and(|part| part.chars().all(char::is_alphanumeric));
    if one == "_" && is_word(before) && is_word(after) || !one.contains(['*', '_', '~', '`']) {
        return escape(one);
    }
    let alike = |c: char| match c {
        '*' => '∗',
        '_' => '＿',
        '~' => '∼',
        '`' => 'ˋ',
        other => other,
    };
    Cow::Owned(escape(one).chars().map(alike).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_of_strangers_are_not_obeyed_and_names_stay_as_they_are() {
        assert_eq!(mrkdwn("*bold* _it_ ~no~ `code`", 99), "∗bold∗ ＿it＿ ∼no∼ ˋcodeˋ");
        assert_eq!(mrkdwn("process_down & <!channel>", 99), "process_down &amp; &lt;!channel&gt;");
        assert_eq!(mrkdwn("_a", 9), "＿a");
        assert_eq!(plain("*a* <@U1>", 99), "*a* &lt;@U1&gt;");
    }

    #[test]
    fn a_mark_under_an_accent_is_a_mark_all_the_same() {
        assert_eq!(plain("<\u{301}", 9), "&lt;\u{301}");
        assert!(!mrkdwn("*\u{301}a*\u{301}", 99).contains('*'));
    }

    #[test]
    fn lines_share_a_section_until_it_is_full() {
        let lines = |length: usize, count: usize| {
            sections(std::iter::repeat_n("x".repeat(length), count)).len()
        };
        assert_eq!((lines(999, 3), lines(1_000, 3), lines(3_000, 2)), (1, 2, 2));
    }
}
