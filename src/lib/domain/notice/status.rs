//! Whether a route is to hear of the system's status now, and why.
//!
//! Pure, as decisions about incidents are, and after the same rules: no second word for the worse within an hour unless it is
//! worse still, none in quiet hours unless it is critical, and for the better at once.

use std::time::Duration;

use jiff::Timestamp;

use super::decide::{Decision, QUIET, quiet_until};
use super::notification::{Kind, Notification, NotificationState};
use super::route::Route;
use super::rules::{HOUR_BETWEEN, Rules};
use crate::domain::view::SystemStatus;

/// A status that was given up is told anew after so long.
const AFTER_GIVING_UP: Duration = HOUR_BETWEEN;

/// What a route was told of the status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatusHeard {
    /// The last that arrived, or may have. Whoever never heard of it takes it for healthy.
    pub last: SystemStatus,
    /// The last word for the worse, and when.
    worse: Option<(SystemStatus, Timestamp)>,
    /// When one was last given up.
    given_up: Option<Timestamp>,
}

impl StatusHeard {
    /// Reads it off a route's notifications about the status, oldest first.
    #[must_use]
    pub fn of<'n>(rows: impl IntoIterator<Item = &'n Notification>) -> Self {
        let mut heard = Self { last: SystemStatus::Healthy, worse: None, given_up: None };
        for row in rows {
            let Some(at) = row.finished_at else { continue };
            match row.state {
                NotificationState::Sent | NotificationState::Unknown => {
                    let word = row.told.as_ref().map(|told| told.message.as_str());
                    let Some(is) = word.and_then(SystemStatus::called) else { continue };
                    if is > heard.last {
                        heard.worse = Some((is, at));
                    }
                    heard.last = is;
                }
                NotificationState::Dead => heard.given_up = Some(at),
                NotificationState::Pending
                | NotificationState::Failed
                | NotificationState::Suppressed
                | NotificationState::Digested => {}
            }
        }
        heard
    }
}

/// Decides.
#[must_use]
pub fn decide_status(
    route: &Route,
    rules: &Rules,
    now: Timestamp,
    is: SystemStatus,
    heard: &StatusHeard,
) -> Decision {
    let after = |at: Timestamp, gap: Duration| at.checked_add(gap).unwrap_or(Timestamp::MAX);
    if is == heard.last {
        return Decision::Nothing {
            why: "the status is what was last told".to_owned(),
            until: None,
            held_back: false,
        };
    }
    if let Some(until) = heard.given_up.map(|at| after(at, AFTER_GIVING_UP)).filter(|at| now < *at)
    {
        return Decision::not_yet("the channel took nothing lately; it is tried anew", until);
    }
    let is_worse = is > heard.last;
    if let Some(until) = quiet_until(route, rules, now)
        && is_worse
        && is != SystemStatus::Critical
    {
        return Decision::not_yet(QUIET, until);
    }
    if let Some((told, at)) = heard.worse
        && is_worse
        && is <= told
        && now < after(at, HOUR_BETWEEN)
    {
        let why = "it comes and goes, and was told less than an hour ago";
        return Decision::not_yet(why, after(at, HOUR_BETWEEN));
    }
    let (was, is) = (heard.last.as_str(), is.as_str());
    Decision::Tell {
        kind: if route.digest && is_worse { Kind::Digest } else { Kind::Status },
        not_before: now,
        for_digest: false,
        why: format!("the status was {was} when it was last told, and is {is}"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::SystemStatus::{Critical, Degraded, Healthy};
    use super::*;
    use crate::domain::notice::{About, ToldFacts, Window, fixtures};
    use crate::domain::severity::Severity;

    /// So many minutes after noon.
    fn after(minutes: i64) -> Timestamp {
        let noon: Timestamp = "2026-11-20T12:00:00Z".parse().unwrap();
        noon.checked_add(jiff::SignedDuration::from_mins(minutes)).unwrap()
    }

    fn row(state: NotificationState, is: SystemStatus, minutes: i64) -> Notification {
        let message = is.as_str().to_owned();
        let (severity, facts) = (Severity::Info, BTreeMap::new());
        let told = ToldFacts { severity, message, facts, escalated: false };
        let at = after(minutes);
        Notification { state, ..fixtures::sent(About::Status, Kind::Status, told, at) }
    }

    /// What was told, so many minutes after noon; what is; and when: the kind, or until when nothing is told.
    fn decided(
        route: &Route,
        told: &[(NotificationState, SystemStatus, i64)],
        (is, minutes): (SystemStatus, i64),
    ) -> Result<Kind, Option<i64>> {
        let rows: Vec<Notification> =
            told.iter().map(|(state, is, minutes)| row(*state, *is, *minutes)).collect();
        match decide_status(route, &fixtures::rules(), after(minutes), is, &StatusHeard::of(&rows))
        {
            Decision::Tell { kind, .. } => Ok(kind),
            Decision::Nothing { until, .. } => {
                Err(until.map(|at| at.duration_since(after(0)).as_mins()))
            }
        }
    }

    #[test]
    fn a_change_is_told_once_and_nobody_hears_that_all_is_well_who_heard_of_nothing_else() {
        use NotificationState::{Sent, Suppressed, Unknown};
        let route = Route::default();
        assert_eq!(decided(&route, &[], (Healthy, 0)), Err(None));
        assert_eq!(decided(&route, &[], (Degraded, 0)), Ok(Kind::Status));
        assert_eq!(decided(&route, &[(Sent, Degraded, 0)], (Degraded, 999)), Err(None));
        assert_eq!(decided(&route, &[(Unknown, Degraded, 0)], (Healthy, 1)), Ok(Kind::Status));
        assert_eq!(decided(&route, &[(Suppressed, Degraded, 0)], (Healthy, 1)), Err(None));
        let digests = Route { digest: true, ..Route::default() };
        assert_eq!(decided(&digests, &[], (Degraded, 0)), Ok(Kind::Digest));
        assert_eq!(decided(&digests, &[(Sent, Degraded, 0)], (Healthy, 1)), Ok(Kind::Status));
    }

    #[test]
    fn what_comes_and_goes_is_told_once_an_hour_unless_it_is_worse() {
        use NotificationState::{Dead, Sent};
        let route = Route::default();
        let told = [(Sent, Degraded, 0), (Sent, Healthy, 10)];
        assert_eq!(decided(&route, &told, (Degraded, 20)), Err(Some(60)));
        assert_eq!(decided(&route, &told, (Critical, 20)), Ok(Kind::Status));
        assert_eq!(decided(&route, &told, (Degraded, 60)), Ok(Kind::Status));
        let worse = [(Sent, Critical, 0), (Sent, Degraded, 10)];
        assert_eq!(decided(&route, &worse, (Critical, 20)), Err(Some(60)));
        assert_eq!(decided(&route, &worse, (Healthy, 20)), Ok(Kind::Status), "at once");
        assert_eq!(decided(&route, &[(Dead, Degraded, 0)], (Degraded, 59)), Err(Some(60)));
    }

    #[test]
    fn quiet_hours_let_the_critical_through_and_the_end() {
        use NotificationState::Sent;
        let (from, to) = ("11:00".parse().unwrap(), "13:00".parse().unwrap());
        let quiet = vec![Window { from, to, ..Window::default() }];
        let route = Route { quiet, ..Route::default() };
        assert_eq!(decided(&route, &[], (Degraded, 0)), Err(Some(60)));
        assert_eq!(decided(&route, &[], (Critical, 0)), Ok(Kind::Status));
        assert_eq!(decided(&route, &[(Sent, Critical, 0)], (Healthy, 5)), Ok(Kind::Status));
    }
}
