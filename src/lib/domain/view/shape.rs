//! The shape of the view. The order of the fields is the file's order.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The version of the view's schema.
pub const SCHEMA_VERSION: u64 = 1;

/// The roll-up of everything that is known.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "UPPERCASE")]
pub enum SystemStatus {
    /// Nothing that counts is open, and everything was looked at.
    Healthy,
    /// Something is degraded, late or unknown.
    Degraded,
    /// Something that people rely on does not work.
    Critical,
}

impl SystemStatus {
    /// Every status, the best first.
    pub const ALL: [Self; 3] = [Self::Healthy, Self::Degraded, Self::Critical];

    /// The word used in files and messages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Healthy => "HEALTHY",
            Self::Degraded => "DEGRADED",
            Self::Critical => "CRITICAL",
        }
    }

    /// The status that is called so.
    #[must_use]
    pub fn called(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }
}

/// The published view.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OpsState {
    /// The version of this schema.
    pub schema_version: u64,
    /// Which ledger it was taken from.
    pub ledger_id: String,
    /// Up to which event.
    pub ledger_seq: u64,
    /// When it was written.
    #[schemars(with = "String")]
    pub last_updated: Timestamp,
    /// After this moment a reader must take the status for unknown.
    #[schemars(with = "String")]
    pub valid_until: Timestamp,
    /// The roll-up.
    pub system_status: SystemStatus,
    /// What the roll-up rests on, worst first.
    pub reasons: Vec<String>,
    /// When each agent last finished a run.
    #[schemars(with = "BTreeMap<String, String>")]
    pub last_run: BTreeMap<String, Timestamp>,
    /// Every active incident, then recently resolved ones, newest first.
    pub incidents: Vec<ViewIncident>,
    /// How many recently resolved incidents were left out.
    pub incidents_omitted: u64,
    /// The latest remediations, newest first.
    pub recent_remediations: Vec<ViewRemediation>,
    /// The last run of each agent.
    pub agent_results: BTreeMap<String, ViewAgent>,
    /// Controls that apply.
    pub controls: Vec<ViewControl>,
}

/// One incident, as published.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ViewIncident {
    /// `INC-n`.
    pub id: String,
    /// The agent that owns it.
    pub agent: String,
    /// The check.
    #[serde(rename = "type")]
    pub kind: String,
    /// The subject, without its scope.
    pub target: String,
    /// Start of the episode.
    #[schemars(with = "String")]
    pub detected: Timestamp,
    /// The last operation tried, or why none was.
    pub remediation: String,
    /// `open`, `escalated` or `resolved`.
    pub status: String,
    /// Attempts of this episode.
    pub attempts: u32,
    /// `critical`, `warning` or `info`.
    pub severity: String,
    /// One sentence.
    pub message: String,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(with = "Option<String>")]
    pub resolved: Option<Timestamp>,
    /// How it ended.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub resolution: Option<String>,
}

/// One remediation, as published.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ViewRemediation {
    /// `REM-n`.
    pub id: String,
    /// Its incident; a chore that helps has none.
    pub incident: Option<String>,
    /// The agent.
    pub agent: String,
    /// The check that it answers; empty in a view that was written before there was this field.
    #[serde(default)]
    pub check: String,
    /// The operation, in words.
    pub action: String,
    /// The subject, without its scope.
    pub target: String,
    /// When it was intended.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// How many milliseconds passed until the operation had answered, where it has.
    #[serde(default)]
    pub took_ms: Option<u64>,
    /// `intended`, `verifying`, `verified`, `failed`, `unknown` or `withdrawn`.
    pub outcome: String,
    /// The target before, in words.
    pub before: String,
    /// The target after, in words.
    pub after: Option<String>,
    /// What the outcome rests on.
    pub proof: Option<String>,
}

/// The last run of one agent, as published.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ViewAgent {
    /// `ok`, `late`, `lost`, `failing`, `disabled` or `never_run`.
    pub state: String,
    /// The run.
    pub run: Option<String>,
    /// When it started.
    #[schemars(with = "Option<String>")]
    pub started: Option<Timestamp>,
    /// How it ended.
    pub outcome: Option<String>,
    /// Its exit code.
    pub exit: Option<i32>,
    /// Its counters.
    pub counts: BTreeMap<String, u64>,
    /// When it is expected next.
    #[schemars(with = "Option<String>")]
    pub next: Option<Timestamp>,
}

/// A control that applies, as published.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ViewControl {
    /// Its key.
    pub key: String,
    /// Why it was set.
    pub reason: String,
    /// Who set it.
    pub set_by: String,
    /// Until when.
    #[schemars(with = "Option<String>")]
    pub until: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_called_as_the_view_writes_it() {
        for one in SystemStatus::ALL {
            assert_eq!(serde_json::to_value(one).unwrap(), one.as_str());
            assert_eq!(SystemStatus::called(one.as_str()), Some(one));
        }
        assert_eq!(SystemStatus::called("healthy"), None);
    }
}
