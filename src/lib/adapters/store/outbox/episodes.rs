//! Which episodes a decision has to look at beside those that are open.

use jiff::Timestamp;
use sqlx::SqliteConnection;

use super::Desk;
use crate::adapters::store::connection::unread;
use crate::adapters::store::read;
use crate::adapters::store::rows::{joined, text_of};
use crate::domain::incident::Incident;
use crate::domain::notice::Notification;
use crate::ports::store::StoreError;

/// How far back incidents are looked at that have ended: whoever was told of one was told of its end long before.
const ENDED: std::time::Duration = std::time::Duration::from_hours(7 * 24);
/// So many episodes are looked back at: more than a day of one every half hour.
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

/// What was told of the episodes that this one is a relapse of, and they of others.
pub(super) async fn before(
    connection: &mut SqliteConnection,
    incident: &Incident,
) -> Result<Vec<Notification>, StoreError> {
    let Some(earlier) = incident.relapse_of.filter(|_| incident.is_active()) else {
        return Ok(Vec::new());
    };
    let (docs,): (Option<String>,) = sqlx::query_as(
        "WITH RECURSIVE episode (id, back) AS (
           SELECT cast($1 AS TEXT), 1
           UNION ALL
           SELECT entity.doc ->> 'relapse_of', episode.back + 1 FROM episode
           JOIN entity ON entity.kind = 'incident' AND entity.id = episode.id
           WHERE entity.doc ->> 'relapse_of' IS NOT NULL AND episode.back < $2)
         SELECT string_agg(notification.doc, ',' ORDER BY notification.created_at, notification.id)
         FROM episode JOIN notification ON notification.about = episode.id",
    )
    .bind(earlier.to_string())
    .bind(i64::from(EPISODES))
    .fetch_one(connection)
    .await
    .map_err(unread)?;
    joined(docs)
}
