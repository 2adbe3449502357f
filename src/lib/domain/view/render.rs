//! The view from the ledger's rows. Pure: what is shown depends on the argument alone.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use jiff::Timestamp;

use super::roster::{LatestRun, RosterEntry, standing, valid_until};
use super::status::roll_up;
use super::{OpsState, SCHEMA_VERSION, ViewAgent, ViewControl, ViewIncident, ViewRemediation};
use crate::domain::incident::{Control, Incident, Remediation, control};
use crate::domain::run::Ruling;
use crate::domain::subject::{AgentName, Key};

/// How many resolved incidents are shown. Active ones are never left out.
pub const SHOWN_RESOLVED: usize = 200;
/// How many remediations are shown.
pub const SHOWN_REMEDIATIONS: usize = 200;

/// Everything that the view is made of.
#[derive(Clone, Debug)]
pub struct ViewInput {
    /// Which ledger.
    pub ledger_id: String,
    /// Up to which event.
    pub ledger_seq: u64,
    /// When the view is made.
    pub now: Timestamp,
    /// The agents that settings know.
    pub roster: Vec<RosterEntry>,
    /// Every active incident.
    pub active: Vec<Incident>,
    /// The newest of the recently resolved incidents.
    pub resolved: Vec<Incident>,
    /// How many were recently resolved in all.
    pub resolved_total: u64,
    /// The newest remediations.
    pub remediations: Vec<Remediation>,
    /// The latest ruling on each key that is shown.
    pub rulings: BTreeMap<Key, Ruling>,
    /// The newest runs of each agent.
    pub runs: BTreeMap<AgentName, LatestRun>,
    /// Every control.
    pub controls: BTreeMap<String, Control>,
}

/// The view.
#[must_use]
pub fn render(input: &ViewInput) -> OpsState {
    let (system_status, reasons) = roll_up(input, |_| true);
    let (incidents, shown_resolved) = incidents(input);
    OpsState {
        schema_version: SCHEMA_VERSION,
        ledger_id: input.ledger_id.clone(),
        ledger_seq: input.ledger_seq,
        last_updated: input.now,
        valid_until: valid_until(&input.roster, &input.runs, input.now),
        system_status,
        reasons,
        last_run: last_runs(&input.runs),
        incidents,
        incidents_omitted: input.resolved_total.saturating_sub(shown_resolved),
        recent_remediations: remediations(&input.remediations),
        agent_results: input
            .roster
            .iter()
            .map(|entry| (entry.agent.to_string(), agent(entry, input)))
            .collect(),
        controls: input
            .controls
            .values()
            .filter(|control| control.applies(input.now))
            .map(shown_control)
            .collect(),
    }
}

fn incidents(input: &ViewInput) -> (Vec<ViewIncident>, u64) {
    let mut active: Vec<&Incident> = input.active.iter().filter(|one| one.is_active()).collect();
    active.sort_by_key(|incident| (Reverse(incident.opened_at), Reverse(incident.id)));
    let mut resolved: Vec<&Incident> =
        input.resolved.iter().filter(|one| !one.is_active()).collect();
    resolved.sort_by_key(|incident| (Reverse(incident.ended_at()), Reverse(incident.id)));
    resolved.truncate(SHOWN_RESOLVED);
    let shown_resolved = resolved.len() as u64;
    let shown = active.into_iter().chain(resolved);
    (shown.map(|one| incident(one, input.rulings.get(&one.key))).collect(), shown_resolved)
}

fn incident(incident: &Incident, ruling: Option<&Ruling>) -> ViewIncident {
    ViewIncident {
        id: incident.id.to_string(),
        agent: incident.key.agent.to_string(),
        kind: incident.key.check.to_string(),
        target: incident.key.subject.short(),
        detected: incident.opened_at,
        remediation: remedy_of(incident, ruling),
        status: incident.status().to_owned(),
        attempts: incident.attempts,
        severity: incident.severity.as_str().to_owned(),
        message: incident.message.clone(),
        resolved: incident.ended_at(),
        resolution: incident.resolved.as_ref().map(|end| end.resolution.as_str().to_owned()),
    }
}

/// The last operation, or the reason why there is none.
fn remedy_of(incident: &Incident, ruling: Option<&Ruling>) -> String {
    if let Some(operation) = &incident.last_operation {
        return match &incident.escalated {
            Some(escalated) => format!("{operation}, and no more: {}", escalated.reason),
            None => operation.clone(),
        };
    }
    match (ruling, &incident.escalated) {
        (Some(ruling), _) => words_of(ruling),
        (None, Some(escalated)) => format!("none: {}", escalated.reason),
        (None, None) => "none yet".to_owned(),
    }
}

fn words_of(ruling: &Ruling) -> String {
    match ruling {
        Ruling::Acted { operation, .. } => operation.clone(),
        Ruling::NotRipe { .. }
        | Ruling::Held { .. }
        | Ruling::Folded { .. }
        | Ruling::Left { .. }
        | Ruling::Refused { .. } => format!("none: {}", ruling.reason()),
    }
}

fn remediations(all: &[Remediation]) -> Vec<ViewRemediation> {
    let mut newest: Vec<&Remediation> = all.iter().collect();
    newest.sort_by_key(|one| (Reverse(one.intended_at), Reverse(one.id)));
    newest.truncate(SHOWN_REMEDIATIONS);
    newest.into_iter().map(remediation).collect()
}

fn remediation(one: &Remediation) -> ViewRemediation {
    ViewRemediation {
        id: one.id.to_string(),
        incident: one.incident.map(|id| id.to_string()),
        agent: one.key.agent.to_string(),
        check: one.key.check.to_string(),
        action: one.operation.to_string(),
        target: one.key.subject.short(),
        at: one.intended_at,
        took_ms: took_ms(one),
        outcome: one.state.as_str().to_owned(),
        before: one.before.summary(),
        after: one.after.as_ref().map(crate::domain::operation::TargetState::summary),
        proof: one.outcome.clone(),
    }
}

/// How long the operation took; nothing where the clock went back meanwhile.
fn took_ms(one: &Remediation) -> Option<u64> {
    let took = one.acted_at?.duration_since(one.intended_at);
    u64::try_from(took.as_millis()).ok()
}

fn last_runs(runs: &BTreeMap<AgentName, LatestRun>) -> BTreeMap<String, Timestamp> {
    let ended = |latest: &LatestRun| latest.ended.as_ref().and_then(|run| run.ended_at);
    runs.iter()
        .filter_map(|(agent, latest)| ended(latest).map(|at| (agent.to_string(), at)))
        .collect()
}

fn agent(entry: &RosterEntry, input: &ViewInput) -> ViewAgent {
    let latest = input.runs.get(&entry.agent);
    let run = latest.map(|latest| &latest.started);
    ViewAgent {
        state: standing(entry, latest, input.now).as_str().to_owned(),
        run: run.map(|run| run.id.to_string()),
        started: run.map(|run| run.started_at),
        outcome: run.map(|run| run.state.as_str().to_owned()),
        exit: run.and_then(|run| run.exit),
        counts: run.map(|run| run.counts.clone()).unwrap_or_default(),
        next: next(entry, input),
    }
}

/// When the agent is expected next: not while a person has suspended its slots, and nobody knows for how long.
fn next(entry: &RosterEntry, input: &ViewInput) -> Option<Timestamp> {
    let keys = control::suspensions_of(&entry.agent);
    let suspensions = keys.iter().filter_map(|key| input.controls.get(key));
    let mut from = input.now;
    for suspension in suspensions.filter(|one| one.applies(input.now)) {
        from = from.max(suspension.expires_at?);
    }
    entry.schedule.next_after(from).filter(|_| entry.enabled)
}

fn shown_control(control: &Control) -> ViewControl {
    ViewControl {
        key: control.key.clone(),
        reason: control.reason.clone(),
        set_by: control.set_by.clone(),
        until: control.expires_at,
    }
}
