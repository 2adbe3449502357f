//! Incidents, remediations and controls: the entities that the ledger governs.
//!
//! Their state changes only by [`super::entities::Entities::apply`].

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::operation::{Inverse, Operation, TargetState};
use super::severity::Severity;
use super::subject::Key;

macro_rules! counted_id {
    ($type:ident, $prefix:literal, $what:literal) => {
        #[doc = concat!("The id of ", $what, ": `", $prefix, "-n`, counted per ledger.")]
        #[derive(
            Clone,
            Copy,
            Debug,
            PartialEq,
            Eq,
            PartialOrd,
            Ord,
            Hash,
            Serialize,
            Deserialize,
            JsonSchema,
        )]
        #[serde(try_from = "String", into = "String")]
        #[schemars(with = "String", extend("pattern" = concat!("^", $prefix, "-[0-9]+$")))]
        pub struct $type(pub u64);

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "-{}"), self.0)
            }
        }

        impl FromStr for $type {
            type Err = NotAnId;

            fn from_str(text: &str) -> Result<Self, NotAnId> {
                let wrong = || NotAnId { text: text.to_owned(), prefix: $prefix };
                let upper = text.trim().to_ascii_uppercase();
                let number = upper.strip_prefix(concat!($prefix, "-")).ok_or_else(wrong)?;
                number.parse().map(Self).map_err(|_| wrong())
            }
        }

        impl TryFrom<String> for $type {
            type Error = NotAnId;

            fn try_from(text: String) -> Result<Self, NotAnId> {
                text.parse()
            }
        }

        impl From<$type> for String {
            fn from(id: $type) -> Self {
                id.to_string()
            }
        }
    };
}

/// A text that is not an id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an id of the form {prefix}-1")]
pub struct NotAnId {
    text: String,
    prefix: &'static str,
}

counted_id!(IncidentId, "INC", "an incident");
counted_id!(RemediationId, "REM", "a remediation");
counted_id!(ApprovalId, "APR", "a request for an approval");

/// The id of a run: a time-ordered UUID, so that ids sort by time.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct RunId(pub String);

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How an incident ended.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Resolution {
    /// A verified remediation of this episode ended it.
    AutoFixed,
    /// It is healthy without us.
    Recovered,
    /// Its subject no longer exists, or nothing is asked of it any more.
    SubjectGone,
    /// Its check was switched off; nothing is said about its health.
    CheckDisabled,
    /// A person ended it.
    Manual,
    /// A person called it wrong.
    FalseAlarm,
}

impl Resolution {
    /// The word used in files and messages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AutoFixed => "auto_fixed",
            Self::Recovered => "recovered",
            Self::SubjectGone => "subject_gone",
            Self::CheckDisabled => "check_disabled",
            Self::Manual => "manual",
            Self::FalseAlarm => "false_alarm",
        }
    }
}

/// The end of an incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Resolved {
    /// When.
    pub at: Timestamp,
    /// How.
    pub resolution: Resolution,
    /// What proves it.
    pub proof: String,
}

/// The moment from which a person is needed. A flag, not a state: it never blocks resolution.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Escalated {
    /// When.
    pub at: Timestamp,
    /// Why no more is tried.
    pub reason: String,
}

/// One episode of a finding: from the run that raised it to the look that ended it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Incident {
    /// `INC-n`.
    pub id: IncidentId,
    /// What is wrong with what.
    pub key: Key,
    /// How bad.
    pub severity: Severity,
    /// One sentence for people.
    pub message: String,
    /// The facts it was raised or last changed with.
    pub facts: BTreeMap<String, String>,
    /// Start of the episode.
    pub opened_at: Timestamp,
    /// The earlier episode that this one is a relapse of.
    pub relapse_of: Option<IncidentId>,
    /// Attempts in this episode, those inherited from a linked one included.
    pub attempts: u32,
    /// When the last attempt was intended.
    pub last_attempt_at: Option<Timestamp>,
    /// The last operation tried, in words.
    pub last_operation: Option<String>,
    /// Whether a person is needed.
    pub escalated: Option<Escalated>,
    /// How it ended; `None` while it is active.
    pub resolved: Option<Resolved>,
}

impl Incident {
    /// The one predicate that raiser, resolver and status share: not resolved. Escalated is active.
    #[must_use]
    pub const fn is_active(&self) -> bool {
        self.resolved.is_none()
    }

    /// When it ended.
    #[must_use]
    pub fn ended_at(&self) -> Option<Timestamp> {
        self.resolved.as_ref().map(|end| end.at)
    }

    /// Whether a person ended it, and not evidence.
    #[must_use]
    pub fn ended_by_a_person(&self) -> bool {
        let resolution = self.resolved.as_ref().map(|end| end.resolution);
        matches!(resolution, Some(Resolution::Manual | Resolution::FalseAlarm))
    }

    /// `open`, `escalated` or `resolved`, as the published view says it.
    #[must_use]
    pub const fn status(&self) -> &'static str {
        match (&self.resolved, &self.escalated) {
            (Some(_), _) => "resolved",
            (None, Some(_)) => "escalated",
            (None, None) => "open",
        }
    }
}

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

/// A switch that people set: its key says what it governs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Control {
    /// One of those in [`control`].
    pub key: String,
    /// Whether it is on.
    pub on: bool,
    /// Why it was set.
    pub reason: String,
    /// Who set it.
    pub set_by: String,
    /// When.
    pub set_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
    /// For a hold: the facts of the finding when it was set. It holds this finding, and not one that is news.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub facts: BTreeMap<String, String>,
}

impl Control {
    /// Whether it applies at `now`.
    #[must_use]
    pub fn applies(&self, now: Timestamp) -> bool {
        self.on && self.expires_at.is_none_or(|end| now < end)
    }
}

/// The keys of controls.
pub mod control {
    use crate::domain::subject::{AgentName, Key};

    /// Nothing acts.
    pub const PAUSE_ALL: &str = "pause:all";
    /// The level is `propose` for every agent: the ledger was lost and a person must look first.
    pub const PROPOSE_ONLY: &str = "propose_only";

    /// A person lets an operation try again that never helped.
    #[must_use]
    pub fn retry_of(verb: &str) -> String {
        format!("retry:{verb}")
    }

    /// Nothing is done about one finding: a person undid what was done.
    #[must_use]
    pub fn hold_of(key: &Key) -> String {
        format!("hold:{key}")
    }

    /// One agent does not act.
    #[must_use]
    pub fn pause_of(agent: &AgentName) -> String {
        format!("pause:{agent}")
    }
}
