//! Runs, and what a run leaves behind beside events: decisions, streaks, freshness.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::diagnosis::Sample;
use super::freshness::History;
use super::gate::DoorAnswer;
use super::incident::{Incident, RunId};
use super::operation::Operation;
use super::subject::{AgentName, CheckId, Key, Subject};

/// What started a run.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// A slot of the schedule, and something that did not say what it is.
    Timer,
    /// A person, or anything that names no slot.
    Manual,
    /// A slot of the schedule, and our own scheduler.
    Scheduler,
    /// A slot of the schedule, and a timer of systemd.
    Systemd,
    /// A slot of the schedule, and PM2.
    Pm2,
}

impl Trigger {
    /// The word used in files and messages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Timer => "timer",
            Self::Manual => "manual",
            Self::Scheduler => "scheduler",
            Self::Systemd => "systemd",
            Self::Pm2 => "pm2",
        }
    }
}

/// Where a run stands, or how it ended.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// Started, not ended.
    Running,
    /// Ended; nothing that counts is open.
    Ok,
    /// Ended; something that counts is not proven healthy.
    Findings,
    /// Could not complete, or could not see what it had to.
    Failed,
    /// Stopped by its deadline.
    TimedOut,
    /// Killed by a signal from outside.
    Killed,
    /// Ended by a fault of its own.
    Crashed,
    /// Its process is gone and left no end.
    Lost,
    /// Stopped in an orderly way before its end.
    Interrupted,
    /// Did not run, for a recorded reason.
    Skipped,
    /// Its slot passed without a start.
    Missed,
}

impl RunState {
    /// Every state.
    pub const ALL: [Self; 11] = [
        Self::Running,
        Self::Ok,
        Self::Findings,
        Self::Failed,
        Self::TimedOut,
        Self::Killed,
        Self::Crashed,
        Self::Lost,
        Self::Interrupted,
        Self::Skipped,
        Self::Missed,
    ];

    /// The word used in files and messages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Ok => "ok",
            Self::Findings => "findings",
            Self::Failed => "failed",
            Self::TimedOut => "timed_out",
            Self::Killed => "killed",
            Self::Crashed => "crashed",
            Self::Lost => "lost",
            Self::Interrupted => "interrupted",
            Self::Skipped => "skipped",
            Self::Missed => "missed",
        }
    }
}

/// What a run was claimed for: one attempt at one slot, which is nobody else's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The nominal instant.
    pub slot: Timestamp,
    /// The epoch of the clock.
    pub epoch: u64,
    /// Which attempt at it.
    pub attempt: u32,
    /// The fencing token.
    pub token: u64,
    /// How long after the moment that was meant for it.
    pub late_by: Duration,
    /// When this and every further attempt must be over.
    pub deadline: Timestamp,
    /// Whether it may only plan, and so may every further attempt.
    pub plan_only: bool,
    /// Why it is run now, where that is not just its time.
    pub why: Option<String>,
}

/// One run of one agent, or what became of a slot without one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AgentRun {
    /// Its id.
    pub id: RunId,
    /// The agent.
    pub agent: AgentName,
    /// What started it.
    pub trigger: Trigger,
    /// The host, or the cluster, that it ran for.
    pub scope: String,
    /// Raised after a backward jump of the clock.
    pub epoch: u64,
    /// The nominal instant of its slot; `None` for a manual run.
    pub slot: Option<Timestamp>,
    /// Of slots that passed without a start: the last of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slot_until: Option<Timestamp>,
    /// Of slots that passed without a start: how many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slots: Option<u64>,
    /// Of a slot without a run, or a late one: why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Whether it was caught up after so long that it only plans.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub plan_only: bool,
    /// Which attempt at its slot.
    pub attempt: u32,
    /// The fencing token of its claim.
    pub token: Option<u64>,
    /// Who runs it: host and pid.
    pub owner: String,
    /// Until when its claim holds.
    pub lease_until: Option<Timestamp>,
    /// When it started.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// How late after its slot it started, in milliseconds.
    pub late_ms: Option<i64>,
    /// Its exit code.
    pub exit: Option<i32>,
    /// What it used: `cpu_ms`, `rss_bytes`, `wall_ms`.
    pub usage: BTreeMap<String, u64>,
    /// What it counted: detected, repaired, verified, cleared, deferred, refused, unknown, population.
    pub counts: BTreeMap<String, u64>,
    /// Checks of severity warning or above that ended unknown, with the reason.
    pub unknown: BTreeMap<String, String>,
    /// Where it stands.
    pub state: RunState,
}

impl AgentRun {
    /// The process that runs it, as its owner tells: host and pid.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        pid_of(&self.owner)
    }
}

/// The pid in an owner's words, as in `host-a, pid 7`.
#[must_use]
pub fn pid_of(owner: &str) -> Option<u32> {
    owner.rsplit_once(", pid ")?.1.trim().parse().ok()
}

/// Consecutive agreeing samples on a key that is neither settled well nor settled ill.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Streak {
    /// Whether the samples say faulty (towards raising) or healthy (towards clearing).
    pub faulty: bool,
    /// How many.
    pub samples: u32,
    /// The time of the first.
    pub since: Timestamp,
    /// The time of the last.
    pub until: Timestamp,
    /// For a subject that is absent from a whole listing: in how many runs in a row.
    pub gone_runs: u32,
}

/// Why a fault was left alone, or what answered it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Ruling {
    /// Not enough agreeing samples yet.
    NotRipe {
        /// A sentence with the numbers.
        why: String,
    },
    /// An earlier attempt waits for its answer.
    Held {
        /// Which one, and until when.
        why: String,
    },
    /// Another finding explains it.
    Folded {
        /// The cause.
        into: Key,
    },
    /// The agent leaves it alone.
    Left {
        /// Why.
        why: String,
    },
    /// The gate refused.
    Refused {
        /// The doors, in order, up to the one that refused.
        doors: Vec<DoorAnswer>,
    },
    /// It was acted on.
    Acted {
        /// The operation, in words.
        operation: String,
        /// The doors that it passed.
        doors: Vec<DoorAnswer>,
    },
}

/// A run's ruling on one key. Kept 30 days, written only when it differs from the last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Decision {
    /// The finding.
    pub key: Key,
    /// The run.
    pub run: RunId,
    /// When.
    pub at: Timestamp,
    /// What was ruled.
    pub ruling: Ruling,
}

/// What an agent is told about its own past: plain data, stored in the tape.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Recall {
    /// Its own active incidents.
    pub incidents: Vec<Incident>,
    /// The last samples of the series that its spec declares, newest first, by series and subject.
    pub series: BTreeMap<String, BTreeMap<Subject, Vec<Sample>>>,
    /// Per verb: how many remediations were verified, and how many ended.
    pub remedies: BTreeMap<String, Effectiveness>,
    /// What opswarden itself sent lately, and when: not to be taken for the world's own doing.
    #[serde(default)]
    pub acted: Vec<Acted>,
    /// How every agent ran lately, for those who watch over agents.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub histories: Vec<History>,
}

/// An operation that was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acted {
    /// What.
    pub operation: Operation,
    /// When.
    pub at: Timestamp,
    /// Whether its target lived until then: a manager counts that as a restart, and a start of a dead process not.
    pub target_lived: bool,
}

/// So many attempts without one success switch an operation off.
const HOPELESS_AFTER: u64 = 5;

/// How often a verb helped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effectiveness {
    /// Remediations that ended verified.
    pub verified: u64,
    /// Remediations that ended verified or failed.
    pub ended: u64,
}

impl Effectiveness {
    /// Whether it was tried often enough, and never once helped.
    #[must_use]
    pub const fn is_hopeless(self) -> bool {
        self.verified == 0 && self.ended >= HOPELESS_AFTER
    }
}

/// When each check of an agent last gave an answer; of one that never did, since when one is waited for.
pub type LastSeen = BTreeMap<CheckId, Timestamp>;
