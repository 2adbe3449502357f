//! What was decided about slots, with the reasons.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;

use super::hold::Hold;
use crate::domain::duration::HumanDuration;
use crate::domain::moment;
use crate::domain::run::RunState;
use crate::domain::schedule::Count;

/// A slot that is due and not started yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// The slot.
    pub slot: Timestamp,
    /// What it waits for.
    pub hold: Hold,
}

/// Why a slot is run now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunWhy {
    /// It is due.
    Due,
    /// It was due while nothing could start it.
    CaughtUp,
    /// What held it back is over.
    Waited(Hold),
    /// The attempt before may be followed by another one.
    Again {
        /// How that one ended.
        after: RunState,
    },
}

/// Why a slot is not run although somebody looked in time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SkipWhy {
    /// A person suspended the agent.
    Suspended {
        /// The reason that was given.
        why: String,
    },
    /// It waited as long as it may, or a newer slot took its place.
    Held(Hold),
}

/// Why slots passed without a start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MissedWhy {
    /// Nothing looked in time, and a newer slot stands for them.
    NewerDue,
    /// Nothing looked in time, and the newest of them is too old.
    TooOld {
        /// How late the newest could have started.
        within: Duration,
    },
    /// Nothing looked in time, and settings ask for no catching up.
    NoCatchUp,
}

/// A run that is to be started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start {
    /// The slot.
    pub slot: Timestamp,
    /// Which attempt at it.
    pub attempt: u32,
    /// When it and every further attempt at the slot must be over.
    pub deadline: Timestamp,
    /// How long after the moment that was meant for it.
    pub late_by: Duration,
    /// Whether it may only plan.
    pub plan_only: bool,
    /// Why now.
    pub why: RunWhy,
}

/// What becomes of a slot, or of a range of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is run.
    Run(Start),
    /// It is run as soon as the run that is in its way has been ended.
    Replace {
        /// When that one started.
        running_since: Timestamp,
        /// What is run then.
        start: Start,
    },
    /// It is not run.
    Skip {
        /// The slot.
        slot: Timestamp,
        /// Why not.
        why: SkipWhy,
    },
    /// They passed.
    Missed {
        /// The first slot.
        from: Timestamp,
        /// The last slot.
        to: Timestamp,
        /// How many there are.
        count: Count,
        /// Why.
        why: MissedWhy,
    },
}

/// What is to be done now, and when to look again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// What becomes of slots that are due, oldest first; carried out in this order.
    pub verdicts: Vec<Verdict>,
    /// The slot that stays due, and why; to be handed to the next look.
    pub waiting: Option<Waiting>,
    /// The first moment at which time alone changes the answer. The end of a run or of a hold, and the begin or the end of a
    /// suspension, change it earlier.
    pub wake_at: Timestamp,
}

impl Verdict {
    /// What is to be started by it.
    #[must_use]
    pub const fn start(&self) -> Option<&Start> {
        match self {
            Self::Run(start) | Self::Replace { start, .. } => Some(start),
            Self::Skip { .. } | Self::Missed { .. } => None,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let full = |slot: &Timestamp| moment::full(*slot);
        match self {
            Self::Run(start) => {
                write!(f, "the slot of {} is run: {}", full(&start.slot), start.why)
            }
            Self::Replace { start, running_since } => write!(
                f,
                "the slot of {} replaces the run of {}",
                full(&start.slot),
                full(running_since)
            ),
            Self::Skip { slot, why } => write!(f, "the slot of {} is skipped: {why}", full(slot)),
            Self::Missed { from, to, why, .. } if from == to => {
                write!(f, "the slot of {} was missed: {why}", full(from))
            }
            Self::Missed { from, to, why, count } => write!(
                f,
                "{} slots from {} to {} were missed: {why}",
                count.counted(),
                full(from),
                full(to)
            ),
        }
    }
}

impl fmt::Display for RunWhy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Due => f.write_str("it is due"),
            Self::CaughtUp => f.write_str("it was due while nothing could start it"),
            Self::Waited(hold) => write!(f, "it has waited: {hold}"),
            Self::Again { after } => {
                write!(f, "the attempt before ended as {}", after.as_str())
            }
        }
    }
}

impl fmt::Display for SkipWhy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Suspended { why } => write!(f, "suspended: {why}"),
            Self::Held(hold) => hold.fmt(f),
        }
    }
}

impl fmt::Display for MissedWhy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NewerDue => f.write_str("nothing looked in time, and a newer slot is due"),
            Self::TooOld { within } => {
                let within = HumanDuration::from(*within);
                write!(f, "nothing looked in time, and a slot is run at most {within} late")
            }
            Self::NoCatchUp => f.write_str("nothing looked in time, and catch_up is \"none\""),
        }
    }
}
