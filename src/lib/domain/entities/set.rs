//! A set of entities, whole or partial, and what an event needs of it.

use std::collections::BTreeMap;

use crate::domain::event::Event;
use crate::domain::incident::{Control, Incident, IncidentId, Remediation, RemediationId};
use crate::domain::subject::Key;

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

/// A set of entities, whole or partial.
///
/// What is active or open is found by its key without a search: a fold over a long ledger asks for every event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entities {
    pub(super) incidents: BTreeMap<IncidentId, Incident>,
    pub(super) remediations: BTreeMap<RemediationId, Remediation>,
    pub(super) controls: BTreeMap<String, Control>,
    active: BTreeMap<Key, IncidentId>,
    open: BTreeMap<Key, RemediationId>,
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
            Self::IncidentSeverityChanged { incident, .. }
            | Self::IncidentFactsChanged { incident, .. }
            | Self::Escalation { incident, .. } => vec![EntityRef::Incident(*incident)],
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
            Self::RemediationUndone { remediation, by, .. } => {
                vec![EntityRef::Remediation(*remediation), EntityRef::Remediation(*by)]
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
    /// Incidents by id.
    #[must_use]
    pub const fn incidents(&self) -> &BTreeMap<IncidentId, Incident> {
        &self.incidents
    }

    /// Remediations by id.
    #[must_use]
    pub const fn remediations(&self) -> &BTreeMap<RemediationId, Remediation> {
        &self.remediations
    }

    /// Controls by key.
    #[must_use]
    pub const fn controls(&self) -> &BTreeMap<String, Control> {
        &self.controls
    }

    /// The active incident of `key`.
    #[must_use]
    pub fn active_incident(&self, key: &Key) -> Option<&Incident> {
        self.active.get(key).and_then(|id| self.incidents.get(id))
    }

    /// The remediation of `key` that still waits for an answer.
    #[must_use]
    pub fn open_remediation(&self, key: &Key) -> Option<&Remediation> {
        self.open.get(key).and_then(|id| self.remediations.get(id))
    }

    /// Puts an incident in, in place of what the set held of it.
    pub fn put_incident(&mut self, incident: Incident) {
        if incident.is_active() {
            self.active.insert(incident.key.clone(), incident.id);
        } else if self.active.get(&incident.key) == Some(&incident.id) {
            self.active.remove(&incident.key);
        }
        self.incidents.insert(incident.id, incident);
    }

    /// Puts a remediation in, in place of what the set held of it.
    pub fn put_remediation(&mut self, remediation: Remediation) {
        if remediation.state.is_open() {
            self.open.insert(remediation.key.clone(), remediation.id);
        } else if self.open.get(&remediation.key) == Some(&remediation.id) {
            self.open.remove(&remediation.key);
        }
        self.remediations.insert(remediation.id, remediation);
    }

    /// Puts a control in, in place of what the set held of it.
    pub fn put_control(&mut self, control: Control) {
        self.controls.insert(control.key.clone(), control);
    }

    /// Everything in it: incidents, remediations, controls.
    #[must_use]
    pub fn into_parts(self) -> (Vec<Incident>, Vec<Remediation>, BTreeMap<String, Control>) {
        let incidents = self.incidents.into_values().collect();
        (incidents, self.remediations.into_values().collect(), self.controls)
    }
}
