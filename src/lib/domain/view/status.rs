//! The roll-up: one truth table, every row of it with its reason.

use jiff::Timestamp;

use super::SystemStatus;
use super::render::ViewInput;
use super::roster::{AgentState, standing};
use crate::domain::incident::Incident;
use crate::domain::moment;
use crate::domain::severity::Severity;

/// The agent that everything else leans on: where it is lost, nobody looks at production.
pub const GUARDIAN: &str = "health-guardian";

/// How many reasons are spelled out.
const REASONS: usize = 50;

/// The roll-up with what it rests on, worst first. Incidents count that `counts` says so of.
pub fn roll_up(
    input: &ViewInput,
    counts: impl Fn(&Incident) -> bool,
) -> (SystemStatus, Vec<String>) {
    let active = input.active.iter().filter(|incident| counts(incident));
    let mut found: Vec<(SystemStatus, String)> = active.filter_map(of_incident).collect();
    for entry in &input.roster {
        let latest = input.runs.get(&entry.agent);
        let state = standing(entry, latest, input.now);
        if state.counts() {
            let guardian_lost = state == AgentState::Lost && entry.agent.as_str() == GUARDIAN;
            let level = if guardian_lost { SystemStatus::Critical } else { SystemStatus::Degraded };
            let since = latest.map(|run| said_at(run.started.started_at)).unwrap_or_default();
            let words = state.as_str();
            found.push((level, format!("agent {} is {words}{since}", entry.agent)));
        }
        let ended = latest.and_then(|run| run.ended.as_ref()).filter(|_| entry.enabled);
        for (check, why) in ended.iter().flat_map(|run| &run.unknown) {
            let said = format!("agent {} could not judge {check}: {why}", entry.agent);
            found.push((SystemStatus::Degraded, said));
        }
    }
    found.sort_by_key(|(level, _)| std::cmp::Reverse(*level));
    let status = found.first().map_or(SystemStatus::Healthy, |(level, _)| *level);
    (status, shortened(found))
}

fn of_incident(incident: &Incident) -> Option<(SystemStatus, String)> {
    let level = match incident.severity {
        Severity::Critical => SystemStatus::Critical,
        Severity::Warning => SystemStatus::Degraded,
        Severity::Info => return None,
    };
    if !incident.is_active() {
        return None;
    }
    let needs = if incident.escalated.is_some() { ", a person is needed" } else { "" };
    let severity = incident.severity.as_str();
    Some((level, format!("{} {severity}: {}{needs}", incident.id, incident.message)))
}

fn said_at(at: Timestamp) -> String {
    format!(", its last run started {}", moment::full(at))
}

fn shortened(found: Vec<(SystemStatus, String)>) -> Vec<String> {
    let left_out = found.len().saturating_sub(REASONS);
    let mut reasons: Vec<String> =
        found.into_iter().take(REASONS).map(|(_, reason)| reason).collect();
    if left_out > 0 {
        reasons.push(format!("and {left_out} more"));
    }
    reasons
}
