//! One attempt at a fix, from its intent to its proof.

use std::time::Duration;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ApprovalId, IncidentId, RemediationId, RunId};
use crate::domain::operation::{Inverse, Operation, TargetState};
use crate::domain::subject::Key;

/// Where a remediation stands.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum RemediationState {
    /// The intent is committed; whether anything was sent is known only to the run that holds it.
    Intended,
    /// Sent; the proof is outstanding.
    Verifying,
    /// Proved by looking again.
    Verified,
    /// Looked again: it did not help.
    Failed,
    /// Nobody knows yet: its run died, or what was seen proves nothing.
    Unknown,
    /// Nothing was sent after the intent, or it was turned away unread: the attempt is given back.
    Withdrawn,
}

impl RemediationState {
    /// The word used in files and messages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Intended => "intended",
            Self::Verifying => "verifying",
            Self::Verified => "verified",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// Whether it still waits for an answer. Only one such remediation exists per key.
    #[must_use]
    pub const fn is_open(self) -> bool {
        match self {
            Self::Intended | Self::Verifying | Self::Unknown => true,
            Self::Verified | Self::Failed | Self::Withdrawn => false,
        }
    }
}

/// One attempt at a fix, from its intent to its proof.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Remediation {
    /// `REM-n`.
    pub id: RemediationId,
    /// The finding it answers.
    pub key: Key,
    /// The incident it belongs to.
    pub incident: Option<IncidentId>,
    /// The run that intended it.
    pub run: RunId,
    /// What is done.
    pub operation: Operation,
    /// Why.
    pub reason: String,
    /// Which attempt of its episode this is, from 1.
    pub attempt: u32,
    /// Where it stands.
    pub state: RemediationState,
    /// The target before.
    pub before: TargetState,
    /// The target after, as read for the proof.
    pub after: Option<TargetState>,
    /// What would take it back.
    pub inverse: Inverse,
    /// When the intent was committed.
    pub intended_at: Timestamp,
    /// When the operation's answer arrived.
    pub acted_at: Option<Timestamp>,
    /// The earliest moment of the proof.
    pub verify_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// What the proof, the failure or the doubt rests on.
    pub outcome: Option<String>,
    /// Files with what was seen before acting.
    pub evidence: Vec<String>,
    /// The remediation that this one takes back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undo_of: Option<RemediationId>,
    /// How a person took it back, where one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undone: Option<Undone>,
    /// The grant that it was carried out under, where it needed one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<ApprovalId>,
}

/// That a remediation was taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Undone {
    /// The remediation that did it.
    pub by: RemediationId,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: String,
}

impl Remediation {
    /// When it was sent, or at the earliest can have been.
    #[must_use]
    pub fn sent_at(&self) -> Timestamp {
        self.acted_at.unwrap_or(self.intended_at)
    }

    /// From when on the absence of its effect proves that it had none.
    #[must_use]
    pub fn horizon_ends(&self) -> Timestamp {
        let sent = self.sent_at();
        let horizon: Duration = self.operation.horizon();
        sent.checked_add(horizon).unwrap_or(Timestamp::MAX)
    }
}
