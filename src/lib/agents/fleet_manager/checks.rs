//! The checks of fleet-manager and the numbers behind them (docs/SPEC.md §12).

use std::time::Duration;

use crate::domain::severity::Severity;
use crate::domain::spec::{CheckClass, CheckSpec, Spec};
use crate::domain::subject::{AgentName, CheckId};

/// The agent's name.
pub const AGENT: AgentName = AgentName::of("fleet-manager");

/// A whole place is dark.
pub const LOCATION_DARK: CheckId = CheckId::of("location_dark");
/// Nothing was heard of a display for too long.
pub const DISPLAY_OFFLINE: CheckId = CheckId::of("display_offline");
/// A display reports an error.
pub const DISPLAY_ERROR: CheckId = CheckId::of("display_error");
/// A display has nothing to show, now or soon.
pub const DISPLAY_BLANK: CheckId = CheckId::of("display_blank");

/// The series of how many displays a tenant has.
pub const DISPLAYS_SERIES: &str = "displays_total";

/// So long after an act a display is left alone before it is looked at again: it needs time to connect.
const RECONNECT: Duration = Duration::from_mins(1);

const fn check(id: CheckId, summary: &'static str, worst: Severity, settle: Duration) -> CheckSpec {
    CheckSpec { id, summary, worst, class: CheckClass::Incident, raise: 1, clear: 1, settle }
}

/// Every check, in the order of the documents. One look is enough: the platform's records have their own patience.
const CHECKS: &[CheckSpec] = &[
    check(LOCATION_DARK, "every display of a place is silent", Severity::Critical, RECONNECT),
    check(DISPLAY_OFFLINE, "a display is silent for too long", Severity::Warning, RECONNECT),
    check(DISPLAY_ERROR, "a display reports an error", Severity::Warning, Duration::from_secs(1)),
    check(
        DISPLAY_BLANK,
        "a display has nothing to show, now or soon",
        Severity::Warning,
        Duration::from_secs(1),
    ),
];

/// What fleet-manager is.
pub const SPEC: Spec = Spec {
    name: AGENT,
    summary: "finds displays that are silent, ill or blank, reaches those that can be reached, and proves it",
    cron: "*/10 * * * *",
    checks: CHECKS,
    series: &[(DISPLAYS_SERIES, 10)],
    watches: false,
};
