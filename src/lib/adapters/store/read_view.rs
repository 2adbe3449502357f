//! The rows that a decision sees.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use sqlx::SqliteConnection;

use super::connection::unread;
use super::rows::{Kind, joined, parsed, text_of};
use super::schema::meta;
use crate::domain::approval::{ASK_AGAIN, Approval};
use crate::domain::incident::{Control, Incident, Remediation};
use crate::domain::run::{Effectiveness, Streak};
use crate::domain::subject::{AgentName, Key};
use crate::ports::store::{LedgerView, Scope, StoreError};

/// Attempts older than this count no more, even where their incident lasts: it bounds what each commit reads.
const ATTEMPTS_COUNT: Duration = Duration::from_hours(90 * 24);

/// Reads the scope's rows, inside the caller's transaction.
pub(super) async fn ledger_view(
    connection: &mut SqliteConnection,
    scope: &Scope,
) -> Result<LedgerView, StoreError> {
    let since = scope.now.checked_sub(scope.recent).unwrap_or(Timestamp::MIN);
    let agent = scope.agent.as_ref();
    Ok(LedgerView {
        active: active(connection, agent).await?,
        resolved: resolved(connection, agent, since).await?,
        remediations: remediations(connection, agent, since, scope.now).await?,
        approvals: approvals(connection, agent, scope.now).await?,
        controls: controls(connection).await?,
        streaks: streaks(connection, agent).await?,
        effectiveness: effectiveness(connection).await?,
        next_incident: next_number(connection, Kind::Incident).await?,
        next_remediation: next_number(connection, Kind::Remediation).await?,
        next_approval: next_number(connection, Kind::Approval).await?,
    })
}

/// Active incidents, oldest number first.
pub(super) async fn active(
    connection: &mut SqliteConnection,
    agent: Option<&AgentName>,
) -> Result<Vec<Incident>, StoreError> {
    let (docs,): (Option<String>,) = sqlx::query_as(
        "SELECT string_agg(doc, ',') FROM entity
         WHERE kind = 'incident' AND closed_at IS NULL AND agent = coalesce($1, agent)",
    )
    .bind(agent.map(AgentName::as_str))
    .fetch_one(connection)
    .await
    .map_err(unread)?;
    // Sorted here and not by the statement, which would move every document once more.
    let mut active: Vec<Incident> = joined(docs)?;
    active.sort_unstable_by_key(|incident| incident.id);
    Ok(active)
}

async fn resolved(
    connection: &mut SqliteConnection,
    agent: Option<&AgentName>,
    since: Timestamp,
) -> Result<Vec<Incident>, StoreError> {
    let (docs,): (Option<String>,) = sqlx::query_as(
        "SELECT string_agg(doc, ',' ORDER BY number) FROM entity
         WHERE kind = 'incident' AND closed_at >= $2 AND agent = coalesce($1, agent)",
    )
    .bind(agent.map(AgentName::as_str))
    .bind(text_of(since))
    .fetch_one(connection)
    .await
    .map_err(unread)?;
    joined(docs)
}

/// The recent ones, and those of active incidents: their attempts count for as long as these last.
async fn remediations(
    connection: &mut SqliteConnection,
    agent: Option<&AgentName>,
    since: Timestamp,
    now: Timestamp,
) -> Result<Vec<Remediation>, StoreError> {
    let (docs,): (Option<String>,) = sqlx::query_as(
        "SELECT string_agg(doc, ',' ORDER BY number) FROM (
           SELECT number, doc FROM entity WHERE kind = 'remediation' AND closed_at IS NULL
           UNION SELECT number, doc FROM entity WHERE kind = 'remediation' AND opened_at >= $1
           UNION SELECT number, doc FROM entity WHERE kind = 'remediation' AND closed_at >= $1
           UNION SELECT number, doc FROM entity AS tried
             WHERE kind = 'remediation' AND opened_at >= $3 AND EXISTS (
               SELECT 1 FROM entity AS active
               WHERE active.kind = 'incident' AND active.closed_at IS NULL
               AND active.id = json_extract(tried.doc, '$.incident')
               AND active.agent = coalesce($2, active.agent))
         ) AS wanted",
    )
    .bind(text_of(since))
    .bind(agent.map(AgentName::as_str))
    .bind(text_of(now.checked_sub(ATTEMPTS_COUNT).unwrap_or(Timestamp::MIN)))
    .fetch_one(connection)
    .await
    .map_err(unread)?;
    joined(docs)
}

/// Requests that are open, that ended of late, or that were denied and whose incident lasts: those a decision may rest on.
async fn approvals(
    connection: &mut SqliteConnection,
    agent: Option<&AgentName>,
    now: Timestamp,
) -> Result<Vec<Approval>, StoreError> {
    let (docs,): (Option<String>,) = sqlx::query_as(
        "SELECT string_agg(doc, ',' ORDER BY number) FROM entity AS asked
         WHERE kind = 'approval' AND agent = coalesce($1, agent) AND (
           closed_at IS NULL OR closed_at >= $2 OR (
             json_extract(doc, '$.state') = 'denied' AND EXISTS (
               SELECT 1 FROM entity AS active
               WHERE active.kind = 'incident' AND active.closed_at IS NULL
               AND active.id = json_extract(asked.doc, '$.ask.incident'))))",
    )
    .bind(agent.map(AgentName::as_str))
    .bind(text_of(now.checked_sub(ASK_AGAIN).unwrap_or(Timestamp::MIN)))
    .fetch_one(connection)
    .await
    .map_err(unread)?;
    joined(docs)
}

/// What people ordered, by key.
pub(super) type Controls = BTreeMap<String, Control>;

/// Every control.
pub(super) async fn controls(connection: &mut SqliteConnection) -> Result<Controls, StoreError> {
    let rows: Vec<(String, String)> =
        sqlx::query_as("SELECT id, doc FROM entity WHERE kind = 'control'")
            .fetch_all(connection)
            .await
            .map_err(unread)?;
    rows.into_iter().map(|(key, doc)| Ok((key, parsed(&doc)?))).collect()
}

async fn streaks(
    connection: &mut SqliteConnection,
    agent: Option<&AgentName>,
) -> Result<BTreeMap<Key, Streak>, StoreError> {
    let rows: Vec<(String, String)> =
        sqlx::query_as("SELECT key, doc FROM streak WHERE agent = coalesce($1, agent)")
            .bind(agent.map(AgentName::as_str))
            .fetch_all(connection)
            .await
            .map_err(unread)?;
    let key = |text: &str| text.parse::<Key>().map_err(|e| StoreError::Read(e.to_string()));
    rows.into_iter().map(|(text, doc)| Ok((key(&text)?, parsed(&doc)?))).collect()
}

/// How often each verb helped, as counted when remediations ended.
pub(super) async fn effectiveness(
    connection: &mut SqliteConnection,
) -> Result<BTreeMap<String, Effectiveness>, StoreError> {
    let rows: Vec<(String, i64, i64)> = sqlx::query_as("SELECT verb, verified, ended FROM tally")
        .fetch_all(connection)
        .await
        .map_err(unread)?;
    let counted = |verified: i64, ended: i64| Effectiveness {
        verified: verified.unsigned_abs(),
        ended: ended.unsigned_abs(),
    };
    Ok(rows.into_iter().map(|(verb, verified, ended)| (verb, counted(verified, ended))).collect())
}

/// Names the smallest number that a kind may use, where earlier ones are known from outside the ledger.
pub(super) const fn floor_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Incident => "next_incident_floor",
        Kind::Remediation => "next_remediation_floor",
        Kind::Approval => "next_approval_floor",
        Kind::Control => "next_control_floor",
    }
}

async fn next_number(connection: &mut SqliteConnection, kind: Kind) -> Result<u64, StoreError> {
    let (last,): (Option<i64>,) = sqlx::query_as("SELECT max(number) FROM entity WHERE kind = $1")
        .bind(kind.as_str())
        .fetch_one(&mut *connection)
        .await
        .map_err(unread)?;
    let floor = meta(connection, floor_name(kind)).await.map_err(unread)?;
    let floor = floor.and_then(|text| text.parse::<u64>().ok()).unwrap_or(1);
    Ok(floor.max(last.unwrap_or(0).unsigned_abs() + 1))
}
