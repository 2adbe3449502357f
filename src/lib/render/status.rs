//! What an admin wants on one screen: where it lies, is all well, who ran when, what is open, what was done, what is paused.

use jiff::Timestamp;

use super::page::Page;
use super::restores::{self, Proved};
use super::style::{Style, Tone};
use super::table::{Fit, Table, WIDTH};
use super::time::relative;
use crate::domain::moment::full;
use crate::domain::view::{OpsState, SystemStatus, ViewAgent, ViewIncident};

/// How many remediations the screen shows.
const REMEDIATIONS: usize = 5;
/// How many open incidents the screen shows.
const INCIDENTS: usize = 20;

/// The effective places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    /// The settings file.
    pub settings: String,
    /// The folder of the state.
    pub state: String,
    /// The folder of the logs.
    pub logs: String,
}

/// The screen. `notes` say what to know about it first: where it comes from when that is not the ledger.
#[must_use]
pub fn status(
    places: &Places,
    notes: &[String],
    state: &OpsState,
    restores: &[Proved],
    now: Timestamp,
    style: Style,
) -> String {
    let mut page = Page::new(style);
    self::places(&mut page, places);
    for note in notes {
        page.item(Tone::Warn, "note", note);
    }
    headline(&mut page, state, now);
    page.heading("Agents");
    for (name, agent) in &state.agent_results {
        page.line(&agent_line(name, agent, now, style));
    }
    incidents(&mut page, state, now);
    remediations(&mut page, state, now);
    restores::section(&mut page, restores, now);
    if !state.controls.is_empty() {
        page.heading("Controls");
        for control in &state.controls {
            let until = control.until.map_or_else(
                || without_end(&control.key),
                |at| format!("ends {}", relative(at, now)),
            );
            let text = format!("{until}; set by {}: {}", control.set_by, control.reason);
            page.item(Tone::Warn, &control.key, &text);
        }
    }
    page.into_text()
}

/// Until when a control holds that no time ends.
fn without_end(key: &str) -> String {
    match key.strip_prefix("silence:") {
        Some(what) => {
            format!(
                "until it is over, or worse where so said, or `opsctl silence {what} --off --reason …`"
            )
        }
        None => "until resumed".to_owned(),
    }
}

/// The screen before the first run.
#[must_use]
pub fn nothing_yet(places: &Places, style: Style) -> String {
    let mut page = Page::new(style);
    self::places(&mut page, places);
    page.line("Nothing is recorded yet.");
    page.paragraph("Run an agent once, by hand: `health-guardian --plan` changes nothing.");
    page.into_text()
}

fn places(page: &mut Page, places: &Places) {
    page.item(Tone::Dim, "settings", &places.settings);
    page.item(Tone::Dim, "state", &places.state);
    page.item(Tone::Dim, "logs", &places.logs);
    page.line("");
}

/// Whether the view may no longer be believed; one that nobody has run for was never to be.
fn is_stale(state: &OpsState, now: Timestamp) -> bool {
    now >= state.valid_until || state.valid_until <= state.last_updated
}

fn headline(page: &mut Page, state: &OpsState, now: Timestamp) {
    let is = state.system_status;
    let (word, tone) = match is {
        _ if is_stale(state, now) => ("UNKNOWN", Tone::Warn),
        SystemStatus::Healthy => (is.as_str(), Tone::Good),
        SystemStatus::Degraded => (is.as_str(), Tone::Warn),
        SystemStatus::Critical => (is.as_str(), Tone::Bad),
    };
    let word = page.paint(tone, word);
    let until = full(state.valid_until);
    let valid = if is_stale(state, now) {
        format!("this was good until {until}; no run has followed")
    } else {
        format!("good until {until} ({})", relative(state.valid_until, now))
    };
    page.line(&format!("{word}  {valid}"));
    for reason in &state.reasons {
        page.note("because", reason);
    }
}

fn agent_line(name: &str, agent: &ViewAgent, now: Timestamp, style: Style) -> String {
    let tone = match agent.state.as_str() {
        "ok" => Tone::Good,
        "never_run" | "disabled" => Tone::Dim,
        _ => Tone::Bad,
    };
    let state = style.paint(tone, &format!("{:<9}", agent.state.replace('_', " ")));
    let last = match (&agent.started, &agent.outcome) {
        (Some(at), Some(outcome)) => {
            Some(format!("ran {} ({})", relative(*at, now), outcome.replace('_', " ")))
        }
        (Some(at), None) => Some(format!("started {}", relative(*at, now))),
        (None, _) => None,
    };
    let next = agent.next.map(|at| format!("due {}", relative(at, now)));
    let said = last.into_iter().chain(next).collect::<Vec<_>>().join(", ");
    format!("  {name:<18} {state} {said}").trim_end().to_owned()
}

fn incidents(page: &mut Page, state: &OpsState, now: Timestamp) {
    let active = |incident: &&ViewIncident| incident.status != "resolved";
    let open: Vec<_> = state.incidents.iter().filter(active).collect();
    match open.len() {
        0 => page.heading("No incident is open"),
        many => page.heading(&format!("Open incidents: {many}")),
    }
    for incident in open.iter().take(INCIDENTS) {
        let tone = if incident.severity == "critical" { Tone::Bad } else { Tone::Warn };
        let flag = if incident.status == "escalated" { ", needs a person" } else { "" };
        let text = format!(
            "{} ({}{flag}, since {})",
            incident.message,
            incident.severity,
            relative(incident.detected, now)
        );
        page.item(tone, &incident.id, &text);
        page.note("remedy", &incident.remediation);
    }
    if open.len() > INCIDENTS {
        page.line(&format!("  and {} more: opsctl incidents", open.len() - INCIDENTS));
    }
    let ended = state.incidents.len() - open.len();
    if ended > 0 {
        page.line(&format!("  {ended} resolved in the last 24 hours: opsctl incidents"));
    }
}

fn remediations(page: &mut Page, state: &OpsState, now: Timestamp) {
    if state.recent_remediations.is_empty() {
        return;
    }
    page.heading("Latest remediations");
    let mut table = Table::new(&[
        ("id", Fit::Cut),
        ("when", Fit::Cut),
        ("what", Fit::Cut),
        ("outcome", Fit::Cut),
        ("for", Fit::Cut),
    ]);
    for done in state.recent_remediations.iter().take(REMEDIATIONS) {
        table.row([
            done.id.as_str(),
            relative(done.at, now).as_str(),
            done.action.as_str(),
            done.outcome.as_str(),
            done.incident.as_deref().unwrap_or("-"),
        ]);
    }
    page.line(table.render(WIDTH).trim_end());
}
