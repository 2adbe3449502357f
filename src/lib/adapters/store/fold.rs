//! All events, folded into an empty set, and what must hold of the rows beside it.

use std::collections::{BTreeMap, BTreeSet};

use super::rows::{EntityRow, Kind};
use super::verify::{Rule, VerifyReport};
use crate::domain::entities::Entities;
use crate::domain::event::{Event, RecordedEvent};
use crate::domain::incident::{
    Incident, IncidentId, Remediation, RemediationId, RemediationState, Resolution,
};

/// What the events say.
#[derive(Debug, Default)]
pub(super) struct Fold {
    set: Entities,
    /// Attempts that each incident may have: inherited ones and intents.
    allowed: BTreeMap<IncidentId, u32>,
    /// Remediations whose intent was recorded.
    intended: BTreeSet<RemediationId>,
}

impl Fold {
    /// Takes one event in.
    pub(super) fn take(&mut self, recorded: &RecordedEvent, report: &mut VerifyReport) {
        match &recorded.new.event {
            Event::IncidentOpened { incident, attempts, .. } => {
                *self.allowed.entry(*incident).or_default() += attempts;
            }
            Event::RecoveryAttempted { remediation, incident, .. } => {
                self.intended.insert(*remediation);
                if let Some(incident) = incident {
                    *self.allowed.entry(*incident).or_default() += 1;
                }
            }
            Event::IncidentSeverityChanged { .. }
            | Event::IncidentFactsChanged { .. }
            | Event::IncidentAcknowledged { .. }
            | Event::IncidentResolved { .. }
            | Event::Escalation { .. }
            | Event::RemediationActed { .. }
            | Event::RemediationCompleted { .. }
            | Event::RemediationSettled { .. }
            | Event::RemediationUndone { .. }
            | Event::ApprovalRequested { .. }
            | Event::ApprovalDecided { .. }
            | Event::ApprovalExpired { .. }
            | Event::ApprovalWithdrawn { .. }
            | Event::ControlChanged { .. }
            | Event::ControlPlaneDegraded { .. }
            | Event::LedgerImported { .. }
            | Event::TaskStarted { .. }
            | Event::TaskCompleted { .. } => {}
        }
        if let Err(error) = self.set.apply(&recorded.new) {
            report.found(Rule::Legal, recorded.seq, error);
        }
    }

    /// Compares every row with what the events make of it.
    pub(super) fn compare(&self, rows: &[EntityRow], report: &mut VerifyReport) {
        let set = &self.set;
        let folded = set
            .incidents()
            .values()
            .map(EntityRow::of_incident)
            .chain(set.remediations().values().map(EntityRow::of_remediation))
            .chain(set.approvals().values().map(EntityRow::of_approval))
            .chain(set.controls().values().map(EntityRow::of_control));
        let mut expected = BTreeMap::new();
        for row in folded {
            match row {
                Ok(row) => {
                    expected.insert((row.kind.clone(), row.id.clone()), row);
                }
                Err(error) => report.found(Rule::Fold, "entity", error),
            }
        }
        for row in rows {
            match expected.remove(&(row.kind.clone(), row.id.clone())) {
                None => report.found(Rule::Fold, &row.id, "no event made it"),
                Some(expected) if expected == *row => {}
                Some(expected) => report.found(Rule::Fold, &row.id, difference(&expected, row)),
            }
        }
        for (_, id) in expected.keys() {
            report.found(Rule::Fold, id, "its events are there, its row is not");
        }
    }

    /// Checks what must hold of the rows by themselves, whatever the events say.
    pub(super) fn invariants(&self, rows: &[EntityRow], report: &mut VerifyReport) {
        let mut incidents = Vec::new();
        let mut remediations = Vec::new();
        for row in rows {
            let unreadable = if row.kind == Kind::Incident.as_str() {
                serde_json::from_str(&row.doc).map(|one: Incident| incidents.push(one)).err()
            } else if row.kind == Kind::Remediation.as_str() {
                let read = serde_json::from_str(&row.doc);
                read.map(|one: Remediation| remediations.push(one)).err()
            } else {
                None
            };
            if let Some(error) = unreadable {
                report.found(Rule::Fold, &row.id, format!("its document cannot be read: {error}"));
            }
        }
        one_active(&incidents, report);
        fixed(&incidents, &remediations, report);
        for remediation in remediations.iter().filter(|one| !self.intended.contains(&one.id)) {
            report.found(Rule::Intent, remediation.id, "no intent was recorded");
        }
        for incident in &incidents {
            let allowed = self.allowed.get(&incident.id).copied().unwrap_or(0);
            if incident.attempts > allowed {
                let what = format!("{} attempts, {allowed} recorded", incident.attempts);
                report.found(Rule::Attempts, incident.id, what);
            }
        }
    }

    /// Compares the kept counts with the remediations.
    pub(super) fn tallied(&self, kept: &[(String, i64, i64)], report: &mut VerifyReport) {
        let mut counted: BTreeMap<&str, (i64, i64)> = BTreeMap::new();
        for one in self.set.remediations().values() {
            let verified = match one.state {
                RemediationState::Verified => 1,
                RemediationState::Failed => 0,
                RemediationState::Intended
                | RemediationState::Verifying
                | RemediationState::Unknown
                | RemediationState::Withdrawn => continue,
            };
            let count = counted.entry(one.operation.verb()).or_default();
            *count = (count.0 + verified, count.1 + 1);
        }
        let kept: BTreeMap<&str, (i64, i64)> = kept
            .iter()
            .map(|(verb, verified, ended)| (verb.as_str(), (*verified, *ended)))
            .collect();
        if kept != counted {
            report.found(
                Rule::Tally,
                "tally",
                format!("{kept:?} is kept, {counted:?} was counted"),
            );
        }
    }
}

fn difference(expected: &EntityRow, found: &EntityRow) -> String {
    let columns = [
        ("number", expected.number == found.number),
        ("live_key", expected.live_key == found.live_key),
        ("agent", expected.agent == found.agent),
        ("opened_at", expected.opened_at == found.opened_at),
        ("closed_at", expected.closed_at == found.closed_at),
    ];
    match columns.iter().find(|(_, same)| !same) {
        Some((column, _)) => format!("its {column} is not what its events say"),
        None => format!("it is {}, its events say {}", found.doc, expected.doc),
    }
}

fn one_active(incidents: &[Incident], report: &mut VerifyReport) {
    let mut active = BTreeMap::new();
    for incident in incidents.iter().filter(|incident| incident.is_active()) {
        if let Some(other) = active.insert(&incident.key, incident.id) {
            let what = format!("{other} is active for the same finding");
            report.found(Rule::OneActive, incident.id, what);
        }
    }
}

fn fixed(incidents: &[Incident], remediations: &[Remediation], report: &mut VerifyReport) {
    let proved: BTreeSet<(Option<IncidentId>, &crate::domain::subject::Subject)> = remediations
        .iter()
        .filter(|one| one.state == RemediationState::Verified)
        .map(|one| (one.incident, &one.key.subject))
        .collect();
    let claims = |incident: &&Incident| {
        incident.resolved.as_ref().is_some_and(|end| end.resolution == Resolution::AutoFixed)
    };
    for incident in incidents.iter().filter(claims) {
        if !proved.contains(&(Some(incident.id), &incident.key.subject)) {
            let what = "it ended as fixed, and no verified remediation of its own is there";
            report.found(Rule::Fixed, incident.id, what);
        }
    }
}
