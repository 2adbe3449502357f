//! What a message tells, read from the ledger.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sqlx::SqliteConnection;

use super::{Desk, other, rows};
use crate::adapters::store::connection::unread;
use crate::adapters::store::publish::{gather, latest_rulings};
use crate::adapters::store::read;
use crate::adapters::store::read_view::active;
use crate::adapters::store::rows::{Kind as Kinds, doc_by_id, joined, parsed, text_of};
use crate::domain::approval::Approval;
use crate::domain::incident::{Incident, IncidentId, Remediation, RemediationState, Resolution};
use crate::domain::notice::{
    About, Body, Digest, DigestLine, IncidentLine, Kind, Notification, NotificationState,
    RepairLine, Sources, StatusHeard, Trend,
};
use crate::domain::run::Ruling;
use crate::domain::view::{OpsState, SystemStatus};
use crate::ports::store::StoreError;

/// So many lines of each part of a digest are spelled out.
const LINES: usize = 20;
/// So many days has a trend.
const DAYS: i64 = 7;
/// So many remediations of one incident are read.
const TRIES: u32 = 5;

/// When the ledger's first run began.
pub(super) async fn began(
    connection: &mut SqliteConnection,
) -> Result<Option<Timestamp>, StoreError> {
    let (at,): (Option<String>,) = sqlx::query_as("SELECT min(started_at) FROM agent_run")
        .fetch_one(connection)
        .await
        .map_err(unread)?;
    Ok(at.and_then(|at| at.parse().ok()))
}

/// Whether somebody has it, or may have.
fn arrived(row: &Notification) -> bool {
    let arrived = [NotificationState::Sent, NotificationState::Unknown].contains(&row.state);
    arrived && row.finished_at.is_some()
}

/// What is known of these incidents beside themselves.
pub(super) async fn sources(
    connection: &mut SqliteConnection,
    first: &Notification,
    incidents: BTreeMap<IncidentId, Incident>,
) -> Result<Sources, StoreError> {
    let all = latest_rulings(connection).await?;
    let mut sources = Sources::default();
    for ruling in all.values() {
        if let Ruling::Folded { into } = ruling {
            *sources.explains.entry(into.clone()).or_default() += 1;
        }
    }
    for incident in incidents.values() {
        let found = read::remediations(connection, Some(incident.id), TRIES).await?;
        sources.remediations.extend(found);
        let told = rows::about(connection, &About::Incident(incident.id)).await?;
        let told = told.iter().rev().filter(|row| row.route == first.route);
        let mut told = told.filter(|row| arrived(row));
        if let Some(was) = told.find_map(|row| row.told.as_ref()) {
            sources.was.insert(incident.id, was.severity);
        }
    }
    let keys: Vec<_> = incidents.values().map(|incident| &incident.key).collect();
    sources.rulings = all.into_iter().filter(|(key, _)| keys.contains(&key)).collect();
    sources.incidents = incidents;
    Ok(sources)
}

/// The body of a message that is not about incidents.
pub(super) async fn body_of(
    connection: &mut SqliteConnection,
    desk: &Desk<'_>,
    row: &Notification,
) -> Result<Body, StoreError> {
    let state = gather(connection, desk.store, desk.now).await?;
    Ok(match (&row.about, row.kind) {
        (About::Digest, _) => Body::Digest(Box::new(digest(connection, desk, row, state).await?)),
        (About::Status, kind) => {
            let (now, reasons) = other::said(row);
            if kind == Kind::Digest {
                let state = OpsState { system_status: now, reasons, ..state };
                return Ok(Body::Digest(Box::new(digest(connection, desk, row, state).await?)));
            }
            Body::Status { was: last_status(connection, row).await?, now, reasons }
        }
        (About::Dashboard, _) => Body::Dashboard(Box::new(state)),
        (About::Approval(id), _) => {
            let doc = doc_by_id(connection, Kinds::Approval, id).await.map_err(unread)?;
            let doc = doc.ok_or_else(|| StoreError::Read(format!("there is no {id}")))?;
            Body::Approval(Box::new(parsed::<Approval>(&doc)?.line()))
        }
        (About::Incident(_) | About::Test, _) => Body::Test { by: row.why.clone() },
    })
}

async fn last_status(
    connection: &mut SqliteConnection,
    row: &Notification,
) -> Result<Option<SystemStatus>, StoreError> {
    let mut all = rows::about(connection, &About::Status).await?;
    all.retain(|one| one.route == row.route && one.id != row.id);
    let was_told = all.iter().any(arrived);
    Ok(was_told.then(|| StatusHeard::of(&all).last))
}

async fn digest(
    connection: &mut SqliteConnection,
    desk: &Desk<'_>,
    row: &Notification,
    state: OpsState,
) -> Result<Digest, StoreError> {
    let from = covered_from(connection, desk, row).await?;
    let open = active(connection, None).await?;
    let ended = ended_since(connection, from).await?;
    let (repaired, repaired_omitted) = repairs(connection, from, &ended).await?;
    let (open, open_omitted) = lines(connection, row, open).await?;
    let others = ended.into_iter().filter(|one| {
        one.resolved.as_ref().is_some_and(|end| end.resolution != Resolution::AutoFixed)
    });
    let (ended, ended_omitted) = lines(connection, row, others.collect()).await?;
    Ok(Digest {
        from,
        until: desk.now,
        status: state.system_status,
        reasons: state.reasons.clone(),
        open,
        open_omitted,
        repaired,
        repaired_omitted,
        ended,
        ended_omitted,
        agents: agents(connection, &state, from).await?,
        trend: trend(connection, desk).await?,
    })
}

/// So far back a digest reaches at most.
const LONGEST: jiff::SignedDuration = jiff::SignedDuration::from_hours(7 * 24);

/// Where the last digest of this route ended that arrived; else a day before the first that did not.
async fn covered_from(
    connection: &mut SqliteConnection,
    desk: &Desk<'_>,
    row: &Notification,
) -> Result<Timestamp, StoreError> {
    let mut all = rows::about(connection, &About::Digest).await?;
    all.retain(|one| one.route == row.route && one.id != row.id);
    let before = |at: Timestamp, time| at.checked_sub(time).unwrap_or(at);
    let first = all.iter().map(|one| one.created_at).min().unwrap_or(desk.now);
    let last = all.iter().filter(|one| arrived(one)).map(|one| one.created_at).max();
    let from = last.unwrap_or_else(|| before(first, jiff::SignedDuration::from_hours(24)));
    Ok(from.max(before(desk.now, LONGEST)))
}

async fn ended_since(
    connection: &mut SqliteConnection,
    from: Timestamp,
) -> Result<Vec<Incident>, StoreError> {
    let (docs,): (Option<String>,) = sqlx::query_as(
        "SELECT string_agg(doc, ',' ORDER BY closed_at DESC) FROM entity
         WHERE kind = 'incident' AND closed_at >= $1",
    )
    .bind(text_of(from))
    .fetch_one(connection)
    .await
    .map_err(unread)?;
    joined(docs)
}

/// The worst of these spelled out, and how many more there are.
async fn lines(
    connection: &mut SqliteConnection,
    row: &Notification,
    mut incidents: Vec<Incident>,
) -> Result<(Vec<IncidentLine>, u64), StoreError> {
    incidents.sort_by_key(|one| (std::cmp::Reverse(one.severity), one.opened_at, one.id));
    let omitted = incidents.len().saturating_sub(LINES) as u64;
    incidents.truncate(LINES);
    let order: Vec<IncidentId> = incidents.iter().map(|one| one.id).collect();
    let by_id = incidents.into_iter().map(|one| (one.id, one)).collect();
    let sources = sources(connection, row, by_id).await?;
    let spelled = order.iter().filter_map(|id| sources.incidents.get(id));
    Ok((spelled.map(|incident| sources.line(incident)).collect(), omitted))
}

async fn repairs(
    connection: &mut SqliteConnection,
    from: Timestamp,
    ended: &[Incident],
) -> Result<(Vec<RepairLine>, u64), StoreError> {
    let (docs,): (Option<String>,) = sqlx::query_as(
        "SELECT string_agg(doc, ',' ORDER BY closed_at DESC) FROM entity
         WHERE kind = 'remediation' AND closed_at >= $1",
    )
    .bind(text_of(from))
    .fetch_one(&mut *connection)
    .await
    .map_err(unread)?;
    let mut all: Vec<Remediation> = joined(docs)?;
    all.retain(|one| one.state == RemediationState::Verified && one.undo_of.is_none());
    let omitted = all.len().saturating_sub(LINES) as u64;
    let message = |one: &Remediation| {
        let of = ended.iter().find(|incident| Some(incident.id) == one.incident);
        of.map_or_else(|| one.key.to_string(), |incident| incident.message.clone())
    };
    let line = |one: &Remediation| RepairLine {
        id: one.id,
        operation: one.operation.to_string(),
        message: message(one),
        at: one.sent_at(),
        proof: one.outcome.clone().unwrap_or_default(),
    };
    Ok((all.iter().take(LINES).map(line).collect(), omitted))
}

async fn agents(
    connection: &mut SqliteConnection,
    state: &OpsState,
    from: Timestamp,
) -> Result<Vec<DigestLine>, StoreError> {
    let rows: Vec<(String, i64, i64)> = sqlx::query_as(
        "SELECT agent, count(*), sum(CASE WHEN state IN ('ok', 'findings') THEN 0 ELSE 1 END)
         FROM agent_run WHERE ended_at >= $1 AND state NOT IN ('skipped', 'missed') GROUP BY agent",
    )
    .bind(text_of(from))
    .fetch_all(connection)
    .await
    .map_err(unread)?;
    let of = |agent: &str| rows.iter().find(|(name, _, _)| name == agent);
    let line = |(agent, view): (&String, &crate::domain::view::ViewAgent)| DigestLine {
        agent: agent.clone(),
        state: view.state.clone(),
        runs: of(agent).map_or(0, |(_, runs, _)| runs.unsigned_abs()),
        failed: of(agent).map_or(0, |(_, _, failed)| failed.unsigned_abs()),
    };
    Ok(state.agent_results.iter().map(line).collect())
}

/// How many there were on each of the last days, by the house's calendar in UTC: that is how times are stored.
async fn trend(
    connection: &mut SqliteConnection,
    desk: &Desk<'_>,
) -> Result<Vec<Trend>, StoreError> {
    let day = |ago: i64| {
        let at =
            desk.now.checked_sub(jiff::SignedDuration::from_hours(24 * ago)).unwrap_or(desk.now);
        at.strftime("%Y-%m-%d").to_string()
    };
    let mut days: BTreeMap<String, Trend> = (0..DAYS)
        .map(|ago| Trend { day: day(ago), opened: 0, repaired: 0, escalated: 0 })
        .map(|trend| (trend.day.clone(), trend))
        .collect();
    let first = day(DAYS - 1);
    let counts: Vec<(String, String, i64)> = sqlx::query_as(
        "SELECT substr(at, 1, 10), type, count(*) FROM event
         WHERE at >= $1 AND type IN ('incident.opened', 'agent.escalation') GROUP BY 1, 2
         UNION ALL SELECT substr(closed_at, 1, 10), 'repaired', count(*) FROM entity
         WHERE kind = 'remediation' AND closed_at >= $1
         AND json_extract(doc, '$.state') = 'verified' GROUP BY 1, 2",
    )
    .bind(&first)
    .fetch_all(connection)
    .await
    .map_err(unread)?;
    for (day, what, many) in counts {
        let Some(trend) = days.get_mut(&day) else { continue };
        let place = match what.as_str() {
            "incident.opened" => &mut trend.opened,
            "agent.escalation" => &mut trend.escalated,
            _ => &mut trend.repaired,
        };
        *place += many.unsigned_abs();
    }
    Ok(days.into_values().collect())
}
