//! Tables, triggers and views.

use sqlx::{AssertSqlSafe, SqliteConnection};

/// The version of the tables.
pub(super) const VERSION: u64 = 1;

/// Times are text of fixed width (`2026-01-02T03:04:05.678Z`), so that they sort as they stand.
const STATEMENTS: &[&str] = &[
    "CREATE TABLE meta (key TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL)",
    "CREATE TABLE event (
        seq BIGINT PRIMARY KEY NOT NULL, id TEXT NOT NULL UNIQUE, at TEXT NOT NULL,
        recorded_at TEXT NOT NULL, type TEXT NOT NULL, environment TEXT NOT NULL, host TEXT NOT NULL,
        actor TEXT NOT NULL, run TEXT, subject TEXT NOT NULL, priority TEXT NOT NULL,
        message TEXT NOT NULL, data TEXT NOT NULL, prev_hash TEXT NOT NULL, hash TEXT NOT NULL)",
    "CREATE INDEX event_subject ON event (subject, seq)",
    "CREATE TRIGGER event_is_never_updated BEFORE UPDATE ON event
        BEGIN SELECT RAISE(ABORT, 'events are never updated'); END",
    "CREATE TRIGGER event_is_never_deleted BEFORE DELETE ON event
        BEGIN SELECT RAISE(ABORT, 'events are never deleted'); END",
    "CREATE TABLE entity (
        kind TEXT NOT NULL, id TEXT NOT NULL, number BIGINT NOT NULL, live_key TEXT, agent TEXT,
        opened_at TEXT NOT NULL, closed_at TEXT, doc TEXT NOT NULL,
        PRIMARY KEY (kind, id), UNIQUE (kind, live_key))",
    "CREATE INDEX entity_number ON entity (kind, number)",
    "CREATE INDEX entity_opened ON entity (kind, opened_at)",
    "CREATE INDEX entity_closed ON entity (kind, closed_at)",
    "CREATE INDEX entity_agent ON entity (kind, agent, closed_at)",
    "CREATE TABLE tally (
        verb TEXT PRIMARY KEY NOT NULL, verified BIGINT NOT NULL, ended BIGINT NOT NULL)",
    "CREATE TABLE agent_run (
        id TEXT PRIMARY KEY NOT NULL, agent TEXT NOT NULL, trigger_word TEXT NOT NULL,
        scope TEXT NOT NULL, epoch BIGINT NOT NULL, slot TEXT, slot_until TEXT, slots BIGINT,
        attempt BIGINT NOT NULL, token BIGINT, owner TEXT NOT NULL, lease_until TEXT,
        started_at TEXT NOT NULL, ended_at TEXT, late_ms BIGINT, exit BIGINT, usage TEXT NOT NULL,
        counts TEXT NOT NULL, state TEXT NOT NULL, doc TEXT NOT NULL)",
    // One claim for each attempt at a slot.
    "CREATE UNIQUE INDEX IF NOT EXISTS agent_run_attempt ON agent_run (agent, scope, epoch, slot, attempt)
        WHERE slot IS NOT NULL",
    "CREATE TABLE IF NOT EXISTS timetable (
        agent TEXT NOT NULL, scope TEXT NOT NULL, epoch BIGINT NOT NULL, schedule TEXT NOT NULL,
        since TEXT NOT NULL, PRIMARY KEY (agent, scope))",
    "CREATE INDEX agent_run_started ON agent_run (agent, started_at)",
    "CREATE INDEX agent_run_time ON agent_run (started_at)",
    "CREATE INDEX agent_run_state ON agent_run (agent, state)",
    "CREATE TABLE last_seen (
        agent TEXT NOT NULL, check_id TEXT NOT NULL, at TEXT NOT NULL,
        PRIMARY KEY (agent, check_id))",
    "CREATE TABLE streak (key TEXT PRIMARY KEY NOT NULL, agent TEXT NOT NULL, doc TEXT NOT NULL)",
    "CREATE INDEX streak_agent ON streak (agent)",
    "CREATE TABLE sample (
        agent TEXT NOT NULL, series TEXT NOT NULL, subject TEXT NOT NULL, at TEXT NOT NULL,
        value TEXT NOT NULL, PRIMARY KEY (agent, series, subject, at))",
    "CREATE TABLE decision (
        key TEXT NOT NULL, at TEXT NOT NULL, run TEXT NOT NULL, doc TEXT NOT NULL,
        PRIMARY KEY (key, at, run))",
    "CREATE INDEX decision_at ON decision (at)",
    "CREATE TABLE IF NOT EXISTS notification (
        id TEXT PRIMARY KEY NOT NULL, route TEXT NOT NULL, channel TEXT NOT NULL,
        about TEXT NOT NULL, state TEXT NOT NULL, created_at TEXT NOT NULL, finished_at TEXT,
        doc TEXT NOT NULL)",
    "CREATE INDEX IF NOT EXISTS notification_about ON notification (about, created_at)",
    "CREATE INDEX IF NOT EXISTS notification_finished ON notification (finished_at, created_at)",
    "CREATE TABLE IF NOT EXISTS channel (name TEXT PRIMARY KEY NOT NULL, doc TEXT NOT NULL)",
    "CREATE VIEW incidents AS SELECT id, json_extract(doc, '$.key') AS key,
        json_extract(doc, '$.severity') AS severity, json_extract(doc, '$.message') AS message,
        opened_at, closed_at, json_extract(doc, '$.attempts') AS attempts,
        json_extract(doc, '$.escalated.reason') AS escalated,
        json_extract(doc, '$.resolved.resolution') AS resolution,
        json_extract(doc, '$.resolved.proof') AS proof
        FROM entity WHERE kind = 'incident'",
    "CREATE VIEW remediations AS SELECT id, json_extract(doc, '$.incident') AS incident,
        json_extract(doc, '$.key') AS key, json_extract(doc, '$.state') AS state,
        json_extract(doc, '$.operation') AS operation, json_extract(doc, '$.attempt') AS attempt,
        opened_at AS intended_at, closed_at AS finished_at,
        json_extract(doc, '$.outcome') AS outcome
        FROM entity WHERE kind = 'remediation'",
    APPROVALS,
    "CREATE VIEW controls AS SELECT id AS key, json_extract(doc, '$.on') AS is_on,
        json_extract(doc, '$.reason') AS reason, json_extract(doc, '$.set_by') AS set_by,
        opened_at AS set_at, json_extract(doc, '$.expires_at') AS expires_at
        FROM entity WHERE kind = 'control'",
];

/// Requests for people who query the ledger; ledgers that were made before requests existed get it when they are opened.
const APPROVALS: &str = "CREATE VIEW IF NOT EXISTS approvals AS
    SELECT id, json_extract(doc, '$.ask.incident') AS incident,
    json_extract(doc, '$.ask.proposal.key') AS key, json_extract(doc, '$.state') AS state,
    json_extract(doc, '$.ask.proposal.operation') AS operation,
    json_extract(doc, '$.digest') AS digest, opened_at AS requested_at, closed_at AS ended_at,
    json_extract(doc, '$.expires_at') AS expires_at,
    json_extract(doc, '$.decided.by') AS decided_by,
    json_extract(doc, '$.decided.reason') AS reason
    FROM entity WHERE kind = 'approval'";

/// Adds the views that a ledger of an earlier day lacks.
pub(super) async fn complete_views(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    sqlx::query(APPROVALS).execute(connection).await.map(drop)
}

/// What ledgers of an earlier day have that stands in the way of today's rows: a slot once had one row, and has one for each
/// attempt now.
const RETIRED: &[&str] = &["DROP INDEX IF EXISTS agent_run_slot"];

/// The triggers that keep events as they were written, as they were created.
pub(super) fn triggers() -> impl Iterator<Item = &'static str> {
    STATEMENTS.iter().copied().filter(|statement| statement.starts_with("CREATE TRIGGER"))
}

/// Adds what ledgers of this version lack that were begun before it was there. An older program of the same version goes
/// on beside it: it neither asks for these tables nor minds them. Each statement may be the last one of a process that is
/// killed: the next open goes on.
pub(super) async fn complete(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    let added = STATEMENTS.iter().filter(|statement| statement.contains("IF NOT EXISTS"));
    let all: Vec<&str> = added.chain(RETIRED).copied().collect();
    sqlx::raw_sql(AssertSqlSafe(all.join(";\n"))).execute(connection).await.map(drop)
}

/// Creates everything, inside the caller's transaction.
pub(super) async fn create(
    connection: &mut SqliteConnection,
    ledger_id: &str,
) -> Result<(), sqlx::Error> {
    for statement in STATEMENTS {
        sqlx::query(*statement).execute(&mut *connection).await?;
    }
    set_meta(connection, "ledger_id", ledger_id).await?;
    set_meta(connection, "version", &VERSION.to_string()).await
}

/// A value that the ledger keeps about itself.
pub(super) async fn meta(
    connection: &mut SqliteConnection,
    key: &str,
) -> Result<Option<String>, sqlx::Error> {
    let row: Option<(String,)> = sqlx::query_as("SELECT value FROM meta WHERE key = $1")
        .bind(key)
        .fetch_optional(connection)
        .await?;
    Ok(row.map(|(value,)| value))
}

/// Sets such a value.
pub(super) async fn set_meta(
    connection: &mut SqliteConnection,
    key: &str,
    value: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO meta (key, value) VALUES ($1, $2)
         ON CONFLICT (key) DO UPDATE SET value = excluded.value",
    )
    .bind(key)
    .bind(value)
    .execute(connection)
    .await?;
    Ok(())
}
