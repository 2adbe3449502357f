//! The checks of db-maintainer and the numbers behind them (docs/SPEC.md §22).

use std::time::Duration;

use crate::domain::severity::Severity;
use crate::domain::spec::{CheckClass, CheckSpec, Spec};
use crate::domain::subject::{AgentName, CheckId};

/// The agent's name.
pub const AGENT: AgentName = AgentName::of("db-maintainer");

/// The ledger's file is broken.
pub const LEDGER_DAMAGED: CheckId = CheckId::of("ledger_damaged");
/// The ledger's write-ahead log is long.
pub const LEDGER_LOG_LONG: CheckId = CheckId::of("ledger_log_long");
/// Much of the ledger's file holds nothing.
pub const LEDGER_LOOSE: CheckId = CheckId::of("ledger_loose");
/// The newest backup is too old, or there is none.
pub const BACKUP_DUE: CheckId = CheckId::of("backup_due");
/// The newest backup is not what was written, or could not be restored.
pub const BACKUP_BAD: CheckId = CheckId::of("backup_bad");
/// No backup was restored for a proof lately.
pub const RESTORE_DUE: CheckId = CheckId::of("restore_due");
/// There are more backups than are kept.
pub const BACKUPS_MANY: CheckId = CheckId::of("backups_many");

/// A database cannot be reached.
pub const DATABASE_UNREACHABLE: CheckId = CheckId::of("database_unreachable");
/// A table of the settings does not exist.
pub const TABLE_MISSING: CheckId = CheckId::of("table_missing");
/// Something keeps old row versions from being removed.
pub const HORIZON_HELD: CheckId = CheckId::of("horizon_held");
/// The oldest transaction of a table is very old.
pub const FREEZE_AGE: CheckId = CheckId::of("freeze_age");
/// A sequence, or the column that it fills, comes to its end.
pub const COUNTER_ENDING: CheckId = CheckId::of("counter_ending");
/// An index is not valid, and nobody builds it.
pub const INDEX_INVALID: CheckId = CheckId::of("index_invalid");
/// A table has many dead row versions.
pub const VACUUM_DUE: CheckId = CheckId::of("vacuum_due");
/// Much of an index holds nothing.
pub const INDEX_BLOATED: CheckId = CheckId::of("index_bloated");

const fn check(
    id: CheckId,
    summary: &'static str,
    worst: Severity,
    class: CheckClass,
) -> CheckSpec {
    CheckSpec { id, summary, worst, class, raise: 1, clear: 1, settle: Duration::ZERO }
}

/// Every check, in the order in which chores are done: what is taken, then what is proved of it, then what makes room. One
/// look is enough: a store speaks about itself.
const CHECKS: &[CheckSpec] = &[
    check(
        LEDGER_DAMAGED,
        "the file of opswarden's own ledger is broken",
        Severity::Critical,
        CheckClass::Incident,
    ),
    check(BACKUP_BAD, "the newest backup is no good", Severity::Warning, CheckClass::Incident),
    check(BACKUP_DUE, "a backup is due", Severity::Warning, CheckClass::Chore),
    check(
        RESTORE_DUE,
        "a restore of the newest backup, for a proof, is due",
        Severity::Warning,
        CheckClass::Chore,
    ),
    check(
        BACKUPS_MANY,
        "there are more backups than are to be kept",
        Severity::Info,
        CheckClass::Chore,
    ),
    check(
        DATABASE_UNREACHABLE,
        "a database cannot be reached",
        Severity::Warning,
        CheckClass::Incident,
    ),
    check(
        TABLE_MISSING,
        "a table of the settings does not exist",
        Severity::Warning,
        CheckClass::Incident,
    ),
    check(
        HORIZON_HELD,
        "something keeps old row versions from being removed",
        Severity::Warning,
        CheckClass::Incident,
    ),
    check(
        COUNTER_ENDING,
        "a sequence, or the column that it fills, comes to its end",
        Severity::Critical,
        CheckClass::Incident,
    ),
    check(
        INDEX_INVALID,
        "an index is not valid, and nobody builds it",
        Severity::Info,
        CheckClass::Chore,
    ),
    check(
        FREEZE_AGE,
        "the oldest transaction of a table is very old",
        Severity::Critical,
        CheckClass::Incident,
    ),
    check(VACUUM_DUE, "a table has many dead row versions", Severity::Info, CheckClass::Chore),
    check(INDEX_BLOATED, "much of an index holds nothing", Severity::Info, CheckClass::Chore),
    check(
        LEDGER_LOG_LONG,
        "the write-ahead log of opswarden's own ledger is long",
        Severity::Info,
        CheckClass::Chore,
    ),
    check(
        LEDGER_LOOSE,
        "much of the file of opswarden's own ledger holds nothing",
        Severity::Info,
        CheckClass::Chore,
    ),
];

/// What db-maintainer is.
pub const SPEC: Spec = Spec {
    name: AGENT,
    summary: "keeps data stores healthy, and proves backups by restoring them",
    cron: "0 3 * * *",
    checks: CHECKS,
    series: &[],
    watches: false,
};
