//! The view as a dashboard is sent it: the same fields, small enough for any receiver.
//!
//! The platform accepts bodies of 92 kB and answers 500 to those of 100 kB, so nothing here is larger than 90,000 bytes.
//! Each list has a share of that; active incidents come first, the worst before the others.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};

use super::foreign::{as_it_is, fit, json_bytes};
use crate::domain::view::{OpsState, ViewAgent, ViewControl, ViewIncident, ViewRemediation};

/// The shares of the lists, in bytes of JSON; what is not used of one is the next one's. Their sum with what stands around
/// them is below 90,000.
const REASONS: usize = 12_000;
const AGENTS: usize = 12_000;
const LAST_RUNS: usize = 4_000;
const CONTROLS: usize = 6_000;
const INCIDENTS: usize = 36_000;
const REMEDIATIONS: usize = 16_000;
/// The longest sentence and the longest name, in bytes.
const SENTENCE: usize = 400;
const NAME: usize = 120;
/// How many counters of an agent are told.
const COUNTS: usize = 16;

/// The view in at most 90,000 bytes.
#[must_use]
pub fn projection(state: &OpsState) -> Value {
    json!(bounded(state))
}

/// The same, still typed.
pub(super) fn bounded(state: &OpsState) -> OpsState {
    let mut room = REASONS;
    // The last reason says what is left out here, and must fit.
    room -= SENTENCE;
    let mut reasons = filled(&mut room, state.reasons.iter().map(|reason| sentence(reason)));
    room += AGENTS;
    let agents = state.agent_results.iter().map(|(name, one)| (self::name(name), agent(one)));
    let agent_results: BTreeMap<String, ViewAgent> =
        filled(&mut room, agents).into_iter().collect();
    room += LAST_RUNS;
    let last_run = state.last_run.iter().map(|(name, at)| (self::name(name), *at));
    let last_run: BTreeMap<_, _> = filled(&mut room, last_run).into_iter().collect();
    room += CONTROLS;
    let controls = filled(&mut room, state.controls.iter().map(control));
    room += INCIDENTS;
    let incidents = filled(&mut room, in_order(&state.incidents).into_iter().map(incident));
    room += REMEDIATIONS;
    let recent_remediations = filled(&mut room, state.recent_remediations.iter().map(remediation));
    let open = state.incidents.iter().filter(|one| one.resolved.is_none()).count();
    let open_shown = incidents.iter().filter(|one| one.resolved.is_none()).count();
    let (all, shown) = (state.incidents.len(), incidents.len());
    let remediations = state.recent_remediations.len() - recent_remediations.len();
    reasons.extend(told(&[
        (state.reasons.len() - reasons.len(), "reasons"),
        (state.agent_results.len() - agent_results.len(), "agents"),
        (state.controls.len() - controls.len(), "controls"),
        (open - open_shown, "open incidents"),
        (all - open - (shown - open_shown), "ended incidents"),
        (remediations, "remediations"),
    ]));
    OpsState {
        schema_version: state.schema_version,
        ledger_id: name(&state.ledger_id),
        ledger_seq: state.ledger_seq,
        last_updated: state.last_updated,
        valid_until: state.valid_until,
        system_status: state.system_status,
        reasons,
        last_run,
        incidents_omitted: state.incidents_omitted.saturating_add((all - shown) as u64),
        incidents,
        recent_remediations,
        agent_results,
        controls,
    }
}

/// As many items as have room, and what room is left.
fn filled<T: Serialize>(room: &mut usize, items: impl Iterator<Item = T>) -> Vec<T> {
    let mut kept = Vec::new();
    for item in items {
        // A comma stands before the next one.
        let size = serde_json::to_string(&item).map_or(usize::MAX, |text| text.len() + 1);
        let Some(left) = room.checked_sub(size) else { break };
        *room = left;
        kept.push(item);
    }
    kept
}

/// Active incidents first, the worst and then the newest of them; then the ended ones as they stand.
fn in_order(all: &[ViewIncident]) -> Vec<&ViewIncident> {
    let mut active: Vec<&ViewIncident> = all.iter().filter(|one| one.resolved.is_none()).collect();
    active.sort_by_key(|one| (rank(one), Reverse(one.detected)));
    active.into_iter().chain(all.iter().filter(|one| one.resolved.is_some())).collect()
}

/// The worst first; among equals those that wait for a person.
fn rank(one: &ViewIncident) -> (u8, bool) {
    let severity = match one.severity.as_str() {
        "critical" => 0,
        "warning" => 1,
        _ => 2,
    };
    (severity, one.status != "escalated")
}

/// What is left out, in words.
fn told(left_out: &[(usize, &str)]) -> Option<String> {
    let some = left_out.iter().filter(|(count, _)| *count > 0);
    let told: Vec<String> = some.map(|(count, what)| format!("{count} {what}")).collect();
    (!told.is_empty()).then(|| {
        format!("left out here, to keep it small: {}; `opsctl status` has them", told.join(", "))
    })
}

fn sentence(text: &str) -> String {
    fit(text, SENTENCE, json_bytes, as_it_is)
}

fn name(text: &str) -> String {
    fit(text, NAME, json_bytes, as_it_is)
}

fn incident(one: &ViewIncident) -> ViewIncident {
    ViewIncident {
        id: name(&one.id),
        agent: name(&one.agent),
        kind: name(&one.kind),
        target: name(&one.target),
        detected: one.detected,
        remediation: sentence(&one.remediation),
        status: name(&one.status),
        attempts: one.attempts,
        severity: name(&one.severity),
        message: sentence(&one.message),
        resolved: one.resolved,
        resolution: one.resolution.as_deref().map(name),
    }
}

fn remediation(one: &ViewRemediation) -> ViewRemediation {
    ViewRemediation {
        id: name(&one.id),
        incident: one.incident.as_deref().map(name),
        agent: name(&one.agent),
        check: name(&one.check),
        action: sentence(&one.action),
        target: name(&one.target),
        at: one.at,
        took_ms: one.took_ms,
        outcome: name(&one.outcome),
        before: sentence(&one.before),
        after: one.after.as_deref().map(sentence),
        proof: one.proof.as_deref().map(sentence),
    }
}

fn agent(one: &ViewAgent) -> ViewAgent {
    let counts = one.counts.iter().take(COUNTS).map(|(what, count)| (name(what), *count));
    ViewAgent {
        state: name(&one.state),
        run: one.run.as_deref().map(name),
        started: one.started,
        outcome: one.outcome.as_deref().map(name),
        exit: one.exit,
        counts: counts.collect(),
        next: one.next,
    }
}

fn control(one: &ViewControl) -> ViewControl {
    ViewControl {
        key: name(&one.key),
        reason: sentence(&one.reason),
        set_by: name(&one.set_by),
        until: one.until,
    }
}
