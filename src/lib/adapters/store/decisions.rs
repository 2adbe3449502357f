//! Rulings as rows: of each finding those that changed, for a time; the newest stays.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use super::connection::{unread, unwritten};
use super::rows::{AT_ONCE, before, doc_of, parsed, text_of};
use crate::domain::run::{Decision, Ruling};
use crate::ports::store::StoreError;

/// How long rulings are kept.
const DECISIONS_KEPT: Duration = Duration::from_hours(30 * 24);

/// Keeps those that say something else than the last one on their finding: few statements, however many rulings.
pub(super) async fn decide(
    connection: &mut SqliteConnection,
    decisions: &[&Decision],
) -> Result<(), StoreError> {
    let Some(now) = decisions.iter().map(|decision| decision.at).max() else { return Ok(()) };
    let mut latest = latest(connection, decisions).await?;
    let mut news: BTreeMap<(String, Timestamp, &str), &Decision> = BTreeMap::new();
    for decision in decisions {
        let key = decision.key.to_string();
        if latest.get(&key) != Some(&decision.ruling) {
            latest.insert(key.clone(), decision.ruling.clone());
            news.insert((key, decision.at, &decision.run.0), decision);
        }
    }
    if news.is_empty() {
        return Ok(());
    }
    insert(connection, &news.into_values().collect::<Vec<_>>()).await?;
    // The newest of a finding counts, however old it is.
    sqlx::query(
        "DELETE FROM decision WHERE at < $1 AND EXISTS (
           SELECT 1 FROM decision AS newer
           WHERE newer.key = decision.key AND newer.at > decision.at)",
    )
    .bind(text_of(before(now, DECISIONS_KEPT)))
    .execute(connection)
    .await
    .map_err(unwritten)?;
    Ok(())
}

/// The last ruling on each of their findings.
async fn latest(
    connection: &mut SqliteConnection,
    decisions: &[&Decision],
) -> Result<BTreeMap<String, Ruling>, StoreError> {
    let mut latest = BTreeMap::new();
    for part in decisions.chunks(AT_ONCE) {
        let mut statement = QueryBuilder::<Sqlite>::new(
            "SELECT key, doc FROM decision AS kept WHERE NOT EXISTS (
               SELECT 1 FROM decision AS newer WHERE newer.key = kept.key AND (
                 newer.at > kept.at OR (newer.at = kept.at AND newer.run > kept.run)))
             AND key IN (",
        );
        let mut keys = statement.separated(", ");
        for decision in part {
            keys.push_bind(decision.key.to_string());
        }
        statement.push(")");
        let rows: Vec<(String, String)> =
            statement.build_query_as().fetch_all(&mut *connection).await.map_err(unread)?;
        for (key, doc) in rows {
            latest.insert(key, parsed::<Decision>(&doc)?.ruling);
        }
    }
    Ok(latest)
}

async fn insert(connection: &mut SqliteConnection, news: &[&Decision]) -> Result<(), StoreError> {
    for part in news.chunks(AT_ONCE) {
        let docs: Vec<String> = part.iter().map(doc_of).collect::<Result<_, _>>()?;
        let mut statement =
            QueryBuilder::<Sqlite>::new("INSERT INTO decision (key, at, run, doc) ");
        statement.push_values(part.iter().zip(&docs), |mut columns, (decision, doc)| {
            columns
                .push_bind(decision.key.to_string())
                .push_bind(text_of(decision.at))
                .push_bind(&decision.run.0)
                .push_bind(doc);
        });
        statement.push(" ON CONFLICT (key, at, run) DO UPDATE SET doc = excluded.doc");
        statement.build().execute(&mut *connection).await.map_err(unwritten)?;
    }
    Ok(())
}
