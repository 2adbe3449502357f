//! Decisions about what is no incident: requests, the status, digests, dashboards, trials.

use std::collections::BTreeMap;

use sqlx::SqliteConnection;

use super::decide::fresh;
use super::doubt::{abandoned, is_on_its_way, withdraw};
use super::{Desk, rows};
use crate::adapters::store::connection::unread;
use crate::adapters::store::rows::{Kind as Kinds, doc_by_id, parsed};
use crate::domain::approval::{Approval, ApprovalState};
use crate::domain::event::RecordedEvent;
use crate::domain::incident::ApprovalId;
use crate::domain::notice::{About, Kind, Notification, NotificationState, Route, ToldFacts};
use crate::domain::severity::{Priority, Severity};
use crate::domain::view::{OpsState, SystemStatus};
use crate::ports::store::StoreError;

/// A status that could not be told is tried again after so long.
const AGAIN: std::time::Duration = std::time::Duration::from_hours(1);

/// A request is told once, and not at all once it is answered or no longer says what is true.
pub(super) async fn request(
    connection: &mut SqliteConnection,
    desk: &Desk<'_>,
    id: ApprovalId,
    event: &RecordedEvent,
) -> Result<(), StoreError> {
    let doc = doc_by_id(connection, Kinds::Approval, &id.to_string()).await.map_err(unread)?;
    let Some(doc) = doc else { return Ok(()) };
    let approval: Approval = parsed(&doc)?;
    let about = About::Approval(id.to_string());
    let told = rows::about(connection, &about).await?;
    if approval.state != ApprovalState::Pending {
        for mut row in told.into_iter().filter(|row| row.finished_at.is_none()) {
            withdraw(&mut row, desk, "it was answered, or no longer says what is true");
            rows::save(connection, &row).await?;
        }
        return Ok(());
    }
    for route in desk.rules.routes.iter().filter(|route| route.approvals) {
        if told.iter().any(|row| row.route == route.name) {
            continue;
        }
        let row = Notification {
            kind: Kind::Approval,
            priority: Priority::P1,
            caused_by: Some(event.seq),
            why: "a person is asked".to_owned(),
            ..fresh(desk, &route.name, &route.channel, about.clone())
        };
        rows::save(connection, &row).await?;
    }
    Ok(())
}

/// The word of a status, as a row keeps it.
fn word(status: SystemStatus) -> &'static str {
    match status {
        SystemStatus::Healthy => "HEALTHY",
        SystemStatus::Degraded => "DEGRADED",
        SystemStatus::Critical => "CRITICAL",
    }
}

pub(super) async fn status(
    connection: &mut SqliteConnection,
    desk: &Desk<'_>,
    route: &Route,
    state: &OpsState,
) -> Result<(), StoreError> {
    let now = word(state.system_status);
    let own: Vec<Notification> = rows::about(connection, &About::Status).await?;
    let own: Vec<Notification> = own.into_iter().filter(|row| row.route == route.name).collect();
    let told = |row: &Notification| row.told.as_ref().map(|told| told.message.clone());
    let heard = own.iter().rev().find(|row| {
        let arrived = [NotificationState::Sent, NotificationState::Unknown].contains(&row.state);
        arrived && row.finished_at.is_some()
    });
    // Nobody is told that everything is well who was never told of anything else.
    let last = heard.and_then(told).unwrap_or_else(|| "HEALTHY".to_owned());
    let open = own.iter().find(|row| row.finished_at.is_none()).cloned();
    if open.as_ref().is_some_and(|row| is_on_its_way(row, desk)) {
        return Ok(());
    }
    if let Some(row) = open.as_ref().filter(|row| row.lease_until.is_some()) {
        // The next pass decides: whether it is repeated depends on what is true then.
        return rows::save(connection, &abandoned(row.clone(), desk)).await;
    }
    if last == now {
        let Some(mut row) = open else { return Ok(()) };
        withdraw(&mut row, desk, "the status is again what was last told");
        return rows::save(connection, &row).await;
    }
    let given_up = own.iter().rev().find(|row| row.state == NotificationState::Dead);
    let rests = given_up.and_then(|row| row.finished_at?.checked_add(AGAIN).ok());
    if open.is_none() && rests.is_some_and(|until| desk.now < until) {
        return Ok(());
    }
    let worse = state.system_status != SystemStatus::Healthy;
    let fresh = || fresh(desk, &route.name, &route.channel, About::Status);
    let mut row = open.unwrap_or_else(fresh);
    row.kind = if route.digest && worse { Kind::Digest } else { Kind::Status };
    let (severity, priority) = match state.system_status {
        SystemStatus::Critical => (Severity::Critical, Priority::P0),
        SystemStatus::Degraded => (Severity::Warning, Priority::P1),
        SystemStatus::Healthy => (Severity::Info, Priority::P1),
    };
    row.priority = priority;
    row.why = format!("the status was {last} when it was last told, and is {now}");
    let (message, facts) = (now.to_owned(), BTreeMap::new());
    row.told = Some(ToldFacts { severity, message, facts, escalated: false });
    rows::save(connection, &row).await
}

pub(super) async fn digest(
    connection: &mut SqliteConnection,
    desk: &Desk<'_>,
    route: &Route,
) -> Result<(), StoreError> {
    let Some(slot) = desk.rules.digest_slot(desk.now) else { return Ok(()) };
    let last = rows::newest(connection, &route.name, &About::Digest).await?;
    let since = match last {
        Some(row) => Some(row.created_at),
        None => super::gather::began(connection).await?,
    };
    if since.is_none_or(|since| slot <= since) {
        return Ok(());
    }
    let row = Notification {
        kind: Kind::Digest,
        why: "the daily digest is due".to_owned(),
        ..fresh(desk, &route.name, &route.channel, About::Digest)
    };
    rows::save(connection, &row).await
}

pub(super) async fn dashboards(
    connection: &mut SqliteConnection,
    desk: &Desk<'_>,
) -> Result<(), StoreError> {
    let open = rows::about(connection, &About::Dashboard).await?;
    let dashboards = desk.rules.channels.iter().filter(|(_, rule)| rule.dashboard);
    for (channel, _) in dashboards {
        let waits = open.iter().any(|row| row.channel == *channel && row.finished_at.is_none());
        if !waits {
            let row = Notification {
                kind: Kind::Dashboard,
                priority: Priority::P2,
                why: "ops-reporter ran".to_owned(),
                ..fresh(desk, channel, channel, About::Dashboard)
            };
            rows::save(connection, &row).await?;
        }
    }
    Ok(())
}

/// A trial for one channel. It leaves once the channel has rested, as everything does.
pub(super) async fn trial(
    connection: &mut SqliteConnection,
    desk: &Desk<'_>,
    channel: &str,
    by: &str,
) -> Result<String, StoreError> {
    let row = Notification {
        kind: Kind::Test,
        priority: Priority::P0,
        why: by.to_owned(),
        ..fresh(desk, channel, channel, About::Test)
    };
    rows::save(connection, &row).await?;
    Ok(row.id)
}
