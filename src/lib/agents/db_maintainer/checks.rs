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
/// Backups cannot be looked at.
pub const BACKUPS_UNSEEN: CheckId = CheckId::of("backups_unseen");
/// No backup can be restored on this host.
pub const RESTORE_UNPROVABLE: CheckId = CheckId::of("restore_unprovable");
/// The newest backup that we made is not in all its places.
pub const COPY_DUE: CheckId = CheckId::of("copy_due");
/// There are fewer copies than three, on two media, one of them elsewhere.
pub const BACKUP_COPIES: CheckId = CheckId::of("backup_copies");
/// A recovery takes longer, or loses more, than it may.
pub const RECOVERY_SHORT: CheckId = CheckId::of("recovery_short");
/// The series of the sizes of backups, each noted once, at the moment that it was taken.
pub const BACKUP_BYTES: &str = "backup_bytes";
/// The series of how long they took.
pub const BACKUP_MILLISECONDS: &str = "backup_ms";
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
/// An index needs to be built anew, and never is by us.
pub const REBUILD_LEFT: CheckId = CheckId::of("rebuild_left");
/// The statistics of a table are out of date.
pub const ANALYZE_DUE: CheckId = CheckId::of("analyze_due");
/// A table has many dead row versions, or many new rows.
pub const VACUUM_DUE: CheckId = CheckId::of("vacuum_due");
/// Much of an index holds nothing.
pub const INDEX_BLOATED: CheckId = CheckId::of("index_bloated");
/// A folder of logs is missing, or cannot be read or written.
pub const LOGS_UNSEEN: CheckId = CheckId::of("logs_unseen");
/// A log is due, and can be neither trimmed nor archived.
pub const LOG_STUCK: CheckId = CheckId::of("log_stuck");
/// Archives of logs are past their retention.
pub const ARCHIVES_EXPIRED: CheckId = CheckId::of("archives_expired");
/// A log that is written is large.
pub const LOG_LARGE: CheckId = CheckId::of("log_large");
/// Logs have not been written for long.
pub const LOGS_OLD: CheckId = CheckId::of("logs_old");
/// Archives of logs can be packed tighter.
pub const ARCHIVES_WARM: CheckId = CheckId::of("archives_warm");

/// A bucket cannot be seen.
pub const BUCKET_UNREACHABLE: CheckId = CheckId::of("bucket_unreachable");
/// A bucket holds more than the settings allow.
pub const BUCKET_FULL: CheckId = CheckId::of("bucket_full");
/// A bucket grew by more than the settings allow.
pub const BUCKET_GROWING: CheckId = CheckId::of("bucket_growing");
/// Uploads in parts were begun and never finished.
pub const UPLOADS_UNFINISHED: CheckId = CheckId::of("uploads_unfinished");

/// The series of how many objects a bucket holds.
pub const BUCKET_OBJECTS: &str = "bucket_objects";
/// The series of how much a bucket holds.
pub const BUCKET_BYTES: &str = "bucket_size_bytes";
/// A Redis server cannot be reached.
pub const REDIS_UNREACHABLE: CheckId = CheckId::of("redis_unreachable");
/// The memory of a Redis server is nearly used up.
pub const REDIS_MEMORY: CheckId = CheckId::of("redis_memory");
/// A Redis server lets keys go because there is no room for them.
pub const REDIS_EVICTING: CheckId = CheckId::of("redis_evicting");
/// What a Redis server holds is not on disk as it is to be.
pub const REDIS_PERSISTENCE: CheckId = CheckId::of("redis_persistence");
/// The process of a Redis server takes much more memory than its data need.
pub const REDIS_FRAGMENTED: CheckId = CheckId::of("redis_fragmented");
/// The clients of a Redis server come to their limit.
pub const REDIS_CLIENTS: CheckId = CheckId::of("redis_clients");
/// A Redis server has lost the one that it follows.
pub const REDIS_CUT_OFF: CheckId = CheckId::of("redis_cut_off");
/// A Redis server is slow to answer.
pub const REDIS_SLOW: CheckId = CheckId::of("redis_slow");
/// Many keys of a Redis server have expired and take room still.
pub const REDIS_EXPIRED_KEPT: CheckId = CheckId::of("redis_expired_kept");
/// The series of keys that a Redis server has let go for want of room since its start.
pub const REDIS_EVICTED_SERIES: &str = "redis_evicted_keys";
/// The series of keys of a Redis server that have come to their end since its start.
pub const REDIS_EXPIRED_SERIES: &str = "redis_expired_keys";
/// The series of clients that a Redis server has turned away since its start.
pub const REDIS_REJECTED_SERIES: &str = "redis_rejected_clients";

/// How long after a walk over its keys a server's estimate of how many have expired is asked for: it falls by a twentieth ten
/// times a second, from all of them to one in ten within 4.6 seconds (measured: from 94 to 36 percent in 2).
const ESTIMATED_ANEW: Duration = Duration::from_secs(10);

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
    check(BACKUPS_UNSEEN, "backups cannot be looked at", Severity::Warning, CheckClass::Incident),
    check(BACKUP_BAD, "the newest backup is no good", Severity::Warning, CheckClass::Incident),
    check(BACKUP_DUE, "a backup is due", Severity::Warning, CheckClass::Chore),
    check(
        COPY_DUE,
        "the newest backup is not in all its places",
        Severity::Info,
        CheckClass::Chore,
    ),
    check(
        RESTORE_DUE,
        "a restore of the newest backup, for a proof, is due",
        Severity::Warning,
        CheckClass::Chore,
    ),
    check(
        RESTORE_UNPROVABLE,
        "no backup can be restored on this host",
        Severity::Info,
        CheckClass::Advice,
    ),
    check(
        BACKUP_COPIES,
        "the copies of a backup are too few, or too near",
        Severity::Warning,
        CheckClass::Advice,
    ),
    check(
        RECOVERY_SHORT,
        "a recovery takes longer, or loses more, than it may",
        Severity::Warning,
        CheckClass::Advice,
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
        CheckClass::Advice,
    ),
    check(
        HORIZON_HELD,
        "something keeps old row versions from being removed",
        Severity::Warning,
        CheckClass::Advice,
    ),
    check(
        COUNTER_ENDING,
        "a sequence, or the column that it fills, comes to its end",
        Severity::Critical,
        CheckClass::Advice,
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
    check(
        REBUILD_LEFT,
        "an index is to be built anew by a person",
        Severity::Info,
        CheckClass::Advice,
    ),
    check(
        VACUUM_DUE,
        "a table has many dead row versions, or many new rows",
        Severity::Info,
        CheckClass::Chore,
    ),
    check(
        ANALYZE_DUE,
        "the statistics of a table are out of date",
        Severity::Info,
        CheckClass::Chore,
    ),
    check(INDEX_BLOATED, "much of an index holds nothing", Severity::Info, CheckClass::Chore),
    check(
        REDIS_UNREACHABLE,
        "a Redis server cannot be reached",
        Severity::Warning,
        CheckClass::Incident,
    ),
    check(
        REDIS_MEMORY,
        "the memory of a Redis server is nearly used up",
        Severity::Critical,
        CheckClass::Advice,
    ),
    check(
        REDIS_EVICTING,
        "a Redis server lets keys go because there is no room for them",
        Severity::Warning,
        CheckClass::Advice,
    ),
    check(
        REDIS_PERSISTENCE,
        "what a Redis server holds is not on disk as it is to be",
        Severity::Critical,
        CheckClass::Incident,
    ),
    check(
        REDIS_FRAGMENTED,
        "a Redis process takes much more memory than its data need",
        Severity::Warning,
        CheckClass::Advice,
    ),
    check(
        REDIS_CLIENTS,
        "the clients of a Redis server come to their limit",
        Severity::Warning,
        CheckClass::Advice,
    ),
    check(
        REDIS_CUT_OFF,
        "a Redis server has lost the one that it follows",
        Severity::Warning,
        CheckClass::Advice,
    ),
    check(REDIS_SLOW, "a Redis server is slow to answer", Severity::Warning, CheckClass::Advice),
    CheckSpec {
        id: REDIS_EXPIRED_KEPT,
        summary: "many keys in Redis have expired and take room still",
        worst: Severity::Info,
        class: CheckClass::Chore,
        raise: 1,
        clear: 1,
        settle: ESTIMATED_ANEW,
    },
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
    check(
        LOGS_UNSEEN,
        "a folder of logs is missing, or cannot be read or written",
        Severity::Warning,
        CheckClass::Incident,
    ),
    check(
        LOG_STUCK,
        "a log can be neither trimmed nor archived",
        Severity::Warning,
        CheckClass::Advice,
    ),
    check(
        ARCHIVES_EXPIRED,
        "archives of logs are past their retention",
        Severity::Info,
        CheckClass::Chore,
    ),
    check(LOG_LARGE, "a log that is written is large", Severity::Info, CheckClass::Chore),
    check(LOGS_OLD, "logs have not been written for long", Severity::Info, CheckClass::Chore),
    check(
        ARCHIVES_WARM,
        "archives of logs can be packed tighter",
        Severity::Info,
        CheckClass::Chore,
    ),
    check(BUCKET_UNREACHABLE, "a bucket cannot be seen", Severity::Warning, CheckClass::Incident),
    check(
        BUCKET_FULL,
        "a bucket holds more than the settings allow",
        Severity::Warning,
        CheckClass::Advice,
    ),
    check(
        BUCKET_GROWING,
        "a bucket grew by more than the settings allow",
        Severity::Warning,
        CheckClass::Advice,
    ),
    check(
        UPLOADS_UNFINISHED,
        "uploads to a bucket were begun and never finished",
        Severity::Info,
        CheckClass::Advice,
    ),
];

/// What db-maintainer is.
pub const SPEC: Spec = Spec {
    name: AGENT,
    summary: "keeps data stores healthy, and proves backups by restoring them",
    cron: "0 3 * * *",
    checks: CHECKS,
    series: &[
        (BACKUP_BYTES, 8),
        (BACKUP_MILLISECONDS, 8),
        (BUCKET_OBJECTS, 10),
        (BUCKET_BYTES, 10),
        (REDIS_EVICTED_SERIES, 1),
        (REDIS_EXPIRED_SERIES, 1),
        (REDIS_REJECTED_SERIES, 1),
    ],
    watches: false,
};
