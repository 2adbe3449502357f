//! A set of entities, whole or partial, and what an event needs of it.

use std::collections::BTreeMap;

use crate::domain::approval::Approval;
use crate::domain::event::Event;
use crate::domain::incident::{
    ApprovalId, Control, Incident, IncidentId, Remediation, RemediationId,
};
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
    /// The request of this id.
    Approval(ApprovalId),
    /// The request of this key that is still open, if there is one.
    OpenApproval(Key),
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
    pub(super) approvals: BTreeMap<ApprovalId, Approval>,
    pub(super) controls: BTreeMap<String, Control>,
    active: BTreeMap<Key, IncidentId>,
    open: BTreeMap<Key, RemediationId>,
    asked: BTreeMap<Key, ApprovalId>,
}

/// Everything that a set holds, each kind by its id.
#[derive(Clone, Debug, Default)]
pub struct Parts {
    /// Incidents.
    pub incidents: Vec<Incident>,
    /// Remediations.
    pub remediations: Vec<Remediation>,
    /// Requests.
    pub approvals: Vec<Approval>,
    /// Controls.
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
            Self::IncidentSeverityChanged { incident, .. }
            | Self::IncidentFactsChanged { incident, .. }
            | Self::IncidentAcknowledged { incident, .. }
            | Self::Escalation { incident, .. } => vec![EntityRef::Incident(*incident)],
            Self::IncidentResolved { incident, remediation, .. } => {
                let proof = remediation.iter().map(|id| EntityRef::Remediation(*id));
                std::iter::once(EntityRef::Incident(*incident)).chain(proof).collect()
            }
            Self::RecoveryAttempted { remediation, incident, key, approval, .. } => {
                let of_incident = incident.iter().map(|id| EntityRef::Incident(*id));
                [EntityRef::Remediation(*remediation), EntityRef::OpenRemediation(key.clone())]
                    .into_iter()
                    .chain(of_incident)
                    .chain(approval.iter().map(|id| EntityRef::Approval(*id)))
                    .collect()
            }
            Self::ApprovalRequested { approval, ask, .. } => vec![
                EntityRef::Approval(*approval),
                EntityRef::OpenApproval(ask.proposal.key.clone()),
            ],
            Self::ApprovalDecided { approval, .. }
            | Self::ApprovalExpired { approval }
            | Self::ApprovalWithdrawn { approval, .. } => vec![EntityRef::Approval(*approval)],
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

    /// Requests by id.
    #[must_use]
    pub const fn approvals(&self) -> &BTreeMap<ApprovalId, Approval> {
        &self.approvals
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

    /// The request of `key` that is still open.
    #[must_use]
    pub fn open_approval(&self, key: &Key) -> Option<&Approval> {
        self.asked.get(key).and_then(|id| self.approvals.get(id))
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

    /// Puts a request in, in place of what the set held of it.
    pub fn put_approval(&mut self, approval: Approval) {
        let key = &approval.ask.proposal.key;
        if approval.state.is_open() {
            self.asked.insert(key.clone(), approval.id);
        } else if self.asked.get(key) == Some(&approval.id) {
            self.asked.remove(key);
        }
        self.approvals.insert(approval.id, approval);
    }

    /// Puts a control in, in place of what the set held of it.
    pub fn put_control(&mut self, control: Control) {
        self.controls.insert(control.key.clone(), control);
    }

    /// Everything in it.
    #[must_use]
    pub fn into_parts(self) -> Parts {
        Parts {
            incidents: self.incidents.into_values().collect(),
            remediations: self.remediations.into_values().collect(),
            approvals: self.approvals.into_values().collect(),
            controls: self.controls,
        }
    }
}
