//! Taking out the next message.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use sqlx::SqliteConnection;

use super::doubt::abandoned;
use super::gather::{body_of, sources};
use super::{Desk, rows};
use crate::adapters::store::append::new_id;
use crate::adapters::store::connection::unread;
use crate::adapters::store::read;
use crate::adapters::store::rows::text_of;
use crate::domain::incident::{Incident, IncidentId, RunId};
use crate::domain::notice::{
    About, Kind, Message, Notification, NotificationState, about_incidents, facts_of, group_of,
    kind_of,
};
use crate::domain::severity::Severity;
use crate::ports::channel::Earlier;
use crate::ports::outbox::{Claim, Parcel};
use crate::ports::store::StoreError;

/// What a run caused is left to it for so long: what it repairs within that time nobody has to hear of.
const HELD: Duration = Duration::from_mins(15);

/// Who takes what.
#[derive(Clone, Copy)]
pub(super) struct Taker<'a> {
    pub(super) channel: &'a str,
    pub(super) run: &'a RunId,
    pub(super) lease: Duration,
}

/// Takes out the most urgent message for the channel that is due.
pub(super) async fn next(
    connection: &mut SqliteConnection,
    desk: &Desk<'_>,
    taker: Taker<'_>,
) -> Result<Claim, StoreError> {
    let mut due = due(connection, desk, taker).await?;
    due.sort_by_key(|row| (row.priority, row.created_at, row.id.clone()));
    let Some(first) = due.first().cloned() else { return Ok(Claim::Nothing) };
    let mut channel = rows::channel(connection, taker.channel).await?;
    if let Some(until) = channel.not_before.filter(|until| *until > desk.now) {
        return Ok(Claim::RestsUntil(until));
    }
    let group = grouped(connection, first, due).await?;
    let until = desk.now.checked_add(taker.lease).unwrap_or(Timestamp::MAX);
    let parcel = Parcel { until, ..compose(connection, desk, &group).await? };
    for (mut row, incident) in group.rows {
        row.lease_until = Some(until);
        row.attempts += 1;
        row.alone = parcel.rows.len() == 1;
        row.message = Some(parcel.message.id.clone());
        row.thread = Some(parcel.message.thread.clone());
        if let Some(incident) = incident {
            row.told = Some(facts_of(&incident));
        }
        rows::save(connection, &row).await?;
    }
    let pause = desk.rules.channels.get(&parcel.channel).map(|rule| rule.pause).unwrap_or_default();
    channel.not_before = desk.now.checked_add(pause).ok();
    rows::save_channel(connection, &channel).await?;
    Ok(Claim::Parcel(Box::new(parcel)))
}

/// What may leave now, once the channel has rested.
async fn due(
    connection: &mut SqliteConnection,
    desk: &Desk<'_>,
    taker: Taker<'_>,
) -> Result<Vec<Notification>, StoreError> {
    let open = rows::open(connection).await?;
    let going_on = going_on(connection, desk).await?;
    let mut due = Vec::new();
    for mut row in open.into_iter().filter(|row| row.channel == taker.channel) {
        if row.lease_until.is_some_and(|until| until <= desk.now) {
            row = abandoned(row, desk);
            rows::save(connection, &row).await?;
        }
        let foreign = |of: &RunId| of != taker.run && going_on.contains(&of.0);
        let waits = row.finished_at.is_some()
            || row.lease_until.is_some()
            || row.for_digest
            || row.not_before > desk.now
            || !desk.rules.channels.contains_key(&row.channel)
            || row.run.as_ref().is_some_and(foreign);
        if !waits {
            due.push(row);
        }
    }
    Ok(due)
}

/// Runs that may still repair what they found.
pub(super) async fn going_on(
    connection: &mut SqliteConnection,
    desk: &Desk<'_>,
) -> Result<BTreeSet<String>, StoreError> {
    let runs: Vec<(String,)> =
        sqlx::query_as("SELECT id FROM agent_run WHERE state = 'running' AND started_at > $1")
            .bind(text_of(desk.now.checked_sub(HELD).unwrap_or(Timestamp::MIN)))
            .fetch_all(connection)
            .await
            .map_err(unread)?;
    Ok(runs.into_iter().map(|(id,)| id).collect())
}

/// Notifications that leave as one message, each with its incident.
pub(super) struct Group {
    pub(super) rows: Vec<(Notification, Option<Incident>)>,
}

async fn grouped(
    connection: &mut SqliteConnection,
    first: Notification,
    due: Vec<Notification>,
) -> Result<Group, StoreError> {
    let About::Incident(id) = first.about else {
        return Ok(Group { rows: vec![(first, None)] });
    };
    let Some(incident) = read::incident(connection, id).await? else {
        return Ok(Group { rows: vec![(first, None)] });
    };
    let doubted = first.doubts > 0;
    let candidates = if doubted { left_together(connection, &first).await? } else { due };
    let group = group_of(&first, &incident);
    let mut found = Vec::new();
    for row in candidates {
        let About::Incident(id) = row.about else { continue };
        let Some(incident) = read::incident(connection, id).await? else { continue };
        if doubted || (row.doubts == 0 && group_of(&row, &incident) == group) {
            found.push((row, Some(incident)));
        }
    }
    Ok(Group { rows: found })
}

/// What left with a notification that may have arrived: it is repeated as it was, whole and at once.
async fn left_together(
    connection: &mut SqliteConnection,
    first: &Notification,
) -> Result<Vec<Notification>, StoreError> {
    let mut open = rows::open(connection).await?;
    open.retain(|row| {
        row.channel == first.channel
            && row.message == first.message
            && row.doubts > 0
            && row.lease_until.is_none()
    });
    Ok(open)
}

async fn compose(
    connection: &mut SqliteConnection,
    desk: &Desk<'_>,
    group: &Group,
) -> Result<Parcel, StoreError> {
    let Some((first, _)) = group.rows.first() else {
        return Err(StoreError::Read("a message without notifications".to_owned()));
    };
    let incidents: BTreeMap<IncidentId, Incident> = group
        .rows
        .iter()
        .filter_map(|(_, incident)| incident.clone())
        .map(|one| (one.id, one))
        .collect();
    let earlier = earlier(connection, group).await?;
    let body = if incidents.is_empty() {
        body_of(connection, desk, first).await?
    } else {
        about_incidents(&sources(connection, first, incidents.clone()).await?)
    };
    let of_rows = first.told.as_ref().map_or(Severity::Info, |told| told.severity);
    let severity = incidents.values().map(|one| one.severity).max().unwrap_or(of_rows);
    let repeats = first.doubts > 0;
    let id = first.message.clone().filter(|_| repeats).unwrap_or_else(|| new_id(desk.now));
    let thread = earlier.as_ref().and_then(|row| row.thread.clone());
    let message = Message {
        id,
        kind: kind_of(group.rows.iter().map(|(row, _)| row.kind)),
        at: desk.now,
        environment: desk.rules.environment,
        host: desk.rules.host.clone(),
        severity,
        priority: group.rows.iter().map(|(row, _)| row.priority).min().unwrap_or(first.priority),
        thread: thread.clone().unwrap_or_else(|| thread_of(first, group.rows.len(), desk)),
        may_repeat: repeats,
        others_open: others_open(connection, group, thread.as_deref()).await?,
        runbooks: desk.rules.runbooks.clone(),
        body,
    };
    let only = group.rows.len() == 1;
    let earlier = earlier.and_then(|row| {
        row.reference.map(|reference| Earlier { reference, alone: row.alone && only })
    });
    let rows = group.rows.iter().map(|(row, _)| row.id.clone()).collect();
    Ok(Parcel { message, channel: first.channel.clone(), earlier, rows, until: desk.now })
}

/// How many incidents have not ended that were told in the same thread and do not leave with this message.
async fn others_open(
    connection: &mut SqliteConnection,
    group: &Group,
    thread: Option<&str>,
) -> Result<u64, StoreError> {
    let Some(((first, _), thread)) = group.rows.first().zip(thread) else { return Ok(0) };
    if first.kind != Kind::Recovered || !thread.starts_with(GROUP) {
        return Ok(0);
    }
    let (open,): (i64,) = sqlx::query_as(
        "SELECT count(DISTINCT about) FROM notification WHERE route = $1
         AND doc ->> 'thread' = $2 AND finished_at IS NOT NULL AND EXISTS (
           SELECT 1 FROM entity WHERE entity.kind = 'incident'
           AND entity.id = notification.about AND entity.closed_at IS NULL)",
    )
    .bind(&first.route)
    .bind(thread)
    .fetch_one(connection)
    .await
    .map_err(unread)?;
    Ok(open.unsigned_abs())
}

/// The last notification that arrived about the same thing on the same route.
async fn earlier(
    connection: &mut SqliteConnection,
    group: &Group,
) -> Result<Option<Notification>, StoreError> {
    let Some((first, Some(_))) = group.rows.first() else { return Ok(None) };
    let mut told = rows::about(connection, &first.about).await?;
    told.retain(|row| {
        row.route == first.route
            && row.finished_at.is_some()
            && row.thread.is_some()
            && [NotificationState::Sent, NotificationState::Unknown].contains(&row.state)
    });
    told.sort_by_key(|row| row.finished_at);
    Ok(told.pop())
}

/// What the thread of several incidents begins with.
const GROUP: &str = "group-";

fn thread_of(first: &Notification, many: usize, desk: &Desk<'_>) -> String {
    match (&first.about, first.kind) {
        (About::Incident(_), _) if many > 1 => format!("{GROUP}{}", first.id),
        (About::Digest, _) | (About::Status, Kind::Digest) => {
            format!("digest-{}", desk.now.strftime("%Y-%m-%d"))
        }
        (about, _) => about.to_string(),
    }
}
