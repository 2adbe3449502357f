//! What a message says, before any channel gives it a form. Every text in it may come from strangers: who renders it
//! escapes it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::notification::Kind;
use crate::domain::incident::{IncidentId, RemediationId, Resolution};
use crate::domain::severity::{Environment, Priority, Severity};
use crate::domain::view::{OpsState, SystemStatus};

/// One message, on its way to one channel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// Its id, the same in a repetition: receivers can drop what they have already.
    pub id: String,
    /// Why it is sent.
    pub kind: Kind,
    /// When it was composed.
    pub at: Timestamp,
    /// Where it comes from.
    pub environment: Environment,
    /// The host that it comes from.
    pub host: String,
    /// The worst of what it tells of.
    pub severity: Severity,
    /// The most urgent of what it tells of.
    pub priority: Priority,
    /// What messages about the same thing have in common: `INC-12`, `status`, `digest-2026-11-25`.
    pub thread: String,
    /// Whether an earlier attempt may have arrived.
    pub may_repeat: bool,
    /// Of an end in the thread of several incidents: how many others of that thread have not ended.
    #[serde(default)]
    pub others_open: u64,
    /// Where runbooks are published, without a slash at its end; empty where they are not.
    pub runbooks: String,
    /// What it tells.
    pub body: Body,
}

/// What a message tells.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Body {
    /// Of incidents: one, or several of a kind, the worst first.
    Incidents {
        /// Those that are spelled out.
        lines: Vec<IncidentLine>,
        /// How many more there are.
        omitted: u64,
    },
    /// That the roll-up changed.
    Status {
        /// What was last told here; `None` where nothing was.
        was: Option<SystemStatus>,
        /// What is true now.
        now: SystemStatus,
        /// What it rests on, worst first.
        reasons: Vec<String>,
    },
    /// What happened lately.
    Digest(Box<Digest>),
    /// That a person is asked to allow something.
    Approval(Box<ApprovalLine>),
    /// The state of everything, for a dashboard.
    Dashboard(Box<OpsState>),
    /// Nothing: that the channel works.
    Test {
        /// Who asked for it.
        by: String,
    },
}

/// An incident as messages tell it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IncidentLine {
    /// `INC-n`.
    pub id: IncidentId,
    /// The agent that found it.
    pub agent: String,
    /// The check; also the name of its runbook.
    pub check: String,
    /// The subject, without its scope where there is one scope.
    pub subject: String,
    /// How bad it is now.
    pub severity: Severity,
    /// How bad it was when this route was last told, where that differs.
    pub was: Option<Severity>,
    /// One sentence.
    pub message: String,
    /// The facts.
    pub facts: BTreeMap<String, String>,
    /// Start of the episode.
    pub opened_at: Timestamp,
    /// How it ended; `None` while it is active.
    pub ended: Option<Ended>,
    /// The last thing that was tried, and what came of it.
    pub tried: Option<String>,
    /// Why no more is done by itself, or what is waited for; empty where nothing is known.
    pub why: String,
    /// Whether a person is needed.
    pub escalated: bool,
    /// Whether nothing is left that an agent would do about it by itself.
    #[serde(default)]
    pub alone: bool,
    /// What could be taken back.
    pub undoable: Option<RemediationId>,
    /// Who is on it.
    pub acknowledged_by: Option<String>,
    /// How many other findings it explains.
    pub explains: u64,
}

/// How an incident ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Ended {
    /// When.
    pub at: Timestamp,
    /// How.
    pub resolution: Resolution,
    /// What proves it.
    pub proof: String,
}

/// What happened since the last digest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Digest {
    /// The beginning of what it covers.
    pub from: Timestamp,
    /// The end.
    pub until: Timestamp,
    /// The roll-up at the end.
    pub status: SystemStatus,
    /// What that rests on, worst first.
    pub reasons: Vec<String>,
    /// What is open, worst first.
    pub open: Vec<IncidentLine>,
    /// How many more are open.
    pub open_omitted: u64,
    /// What was repaired, newest first.
    pub repaired: Vec<RepairLine>,
    /// How many more were.
    pub repaired_omitted: u64,
    /// What ended otherwise, newest first.
    pub ended: Vec<IncidentLine>,
    /// How many more did.
    pub ended_omitted: u64,
    /// How often each agent ran, and how often it completed.
    pub agents: Vec<DigestLine>,
    /// Counts by day, oldest first.
    pub trend: Vec<Trend>,
}

/// A repair, as a digest tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RepairLine {
    /// Which.
    pub id: RemediationId,
    /// What was done.
    pub operation: String,
    /// To what end.
    pub message: String,
    /// When.
    pub at: Timestamp,
    /// What proves it.
    pub proof: String,
}

/// An agent, as a digest tells of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DigestLine {
    /// The agent.
    pub agent: String,
    /// `ok`, `late`, `lost`, `failing`, `disabled` or `never_run`.
    pub state: String,
    /// How many runs ended.
    pub runs: u64,
    /// How many of those did not complete.
    pub failed: u64,
}

/// One day of a trend.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Trend {
    /// The day: `2026-11-25`.
    pub day: String,
    /// Incidents opened.
    pub opened: u64,
    /// Repairs proved.
    pub repaired: u64,
    /// Incidents for which a person was called.
    pub escalated: u64,
}

/// A request, as messages tell it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ApprovalLine {
    /// `APR-n`.
    pub id: String,
    /// What is asked for.
    pub operation: String,
    /// Why.
    pub why: String,
    /// The finding, in one sentence.
    pub message: String,
    /// The incident.
    pub incident: Option<IncidentId>,
    /// Why it cannot be taken back exactly; `None` where it can.
    pub not_undoable: Option<String>,
    /// Until when it can be granted.
    pub expires_at: Timestamp,
    /// The first digits of what is approved.
    pub digest: String,
}
