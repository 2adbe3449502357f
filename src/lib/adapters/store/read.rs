//! Questions that people and agents ask: single statements over documents.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use sqlx::SqliteConnection;

use super::connection::unread;
use super::event_row::{EventColumns, EventRow};
use super::read_view::{active, effectiveness};
use super::rows::{Kind, doc_by_id, joined, parsed, text_of};
use crate::domain::approval::Approval;
use crate::domain::diagnosis::Sample;
use crate::domain::event::RecordedEvent;
use crate::domain::incident::{Incident, IncidentId, Remediation, RunId};
use crate::domain::run::{AgentRun, Decision, LastSeen, Recall};
use crate::domain::subject::{AgentName, CheckId, Key, Subject};
use crate::ports::store::{RunQuery, StoreError};

type Docs = (Option<String>,);

/// What an agent may know of its past.
pub(super) async fn recall(
    connection: &mut SqliteConnection,
    agent: &AgentName,
    series: &[(&'static str, u32)],
) -> Result<Recall, StoreError> {
    let mut recalled = BTreeMap::new();
    for (name, keep) in series {
        recalled.insert((*name).to_owned(), samples(connection, agent, name, *keep).await?);
    }
    Ok(Recall {
        acted: Vec::new(),
        histories: Vec::new(),
        incidents: active(connection, Some(agent)).await?,
        series: recalled,
        remedies: effectiveness(connection).await?,
    })
}

async fn samples(
    connection: &mut SqliteConnection,
    agent: &AgentName,
    series: &str,
    keep: u32,
) -> Result<BTreeMap<Subject, Vec<Sample>>, StoreError> {
    let rows: Vec<(String, String, String)> = sqlx::query_as(
        "SELECT subject, at, value FROM (
           SELECT subject, at, value,
             row_number() OVER (PARTITION BY subject ORDER BY at DESC) AS place
           FROM sample WHERE agent = $1 AND series = $2) AS ranked
         WHERE place <= $3 ORDER BY subject, at DESC",
    )
    .bind(agent.as_str())
    .bind(series)
    .bind(i64::from(keep))
    .fetch_all(connection)
    .await
    .map_err(unread)?;
    let mut by_subject: BTreeMap<Subject, Vec<Sample>> = BTreeMap::new();
    for (subject, at, value) in rows {
        let subject: Subject = subject.parse().map_err(not_understood)?;
        let at = at.parse().map_err(not_understood)?;
        let sample = Sample {
            series: series.to_owned(),
            subject: subject.clone(),
            at,
            value: parsed(&value)?,
        };
        by_subject.entry(subject).or_default().push(sample);
    }
    Ok(by_subject)
}

fn not_understood(error: impl std::fmt::Display) -> StoreError {
    StoreError::Read(format!("a stored value is not understood: {error}"))
}

/// Runs, newest first.
pub(super) async fn runs(
    connection: &mut SqliteConnection,
    query: &RunQuery,
) -> Result<Vec<AgentRun>, StoreError> {
    let (docs,): Docs = sqlx::query_as(
        "SELECT string_agg(doc, ',' ORDER BY started_at DESC, id DESC) FROM (
           SELECT doc, started_at, id FROM agent_run WHERE agent = coalesce($1, agent)
           ORDER BY started_at DESC, id DESC LIMIT $2) AS newest",
    )
    .bind(query.agent.as_ref().map(AgentName::as_str))
    .bind(i64::from(query.limit))
    .fetch_one(connection)
    .await
    .map_err(unread)?;
    joined(docs)
}

/// Runs of an agent that are marked running, other than `current`.
pub(super) async fn unfinished_runs(
    connection: &mut SqliteConnection,
    agent: &AgentName,
    current: &RunId,
) -> Result<Vec<AgentRun>, StoreError> {
    let (docs,): Docs = sqlx::query_as(
        "SELECT string_agg(doc, ',' ORDER BY started_at, id) FROM agent_run
         WHERE agent = $1 AND state = 'running' AND id <> $2",
    )
    .bind(agent.as_str())
    .bind(&current.0)
    .fetch_one(connection)
    .await
    .map_err(unread)?;
    joined(docs)
}

/// One incident.
pub(super) async fn incident(
    connection: &mut SqliteConnection,
    id: IncidentId,
) -> Result<Option<Incident>, StoreError> {
    let doc = doc_by_id(connection, Kind::Incident, &id.to_string()).await.map_err(unread)?;
    doc.map(|doc| parsed(&doc)).transpose()
}

/// The newest of the incidents that were resolved since `since`.
pub(super) async fn resolved_since(
    connection: &mut SqliteConnection,
    since: Timestamp,
    limit: u32,
) -> Result<Vec<Incident>, StoreError> {
    let (docs,): Docs = sqlx::query_as(
        "SELECT string_agg(doc, ',' ORDER BY closed_at DESC, number DESC) FROM (
           SELECT doc, closed_at, number FROM entity
           WHERE kind = 'incident' AND closed_at >= $1
           ORDER BY closed_at DESC, number DESC LIMIT $2) AS newest",
    )
    .bind(text_of(since))
    .bind(i64::from(limit))
    .fetch_one(connection)
    .await
    .map_err(unread)?;
    joined(docs)
}

/// Remediations, newest first.
pub(super) async fn remediations(
    connection: &mut SqliteConnection,
    incident: Option<IncidentId>,
    limit: u32,
) -> Result<Vec<Remediation>, StoreError> {
    let Some(incident) = incident else {
        let (docs,): Docs = sqlx::query_as(
            "SELECT string_agg(doc, ',' ORDER BY number DESC) FROM (
               SELECT doc, number FROM entity WHERE kind = 'remediation'
               ORDER BY number DESC LIMIT $1) AS newest",
        )
        .bind(i64::from(limit))
        .fetch_one(connection)
        .await
        .map_err(unread)?;
        return joined(docs);
    };
    // The events of an intent name the incident in their data; the remediation's own document is what counts.
    let (docs,): Docs = sqlx::query_as(
        "SELECT string_agg(doc, ',' ORDER BY number DESC) FROM entity
         WHERE kind = 'remediation' AND agent = (
           SELECT agent FROM entity WHERE kind = 'incident' AND id = $1)
         AND opened_at >= (SELECT opened_at FROM entity WHERE kind = 'incident' AND id = $1)",
    )
    .bind(incident.to_string())
    .fetch_one(connection)
    .await
    .map_err(unread)?;
    let mut of_incident: Vec<Remediation> = joined(docs)?;
    of_incident.retain(|remediation| remediation.incident == Some(incident));
    of_incident.truncate(limit as usize);
    Ok(of_incident)
}

/// Every open request, and the newest of those that ended since `since`; newest first.
pub(super) async fn approvals(
    connection: &mut SqliteConnection,
    since: Timestamp,
    limit: u32,
) -> Result<Vec<Approval>, StoreError> {
    let (docs,): Docs = sqlx::query_as(
        "SELECT string_agg(doc, ',' ORDER BY number DESC) FROM (
           SELECT number, doc FROM entity WHERE kind = 'approval' AND closed_at IS NULL
           UNION SELECT number, doc FROM (
             SELECT number, doc FROM entity WHERE kind = 'approval' AND closed_at >= $1
             ORDER BY number DESC LIMIT $2) AS ended) AS wanted",
    )
    .bind(text_of(since))
    .bind(i64::from(limit))
    .fetch_one(connection)
    .await
    .map_err(unread)?;
    joined(docs)
}

/// The rulings on one key, newest first.
pub(super) async fn decisions(
    connection: &mut SqliteConnection,
    key: &Key,
    limit: u32,
) -> Result<Vec<Decision>, StoreError> {
    let (docs,): Docs = sqlx::query_as(
        "SELECT string_agg(doc, ',' ORDER BY at DESC, run DESC) FROM (
           SELECT doc, at, run FROM decision WHERE key = $1
           ORDER BY at DESC, run DESC LIMIT $2) AS newest",
    )
    .bind(key.to_string())
    .bind(i64::from(limit))
    .fetch_one(connection)
    .await
    .map_err(unread)?;
    joined(docs)
}

/// The events about these subjects, oldest first.
pub(super) async fn events_about(
    connection: &mut SqliteConnection,
    subjects: &[String],
) -> Result<Vec<RecordedEvent>, StoreError> {
    let mut found = BTreeMap::new();
    for subject in subjects.iter().collect::<BTreeSet<_>>() {
        let rows: Vec<EventColumns> = sqlx::query_as(
            "SELECT seq, id, at, recorded_at, type, environment, host, actor, run, subject,
             priority, message, data, prev_hash, hash
             FROM event WHERE subject = $1 ORDER BY seq",
        )
        .bind(subject)
        .fetch_all(&mut *connection)
        .await
        .map_err(unread)?;
        for row in rows.into_iter().map(EventRow::from) {
            let event = row.recorded().map_err(StoreError::Read)?;
            found.insert(event.seq, event);
        }
    }
    Ok(found.into_values().collect())
}

/// When each check of an agent was last evaluated.
pub(super) async fn last_seen(
    connection: &mut SqliteConnection,
    agent: &AgentName,
) -> Result<LastSeen, StoreError> {
    let rows: Vec<(String, String)> =
        sqlx::query_as("SELECT check_id, at FROM last_seen WHERE agent = $1")
            .bind(agent.as_str())
            .fetch_all(connection)
            .await
            .map_err(unread)?;
    rows.into_iter()
        .map(|(check, at)| {
            let check = CheckId::try_from(check).map_err(not_understood)?;
            Ok((check, at.parse().map_err(not_understood)?))
        })
        .collect()
}

/// Every active incident, newest first, then those resolved since `since`.
pub(super) async fn incidents(
    connection: &mut SqliteConnection,
    since: Timestamp,
    limit: u32,
) -> Result<Vec<Incident>, StoreError> {
    let mut found = active(connection, None).await?;
    found.sort_by_key(|incident| std::cmp::Reverse((incident.opened_at, incident.id)));
    found.extend(resolved_since(connection, since, limit).await?);
    Ok(found)
}
