//! Rows of the ledger, as a decision sees them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::approval::Approval;
use super::entities::{Entities, IllegalTransition, Parts};
use super::event::NewEvent;
use super::incident::{Control, Incident, IncidentId, Remediation, control};
use super::run::{Effectiveness, Streak};
use super::subject::{AgentName, Key};

/// Rows of the ledger, read in one transaction.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LedgerView {
    /// Active incidents of the scope's agent.
    pub active: Vec<Incident>,
    /// Incidents of the scope's agent that were resolved recently.
    pub resolved: Vec<Incident>,
    /// Remediations of every agent that are open or ended recently: budgets are shared.
    pub remediations: Vec<Remediation>,
    /// Requests of the scope's agent: those that are open, those that ended of late, and those that a person denied while
    /// their incident lasts.
    #[serde(default)]
    pub approvals: Vec<Approval>,
    /// Every control.
    pub controls: BTreeMap<String, Control>,
    /// Streaks of the scope's agent.
    pub streaks: BTreeMap<Key, Streak>,
    /// How often each verb helped, over the ledger's life.
    pub effectiveness: BTreeMap<String, Effectiveness>,
    /// The number of the next incident.
    pub next_incident: u64,
    /// The number of the next remediation.
    pub next_remediation: u64,
    /// The number of the next request.
    #[serde(default)]
    pub next_approval: u64,
}

impl LedgerView {
    /// The active incident of `key`.
    #[must_use]
    pub fn incident_of(&self, key: &Key) -> Option<&Incident> {
        self.active.iter().find(|incident| incident.key == *key)
    }

    /// The remediation of `key` that still waits for its answer.
    #[must_use]
    pub fn open_remediation(&self, key: &Key) -> Option<&Remediation> {
        self.remediations.iter().find(|found| found.key == *key && found.state.is_open())
    }

    /// Remediations of `agent` that still wait for their answer.
    pub fn open_of<'a>(&'a self, agent: &'a AgentName) -> impl Iterator<Item = &'a Remediation> {
        self.remediations
            .iter()
            .filter(move |found| found.key.agent == *agent && found.state.is_open())
    }

    /// When a person last ended one of these incidents: what was before counts no more.
    #[must_use]
    pub fn fresh_start(&self, concerns: impl Fn(&Incident) -> bool) -> Option<Timestamp> {
        let by_a_person = self.resolved.iter().filter(|one| one.ended_by_a_person());
        by_a_person.filter(|one| concerns(one)).filter_map(Incident::ended_at).max()
    }

    /// The control by which a person lets `verb` try again although it never helped.
    #[must_use]
    pub fn trusted_again(&self, verb: &str, now: Timestamp) -> Option<&Control> {
        self.controls.get(&control::retry_of(verb)).filter(|found| found.applies(now))
    }

    /// The verified remediation of an incident, the newest if there are several.
    #[must_use]
    pub fn verified_of(&self, incident: IncidentId) -> Option<&Remediation> {
        use super::incident::RemediationState::Verified;
        self.remediations
            .iter()
            .filter(|found| found.incident == Some(incident) && found.state == Verified)
            .max_by_key(|found| found.intended_at)
    }

    /// The view as it will be once `events` are committed: what a dry run plans with.
    ///
    /// # Errors
    ///
    /// An event is not legal on this view.
    pub fn after(&self, events: &[NewEvent]) -> Result<Self, IllegalTransition> {
        let mut entities = Entities::default();
        for incident in self.active.iter().chain(&self.resolved) {
            entities.put_incident(incident.clone());
        }
        for remediation in &self.remediations {
            entities.put_remediation(remediation.clone());
        }
        for approval in &self.approvals {
            entities.put_approval(approval.clone());
        }
        for control in self.controls.values() {
            entities.put_control(control.clone());
        }
        for event in events {
            entities.apply(event)?;
        }
        let Parts { incidents, remediations, approvals, controls } = entities.into_parts();
        let (active, resolved): (Vec<_>, Vec<_>) =
            incidents.into_iter().partition(Incident::is_active);
        let last = |ids: Option<u64>, next: u64| ids.map_or(next, |id| next.max(id + 1));
        let incidents = active.iter().chain(&resolved).map(|incident| incident.id.0).max();
        let newest = remediations.iter().map(|found| found.id.0).max();
        let requested = approvals.iter().map(|found| found.id.0).max();
        Ok(Self {
            next_approval: last(requested, self.next_approval),
            next_incident: last(incidents, self.next_incident),
            next_remediation: last(newest, self.next_remediation),
            active,
            resolved,
            remediations,
            approvals,
            controls,
            streaks: self.streaks.clone(),
            effectiveness: self.effectiveness.clone(),
        })
    }
}
