//! Messages as events for `PagerDuty`, version 2 of its Events API.

use serde_json::{Map, Value, json};

use super::compose;
use super::foreign::{as_it_is, fit, json_bytes, units};
use super::sheet::{Part, Sheet};
use crate::domain::notice::{About, Body, IncidentLine, Kind, Message};
use crate::domain::severity::Severity;
use crate::domain::view::SystemStatus;

/// The longest summary.
const SUMMARY: usize = 1_024;
/// The longest key: longer ones are refused.
const KEY: usize = 255;
/// The longest text of the details, in bytes.
const DETAIL: usize = 1_000;
/// The longest name.
const NAME: usize = 200;

/// The event.
pub(super) fn event(message: &Message, routing_key: &str) -> Value {
    let sheet = compose::sheet(message);
    let mut payload = json!({
        "summary": text(&sheet.headline, SUMMARY),
        "source": text(&message.host, NAME),
        "severity": severity(message),
        "timestamp": message.at.to_string(),
        "custom_details": details(&sheet),
    });
    if let (Some(line), Some(fields)) = (single(message), payload.as_object_mut()) {
        fields.insert("component".to_owned(), json!(text(&line.subject, NAME)));
        fields.insert("group".to_owned(), json!(text(&line.agent, NAME)));
        fields.insert("class".to_owned(), json!(text(&line.check, NAME)));
    }
    json!({
        "routing_key": routing_key,
        "event_action": action(message),
        // Incidents are counted per ledger, and several hosts may share a key.
        "dedup_key": text(&format!("{}/{}", message.host, alert(message)), KEY),
        "payload": payload,
        "client": "opswarden",
        "links": links(&sheet),
    })
}

fn text(said: &str, most: usize) -> String {
    fit(said, most, units, as_it_is)
}

/// The one incident that it tells of, where it is one.
fn single(message: &Message) -> Option<&IncidentLine> {
    match &message.body {
        Body::Incidents { lines, omitted: 0 } if lines.len() == 1 => lines.first(),
        Body::Incidents { .. }
        | Body::Status { .. }
        | Body::Digest(_)
        | Body::Approval(_)
        | Body::Dashboard(_)
        | Body::Test { .. } => None,
    }
}

/// The alert that it is about. A change of the status is one alert, also where it is told by a digest: the next one ends it.
fn alert(message: &Message) -> String {
    match (&message.body, change(message)) {
        (Body::Digest(_), Some(_)) => About::Status.to_string(),
        // The alert of several is ended with the last of them; an end of one alone ends nothing.
        (Body::Incidents { lines, .. }, _) if message.others_open > 0 => {
            lines.first().map_or_else(|| message.thread.clone(), |line| line.id.to_string())
        }
        _ => message.thread.clone(),
    }
}

/// The status that it tells a change to. The daily digest tells of none, and counts as no trouble.
fn change(message: &Message) -> Option<SystemStatus> {
    match &message.body {
        Body::Status { now, .. } => Some(*now),
        Body::Digest(told) if message.severity > Severity::Info => Some(told.status),
        Body::Digest(_)
        | Body::Incidents { .. }
        | Body::Approval(_)
        | Body::Dashboard(_)
        | Body::Test { .. } => None,
    }
}

/// What becomes of the alert at the receiver. What no later message would end opens none: an end of nothing is taken, and
/// calls nobody. A trial is there to be seen, and is ended by whoever sees it.
fn action(message: &Message) -> &'static str {
    if let Some(status) = change(message) {
        // A word of no severity ends what it is about, whatever else is wrong: that the ledger can be used again.
        let ends = status == SystemStatus::Healthy || message.severity == Severity::Info;
        return if ends { "resolve" } else { "trigger" };
    }
    match &message.body {
        Body::Incidents { .. } if message.kind == Kind::Recovered => "resolve",
        Body::Digest(_) | Body::Approval(_) | Body::Dashboard(_) => "resolve",
        Body::Incidents { .. } | Body::Status { .. } | Body::Test { .. } => "trigger",
    }
}

const fn severity(message: &Message) -> &'static str {
    match (&message.body, message.severity) {
        (Body::Test { .. }, _) | (_, Severity::Info) => "info",
        (_, Severity::Warning) => "warning",
        (_, Severity::Critical) => "critical",
    }
}

/// What is known, by its name; of several incidents with the same names the worst comes first, and stays.
fn details(sheet: &Sheet) -> Value {
    let detail = |said: &str| json!(fit(said, DETAIL, json_bytes, as_it_is));
    let mut details = Map::new();
    let mut told: Vec<Value> = Vec::new();
    for part in &sheet.parts {
        match part {
            Part::Text(said) | Part::Title(said) => told.push(detail(said)),
            Part::List(lines) => told.extend(lines.iter().map(|line| detail(line))),
            Part::Facts(rows) | Part::Rows(rows) => {
                for row in rows {
                    let name = text(&row.label, NAME);
                    details.entry(name).or_insert_with(|| detail(&row.text));
                }
            }
            Part::Calls(calls) => {
                details.insert("Commands".to_owned(), json!(calls));
            }
            Part::Link(_) | Part::Trend(_) => {}
        }
    }
    if !told.is_empty() {
        details.insert("Told".to_owned(), Value::Array(told));
    }
    Value::Object(details)
}

fn links(sheet: &Sheet) -> Vec<Value> {
    let link = |part: &Part| match part {
        Part::Link(link) => Some(json!({ "href": link.url, "text": link.label })),
        Part::Text(_)
        | Part::Title(_)
        | Part::Facts(_)
        | Part::Rows(_)
        | Part::List(_)
        | Part::Calls(_)
        | Part::Trend(_) => None,
    };
    sheet.parts.iter().filter_map(link).collect()
}
