//! The one place that changes an entity: `apply(event)`.
//!
//! Pure and typed. The store loads what an event touches, applies, and writes back what changed, in the
//! transaction that appends the event; `opsctl ledger verify` folds every event into an empty set and compares.
//! An illegal transition is refused before anything is written.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::event::{Event, NewEvent, RemediationOutcome};
use super::incident::{
    Control, Escalated, Incident, IncidentId, Remediation, RemediationId, RemediationState,
    Resolution, Resolved,
};
use super::subject::Key;

/// What an event needs loaded before it can be applied.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EntityRef {
    /// The incident of this id.
    Incident(IncidentId),
    /// The active incident of this key, if there is one.
    ActiveIncident(Key),
    /// The remediation of this id.
    Remediation(RemediationId),
    /// The remediation of this key that is still open, if there is one.
    OpenRemediation(Key),
    /// The control of this key.
    Control(String),
}

/// An event that its entities do not allow.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("illegal transition: {event} on {subject}: {why}")]
pub struct IllegalTransition {
    event: &'static str,
    subject: String,
    why: String,
}

/// A set of entities, whole or partial.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entities {
    /// Incidents by id.
    pub incidents: BTreeMap<IncidentId, Incident>,
    /// Remediations by id.
    pub remediations: BTreeMap<RemediationId, Remediation>,
    /// Controls by key.
    pub controls: BTreeMap<String, Control>,
}

impl Event {
    /// What must be loaded before [`Entities::apply`]. An entity that is named here and does not exist is simply
    /// absent from the set.
    #[must_use]
    pub fn touches(&self) -> Vec<EntityRef> {
        match self {
            Self::IncidentOpened { incident, key, .. } => {
                vec![EntityRef::Incident(*incident), EntityRef::ActiveIncident(key.clone())]
            }
            Self::IncidentSeverityChanged { incident, .. } | Self::Escalation { incident, .. } => {
                vec![EntityRef::Incident(*incident)]
            }
            Self::IncidentResolved { incident, remediation, .. } => {
                let proof = remediation.iter().map(|id| EntityRef::Remediation(*id));
                std::iter::once(EntityRef::Incident(*incident)).chain(proof).collect()
            }
            Self::RecoveryAttempted { remediation, incident, key, .. } => {
                let of_incident = incident.iter().map(|id| EntityRef::Incident(*id));
                [EntityRef::Remediation(*remediation), EntityRef::OpenRemediation(key.clone())]
                    .into_iter()
                    .chain(of_incident)
                    .collect()
            }
            Self::RemediationActed { remediation, .. }
            | Self::RemediationSettled { remediation, .. } => {
                vec![EntityRef::Remediation(*remediation)]
            }
            Self::RemediationCompleted { remediation, incident, .. } => {
                let of_incident = incident.iter().map(|id| EntityRef::Incident(*id));
                std::iter::once(EntityRef::Remediation(*remediation)).chain(of_incident).collect()
            }
            Self::ControlChanged { control, .. } => vec![EntityRef::Control(control.clone())],
            Self::ControlPlaneDegraded { .. }
            | Self::LedgerImported { .. }
            | Self::TaskStarted { .. }
            | Self::TaskCompleted { .. } => Vec::new(),
        }
    }
}

impl Entities {
    /// The active incident of `key`.
    #[must_use]
    pub fn active_incident(&self, key: &Key) -> Option<&Incident> {
        self.incidents.values().find(|incident| incident.key == *key && incident.is_active())
    }

    /// The remediation of `key` that still waits for an answer.
    #[must_use]
    pub fn open_remediation(&self, key: &Key) -> Option<&Remediation> {
        self.remediations.values().find(|found| found.key == *key && found.state.is_open())
    }

    /// Applies one event and names what it changed.
    ///
    /// # Errors
    ///
    /// The transition is not legal; nothing was changed.
    pub fn apply(&mut self, new: &NewEvent) -> Result<Vec<EntityRef>, IllegalTransition> {
        let changed = match &new.event {
            Event::IncidentOpened { .. } => self.open(&new.event),
            Event::IncidentSeverityChanged { .. } => self.change_severity(&new.event),
            Event::IncidentResolved { .. } => self.resolve(new.at, &new.event),
            Event::Escalation { .. } => self.escalate(new.at, &new.event),
            Event::RecoveryAttempted { .. } => self.intend(new),
            Event::RemediationActed { .. } => self.acted(new.at, &new.event),
            Event::RemediationCompleted { remediation, outcome, observed, after, .. } => {
                let changed = self.complete(*remediation, *outcome, new.at);
                self.note_outcome(&changed, *remediation, observed, after.as_ref());
                changed
            }
            Event::RemediationSettled { remediation, outcome, observed, after } => {
                let changed = self.settle(*remediation, *outcome, new.at);
                self.note_outcome(&changed, *remediation, observed, after.as_ref());
                changed
            }
            Event::ControlChanged { .. } => Ok(self.control(new)),
            Event::ControlPlaneDegraded { .. }
            | Event::LedgerImported { .. }
            | Event::TaskStarted { .. }
            | Event::TaskCompleted { .. } => Ok(Vec::new()),
        };
        changed.map_err(|why| IllegalTransition {
            event: new.event.kind(),
            subject: new.event.subject(),
            why,
        })
    }

    fn open(&mut self, event: &Event) -> Result<Vec<EntityRef>, String> {
        let Event::IncidentOpened {
            incident,
            key,
            severity,
            message,
            facts,
            opened_at,
            relapse_of,
            attempts,
            last_attempt_at,
            ..
        } = event
        else {
            return Err("not an opening".to_owned());
        };
        if self.incidents.contains_key(incident) {
            return Err("the id is taken".to_owned());
        }
        if let Some(other) = self.active_incident(key) {
            return Err(format!("{} is active for the same key", other.id));
        }
        self.incidents.insert(
            *incident,
            Incident {
                id: *incident,
                key: key.clone(),
                severity: *severity,
                message: message.clone(),
                facts: facts.clone(),
                opened_at: *opened_at,
                relapse_of: *relapse_of,
                attempts: *attempts,
                last_attempt_at: *last_attempt_at,
                last_operation: None,
                escalated: None,
                resolved: None,
            },
        );
        Ok(vec![EntityRef::Incident(*incident)])
    }

    fn active_mut(&mut self, id: IncidentId) -> Result<&mut Incident, String> {
        let incident = self.incidents.get_mut(&id).ok_or("there is no such incident")?;
        if incident.is_active() { Ok(incident) } else { Err("it is resolved".to_owned()) }
    }

    fn change_severity(&mut self, event: &Event) -> Result<Vec<EntityRef>, String> {
        let Event::IncidentSeverityChanged { incident: id, from, to, message, facts } = event
        else {
            return Err("not a change of severity".to_owned());
        };
        let incident = self.active_mut(*id)?;
        if incident.severity != *from {
            return Err(format!("its severity is {}", incident.severity.as_str()));
        }
        incident.severity = *to;
        incident.message.clone_from(message);
        incident.facts.clone_from(facts);
        Ok(vec![EntityRef::Incident(*id)])
    }

    fn resolve(&mut self, at: Timestamp, event: &Event) -> Result<Vec<EntityRef>, String> {
        let Event::IncidentResolved { incident: id, resolution, proof, remediation } = event else {
            return Err("not a resolution".to_owned());
        };
        if proof.trim().is_empty() {
            return Err("a resolution needs its proof".to_owned());
        }
        let fixed_by = remediation.and_then(|id| self.remediations.get(&id)).cloned();
        let incident = self.active_mut(*id)?;
        if *resolution == Resolution::AutoFixed {
            let proved = fixed_by.is_some_and(|found| {
                found.state == RemediationState::Verified && found.incident == Some(*id)
            });
            if !proved {
                return Err("auto_fixed needs a verified remediation of this incident".to_owned());
            }
        }
        incident.resolved = Some(Resolved { at, resolution: *resolution, proof: proof.clone() });
        Ok(vec![EntityRef::Incident(*id)])
    }

    fn escalate(&mut self, at: Timestamp, event: &Event) -> Result<Vec<EntityRef>, String> {
        let Event::Escalation { incident: id, reason, .. } = event else {
            return Err("not an escalation".to_owned());
        };
        let incident = self.active_mut(*id)?;
        if incident.escalated.is_some() {
            return Err("it is escalated already".to_owned());
        }
        incident.escalated = Some(Escalated { at, reason: reason.clone() });
        Ok(vec![EntityRef::Incident(*id)])
    }

    fn intend(&mut self, new: &NewEvent) -> Result<Vec<EntityRef>, String> {
        let Event::RecoveryAttempted {
            remediation: id,
            incident,
            key,
            operation,
            reason,
            attempt,
            before,
            inverse,
            evidence,
        } = &new.event
        else {
            return Err("not an intent".to_owned());
        };
        if self.remediations.contains_key(id) {
            return Err("the id is taken".to_owned());
        }
        if let Some(other) = self.open_remediation(key) {
            return Err(format!("{} of the same key waits for its answer", other.id));
        }
        let run = new.run.clone().ok_or("an intent belongs to a run")?;
        let mut changed = vec![EntityRef::Remediation(*id)];
        if let Some(of) = incident {
            let found = self.active_mut(*of)?;
            if found.key != *key {
                return Err("the incident has another key".to_owned());
            }
            if *attempt != found.attempts + 1 {
                return Err(format!("attempt {attempt} does not follow {}", found.attempts));
            }
            found.attempts = *attempt;
            found.last_attempt_at = Some(new.at);
            found.last_operation = Some(operation.to_string());
            changed.push(EntityRef::Incident(*of));
        }
        self.remediations.insert(
            *id,
            Remediation {
                id: *id,
                key: key.clone(),
                incident: *incident,
                run,
                operation: operation.clone(),
                reason: reason.clone(),
                attempt: *attempt,
                state: RemediationState::Intended,
                before: before.clone(),
                after: None,
                inverse: inverse.clone(),
                intended_at: new.at,
                acted_at: None,
                verify_at: None,
                finished_at: None,
                outcome: None,
                evidence: evidence.clone(),
            },
        );
        Ok(changed)
    }

    fn remediation_in(
        &mut self,
        id: RemediationId,
        legal: &[RemediationState],
    ) -> Result<&mut Remediation, String> {
        let found = self.remediations.get_mut(&id).ok_or("there is no such remediation")?;
        if legal.contains(&found.state) {
            Ok(found)
        } else {
            Err(format!("it is {}", found.state.as_str()))
        }
    }

    fn acted(&mut self, at: Timestamp, event: &Event) -> Result<Vec<EntityRef>, String> {
        let Event::RemediationActed { remediation: id, result, verify_at } = event else {
            return Err("not an act".to_owned());
        };
        let found = self.remediation_in(*id, &[RemediationState::Intended])?;
        found.state = RemediationState::Verifying;
        found.acted_at = Some(at);
        found.verify_at = Some(*verify_at);
        found.outcome = Some(result.clone());
        Ok(vec![EntityRef::Remediation(*id)])
    }

    fn complete(
        &mut self,
        id: RemediationId,
        outcome: RemediationOutcome,
        at: Timestamp,
    ) -> Result<Vec<EntityRef>, String> {
        use RemediationState::{Intended, Verifying};
        let legal: &[RemediationState] = match outcome {
            RemediationOutcome::Verified => &[Verifying],
            RemediationOutcome::Failed | RemediationOutcome::Unknown => &[Intended, Verifying],
            RemediationOutcome::Withdrawn => &[Intended],
        };
        let found = self.remediation_in(id, legal)?;
        found.state = outcome.state();
        if !found.state.is_open() {
            found.finished_at = Some(at);
        }
        let mut changed = vec![EntityRef::Remediation(id)];
        let incident = found.incident;
        if outcome == RemediationOutcome::Withdrawn
            && let Some(incident) = incident.and_then(|of| self.incidents.get_mut(&of))
        {
            incident.attempts = incident.attempts.saturating_sub(1);
            changed.push(EntityRef::Incident(incident.id));
        }
        Ok(changed)
    }

    fn settle(
        &mut self,
        id: RemediationId,
        outcome: RemediationOutcome,
        at: Timestamp,
    ) -> Result<Vec<EntityRef>, String> {
        use RemediationState::{Unknown, Verifying};
        if !matches!(outcome, RemediationOutcome::Verified | RemediationOutcome::Failed) {
            return Err("settling ends a remediation as verified or failed".to_owned());
        }
        let found = self.remediation_in(id, &[Unknown, Verifying])?;
        found.state = outcome.state();
        found.finished_at = Some(at);
        Ok(vec![EntityRef::Remediation(id)])
    }

    fn note_outcome(
        &mut self,
        changed: &Result<Vec<EntityRef>, String>,
        id: RemediationId,
        observed: &str,
        after: Option<&super::operation::TargetState>,
    ) {
        if changed.is_ok()
            && let Some(found) = self.remediations.get_mut(&id)
        {
            found.outcome = Some(observed.to_owned());
            found.after = after.cloned().or_else(|| found.after.clone());
        }
    }

    fn control(&mut self, new: &NewEvent) -> Vec<EntityRef> {
        let Event::ControlChanged { control, on, reason, expires_at } = &new.event else {
            return Vec::new();
        };
        self.controls.insert(
            control.clone(),
            Control {
                key: control.clone(),
                on: *on,
                reason: reason.clone(),
                set_by: new.actor.clone(),
                set_at: new.at,
                expires_at: *expires_at,
            },
        );
        vec![EntityRef::Control(control.clone())]
    }
}
