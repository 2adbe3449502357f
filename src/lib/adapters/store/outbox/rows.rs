//! Notifications and channels as rows: documents with the columns that questions are asked by.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use crate::adapters::store::connection::{unread, unwritten};
use crate::adapters::store::rows::{AT_ONCE, doc_of, joined, parsed, text_of};
use crate::domain::incident::Incident;
use crate::domain::notice::{About, ChannelState, Notification, NotificationState};
use crate::ports::store::StoreError;

/// Notifications that are over are kept for so long; those of incidents that are not, longer.
const KEPT: std::time::Duration = std::time::Duration::from_hours(90 * 24);

/// Writes a notification in place of what was there.
pub(super) async fn save(
    connection: &mut SqliteConnection,
    one: &Notification,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO notification (id, route, channel, about, state, created_at, finished_at, doc)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT (id) DO UPDATE SET state = excluded.state,
         finished_at = excluded.finished_at, doc = excluded.doc",
    )
    .bind(&one.id)
    .bind(&one.route)
    .bind(&one.channel)
    .bind(one.about.to_string())
    .bind(one.state.as_str())
    .bind(text_of(one.created_at))
    .bind(one.finished_at.map(text_of))
    .bind(doc_of(one)?)
    .execute(connection)
    .await
    .map_err(unwritten)?;
    Ok(())
}

/// Everything about one thing.
pub(super) async fn about(
    connection: &mut SqliteConnection,
    about: &About,
) -> Result<Vec<Notification>, StoreError> {
    let (docs,): (Option<String>,) = sqlx::query_as(
        "SELECT string_agg(doc, ',' ORDER BY created_at, id) FROM notification WHERE about = $1",
    )
    .bind(about.to_string())
    .fetch_one(connection)
    .await
    .map_err(unread)?;
    joined(docs)
}

/// What was ever told about each of these incidents, oldest first.
pub(super) async fn about_each(
    connection: &mut SqliteConnection,
    incidents: &[Incident],
) -> Result<BTreeMap<String, Vec<Notification>>, StoreError> {
    let mut told: BTreeMap<String, Vec<Notification>> = BTreeMap::new();
    for part in incidents.chunks(AT_ONCE) {
        let mut statement = QueryBuilder::<Sqlite>::new(
            "SELECT string_agg(doc, ',' ORDER BY created_at, id) FROM notification WHERE about IN (",
        );
        let mut names = statement.separated(", ");
        for incident in part {
            names.push_bind(About::Incident(incident.id).to_string());
        }
        statement.push(")");
        let (docs,): (Option<String>,) =
            statement.build_query_as().fetch_one(&mut *connection).await.map_err(unread)?;
        for one in joined::<Notification>(docs)? {
            told.entry(one.about.to_string()).or_default().push(one);
        }
    }
    Ok(told)
}

/// What stands in the place of what a notification is about that cannot be read: no question finds it.
const UNREADABLE: &str = "unreadable";

/// Everything that is not over, oldest first. What cannot be read is put aside: one such notification must not keep people
/// from hearing of everything else. The channels that those were for, each with why.
pub(super) async fn readable(
    connection: &mut SqliteConnection,
    now: Timestamp,
) -> Result<(Vec<Notification>, Vec<(String, String)>), StoreError> {
    let rows: Vec<(String, String, String)> = sqlx::query_as(
        "SELECT id, channel, doc FROM notification WHERE finished_at IS NULL ORDER BY created_at, id",
    )
    .fetch_all(&mut *connection)
    .await
    .map_err(unread)?;
    let (mut open, mut aside) = (Vec::with_capacity(rows.len()), Vec::new());
    for (id, channel, doc) in rows {
        let error = match parsed(&doc) {
            Ok(row) => {
                open.push(row);
                continue;
            }
            Err(error) => error,
        };
        let state = NotificationState::Dead.as_str();
        sqlx::query(
            "UPDATE notification SET about = $1, state = $2, finished_at = $3 WHERE id = $4",
        )
        .bind(UNREADABLE)
        .bind(state)
        .bind(text_of(now))
        .bind(&id)
        .execute(&mut *connection)
        .await
        .map_err(unwritten)?;
        aside.push((channel, format!("notification {id} cannot be read: {error}")));
    }
    Ok((open, aside))
}

/// Everything that is not over, oldest first.
pub(super) async fn open(
    connection: &mut SqliteConnection,
) -> Result<Vec<Notification>, StoreError> {
    let rows: Vec<(String,)> = sqlx::query_as(
        "SELECT doc FROM notification WHERE finished_at IS NULL ORDER BY created_at, id",
    )
    .fetch_all(connection)
    .await
    .map_err(unread)?;
    rows.iter().map(|(doc,)| parsed(doc)).collect()
}

/// The newest, about one thing or about everything.
pub(super) async fn listed(
    connection: &mut SqliteConnection,
    about: Option<&str>,
    limit: u32,
) -> Result<Vec<Notification>, StoreError> {
    let rows: Vec<(String,)> = sqlx::query_as(
        "SELECT doc FROM notification WHERE about = coalesce($1, about) AND about <> $3
         ORDER BY created_at DESC, id DESC LIMIT $2",
    )
    .bind(about)
    .bind(i64::from(limit))
    .bind(UNREADABLE)
    .fetch_all(connection)
    .await
    .map_err(unread)?;
    rows.iter().map(|(doc,)| parsed(doc)).collect()
}

/// The newest of one route about one thing that was not suppressed.
pub(super) async fn newest(
    connection: &mut SqliteConnection,
    route: &str,
    about: &About,
) -> Result<Option<Notification>, StoreError> {
    let row: Option<(String,)> = sqlx::query_as(
        "SELECT doc FROM notification WHERE route = $1 AND about = $2 AND state <> $3
         ORDER BY created_at DESC, id DESC LIMIT 1",
    )
    .bind(route)
    .bind(about.to_string())
    .bind(NotificationState::Suppressed.as_str())
    .fetch_optional(connection)
    .await
    .map_err(unread)?;
    row.map(|(doc,)| parsed(&doc)).transpose()
}

/// Forgets what was over long ago, and is about nothing that goes on.
pub(super) async fn forget(
    connection: &mut SqliteConnection,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query(
        "DELETE FROM notification WHERE finished_at < $1 AND NOT EXISTS (
           SELECT 1 FROM entity WHERE entity.kind = 'incident'
           AND entity.id = notification.about AND entity.closed_at IS NULL)",
    )
    .bind(text_of(now.checked_sub(KEPT).unwrap_or(Timestamp::MIN)))
    .execute(connection)
    .await
    .map_err(unwritten)?;
    Ok(())
}

/// How every channel has fared that was ever used.
pub(super) async fn channels(
    connection: &mut SqliteConnection,
) -> Result<Vec<ChannelState>, StoreError> {
    let rows: Vec<(String,)> = sqlx::query_as("SELECT doc FROM channel ORDER BY name")
        .fetch_all(connection)
        .await
        .map_err(unread)?;
    rows.iter().map(|(doc,)| parsed(doc)).collect()
}

/// How one has fared.
pub(super) async fn channel(
    connection: &mut SqliteConnection,
    name: &str,
) -> Result<ChannelState, StoreError> {
    let row: Option<(String,)> = sqlx::query_as("SELECT doc FROM channel WHERE name = $1")
        .bind(name)
        .fetch_optional(connection)
        .await
        .map_err(unread)?;
    let fresh = || ChannelState { name: name.to_owned(), ..ChannelState::default() };
    row.map_or_else(|| Ok(fresh()), |(doc,)| parsed(&doc))
}

/// Writes down how one has fared.
pub(super) async fn save_channel(
    connection: &mut SqliteConnection,
    channel: &ChannelState,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO channel (name, doc) VALUES ($1, $2)
         ON CONFLICT (name) DO UPDATE SET doc = excluded.doc",
    )
    .bind(&channel.name)
    .bind(doc_of(channel)?)
    .execute(connection)
    .await
    .map_err(unwritten)?;
    Ok(())
}
