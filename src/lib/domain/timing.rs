//! When an agent is expected, and what becomes of slots that meet an obstacle: the settings of
//! `[agents.<name>.schedule]`.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::duration::HumanDuration;

/// What becomes of a slot whose agent is still running.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Overlap {
    /// It is skipped, and recorded as skipped.
    #[default]
    Skip,
    /// It waits for the end of the run; of several that wait the newest is run.
    Queue,
    /// The run is ended, and the slot is run once it is gone.
    Replace,
}

/// What becomes of slots that passed while nothing could start them.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum CatchUp {
    /// The newest is run, if it is not too old; the others are recorded as missed.
    #[default]
    Latest,
    /// All are recorded as missed.
    None,
}

/// An end of a run after which its slot may be tried again.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum RetryOn {
    /// Another run was there first: exit code 75.
    Busy,
    /// It could not complete: exit code 2.
    Incomplete,
    /// Its process is gone and left no end.
    Lost,
    /// It was stopped in an orderly way before its end.
    Interrupted,
}

/// `[agents.<name>.schedule.retries]`: further attempts at the same slot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Retries {
    /// Further attempts at one slot. 0: none, the next slot is the next attempt.
    pub max: u32,
    /// The longest wait before the first further attempt; doubled for each one after it. The wait itself lies anywhere
    /// below it. None begins after the deadline of the first attempt, or when the next slot is due.
    pub back_off: HumanDuration,
    /// Ends that are tried again: "busy" (75), "incomplete" (2), "lost", "interrupted". A run that was stopped by its
    /// deadline never is.
    pub on: BTreeSet<RetryOn>,
}

impl Default for Retries {
    fn default() -> Self {
        Self {
            max: 0,
            back_off: HumanDuration::secs(30),
            on: BTreeSet::from([RetryOn::Busy, RetryOn::Incomplete]),
        }
    }
}

/// `[agents.<name>.schedule]`: when one agent is expected.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ScheduleSettings {
    /// Five-field cron: minute hour day month weekday. Empty: the agent's own default.
    pub cron: String,
    /// Whether `cron` may have six fields, of which the first is seconds.
    pub seconds: bool,
    /// The IANA time zone of `cron`. Empty: UTC.
    pub zone: String,
    /// The longest time a run may take. Unset: four fifths of the interval, at most two hours.
    pub timeout: Option<HumanDuration>,
    /// How long after each slot the agent starts, so that several agents do not start together.
    pub offset: HumanDuration,
    /// A further delay below this, which is fixed for this agent and this host; at most half of the shortest interval
    /// and as long as `catch_up_within`.
    pub jitter: HumanDuration,
    /// What becomes of a slot while the agent is still running: "skip", "queue" or "replace".
    pub overlap: Overlap,
    /// What becomes of slots that passed while nothing could start them: "latest" or "none".
    pub catch_up: CatchUp,
    /// How late a slot may start, and how long it waits for another agent. Unset: one interval, at most 6 hours.
    pub catch_up_within: Option<HumanDuration>,
    /// A late slot only plans, without acting, when the last run began longer ago than this. Unset: three intervals, at
    /// least 24 hours.
    pub plan_only_after: Option<HumanDuration>,
    /// Names shared with other agents: two agents with a name in common never run at the same time.
    pub mutex: BTreeSet<String>,
    /// Further attempts at the same slot.
    pub retries: Retries,
}
