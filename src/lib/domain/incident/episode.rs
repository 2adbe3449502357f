//! One episode of a finding, and how it ends.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::IncidentId;
use crate::domain::severity::Severity;
use crate::domain::subject::Key;

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

/// That a person has taken an incident up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Acknowledged {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: String,
    /// What they say.
    pub reason: String,
    /// How bad it was then: what becomes worse has to be taken up anew.
    pub severity: Severity,
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
    /// Whether a person has taken it up; see [`Incident::acknowledged`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledged: Option<Acknowledged>,
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

    /// Who has taken it up as it is now: a word that was said when it was less bad counts no more.
    #[must_use]
    pub fn acknowledged(&self) -> Option<&Acknowledged> {
        self.acknowledged.as_ref().filter(|taken| self.severity <= taken.severity)
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
