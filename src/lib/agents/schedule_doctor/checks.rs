//! The checks of schedule-doctor and the numbers behind them (docs/SPEC.md §13).

use std::time::Duration;

use crate::domain::severity::Severity;
use crate::domain::spec::{CheckClass, CheckSpec, Spec};
use crate::domain::subject::{AgentName, CheckId};

/// The agent's name.
pub const AGENT: AgentName = AgentName::of("schedule-doctor");

/// A schedule is in force although its end is past.
pub const SCHEDULE_ENDED: CheckId = CheckId::of("schedule_ended");
/// The playlist of a schedule no longer exists.
pub const SCHEDULE_PLAYLIST_GONE: CheckId = CheckId::of("schedule_playlist_gone");
/// Nothing of a schedule's playlist can be delivered.
pub const SCHEDULE_PLAYLIST_EMPTY: CheckId = CheckId::of("schedule_playlist_empty");
/// A schedule is for no display.
pub const SCHEDULE_NO_TARGET: CheckId = CheckId::of("schedule_no_target");
/// Two schedules of one priority meet on a display.
pub const SCHEDULE_OVERLAP: CheckId = CheckId::of("schedule_overlap");
/// No playlist is in effect on a display, now or soon.
pub const COVERAGE_GAP: CheckId = CheckId::of("coverage_gap");

/// The series of how many schedules a tenant has.
pub const SCHEDULES_SERIES: &str = "schedules_total";

/// The platform's answer to a write is its new state; a second keeps the proof newer than the act.
const SETTLE: Duration = Duration::from_secs(1);

const fn check(id: CheckId, summary: &'static str, worst: Severity) -> CheckSpec {
    let class = CheckClass::Incident;
    CheckSpec { id, summary, worst, class, raise: 1, clear: 1, settle: SETTLE }
}

/// Every check, in the order of the documents.
const CHECKS: &[CheckSpec] = &[
    check(SCHEDULE_ENDED, "a schedule is in force although its end is past", Severity::Info),
    check(SCHEDULE_PLAYLIST_GONE, "the playlist of a schedule no longer exists", Severity::Warning),
    check(
        SCHEDULE_PLAYLIST_EMPTY,
        "nothing of a schedule's playlist can be delivered",
        Severity::Warning,
    ),
    check(SCHEDULE_NO_TARGET, "a schedule is for no display", Severity::Warning),
    check(SCHEDULE_OVERLAP, "two schedules of one priority meet on a display", Severity::Warning),
    check(COVERAGE_GAP, "no playlist is in effect on a display, now or soon", Severity::Warning),
];

/// What schedule-doctor is.
pub const SPEC: Spec = Spec {
    name: AGENT,
    summary: "finds schedules that cannot do what was wanted and displays without a plan, mends what can be taken back, and proves it",
    cron: "*/15 * * * *",
    checks: CHECKS,
    series: &[(SCHEDULES_SERIES, 10)],
    watches: false,
};
