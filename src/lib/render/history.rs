//! Incidents, remediations and runs: lists, and the whole life of one.

use jiff::Timestamp;

use super::page::{Page, tone};
use super::style::{Style, Tone};
use super::table::{Fit, Table, WIDTH};
use super::time::{largest_unit, relative};
use crate::domain::event::{Event, RecordedEvent};
use crate::domain::gate::{Answer, Door, DoorAnswer, refusal};
use crate::domain::incident::{Incident, Remediation, RemediationState};
use crate::domain::moment::{clock, full};
use crate::domain::operation::{Inverse, TargetState};
use crate::domain::run::{AgentRun, Decision, Ruling};

/// Incidents, one line each.
#[must_use]
pub fn incidents(incidents: &[Incident], now: Timestamp) -> String {
    if incidents.is_empty() {
        return "No incident is open, and none was resolved in the last 24 hours.\n".to_owned();
    }
    let mut table = Table::new(&[
        ("id", Fit::Cut),
        ("status", Fit::Cut),
        ("severity", Fit::Cut),
        ("opened", Fit::Cut),
        ("what", Fit::Wrap),
    ]);
    for incident in incidents {
        table.row([
            incident.id.to_string(),
            incident.status().to_owned(),
            incident.severity.as_str().to_owned(),
            relative(incident.opened_at, now),
            incident.message.clone(),
        ]);
    }
    table.render(WIDTH)
}

/// Remediations, each with before and after.
#[must_use]
pub fn remediations(remediations: &[Remediation], now: Timestamp, style: Style) -> String {
    if remediations.is_empty() {
        return "Nothing has been done yet.\n".to_owned();
    }
    let mut page = Page::new(style);
    for found in remediations {
        remediation(&mut page, found, now);
    }
    page.into_text()
}

fn remediation(page: &mut Page, found: &Remediation, now: Timestamp) {
    let tone = match found.state {
        RemediationState::Verified => Tone::Good,
        RemediationState::Failed => Tone::Bad,
        RemediationState::Withdrawn => Tone::Dim,
        RemediationState::Intended | RemediationState::Verifying | RemediationState::Unknown => {
            Tone::Warn
        }
    };
    let of = found.incident.map(|id| format!(" for {id}")).unwrap_or_default();
    let head = format!(
        "{}{of}, attempt {}, {}: {}",
        found.operation,
        found.attempt,
        relative(found.intended_at, now),
        found.state.as_str()
    );
    page.item(tone, &found.id.to_string(), &head);
    page.note("why", &found.reason);
    if let Some(approval) = found.approval {
        page.note("approved", &approval.to_string());
    }
    page.note("before", &found.before.summary());
    if let Some(after) = &found.after {
        page.note("after", &TargetState::summary(after));
    }
    if let Some(outcome) = &found.outcome {
        let settled = !found.state.is_open();
        page.note(if settled { "proof" } else { "answer" }, outcome);
    }
    if let Some(undone) = &found.undone {
        page.note(
            "undone",
            &format!("by {}, {}: {}", undone.by, relative(undone.at, now), undone.reason),
        );
        return;
    }
    match &found.inverse {
        Inverse::None { why } => page.note("undo", &format!("none: {why}")),
        Inverse::Exact(operation) => {
            page.note("undo", &format!("opsctl undo {} would {operation}", found.id));
        }
        Inverse::Approximate { operation, why } => {
            page.note("undo", &format!("{operation}, but {why}"));
        }
    }
    for file in &found.evidence {
        page.note("evidence", file);
    }
}

/// Runs, newest first.
#[must_use]
pub fn runs(runs: &[AgentRun], now: Timestamp) -> String {
    if runs.is_empty() {
        return "No run has been recorded yet.\n".to_owned();
    }
    let mut table = Table::new(&[
        ("when", Fit::Cut),
        ("agent", Fit::Cut),
        ("state", Fit::Cut),
        ("took", Fit::Cut),
        ("cpu", Fit::Cut),
        ("found", Fit::Cut),
        ("proved", Fit::Cut),
    ]);
    let mut reasons: Vec<String> = Vec::new();
    for run in runs {
        let count = |name: &str| run.counts.get(name).copied().unwrap_or_default();
        let proved = match count("acted") {
            0 => "-".to_owned(),
            acted => format!("{} of {acted}", count("verified")),
        };
        let state = run.state.as_str().replace('_', " ");
        let took = run.usage.get("wall_ms").map(|ms| span(*ms)).unwrap_or_default();
        let cpu = run.usage.get("cpu_ms").map(|ms| format!("{ms} ms")).unwrap_or_default();
        let state = match (run.exit, run.slots) {
            (Some(code), _) => format!("{state} ({code})"),
            (None, Some(slots)) if slots > 1 => format!("{state} ({slots} slots)"),
            (None, _) => state,
        };
        if let (Some(why), Some(slot)) = (&run.why, run.slot) {
            let until = run.slot_until.filter(|until| *until != slot);
            let until = until.map_or(String::new(), |until| format!(" to {}", full(until)));
            let word = run.state.as_str();
            reasons.push(format!("{}, {}{until}: {word}; {why}\n", run.agent, full(slot)));
        }
        table.row([
            relative(run.started_at, now),
            run.agent.to_string(),
            state,
            took,
            cpu,
            count("detected").to_string(),
            proved,
        ]);
    }
    let table = table.render(WIDTH);
    if reasons.is_empty() {
        return table;
    }
    format!("{table}\nSlots that were late, skipped or missed:\n{}", reasons.concat())
}

fn span(ms: u64) -> String {
    if ms < 1_000 {
        return format!("{ms} ms");
    }
    largest_unit(std::time::Duration::from_millis(ms))
}

/// The whole life of one incident.
#[must_use]
pub fn incident(
    incident: &Incident,
    remediations: &[Remediation],
    events: &[RecordedEvent],
    now: Timestamp,
    style: Style,
) -> String {
    let mut page = Page::new(style);
    head(&mut page, incident, now);
    if !events.is_empty() {
        page.heading("What happened");
    }
    let mut day = String::new();
    for event in events {
        let on = event.new.at.strftime("%Y-%m-%d").to_string();
        if on != day {
            page.line(&style.paint(Tone::Dim, &format!("{on}, UTC")));
            day = on;
        }
        let time = event.new.at.strftime("  %H:%M:%S").to_string();
        page.item(Tone::Dim, &time, &told(&event.new.event));
    }
    if !remediations.is_empty() {
        page.heading("What was done");
        for found in remediations {
            remediation(&mut page, found, now);
        }
    }
    page.into_text()
}

fn head(page: &mut Page, incident: &Incident, now: Timestamp) {
    let text = format!("{} ({})", incident.message, incident.severity.as_str());
    page.item(tone(incident.severity), &incident.id.to_string(), &text);
    page.note("finding", &incident.key.to_string());
    let since = format!(
        "{}, opened {} ({})",
        incident.status(),
        full(incident.opened_at),
        relative(incident.opened_at, now)
    );
    page.note("status", &since);
    if let Some(earlier) = incident.relapse_of {
        page.note("relapse", &format!("of {earlier}; its attempts and back-off go on"));
    }
    if let Some(escalated) = &incident.escalated {
        page.note("person", &format!("needed since {}: {}", full(escalated.at), escalated.reason));
    }
    if let Some(taken) = &incident.acknowledged {
        let text = format!("{} since {}: {}", taken.by, full(taken.at), taken.reason);
        page.note("on it", &text);
    }
    if let Some(resolved) = &incident.resolved {
        let text = format!(
            "{} at {}: {}",
            resolved.resolution.as_str(),
            full(resolved.at),
            resolved.proof
        );
        page.note("resolved", &text);
    }
    page.note("runbook", &format!("docs/runbooks/{}.md", incident.key.check));
}

/// Why something was done or left alone.
#[must_use]
pub fn explanation(
    incident: Option<&Incident>,
    remediations: &[Remediation],
    decisions: &[Decision],
    why_not: bool,
    now: Timestamp,
    style: Style,
) -> String {
    let mut page = Page::new(style);
    if let Some(incident) = incident {
        head(&mut page, incident, now);
    }
    for found in remediations {
        remediation(&mut page, found, now);
    }
    match decisions.first() {
        None => page.line("No ruling on this finding is recorded in the last 30 days."),
        Some(decision) => ruling(&mut page, decision, why_not, now),
    }
    for decision in decisions.iter().skip(1) {
        let text = format!("{}: {}", relative(decision.at, now), decision.ruling.reason());
        page.note("earlier", &text);
    }
    page.into_text()
}

fn ruling(page: &mut Page, decision: &Decision, why_not: bool, now: Timestamp) {
    let when = relative(decision.at, now);
    let (label, tone, doors) = match &decision.ruling {
        Ruling::Acted { doors, .. } => ("acted", Tone::Good, Some(doors)),
        Ruling::Refused { doors } => ("refused", Tone::Bad, Some(doors)),
        Ruling::NotRipe { .. } | Ruling::Held { .. } => ("waits", Tone::Warn, None),
        Ruling::Folded { .. } => ("left alone", Tone::Dim, None),
        Ruling::Left { .. } => ("left alone", Tone::Warn, None),
    };
    let refused = doors.and_then(|doors| refusal(doors));
    let text = match (refused, why_not) {
        // The door's own line says why.
        (Some((door, _)), true) => format!("at door {} ({})", door.number(), door.as_str()),
        (Some((door, why)), false) => {
            format!("at door {} ({}): {why}", door.number(), door.as_str())
        }
        (None, _) => decision.ruling.reason(),
    };
    page.item(tone, label, &format!("{text} ({when})"));
    match (doors, why_not) {
        (Some(doors), true) => {
            page.doors(doors);
            page.doors(last_door(&decision.ruling).as_slice());
        }
        (None, true) => page.note("doors", "the gate was not asked: nothing was proposed"),
        (_, false) => {}
    }
    let agent = &decision.key.agent;
    let run = &decision.run;
    page.note("run", &run.to_string());
    let file = format!("{agent} --replay, with its file in snapshots/{agent} of the state folder");
    page.note("again", &file);
}

/// The last door stands in no plan: that something was sent is what is known of its answer.
fn last_door(ruling: &Ruling) -> Option<DoorAnswer> {
    match ruling {
        Ruling::Acted { doors, .. } if doors.iter().all(|door| door.door != Door::Guard) => {
            let held =
                "what was judged still held, before the intent and once more before it was sent";
            Some(DoorAnswer { door: Door::Guard, answer: Answer::Passed(held.to_owned()) })
        }
        Ruling::Acted { .. }
        | Ruling::Refused { .. }
        | Ruling::NotRipe { .. }
        | Ruling::Held { .. }
        | Ruling::Folded { .. }
        | Ruling::Left { .. } => None,
    }
}

/// An event in words.
fn told(event: &Event) -> String {
    match event {
        Event::IncidentOpened { severity, message, .. } => {
            format!("opened as {}: {message}", severity.as_str())
        }
        Event::IncidentSeverityChanged { from, to, .. } => {
            format!("was {}, is {} now", from.as_str(), to.as_str())
        }
        Event::IncidentFactsChanged { message, .. } => format!("has changed: {message}"),
        Event::IncidentAcknowledged { reason, .. } => format!("acknowledged: {reason}"),
        Event::IncidentResolved { resolution, proof, .. } => {
            format!("resolved ({}): {proof}", resolution.as_str())
        }
        Event::Escalation { reason, .. } => format!("a person is needed: {reason}"),
        Event::RecoveryAttempted { remediation, operation, attempt, .. } => {
            format!("{remediation}: intends to {operation}, attempt {attempt}")
        }
        Event::RemediationActed { remediation, result, verify_at } => format!(
            "{remediation}: sent, the answer was: {}; proof not before {}",
            result.trim_end_matches([':', ' ']),
            clock(*verify_at)
        ),
        Event::RemediationCompleted { remediation, outcome, observed, .. } => {
            format!("{remediation}: {}: {observed}", outcome.state().as_str())
        }
        Event::RemediationSettled { remediation, outcome, observed, .. } => {
            format!("{remediation}: settled by looking, {}: {observed}", outcome.state().as_str())
        }
        Event::RemediationUndone { remediation, by, reason, .. } => {
            format!("{remediation}: taken back by {by}: {reason}")
        }
        Event::ApprovalRequested { approval, ask, .. } => {
            format!("{approval}: a person is asked for {}", ask.proposal.operation)
        }
        Event::ApprovalDecided { approval, verdict, reason } => {
            format!("{approval}: {}: {reason}", verdict.as_str())
        }
        Event::ApprovalExpired { approval } => format!("{approval}: expired"),
        Event::ApprovalWithdrawn { approval, why } => format!("{approval}: withdrawn: {why}"),
        // What belongs to no incident and no remediation is no part of a life.
        Event::ControlChanged { .. }
        | Event::ControlPlaneDegraded { .. }
        | Event::LedgerImported { .. }
        | Event::TaskStarted { .. }
        | Event::TaskCompleted { .. } => event.kind().to_owned(),
    }
}
