//! From a message to its parts: what is said, on every channel alike.

use super::foreign::{as_it_is, fit, units};
use super::sheet::{Part, Row, Sheet, row};
use super::{address, digest, incidents, words};
use crate::domain::moment;
use crate::domain::notice::{ApprovalLine, Body, Message};
use crate::domain::severity::Environment;
use crate::domain::view::{OpsState, SystemStatus};
use crate::render::style::Tone;

/// A longer name of a host is cut where a message begins: what happened must fit beside it.
const HOST: usize = 30;
/// How many reasons are told.
const REASONS: usize = 8;

/// The message in parts.
pub(super) fn sheet(message: &Message) -> Sheet {
    let mut sheet = match &message.body {
        Body::Incidents { lines, omitted } => incidents::sheet(message, lines, *omitted),
        Body::Status { was, now, reasons } => status(message, *was, *now, reasons),
        Body::Digest(told) => digest::sheet(message, told),
        Body::Approval(request) => approval(message, request),
        Body::Dashboard(state) => dashboard(message, state),
        Body::Test { by } => test(message, by),
    };
    if message.may_repeat {
        sheet.parts.insert(0, Part::Text(words::REPETITION.to_owned()));
    }
    sheet
}

/// A sheet without its beginning: `[host-a] what happened`.
pub(super) fn begun(message: &Message, said: &str, tone: Tone) -> Sheet {
    let host = fit(&message.host, HOST, units, as_it_is);
    let place = match message.environment {
        Environment::Production => host,
        other => format!("{} {host}", other.as_str()),
    };
    let headline = format!("[{place}] {said}");
    Sheet { headline, tone, parts: Vec::new(), source: words::source(message) }
}

/// The tone of a roll-up.
pub(super) const fn tone_of(status: SystemStatus) -> Tone {
    match status {
        SystemStatus::Healthy => Tone::Good,
        SystemStatus::Degraded => Tone::Warn,
        SystemStatus::Critical => Tone::Bad,
    }
}

/// What a status rests on, as a list that says how much it leaves out.
pub(super) fn reasons(all: &[String]) -> Part {
    let left_out = all.len().saturating_sub(REASONS);
    let told = all.iter().take(REASONS).cloned();
    Part::List(told.chain(more(left_out as u64)).collect())
}

/// The last line of a list that is not whole.
pub(super) fn more(left_out: u64) -> Option<String> {
    (left_out > 0).then(|| format!("and {left_out} more"))
}

fn status(
    message: &Message,
    was: Option<SystemStatus>,
    now: SystemStatus,
    all: &[String],
) -> Sheet {
    let before = was.map_or(String::new(), |was| format!(", was {}", was.as_str()));
    let said = format!("Status {}{before}", now.as_str());
    let mut sheet = begun(message, &said, tone_of(now));
    sheet.parts.push(match all {
        [] => Part::Text("Nothing counts against it.".to_owned()),
        _ => reasons(all),
    });
    sheet.parts.push(Part::Calls(vec!["opsctl status".to_owned()]));
    sheet
}

fn approval(message: &Message, request: &ApprovalLine) -> Sheet {
    let said = format!("Approval wanted: {}, {}", request.id, request.operation);
    let mut sheet = begun(message, &said, Tone::Warn);
    let back = match &request.not_undoable {
        Some(why) => format!("not exactly: {why}"),
        None => "yes, exactly".to_owned(),
    };
    let mut rows = vec![
        row("Asks to", &request.operation),
        row("Because", &request.why),
        row("Finding", &request.message),
        row("Can be undone", back),
    ];
    rows.extend(request.incident.map(|id| row("Incident", id.to_string())));
    let until = words::span(message.at, request.expires_at);
    let until = format!("{} (in {until})", moment::full(request.expires_at));
    sheet.parts = vec![
        Part::Facts(vec![row("Until", until), row("What is approved", &request.digest)]),
        Part::Rows(rows),
        Part::Calls(address::calls_of_request(&request.id, request.incident)),
    ];
    sheet
}

fn dashboard(message: &Message, state: &OpsState) -> Sheet {
    let status = state.system_status;
    let mut sheet = begun(message, &format!("Status {}", status.as_str()), tone_of(status));
    let active = state.incidents.iter().filter(|one| one.resolved.is_none()).count();
    sheet.parts = vec![
        Part::Facts(vec![
            row("Open", active.to_string()),
            row("As of", moment::full(state.last_updated)),
            row("Holds until", moment::full(state.valid_until)),
        ]),
        reasons(&state.reasons),
        Part::Calls(vec!["opsctl status".to_owned()]),
    ];
    sheet
}

fn test(message: &Message, by: &str) -> Sheet {
    let mut sheet = begun(message, "Test: this channel works", Tone::Dim);
    let rows: Vec<Row> = vec![row("Asked for by", by)];
    sheet.parts = vec![
        Part::Text("This is a trial of opswarden. Nothing is to be done.".to_owned()),
        Part::Rows(rows),
    ];
    sheet
}
