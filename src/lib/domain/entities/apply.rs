//! The one place that changes an entity: `apply(event)`.

use jiff::Timestamp;

use super::{Entities, EntityRef};
use crate::domain::event::{Event, NewEvent, RemediationOutcome};
use crate::domain::incident::{
    Acknowledged, Control, Escalated, Incident, IncidentId, Remediation, RemediationId,
    RemediationState, Resolution, Resolved, Undone,
};
use crate::domain::operation::TargetState;
use crate::domain::subject::Key;

/// An event that its entities do not allow.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("illegal transition: {event} on {subject}: {why}")]
pub struct IllegalTransition {
    event: &'static str,
    subject: String,
    why: String,
}

impl Entities {
    /// Applies one event and names what it changed.
    ///
    /// # Errors
    ///
    /// The transition is not legal; nothing was changed.
    pub fn apply(&mut self, new: &NewEvent) -> Result<Vec<EntityRef>, IllegalTransition> {
        let changed = match &new.event {
            Event::IncidentOpened { .. } => self.open(&new.event),
            Event::IncidentSeverityChanged { .. } => self.change_severity(&new.event),
            Event::IncidentFactsChanged { .. } => self.change_facts(&new.event),
            Event::IncidentAcknowledged { .. } => self.acknowledge(new),
            Event::IncidentResolved { .. } => self.resolve(new.at, &new.event),
            Event::Escalation { .. } => self.escalate(new.at, &new.event),
            Event::RecoveryAttempted { .. } => self.intend(new),
            Event::RemediationActed { .. } => self.acted(new.at, &new.event),
            Event::RemediationCompleted { .. } => self.complete(new.at, &new.event),
            Event::RemediationSettled { .. } => self.settle(new.at, &new.event),
            Event::RemediationUndone { .. } => self.undone(new.at, &new.event),
            Event::ApprovalRequested { .. } => self.request(new),
            Event::ApprovalDecided { .. } => self.decide(new),
            Event::ApprovalExpired { .. } => self.expire(new.at, &new.event),
            Event::ApprovalWithdrawn { .. } => self.withdraw(new.at, &new.event),
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
        self.put_incident(Incident {
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
            acknowledged: None,
            resolved: None,
        });
        Ok(vec![EntityRef::Incident(*incident)])
    }

    /// A copy of the active incident, to be changed and put back.
    fn active(&self, id: IncidentId) -> Result<Incident, String> {
        let incident = self.incidents.get(&id).ok_or("there is no such incident")?;
        if incident.is_active() { Ok(incident.clone()) } else { Err("it is resolved".to_owned()) }
    }

    fn change_severity(&mut self, event: &Event) -> Result<Vec<EntityRef>, String> {
        let Event::IncidentSeverityChanged { incident: id, from, to, message, facts } = event
        else {
            return Err("not a change of severity".to_owned());
        };
        let mut incident = self.active(*id)?;
        if incident.severity != *from {
            return Err(format!("its severity is {}", incident.severity.as_str()));
        }
        incident.severity = *to;
        incident.message.clone_from(message);
        incident.facts.clone_from(facts);
        self.put_incident(incident);
        Ok(vec![EntityRef::Incident(*id)])
    }

    fn change_facts(&mut self, event: &Event) -> Result<Vec<EntityRef>, String> {
        let Event::IncidentFactsChanged { incident: id, message, facts, .. } = event else {
            return Err("not a change of facts".to_owned());
        };
        let mut incident = self.active(*id)?;
        incident.message.clone_from(message);
        incident.facts.clone_from(facts);
        self.put_incident(incident);
        Ok(vec![EntityRef::Incident(*id)])
    }

    fn acknowledge(&mut self, new: &NewEvent) -> Result<Vec<EntityRef>, String> {
        let Event::IncidentAcknowledged { incident: id, reason } = &new.event else {
            return Err("not an acknowledgement".to_owned());
        };
        let incident = self.active(*id)?;
        let (by, reason, severity) = (new.actor.clone(), reason.clone(), incident.severity);
        let acknowledged = Some(Acknowledged { at: new.at, by, reason, severity });
        self.put_incident(Incident { acknowledged, ..incident });
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
        let mut incident = self.active(*id)?;
        if *resolution == Resolution::AutoFixed {
            let proved = fixed_by.is_some_and(|found| {
                found.state == RemediationState::Verified && found.incident == Some(*id)
            });
            if !proved {
                return Err("auto_fixed needs a verified remediation of this incident".to_owned());
            }
        }
        incident.resolved = Some(Resolved { at, resolution: *resolution, proof: proof.clone() });
        self.put_incident(incident);
        Ok(vec![EntityRef::Incident(*id)])
    }

    fn escalate(&mut self, at: Timestamp, event: &Event) -> Result<Vec<EntityRef>, String> {
        let Event::Escalation { incident: id, reason, .. } = event else {
            return Err("not an escalation".to_owned());
        };
        let mut incident = self.active(*id)?;
        if incident.escalated.is_some() {
            return Err("it is escalated already".to_owned());
        }
        incident.escalated = Some(Escalated { at, reason: reason.clone() });
        self.put_incident(incident);
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
            undo_of,
            approval,
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
        let tried = match incident {
            Some(of) => Some(self.next_attempt(*of, key, *attempt)?),
            None => None,
        };
        if let Some(granted) = approval {
            changed.push(self.use_up(*granted, *id, (key, operation), new.at)?);
        }
        if let Some(mut found) = tried {
            changed.push(EntityRef::Incident(found.id));
            found.attempts = *attempt;
            found.last_attempt_at = Some(new.at);
            found.last_operation = Some(operation.to_string());
            self.put_incident(found);
        }
        self.put_remediation(Remediation {
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
            undo_of: *undo_of,
            undone: None,
            approval: *approval,
        });
        Ok(changed)
    }

    /// A copy of the active incident, where this attempt is its next one.
    fn next_attempt(&self, of: IncidentId, key: &Key, attempt: u32) -> Result<Incident, String> {
        let found = self.active(of)?;
        if found.key != *key {
            return Err("the incident has another key".to_owned());
        }
        if attempt != found.attempts + 1 {
            return Err(format!("attempt {attempt} does not follow {}", found.attempts));
        }
        Ok(found)
    }

    /// A copy of the remediation where its state is one of `legal`, to be changed and put back.
    fn remediation_in(
        &self,
        id: RemediationId,
        legal: &[RemediationState],
    ) -> Result<Remediation, String> {
        let found = self.remediations.get(&id).ok_or("there is no such remediation")?;
        if legal.contains(&found.state) {
            Ok(found.clone())
        } else {
            Err(format!("it is {}", found.state.as_str()))
        }
    }

    fn acted(&mut self, at: Timestamp, event: &Event) -> Result<Vec<EntityRef>, String> {
        let Event::RemediationActed { remediation: id, result, verify_at } = event else {
            return Err("not an act".to_owned());
        };
        let mut found = self.remediation_in(*id, &[RemediationState::Intended])?;
        found.state = RemediationState::Verifying;
        found.acted_at = Some(at);
        found.verify_at = Some(*verify_at);
        found.outcome = Some(result.clone());
        self.put_remediation(found);
        Ok(vec![EntityRef::Remediation(*id)])
    }

    fn complete(&mut self, at: Timestamp, event: &Event) -> Result<Vec<EntityRef>, String> {
        use RemediationState::{Intended, Verifying};
        let Event::RemediationCompleted { remediation: id, outcome, observed, after, .. } = event
        else {
            return Err("not a completion".to_owned());
        };
        let legal: &[RemediationState] = match outcome {
            RemediationOutcome::Verified => &[Verifying],
            RemediationOutcome::Failed | RemediationOutcome::Unknown => &[Intended, Verifying],
            RemediationOutcome::Withdrawn => &[Intended],
        };
        let found = self.remediation_in(*id, legal)?;
        let mut changed = vec![EntityRef::Remediation(*id)];
        if *outcome == RemediationOutcome::Withdrawn
            && let Some(incident) = found.incident.and_then(|of| self.incidents.get(&of)).cloned()
        {
            let attempts = incident.attempts.saturating_sub(1);
            changed.push(EntityRef::Incident(incident.id));
            self.put_incident(Incident { attempts, ..incident });
        }
        if *outcome == RemediationOutcome::Withdrawn {
            changed.extend(found.approval.and_then(|granted| self.give_back(granted)));
        }
        self.end(found, *outcome, at, observed, after.as_ref());
        Ok(changed)
    }

    fn settle(&mut self, at: Timestamp, event: &Event) -> Result<Vec<EntityRef>, String> {
        use RemediationState::{Unknown, Verifying};
        let Event::RemediationSettled { remediation: id, outcome, observed, after } = event else {
            return Err("not a settlement".to_owned());
        };
        if !matches!(outcome, RemediationOutcome::Verified | RemediationOutcome::Failed) {
            return Err("settling ends a remediation as verified or failed".to_owned());
        }
        let found = self.remediation_in(*id, &[Unknown, Verifying])?;
        self.end(found, *outcome, at, observed, after.as_ref());
        Ok(vec![EntityRef::Remediation(*id)])
    }

    /// Writes an outcome down; one that leaves the remediation open does not end it.
    fn end(
        &mut self,
        found: Remediation,
        outcome: RemediationOutcome,
        at: Timestamp,
        observed: &str,
        after: Option<&TargetState>,
    ) {
        let state = outcome.state();
        self.put_remediation(Remediation {
            state,
            finished_at: if state.is_open() { found.finished_at } else { Some(at) },
            outcome: Some(observed.to_owned()),
            after: after.cloned().or(found.after),
            ..found
        });
    }

    fn undone(&mut self, at: Timestamp, event: &Event) -> Result<Vec<EntityRef>, String> {
        use RemediationState::{Failed, Unknown, Verified};
        let Event::RemediationUndone { remediation: id, by, reason, .. } = event else {
            return Err("not an undoing".to_owned());
        };
        let found = self.remediation_in(*id, &[Verified, Failed, Unknown])?;
        if let Some(earlier) = &found.undone {
            return Err(format!("{} took it back already", earlier.by));
        }
        let undoing = self.remediation_in(*by, &[Verified])?;
        if undoing.undo_of != Some(*id) {
            return Err(format!("{by} takes something else back"));
        }
        let undone = Some(Undone { by: *by, at, reason: reason.clone() });
        self.put_remediation(Remediation { undone, ..found });
        Ok(vec![EntityRef::Remediation(*id)])
    }

    fn control(&mut self, new: &NewEvent) -> Vec<EntityRef> {
        let Event::ControlChanged { control, on, reason, expires_at, facts } = &new.event else {
            return Vec::new();
        };
        self.put_control(Control {
            key: control.clone(),
            on: *on,
            reason: reason.clone(),
            set_by: new.actor.clone(),
            set_at: new.at,
            expires_at: *expires_at,
            facts: facts.clone(),
        });
        vec![EntityRef::Control(control.clone())]
    }
}
