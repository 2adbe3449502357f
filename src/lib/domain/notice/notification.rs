//! One row of the outbox.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::incident::{IncidentId, RunId};
use crate::domain::severity::{Priority, Severity};

/// Why something is told.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// An incident is open, and this route has not heard of it.
    Opened,
    /// It became worse.
    Worse,
    /// It is not what was told any more.
    News,
    /// It is still open.
    Reminder,
    /// Nobody has taken it up in time.
    Unacknowledged,
    /// What was told of is over.
    Recovered,
    /// The roll-up changed.
    Status,
    /// What happened lately.
    Digest,
    /// A person is asked to allow something.
    Approval,
    /// The state of everything, for a dashboard.
    Dashboard,
    /// A trial.
    Test,
}

impl Kind {
    /// The word used in files and messages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Worse => "worse",
            Self::News => "news",
            Self::Reminder => "reminder",
            Self::Unacknowledged => "unacknowledged",
            Self::Recovered => "recovered",
            Self::Status => "status",
            Self::Digest => "digest",
            Self::Approval => "approval",
            Self::Dashboard => "dashboard",
            Self::Test => "test",
        }
    }

    /// Whether it asks people to look: what the hour between two alerts counts.
    #[must_use]
    pub const fn is_alert(self) -> bool {
        match self {
            Self::Opened | Self::Worse | Self::News | Self::Reminder | Self::Unacknowledged => true,
            Self::Recovered
            | Self::Status
            | Self::Digest
            | Self::Approval
            | Self::Dashboard
            | Self::Test => false,
        }
    }

    /// Whether it calls people who know of it already: an earlier message that is only edited calls nobody.
    #[must_use]
    pub const fn calls_again(self) -> bool {
        match self {
            Self::Worse | Self::Reminder | Self::Unacknowledged => true,
            Self::Opened
            | Self::News
            | Self::Recovered
            | Self::Status
            | Self::Digest
            | Self::Approval
            | Self::Dashboard
            | Self::Test => false,
        }
    }
}

/// What a notification is about.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub enum About {
    /// An incident.
    Incident(IncidentId),
    /// The roll-up.
    Status,
    /// What happened lately.
    Digest,
    /// A request: `APR-n`.
    Approval(String),
    /// The state of everything.
    Dashboard,
    /// Nothing.
    Test,
}

impl fmt::Display for About {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Incident(id) => write!(f, "{id}"),
            Self::Status => f.write_str("status"),
            Self::Digest => f.write_str("digest"),
            Self::Approval(id) => f.write_str(id),
            Self::Dashboard => f.write_str("dashboard"),
            Self::Test => f.write_str("test"),
        }
    }
}

impl FromStr for About {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "status" => Ok(Self::Status),
            "digest" => Ok(Self::Digest),
            "dashboard" => Ok(Self::Dashboard),
            "test" => Ok(Self::Test),
            _ if text.starts_with("APR-") => Ok(Self::Approval(text.to_owned())),
            _ => text.parse().map(Self::Incident).map_err(|error| format!("{error}")),
        }
    }
}

impl TryFrom<String> for About {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<About> for String {
    fn from(about: About) -> Self {
        about.to_string()
    }
}

/// Where a notification stands.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum NotificationState {
    /// To be sent, once it is due.
    Pending,
    /// The receiver took it.
    Sent,
    /// It was sent, and whether it arrived is not known. It was repeated once, or is about to be.
    Unknown,
    /// The last attempt surely did not arrive; there will be another one.
    Failed,
    /// It was given up.
    Dead,
    /// It became untrue, or somebody did not want it, before it left.
    Suppressed,
    /// It left as a line of a digest.
    Digested,
}

impl NotificationState {
    /// The word used in files and messages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Sent => "sent",
            Self::Unknown => "unknown",
            Self::Failed => "failed",
            Self::Dead => "dead",
            Self::Suppressed => "suppressed",
            Self::Digested => "digested",
        }
    }
}

/// What was true when it left: what the next decision compares with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ToldFacts {
    /// How bad.
    pub severity: Severity,
    /// In one sentence.
    pub message: String,
    /// The facts.
    pub facts: BTreeMap<String, String>,
    /// Whether a person was called.
    #[serde(default)]
    pub escalated: bool,
}

/// That one route is to hear of one thing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Notification {
    /// Its id, a time-ordered UUID.
    pub id: String,
    /// The route.
    pub route: String,
    /// The channel that the route leads to.
    pub channel: String,
    /// What it is about.
    pub about: About,
    /// Why it is told.
    pub kind: Kind,
    /// How urgent.
    pub priority: Priority,
    /// Where it stands.
    pub state: NotificationState,
    /// When it was decided.
    #[schemars(with = "String")]
    pub created_at: Timestamp,
    /// From when on it may leave.
    #[schemars(with = "String")]
    pub not_before: Timestamp,
    /// Whether it waits for the digest.
    pub for_digest: bool,
    /// The event that caused it.
    pub caused_by: Option<u64>,
    /// The run that is still at work on it: nobody else sends it before that run has ended.
    pub run: Option<RunId>,
    /// How often it was handed over.
    pub attempts: u32,
    /// How many of these attempts may have arrived without an answer.
    pub doubts: u32,
    /// While somebody is sending it: until when that is waited for.
    #[schemars(with = "Option<String>")]
    pub lease_until: Option<Timestamp>,
    /// The message that it left with.
    pub message: Option<String>,
    /// What that message has in common with others about the same thing.
    pub thread: Option<String>,
    /// The receiver's own name for that message.
    pub reference: Option<String>,
    /// Whether it left alone, so that the message may be edited.
    pub alone: bool,
    /// Why it was decided.
    pub why: String,
    /// What was answered, or why it did not leave.
    pub outcome: Option<String>,
    /// What was true when it left.
    pub told: Option<ToldFacts>,
    /// When it left, or was given up.
    #[schemars(with = "Option<String>")]
    pub finished_at: Option<Timestamp>,
}
