//! When what is done every so often is due, and when it is late. Pure.

use std::time::Duration;

use jiff::Timestamp;

/// A run at the same time of day comes some seconds earlier or later: what is due in so small a share of its time is due.
const EARLY: f64 = 0.1;

/// Whether something that is done every so often is due, and then whether it is late by more than the grace. What was never
/// done is due and not late: nobody has had the time for it yet.
pub(super) fn due(
    last: Option<Timestamp>,
    every: Duration,
    grace: Duration,
    at: Timestamp,
) -> Option<bool> {
    let Some(last) = last else { return Some(false) };
    let since = Duration::try_from(at.duration_since(last)).unwrap_or_default();
    let soon = every.saturating_sub(every.mul_f64(EARLY));
    (since >= soon).then_some(since > every + grace)
}

/// The same for what was tried and may have failed: what failed and never went well before is late at once.
pub(super) fn due_again(
    last: Option<Timestamp>,
    failed: bool,
    every: Duration,
    grace: Duration,
    at: Timestamp,
) -> Option<bool> {
    due(last, every, grace, at).map(|overdue| overdue || (failed && last.is_none()))
}
