//! The checks of health-guardian and the numbers behind them (docs/SPEC.md §10).

use std::time::Duration;

use crate::domain::severity::Severity;
use crate::domain::spec::{CheckClass, CheckSpec, Spec};
use crate::domain::subject::{AgentName, CheckId};

/// The agent's name.
pub const AGENT: AgentName = AgentName::of("health-guardian");

/// A service answers wrongly or not at all.
pub const SERVICE_DOWN: CheckId = CheckId::of("service_down");
/// A service answers that it is degraded.
pub const SERVICE_DEGRADED: CheckId = CheckId::of("service_degraded");
/// A service's certificate ends soon, or has ended.
pub const CERTIFICATE_ENDING: CheckId = CheckId::of("certificate_ending");
/// A process does not run.
pub const PROCESS_DOWN: CheckId = CheckId::of("process_down");
/// A process is restarted over and over.
pub const RESTART_STORM: CheckId = CheckId::of("restart_storm");
/// A process is close to its own memory limit.
pub const PROCESS_MEMORY: CheckId = CheckId::of("process_memory");
/// A process manager cannot be read.
pub const MANAGER_UNREADABLE: CheckId = CheckId::of("manager_unreadable");
/// The machine's CPUs are busy.
pub const HOST_CPU: CheckId = CheckId::of("host_cpu");
/// The machine's memory is nearly used up.
pub const HOST_MEMORY: CheckId = CheckId::of("host_memory");
/// The machine's swap is nearly used up.
pub const HOST_SWAP: CheckId = CheckId::of("host_swap");
/// More tasks want to run than the machine has CPUs for.
pub const HOST_LOAD: CheckId = CheckId::of("host_load");
/// A disk is nearly full.
pub const HOST_DISK: CheckId = CheckId::of("host_disk");
/// Nothing outside answers.
pub const UPLINK_DOWN: CheckId = CheckId::of("uplink_down");

/// The series of restart counts.
pub const RESTARTS_SERIES: &str = "process_restarts_total";

/// Three failed probes in a row raise a service incident; as many good ones prove a fix.
pub(super) const SERVICE_RAISE: u32 = 3;
/// Two good probes in a row resolve it.
pub(super) const SERVICE_CLEAR: u32 = 2;
/// Two agreeing looks at a manager raise a process incident.
pub(super) const PROCESS_RAISE: u32 = 2;
/// How long an address outside may take to answer.
pub(super) const UPLINK_DEADLINE: Duration = Duration::from_secs(5);

const SETTLE: Duration = Duration::from_secs(30);

const fn check(
    id: CheckId,
    summary: &'static str,
    worst: Severity,
    (raise, clear): (u32, u32),
) -> CheckSpec {
    CheckSpec { id, summary, worst, class: CheckClass::Incident, raise, clear, settle: SETTLE }
}

/// Every check, in the order of the documents.
const CHECKS: &[CheckSpec] = &[
    check(
        SERVICE_DOWN,
        "a service answers wrongly or not at all",
        Severity::Critical,
        (SERVICE_RAISE, SERVICE_CLEAR),
    ),
    check(
        SERVICE_DEGRADED,
        "a service answers that it is degraded",
        Severity::Warning,
        (SERVICE_RAISE, SERVICE_CLEAR),
    ),
    check(
        CERTIFICATE_ENDING,
        "a service's certificate ends soon, or has ended",
        Severity::Critical,
        (1, 1),
    ),
    check(PROCESS_DOWN, "a process does not run", Severity::Critical, (PROCESS_RAISE, 2)),
    check(RESTART_STORM, "a process is restarted over and over", Severity::Critical, (1, 1)),
    check(
        PROCESS_MEMORY,
        "a process is close to its own memory limit",
        Severity::Warning,
        (PROCESS_RAISE, 2),
    ),
    check(MANAGER_UNREADABLE, "a process manager cannot be read", Severity::Warning, (2, 1)),
    check(HOST_CPU, "the machine's processors are busy", Severity::Warning, (2, 2)),
    check(HOST_MEMORY, "the machine's memory is nearly used up", Severity::Warning, (2, 2)),
    check(HOST_SWAP, "the machine's swap is nearly used up", Severity::Warning, (2, 2)),
    check(HOST_LOAD, "more tasks want to run than there are processors", Severity::Warning, (2, 2)),
    check(HOST_DISK, "a disk is nearly full", Severity::Critical, (1, 1)),
    check(UPLINK_DOWN, "nothing outside this host answers", Severity::Warning, (1, 1)),
];

/// What health-guardian is.
pub const SPEC: Spec = Spec {
    name: AGENT,
    summary: "finds broken services and processes, restarts them where that helps, and proves it",
    cron: "*/5 * * * *",
    checks: CHECKS,
    series: &[(RESTARTS_SERIES, 1)],
    watches: false,
};
