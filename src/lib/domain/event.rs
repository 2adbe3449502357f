//! The closed list of what the ledger can record. Adding a type is an ADR.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::approval::{Ask, Verdict};
use super::incident::{ApprovalId, IncidentId, RemediationId, RemediationState, Resolution, RunId};
use super::operation::{Inverse, Operation, TargetState};
use super::platform::Change;
use super::severity::{Priority, Severity};
use super::subject::{AgentName, Key};
pub use super::urgency::EventPriority;

/// How a remediation ended, as far as one event can say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RemediationOutcome {
    /// Proved.
    Verified,
    /// Disproved.
    Failed,
    /// Not known.
    Unknown,
    /// Nothing was sent.
    Withdrawn,
}

impl RemediationOutcome {
    /// The state that the outcome leads to.
    #[must_use]
    pub const fn state(self) -> RemediationState {
        match self {
            Self::Verified => RemediationState::Verified,
            Self::Failed => RemediationState::Failed,
            Self::Unknown => RemediationState::Unknown,
            Self::Withdrawn => RemediationState::Withdrawn,
        }
    }
}

/// What happened. The serialised form is `{"type": …, "data": …}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", content = "data")]
#[expect(
    clippy::large_enum_variant,
    reason = "events are few and short-lived; a box would cloud every match"
)]
pub enum Event {
    /// A finding was raised.
    #[serde(rename = "incident.opened")]
    IncidentOpened {
        /// The new incident.
        incident: IncidentId,
        /// Its key.
        key: Key,
        /// How bad.
        severity: Severity,
        /// How urgent here.
        priority: Priority,
        /// One sentence.
        message: String,
        /// The facts.
        facts: BTreeMap<String, String>,
        /// The runbook's name.
        runbook: String,
        /// Start of the episode.
        opened_at: Timestamp,
        /// The episode that this one relapses.
        relapse_of: Option<IncidentId>,
        /// Attempts inherited from it.
        attempts: u32,
        /// When the last of those was intended.
        last_attempt_at: Option<Timestamp>,
    },
    /// It became better or worse without ending.
    #[serde(rename = "incident.severity_changed")]
    IncidentSeverityChanged {
        /// Which incident.
        incident: IncidentId,
        /// Severity before.
        from: Severity,
        /// Severity now.
        to: Severity,
        /// What is true now.
        message: String,
        /// The facts now.
        facts: BTreeMap<String, String>,
    },
    /// It is as bad as before, and not the same any more.
    #[serde(rename = "incident.facts_changed")]
    IncidentFactsChanged {
        /// Which incident.
        incident: IncidentId,
        /// What was true before.
        was: String,
        /// What is true now.
        message: String,
        /// The facts now.
        facts: BTreeMap<String, String>,
    },
    /// A person has taken it up.
    #[serde(rename = "incident.acknowledged")]
    IncidentAcknowledged {
        /// Which incident.
        incident: IncidentId,
        /// What they say.
        reason: String,
    },
    /// It ended, by evidence or by a person.
    #[serde(rename = "incident.resolved")]
    IncidentResolved {
        /// Which incident.
        incident: IncidentId,
        /// How.
        resolution: Resolution,
        /// What proves it.
        proof: String,
        /// The verified remediation, where one ended it.
        remediation: Option<RemediationId>,
    },
    /// A person is needed: no more is tried.
    #[serde(rename = "agent.escalation")]
    Escalation {
        /// Which incident.
        incident: IncidentId,
        /// Why.
        reason: String,
        /// Attempts made.
        attempts: u32,
    },
    /// The intent: committed before anything is sent.
    #[serde(rename = "agent.recovery_attempted")]
    RecoveryAttempted {
        /// The new remediation.
        remediation: RemediationId,
        /// Its incident.
        incident: Option<IncidentId>,
        /// The finding.
        key: Key,
        /// What is about to be done.
        operation: Operation,
        /// Why.
        reason: String,
        /// Which attempt this is.
        attempt: u32,
        /// The target before.
        before: TargetState,
        /// What would take it back.
        inverse: Inverse,
        /// Files with what was seen before.
        evidence: Vec<String>,
        /// The remediation that this one takes back, where a person wants that.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        undo_of: Option<RemediationId>,
        /// The grant that it uses up, where it needs one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        approval: Option<ApprovalId>,
    },
    /// The operation was sent and answered.
    #[serde(rename = "remediation.acted")]
    RemediationActed {
        /// Which remediation.
        remediation: RemediationId,
        /// The answer, in words.
        result: String,
        /// The earliest moment of the proof.
        verify_at: Timestamp,
    },
    /// How it ended: by the run that acted, or, for a run that died, by the next one that finds it unanswered.
    #[serde(rename = "remediation.completed")]
    RemediationCompleted {
        /// Which remediation.
        remediation: RemediationId,
        /// Its incident, which gets the attempt back where nothing was sent.
        incident: Option<IncidentId>,
        /// How.
        outcome: RemediationOutcome,
        /// What was observed.
        observed: String,
        /// The target after.
        after: Option<TargetState>,
    },
    /// A later run found out, by observing, how it ended.
    #[serde(rename = "remediation.settled")]
    RemediationSettled {
        /// Which remediation.
        remediation: RemediationId,
        /// How.
        outcome: RemediationOutcome,
        /// What was observed.
        observed: String,
        /// The target after.
        after: Option<TargetState>,
    },
    /// A person took it back.
    #[serde(rename = "remediation.undone")]
    RemediationUndone {
        /// Which remediation.
        remediation: RemediationId,
        /// The remediation that took it back.
        by: RemediationId,
        /// Why.
        reason: String,
        /// What that changed on the target.
        changes: Vec<Change>,
    },
    /// A person is asked to allow something.
    #[serde(rename = "approval.requested")]
    ApprovalRequested {
        /// The new request.
        approval: ApprovalId,
        /// What is asked for.
        ask: Ask,
        /// Until when it can be granted and used.
        expires_at: Timestamp,
    },
    /// A person answered; a grant that was not used yet can still be denied.
    #[serde(rename = "approval.decided")]
    ApprovalDecided {
        /// Which request.
        approval: ApprovalId,
        /// The answer.
        verdict: Verdict,
        /// Why.
        reason: String,
    },
    /// Its time ran out.
    #[serde(rename = "approval.expired")]
    ApprovalExpired {
        /// Which request.
        approval: ApprovalId,
    },
    /// It no longer says what is true.
    #[serde(rename = "approval.withdrawn")]
    ApprovalWithdrawn {
        /// Which request.
        approval: ApprovalId,
        /// What changed.
        why: String,
    },
    /// A switch was set or cleared.
    #[serde(rename = "control.changed")]
    ControlChanged {
        /// Its key.
        control: String,
        /// On or off.
        on: bool,
        /// Why.
        reason: String,
        /// Until when.
        expires_at: Option<Timestamp>,
        /// For a hold: the facts of the finding.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        facts: BTreeMap<String, String>,
    },
    /// Policy or controls could not be read whole; the level was `propose`.
    #[serde(rename = "control.plane_degraded")]
    ControlPlaneDegraded {
        /// What could not be read.
        what: String,
        /// How it failed.
        error: String,
    },
    /// A ledger was started from a file.
    #[serde(rename = "ledger.imported")]
    LedgerImported {
        /// The file.
        source: String,
        /// How many incidents came with it.
        rows: u64,
        /// SHA-256 of the file, in hex.
        hash: String,
    },
    /// A run that did or found something began.
    #[serde(rename = "agent.task_started")]
    TaskStarted {
        /// The agent.
        agent: AgentName,
        /// The run.
        run: RunId,
        /// What triggered it.
        trigger: String,
    },
    /// It ended.
    #[serde(rename = "agent.task_completed")]
    TaskCompleted {
        /// The agent.
        agent: AgentName,
        /// The run.
        run: RunId,
        /// How it ended.
        outcome: String,
        /// Its counters.
        counts: BTreeMap<String, u64>,
    },
}

/// An event that is about to be appended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NewEvent {
    /// When it happened.
    pub at: Timestamp,
    /// Who did it: `agent:health-guardian`, `human:root`.
    pub actor: String,
    /// The run that it belongs to.
    pub run: Option<RunId>,
    /// What happened.
    pub event: Event,
}

/// An event as it stands in the ledger.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RecordedEvent {
    /// Its place in the ledger; gaps are allowed.
    pub seq: u64,
    /// Its id, a time-ordered UUID.
    pub id: String,
    /// What was appended.
    #[serde(rename = "entry")]
    pub new: NewEvent,
}

impl Event {
    /// Its type, as stored.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::IncidentOpened { .. } => "incident.opened",
            Self::IncidentSeverityChanged { .. } => "incident.severity_changed",
            Self::IncidentFactsChanged { .. } => "incident.facts_changed",
            Self::IncidentAcknowledged { .. } => "incident.acknowledged",
            Self::IncidentResolved { .. } => "incident.resolved",
            Self::Escalation { .. } => "agent.escalation",
            Self::RecoveryAttempted { .. } => "agent.recovery_attempted",
            Self::RemediationActed { .. } => "remediation.acted",
            Self::RemediationCompleted { .. } => "remediation.completed",
            Self::RemediationSettled { .. } => "remediation.settled",
            Self::RemediationUndone { .. } => "remediation.undone",
            Self::ApprovalRequested { .. } => "approval.requested",
            Self::ApprovalDecided { .. } => "approval.decided",
            Self::ApprovalExpired { .. } => "approval.expired",
            Self::ApprovalWithdrawn { .. } => "approval.withdrawn",
            Self::ControlChanged { .. } => "control.changed",
            Self::ControlPlaneDegraded { .. } => "control.plane_degraded",
            Self::LedgerImported { .. } => "ledger.imported",
            Self::TaskStarted { .. } => "agent.task_started",
            Self::TaskCompleted { .. } => "agent.task_completed",
        }
    }

    /// What it is about, as stored: an id, a control key, an agent or the ledger.
    #[must_use]
    pub fn subject(&self) -> String {
        match self {
            Self::IncidentOpened { incident, .. }
            | Self::IncidentSeverityChanged { incident, .. }
            | Self::IncidentFactsChanged { incident, .. }
            | Self::IncidentAcknowledged { incident, .. }
            | Self::IncidentResolved { incident, .. }
            | Self::Escalation { incident, .. } => incident.to_string(),
            Self::RecoveryAttempted { remediation, .. }
            | Self::RemediationActed { remediation, .. }
            | Self::RemediationCompleted { remediation, .. }
            | Self::RemediationSettled { remediation, .. }
            | Self::RemediationUndone { remediation, .. } => remediation.to_string(),
            Self::ApprovalRequested { approval, .. }
            | Self::ApprovalDecided { approval, .. }
            | Self::ApprovalExpired { approval }
            | Self::ApprovalWithdrawn { approval, .. } => approval.to_string(),
            Self::ControlChanged { control, .. } => control.clone(),
            Self::ControlPlaneDegraded { .. } | Self::LedgerImported { .. } => "ledger".to_owned(),
            Self::TaskStarted { agent, .. } | Self::TaskCompleted { agent, .. } => {
                agent.to_string()
            }
        }
    }
}
