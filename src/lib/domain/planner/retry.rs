//! Further attempts at the newest slot: only after ends that settings name, inside the deadline of the first attempt and
//! before the next slot.

use jiff::Timestamp;

use super::job::{Job, later};
use super::seen::{Attempt, Seen};
use crate::domain::run::RunState;
use crate::domain::timing::RetryOn;

/// The attempt that may be followed by another one, and when.
pub(super) fn pending(job: &Job, seen: &Seen) -> Option<(Attempt, Timestamp)> {
    let last = seen.last_attempt.filter(|last| Some(last.slot) == seen.last_slot)?;
    let retries = &job.rules().retries;
    let named = class(&last).is_some_and(|class| retries.on.contains(&class));
    // The first attempt is none of the further ones.
    if !named || last.number > retries.max || last.slot <= seen.in_effect_since {
        return None;
    }
    // A clock that was set back may show a time before the slot.
    let ended = last.ended_at.max(job.start_of(last.slot));
    let at = later(ended, job.retry_delay(last.slot, last.number));
    (at < last.deadline.min(job.start_after(last.slot))).then_some((last, at))
}

fn class(attempt: &Attempt) -> Option<RetryOn> {
    /// Another run holds the lock, or it is not ours to run now.
    const BUSY: i32 = 75;
    /// It could not complete.
    const INCOMPLETE: i32 = 2;
    match (attempt.state, attempt.exit) {
        (RunState::Lost, _) => Some(RetryOn::Lost),
        (RunState::Interrupted, _) => Some(RetryOn::Interrupted),
        (RunState::Failed | RunState::Skipped, Some(BUSY)) => Some(RetryOn::Busy),
        (RunState::Failed, Some(INCOMPLETE)) => Some(RetryOn::Incomplete),
        (
            RunState::Failed
            | RunState::Skipped
            | RunState::Running
            | RunState::Ok
            | RunState::Findings
            | RunState::TimedOut
            | RunState::Killed
            | RunState::Crashed
            | RunState::Missed,
            _,
        ) => None,
    }
}
