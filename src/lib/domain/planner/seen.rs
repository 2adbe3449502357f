//! What the planner is told of the past and of the moment, beside the time.

use jiff::Timestamp;

use super::verdict::Waiting;
use crate::domain::run::RunState;
use crate::domain::subject::AgentName;

/// A run that has not ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Running {
    /// Its slot; none for one that a person started.
    pub slot: Option<Timestamp>,
    /// When it started.
    pub started_at: Timestamp,
}

/// The newest attempt at the newest slot, ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The slot.
    pub slot: Timestamp,
    /// Which attempt at it, from 1.
    pub number: u32,
    /// How it ended.
    pub state: RunState,
    /// Its exit code, if it had one.
    pub exit: Option<i32>,
    /// When it ended.
    pub ended_at: Timestamp,
    /// Until when all attempts at the slot must be over.
    pub deadline: Timestamp,
    /// Whether it was told to plan without acting.
    pub plan_only: bool,
}

/// A time in which no slot is started, because a person said so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suspension {
    /// From when on.
    pub since: Timestamp,
    /// Until when; none: until a person ends it.
    pub until: Option<Timestamp>,
    /// The reason that was given.
    pub why: String,
}

impl Suspension {
    /// Whether it holds at `at`.
    #[must_use]
    pub fn covers(&self, at: Timestamp) -> bool {
        self.since <= at && self.until.is_none_or(|until| at < until)
    }
}

/// What is known of one agent's slots on this host, within the present epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The newest slot of this epoch that has a row, or stands in the range of one.
    pub last_slot: Option<Timestamp>,
    /// Since when this schedule is in effect: its first installation, its last change, or the begin of the epoch. Slots
    /// up to then are nobody's.
    pub in_effect_since: Timestamp,
    /// When the newest run of any kind began.
    pub last_began: Option<Timestamp>,
    /// The run that has not ended.
    pub running: Option<Running>,
    /// The newest attempt at `last_slot`, if it ended.
    pub last_attempt: Option<Attempt>,
    /// The suspension that a person ordered last.
    pub suspended: Option<Suspension>,
    /// Another agent that runs and has a mutex in common with this one.
    pub held_by: Option<AgentName>,
    /// What the last look left waiting. Whoever does not remember takes it for late.
    pub waiting: Option<Waiting>,
    /// Since when the one who asks has been looking without a break. None for one who looks once.
    pub looking_since: Option<Timestamp>,
}

impl Seen {
    /// An agent that is new since `in_effect_since`, and of which nothing else is known.
    #[must_use]
    pub const fn nothing(in_effect_since: Timestamp) -> Self {
        Self {
            last_slot: None,
            in_effect_since,
            last_began: None,
            running: None,
            last_attempt: None,
            suspended: None,
            held_by: None,
            waiting: None,
            looking_since: None,
        }
    }

    /// Slots up to here need no verdict.
    pub(super) fn settled(&self) -> Timestamp {
        self.last_slot.map_or(self.in_effect_since, |slot| slot.max(self.in_effect_since))
    }
}
