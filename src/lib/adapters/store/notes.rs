//! The operational tables: rows that no event governs. Each is bounded by a rule of its own.

use std::time::Duration;

use jiff::Timestamp;
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use super::connection::unwritten;
use super::decisions::decide;
use super::rows::{AT_ONCE, before, doc_of, text_of};
use crate::domain::diagnosis::Sample;
use crate::domain::run::{AgentRun, Streak};
use crate::domain::subject::{AgentName, CheckId, Key};
use crate::ports::store::{Note, StoreError};

/// How long runs are kept; the newest of each agent stays.
const RUNS_KEPT: Duration = Duration::from_hours(90 * 24);

/// Writes notes, those about rulings together.
pub(super) async fn write(
    connection: &mut SqliteConnection,
    notes: &[Note],
) -> Result<(), StoreError> {
    let mut decisions = Vec::new();
    for note in notes {
        match note {
            Note::Run(run) => write_run(connection, run).await?,
            Note::Seen { agent, checks, at } => {
                of_checks(connection, ANSWERED, agent, checks, *at).await?;
            }
            Note::Awaited { agent, checks, since } => {
                of_checks(connection, AWAITED, agent, checks, *since).await?;
            }
            Note::Streak { key, streak: Some(streak) } => {
                keep_streak(connection, key, streak).await?;
            }
            Note::Streak { key, streak: None } => forget_streak(connection, key).await?,
            Note::Sample { agent, sample, keep } => {
                keep_sample(connection, agent, sample, *keep).await?;
            }
            Note::Decision(decision) => decisions.push(decision.as_ref()),
        }
    }
    decide(connection, &decisions).await
}

pub(super) async fn write_run(
    connection: &mut SqliteConnection,
    run: &AgentRun,
) -> Result<(), StoreError> {
    let number = |wide: u64| i64::try_from(wide).unwrap_or(i64::MAX);
    sqlx::query(
        "INSERT INTO agent_run (id, agent, trigger_word, scope, epoch, slot, attempt, token, owner,
         lease_until, started_at, ended_at, late_ms, exit, usage, counts, state, doc, slot_until,
         slots)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18,
         $19, $20)
         ON CONFLICT (id) DO UPDATE SET attempt = excluded.attempt, token = excluded.token,
         owner = excluded.owner, lease_until = excluded.lease_until,
         started_at = excluded.started_at, ended_at = excluded.ended_at,
         late_ms = excluded.late_ms, exit = excluded.exit, usage = excluded.usage,
         counts = excluded.counts, state = excluded.state, doc = excluded.doc",
    )
    .bind(&run.id.0)
    .bind(run.agent.as_str())
    .bind(run.trigger.as_str())
    .bind(&run.scope)
    .bind(number(run.epoch))
    .bind(run.slot.map(text_of))
    .bind(i64::from(run.attempt))
    .bind(run.token.map(number))
    .bind(&run.owner)
    .bind(run.lease_until.map(text_of))
    .bind(text_of(run.started_at))
    .bind(run.ended_at.map(text_of))
    .bind(run.late_ms)
    .bind(run.exit.map(i64::from))
    .bind(doc_of(&run.usage)?)
    .bind(doc_of(&run.counts)?)
    .bind(run.state.as_str())
    .bind(doc_of(run)?)
    .bind(run.slot_until.map(text_of))
    .bind(run.slots.map(number))
    .execute(&mut *connection)
    .await
    .map_err(unwritten)?;
    forget_old_runs(connection, run.started_at).await
}

async fn forget_old_runs(
    connection: &mut SqliteConnection,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query(
        "DELETE FROM agent_run WHERE started_at < $1 AND state <> 'running' AND EXISTS (
           SELECT 1 FROM agent_run AS newer
           WHERE newer.agent = agent_run.agent AND newer.started_at > agent_run.started_at)",
    )
    .bind(text_of(before(now, RUNS_KEPT)))
    .execute(connection)
    .await
    .map_err(unwritten)?;
    Ok(())
}

/// Notes for each check when it gave its last answer.
const ANSWERED: &str = " ON CONFLICT (agent, check_id) DO UPDATE SET at = excluded.at";
/// Notes for each check that never gave an answer since when one is waited for.
const AWAITED: &str = " ON CONFLICT (agent, check_id) DO NOTHING";

async fn of_checks(
    connection: &mut SqliteConnection,
    where_noted: &'static str,
    agent: &AgentName,
    checks: &[CheckId],
    at: Timestamp,
) -> Result<(), StoreError> {
    for part in checks.chunks(AT_ONCE) {
        let mut statement =
            QueryBuilder::<Sqlite>::new("INSERT INTO last_seen (agent, check_id, at) ");
        statement.push_values(part, |mut columns, check| {
            columns.push_bind(agent.as_str()).push_bind(check.as_str()).push_bind(text_of(at));
        });
        statement.push(where_noted);
        statement.build().execute(&mut *connection).await.map_err(unwritten)?;
    }
    Ok(())
}

async fn keep_streak(
    connection: &mut SqliteConnection,
    key: &Key,
    streak: &Streak,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO streak (key, agent, doc) VALUES ($1, $2, $3)
         ON CONFLICT (key) DO UPDATE SET doc = excluded.doc",
    )
    .bind(key.to_string())
    .bind(key.agent.as_str())
    .bind(doc_of(streak)?)
    .execute(connection)
    .await
    .map_err(unwritten)?;
    Ok(())
}

async fn forget_streak(connection: &mut SqliteConnection, key: &Key) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM streak WHERE key = $1")
        .bind(key.to_string())
        .execute(connection)
        .await
        .map_err(unwritten)?;
    Ok(())
}

async fn keep_sample(
    connection: &mut SqliteConnection,
    agent: &AgentName,
    sample: &Sample,
    keep: u32,
) -> Result<(), StoreError> {
    let subject = sample.subject.to_string();
    // What lies in the future was kept by a clock that has been set back since; it would outlive every new value.
    sqlx::query("DELETE FROM sample WHERE agent = $1 AND series = $2 AND subject = $3 AND at > $4")
        .bind(agent.as_str())
        .bind(&sample.series)
        .bind(&subject)
        .bind(text_of(sample.at))
        .execute(&mut *connection)
        .await
        .map_err(unwritten)?;
    sqlx::query(
        "INSERT INTO sample (agent, series, subject, at, value) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (agent, series, subject, at) DO UPDATE SET value = excluded.value",
    )
    .bind(agent.as_str())
    .bind(&sample.series)
    .bind(&subject)
    .bind(text_of(sample.at))
    .bind(doc_of(&sample.value)?)
    .execute(&mut *connection)
    .await
    .map_err(unwritten)?;
    sqlx::query(
        "DELETE FROM sample WHERE agent = $1 AND series = $2 AND subject = $3 AND at <= (
           SELECT at FROM sample WHERE agent = $1 AND series = $2 AND subject = $3
           ORDER BY at DESC LIMIT 1 OFFSET $4)",
    )
    .bind(agent.as_str())
    .bind(&sample.series)
    .bind(&subject)
    .bind(i64::from(keep))
    .execute(connection)
    .await
    .map_err(unwritten)?;
    Ok(())
}
