//! What a run tells its operator, and the one exit code that it ends with.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::incident::{IncidentId, RemediationId, Resolution, RunId};
use super::plan::Plan;
use super::run::RunState;
use super::severity::Severity;
use super::subject::{AgentName, Key};

/// How a run ended, as far as its own findings go; the application adds refusals to start.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum ExitClass {
    /// Nothing that counts is open: exit 0.
    Clean,
    /// A warning or critical finding is not proven healthy: exit 1.
    Findings,
    /// It could not complete, or could not see what it had to: exit 2.
    Incomplete,
}

/// One remediation of the run, or settled by it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Attempt {
    /// Its id.
    pub remediation: RemediationId,
    /// The finding.
    pub key: Key,
    /// The operation, in words.
    pub operation: String,
    /// Where it stands at the end of the run.
    pub state: String,
    /// What that rests on.
    pub observed: String,
    /// The target before, in words.
    pub before: String,
    /// The target after, in words.
    pub after: Option<String>,
    /// Whether an earlier run began it.
    pub from_earlier_run: bool,
}

/// An action of the plan that was not carried out: what it rested on did not hold any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NotSent {
    /// The incident; a chore that has not failed has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incident: Option<IncidentId>,
    /// The finding.
    pub key: Key,
    /// The operation, in words.
    pub operation: String,
    /// Why not.
    pub why: String,
}

/// Part of an applied plan that was not carried out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NotApplied {
    /// The finding.
    pub key: Key,
    /// The operation, in words.
    pub operation: String,
    /// Why not: what refused it, or what changed since.
    pub why: String,
}

/// What happened to an incident in the run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// It was opened.
    Opened {
        /// What is wrong.
        message: String,
        /// How bad.
        severity: Severity,
    },
    /// Its severity changed.
    Severity {
        /// Before.
        from: Severity,
        /// Now.
        to: Severity,
    },
    /// It is as bad as before, and not the same any more.
    Facts {
        /// What is true now.
        message: String,
    },
    /// A person was called.
    Escalated {
        /// Why.
        reason: String,
    },
    /// It ended.
    Resolved {
        /// How.
        resolution: Resolution,
        /// What proves it.
        proof: String,
    },
}

/// The report of one run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// The run.
    pub run: RunId,
    /// The agent.
    pub agent: AgentName,
    /// When it started.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Timestamp,
    /// What was planned.
    pub plan: Plan,
    /// What became of each attempt.
    pub attempts: Vec<Attempt>,
    /// What was planned and not carried out.
    pub not_sent: Vec<NotSent>,
    /// What of an applied plan was refused, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_applied: Vec<NotApplied>,
    /// What happened to incidents, in order.
    pub changes: Vec<(IncidentId, Change)>,
    /// Active incidents of this agent at the end.
    pub open: Vec<OpenIncident>,
    /// Checks that ended unknown, with the reason.
    pub unknown: BTreeMap<String, String>,
    /// Checks that did not look at everything, with the reason: what they found is true, and may not be all.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub partial: BTreeMap<String, String>,
    /// Counters: detected, acted, verified, failed, cleared, deferred, refused, unknown, population.
    pub counts: BTreeMap<String, u64>,
    /// Why the agent is off and did nothing, where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub off: Option<String>,
    /// Things that went wrong with the run itself.
    pub troubles: Vec<String>,
    /// The tape, where one was written.
    pub tape: Option<String>,
    /// How it ended.
    pub exit: ExitClass,
}

/// An active incident, in brief.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OpenIncident {
    /// Its id.
    pub id: IncidentId,
    /// Its finding.
    pub key: Key,
    /// `open` or `escalated`.
    pub status: String,
    /// How bad.
    pub severity: Severity,
    /// What is wrong.
    pub message: String,
}

impl ExitClass {
    /// How a run of this class is recorded.
    #[must_use]
    pub const fn state(self) -> RunState {
        match self {
            Self::Clean => RunState::Ok,
            Self::Findings => RunState::Findings,
            Self::Incomplete => RunState::Failed,
        }
    }

    /// The exit code.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Clean => 0,
            Self::Findings => 1,
            Self::Incomplete => 2,
        }
    }
}

/// The gate refused what a person asked for (docs/SPEC.md §8).
const REFUSED: u8 = 3;

impl Report {
    /// The code that the run ends with: what a person wanted carried out and was refused comes first.
    #[must_use]
    pub const fn code(&self) -> u8 {
        if self.not_applied.is_empty() { self.exit.code() } else { REFUSED }
    }

    /// The report of an agent that is off: it looked at nothing, and nothing is expected of it.
    #[must_use]
    pub fn off(agent: AgentName, run: RunId, now: Timestamp, why: String) -> Self {
        Self {
            run,
            agent,
            started_at: now,
            ended_at: now,
            plan: Plan::default(),
            attempts: Vec::new(),
            not_sent: Vec::new(),
            not_applied: Vec::new(),
            changes: Vec::new(),
            open: Vec::new(),
            unknown: BTreeMap::new(),
            partial: BTreeMap::new(),
            counts: BTreeMap::new(),
            off: Some(why),
            troubles: Vec::new(),
            tape: None,
            exit: ExitClass::Clean,
        }
    }
}

/// Decides how a run ends. Detection alone counts: a recovery elsewhere never makes up for a finding.
#[must_use]
pub fn exit_class(
    unproven: impl IntoIterator<Item = Severity>,
    unknown: &BTreeMap<String, String>,
    troubles: &[String],
) -> ExitClass {
    if !troubles.is_empty() || !unknown.is_empty() {
        return ExitClass::Incomplete;
    }
    if unproven.into_iter().any(|severity| severity >= Severity::Warning) {
        return ExitClass::Findings;
    }
    ExitClass::Clean
}

impl Change {
    /// The change in words.
    #[must_use]
    pub fn sentence(&self) -> String {
        match self {
            Self::Opened { message, severity } => {
                format!("opened ({}): {message}", severity.as_str())
            }
            Self::Severity { from, to } => format!("{} is {} now", from.as_str(), to.as_str()),
            Self::Facts { message } => format!("has changed: {message}"),
            Self::Escalated { reason } => format!("needs a person: {reason}"),
            Self::Resolved { resolution, proof } => {
                format!("resolved ({}): {proof}", resolution.as_str())
            }
        }
    }
}
