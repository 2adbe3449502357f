//! Decisions about what is no incident: requests, the status, digests, dashboards, trials.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use sqlx::SqliteConnection;

use super::decide::fresh;
use super::doubt::{abandoned, is_on_its_way, withdraw};
use super::{Desk, rows};
use crate::adapters::store::connection::unread;
use crate::adapters::store::rows::{Kind as Kinds, doc_by_id, parsed};
use crate::domain::approval::{Approval, ApprovalState};
use crate::domain::incident::ApprovalId;
use crate::domain::notice::{
    About, Decision, Kind, Notification, NotificationState, Route, StatusHeard, ToldFacts,
    decide_status,
};
use crate::domain::severity::{Priority, Severity};
use crate::domain::view::SystemStatus;
use crate::ports::store::StoreError;

/// A request that could not be told is told anew after so long.
const ASKED_ANEW: Duration = Duration::from_hours(1);

/// A request is told once, and not at all once it is answered or no longer says what is true.
pub(super) async fn request(
    connection: &mut SqliteConnection,
    desk: &Desk<'_>,
    id: ApprovalId,
    caused_by: Option<u64>,
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
    let agent = &approval.ask.proposal.key.agent;
    for route in desk.rules.routes.iter().filter(|route| route.approvals) {
        if !route.is_of(desk.rules.environment) || !route.is_about(agent) {
            continue;
        }
        if told.iter().filter(|row| row.route == route.name).any(|row| is_enough(row, desk)) {
            continue;
        }
        let row = Notification {
            kind: Kind::Approval,
            priority: Priority::P1,
            caused_by,
            why: "a person is asked".to_owned(),
            ..fresh(desk, &route.name, &route.channel, about.clone())
        };
        rows::save(connection, &row).await?;
    }
    Ok(())
}

/// Whether a route needs no other word of a request: it was told, it will be, or the channel took nothing lately.
fn is_enough(row: &Notification, desk: &Desk<'_>) -> bool {
    match (row.state, row.finished_at) {
        (NotificationState::Dead, Some(at)) => {
            desk.now < at.checked_add(ASKED_ANEW).unwrap_or(Timestamp::MAX)
        }
        (NotificationState::Suppressed, _) => false,
        _ => true,
    }
}

/// Every request that waits for a person.
pub(super) async fn requests(
    connection: &mut SqliteConnection,
    desk: &Desk<'_>,
) -> Result<(), StoreError> {
    let ids: Vec<(String,)> =
        sqlx::query_as("SELECT id FROM entity WHERE kind = 'approval' AND closed_at IS NULL")
            .fetch_all(&mut *connection)
            .await
            .map_err(unread)?;
    for (id,) in ids {
        if let Ok(id) = id.parse() {
            request(connection, desk, id, None).await?;
        }
    }
    Ok(())
}

/// A change of the status is told to a route that asks for it. Of the incidents that make it what it is those do not count
/// that the route is kept from.
pub(super) async fn status(
    connection: &mut SqliteConnection,
    desk: &Desk<'_>,
    route: &Route,
    (is, reasons): (SystemStatus, Vec<String>),
) -> Result<(), StoreError> {
    let mut own: Vec<Notification> = rows::about(connection, &About::Status).await?;
    own.retain(|row| row.route == route.name);
    let open = own.iter().find(|row| row.finished_at.is_none()).cloned();
    if open.as_ref().is_some_and(|row| is_on_its_way(row, desk)) {
        return Ok(());
    }
    if let Some(row) = open.as_ref().filter(|row| row.lease_until.is_some()) {
        // The next pass decides: whether it is repeated depends on what is true then.
        return rows::save(connection, &abandoned(row.clone(), desk)).await;
    }
    let heard = StatusHeard::of(&own);
    let (kind, why) = match decide_status(route, desk.rules, desk.now, is, &heard) {
        Decision::Tell { kind, why, .. } => (kind, why),
        Decision::Nothing { why, .. } => {
            let Some(mut row) = open else { return Ok(()) };
            withdraw(&mut row, desk, &why);
            return rows::save(connection, &row).await;
        }
    };
    let fresh = || fresh(desk, &route.name, &route.channel, About::Status);
    let mut row = open.unwrap_or_else(fresh);
    let (severity, priority) = match is {
        SystemStatus::Critical => (Severity::Critical, Priority::P0),
        SystemStatus::Degraded => (Severity::Warning, Priority::P1),
        SystemStatus::Healthy => (Severity::Info, Priority::P1),
    };
    (row.kind, row.priority, row.why) = (kind, priority, why);
    row.told = Some(ToldFacts {
        severity,
        message: is.as_str().to_owned(),
        facts: numbered(reasons),
        escalated: false,
    });
    rows::save(connection, &row).await
}

/// Reasons as facts, in their order.
fn numbered(reasons: Vec<String>) -> BTreeMap<String, String> {
    let numbered = reasons.into_iter().enumerate();
    numbered.map(|(place, reason)| (format!("{place:03}"), reason)).collect()
}

/// What a notification of the status says: the status, and what it rests on.
pub(super) fn said(row: &Notification) -> (SystemStatus, Vec<String>) {
    let told = row.told.as_ref();
    let status = told.and_then(|told| SystemStatus::called(&told.message));
    let reasons = told.map(|told| told.facts.values().cloned().collect());
    (status.unwrap_or(SystemStatus::Healthy), reasons.unwrap_or_default())
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
        // Whatever is wrong leaves before it.
        priority: Priority::P3,
        why: by.to_owned(),
        ..fresh(desk, channel, channel, About::Test)
    };
    rows::save(connection, &row).await?;
    Ok(row.id)
}
