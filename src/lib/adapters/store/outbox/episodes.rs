//! Which episodes a decision has to look at beside those that are open.

use jiff::Timestamp;
use sqlx::SqliteConnection;

use super::{Desk, rows};
use crate::adapters::store::connection::unread;
use crate::adapters::store::read;
use crate::adapters::store::rows::text_of;
use crate::domain::incident::Incident;
use crate::domain::notice::{About, HOUR_BETWEEN, Notification};
use crate::ports::store::StoreError;

/// How far back incidents are looked at that have ended: whoever was told of one was told of its end long before.
const ENDED: std::time::Duration = std::time::Duration::from_hours(7 * 24);
/// So many episodes are looked back at: what relapses within an hour does so at most every minute.
const EPISODES: u32 = 60;

/// Incidents that ended lately and of whose end somebody is still to hear who was told of them, or is about to be.
pub(super) async fn ended(
    connection: &mut SqliteConnection,
    desk: &Desk<'_>,
) -> Result<Vec<Incident>, StoreError> {
    let ids: Vec<(String,)> = sqlx::query_as(
        "SELECT id FROM entity WHERE kind = 'incident' AND closed_at >= $1
         AND EXISTS (
           SELECT 1 FROM notification AS told WHERE told.about = entity.id
           AND (told.finished_at IS NULL OR (
             told.state IN ('sent', 'unknown') AND NOT EXISTS (
               SELECT 1 FROM notification AS over
               WHERE over.about = told.about AND over.route = told.route
               AND over.state IN ('sent', 'unknown') AND over.finished_at IS NOT NULL
               AND over.doc ->> 'kind' = 'recovered'))))",
    )
    .bind(text_of(desk.now.checked_sub(ENDED).unwrap_or(Timestamp::MIN)))
    .fetch_all(&mut *connection)
    .await
    .map_err(unread)?;
    let mut found = Vec::new();
    for (id,) in ids {
        if let Ok(id) = id.parse() {
            found.extend(read::incident(connection, id).await?);
        }
    }
    Ok(found)
}

/// What was told of the episodes that this one is a relapse of, as far back as that keeps two alerts apart.
pub(super) async fn before(
    connection: &mut SqliteConnection,
    desk: &Desk<'_>,
    incident: &Incident,
) -> Result<Vec<Notification>, StoreError> {
    let mut found = Vec::new();
    let mut earlier = incident.relapse_of.filter(|_| incident.is_active());
    for _ in 0..EPISODES {
        let Some(id) = earlier else { break };
        found.extend(rows::about(connection, &About::Incident(id)).await?);
        let episode = read::incident(connection, id).await?;
        let long_ago = desk.now.checked_sub(HOUR_BETWEEN).unwrap_or(Timestamp::MIN);
        let lately = |one: &Incident| one.ended_at().is_some_and(|at| at > long_ago);
        earlier = episode.filter(lately).and_then(|one| one.relapse_of);
    }
    Ok(found)
}
