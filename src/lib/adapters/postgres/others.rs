//! Every question about others: who is at work in a database, who holds row versions back, and whether anybody should be left alone.

/// What those call themselves who take a dump.
macro_rules! dumps {
    () => {
        "'^(pg_dump|pg_dumpall|pgBackRest|barman)'"
    };
}

/// Sessions in a transaction that do nothing, for how many milliseconds it lasts, and how old the row versions are that it holds
/// back: one that has neither written nor still sees what was holds none. Who takes a dump is left out: that ends by itself.
pub(super) const IDLE: &str = concat!(
    "
    SELECT pid, coalesce(usename::text, ''), coalesce(application_name, ''),
           (extract(epoch FROM clock_timestamp() - xact_start) * 1000)::bigint,
           greatest(age(backend_xid), age(backend_xmin))::bigint
    FROM pg_stat_activity
    WHERE state LIKE 'idle in transaction%' AND xact_start IS NOT NULL
      AND datname = current_database()
      AND application_name !~ ",
    dumps!(),
    "
    ORDER BY xact_start"
);

/// Sessions whose statement is at work and holds row versions back, and for how many milliseconds their transaction lasts. What
/// a vacuum sees holds none back.
pub(super) const QUERIES: &str = concat!(
    "
    SELECT pid, coalesce(usename::text, ''), coalesce(application_name, ''),
           (extract(epoch FROM clock_timestamp() - xact_start) * 1000)::bigint,
           greatest(age(backend_xid), age(backend_xmin))::bigint
    FROM pg_stat_activity AS session
    WHERE state IN ('active', 'fastpath function call') AND backend_type = 'client backend'
      AND (backend_xid IS NOT NULL OR backend_xmin IS NOT NULL) AND xact_start IS NOT NULL
      AND datname = current_database() AND pid <> pg_backend_pid()
      AND application_name !~ ",
    dumps!(),
    "
      AND NOT EXISTS (SELECT FROM pg_stat_progress_vacuum AS work WHERE work.pid = session.pid)
    ORDER BY xact_start"
);

/// Standbys that say what their own queries still see, and how many transactions old that is. The server knows no time of it.
pub(super) const STANDBYS: &str = "
    SELECT coalesce(nullif(application_name, ''), pid::text), age(backend_xmin)::bigint
    FROM pg_stat_replication WHERE backend_xmin IS NOT NULL ORDER BY 1, 2 DESC";

/// Prepared transactions, and for how many milliseconds they wait.
pub(super) const PREPARED: &str = "
    SELECT gid, owner::text, (extract(epoch FROM clock_timestamp() - prepared) * 1000)::bigint,
           age(transaction)::bigint
    FROM pg_prepared_xacts WHERE database = current_database() ORDER BY prepared";

/// Replication slots that hold old row versions, and how many transactions old those are: of every table, and of the system's
/// catalogues, which is all that one of logical replication holds. One that the server has given up still tells what it held.
pub(super) const SLOTS: &str = "
    SELECT slot_name::text, active, age(xmin)::bigint, age(catalog_xmin)::bigint
    FROM pg_replication_slots AS slot
    WHERE (xmin IS NOT NULL OR catalog_xmin IS NOT NULL) AND wal_status IS DISTINCT FROM 'lost'
      AND to_jsonb(slot) ->> 'invalidation_reason' IS NULL
    ORDER BY 1";

/// Who we are, and how many sessions of others in this database, and standbys, we see nothing of but that they are there.
pub(super) const UNSEEN: &str = "
    SELECT quote_ident(current_user::text),
           (SELECT count(*) FROM pg_stat_activity
            WHERE datname = current_database() AND usesysid IS NOT NULL AND backend_type IS NULL),
           (SELECT count(*) FROM pg_stat_replication WHERE state IS NULL)";

/// Why nobody should be bothered now: a standby that lags so many seconds, or has so many bytes to apply, a backup, another vacuum.
/// Readers of logical replication are no standbys: they tell how far they are as rarely as they like.
pub(super) const BUSY: &str = concat!(
    "
    WITH standbys AS (
        SELECT * FROM pg_stat_replication AS sender
        WHERE NOT EXISTS (SELECT FROM pg_replication_slots AS slot
                          WHERE slot.active_pid = sender.pid AND slot.slot_type = 'logical'))
    SELECT 'the standby ' || coalesce(nullif(application_name, ''), pid::text) || ' lags '
             || round(extract(epoch FROM replay_lag)) || ' s behind'
    FROM standbys WHERE extract(epoch FROM replay_lag) > $1
    UNION ALL
    SELECT 'the standby ' || coalesce(nullif(application_name, ''), pid::text) || ' has '
             || pg_size_pretty(behind.bytes) || ' of the log still to apply'
    FROM standbys, LATERAL (
        SELECT CASE WHEN NOT pg_is_in_recovery()
                    THEN pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn) END AS bytes) AS behind
    WHERE behind.bytes > $2::float8
    UNION ALL
    SELECT 'a base backup is being taken' FROM pg_stat_progress_basebackup
    UNION ALL
    SELECT 'a dump is being taken' FROM pg_stat_activity
    WHERE datname = current_database() AND application_name ~ ",
    dumps!(),
    "
    UNION ALL
    SELECT 'another vacuum is at work' FROM pg_stat_progress_vacuum
    WHERE datname = current_database()
    LIMIT 1"
);
