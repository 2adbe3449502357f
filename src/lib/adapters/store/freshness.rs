//! How agents ran lately.

use jiff::Timestamp;
use sqlx::SqliteConnection;

use super::connection::unread;
use super::read_view::controls;
use super::rows::parsed;
use crate::domain::freshness::{History, PastRun};
use crate::domain::incident::control;
use crate::domain::run::AgentRun;
use crate::domain::view::RosterEntry;
use crate::ports::store::StoreError;

/// So many runs of each agent are told of.
const RUNS: i64 = 100;

/// How every agent of the roster ran lately.
pub(super) async fn histories(
    connection: &mut SqliteConnection,
    roster: &[RosterEntry],
    now: Timestamp,
) -> Result<Vec<History>, StoreError> {
    let (began,): (Option<String>,) = sqlx::query_as("SELECT min(started_at) FROM agent_run")
        .fetch_one(&mut *connection)
        .await
        .map_err(unread)?;
    let began = began.and_then(|at| at.parse().ok());
    let controls = controls(connection).await?;
    let is_on = |key: &str| controls.get(key).is_some_and(|one| one.applies(now));
    let mut found = Vec::with_capacity(roster.len());
    for entry in roster {
        let agent = entry.agent.as_str();
        let docs: Vec<(String,)> = sqlx::query_as(
            "SELECT doc FROM agent_run WHERE agent = $1 AND state NOT IN ('skipped', 'missed')
             ORDER BY started_at DESC, id DESC LIMIT $2",
        )
        .bind(agent)
        .bind(RUNS)
        .fetch_all(&mut *connection)
        .await
        .map_err(unread)?;
        let (well,): (Option<String>,) = sqlx::query_as(
            "SELECT max(ended_at) FROM agent_run WHERE agent = $1 AND state IN ('ok', 'findings')",
        )
        .bind(agent)
        .fetch_one(&mut *connection)
        .await
        .map_err(unread)?;
        let runs: Result<Vec<AgentRun>, StoreError> =
            docs.iter().map(|(doc,)| parsed(doc)).collect();
        let past = |run: AgentRun| PastRun {
            started_at: run.started_at,
            ended_at: run.ended_at,
            state: run.state,
        };
        found.push(History {
            agent: entry.agent.clone(),
            cron: entry.schedule.expression().to_owned(),
            zone: entry.schedule.zone().to_owned(),
            enabled: entry.enabled
                && !control::suspensions_of(&entry.agent).iter().any(|key| is_on(key)),
            began,
            last_well: well.and_then(|at| at.parse().ok()),
            runs: runs?.into_iter().map(past).collect(),
        });
    }
    Ok(found)
}
