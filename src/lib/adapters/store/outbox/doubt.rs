//! What may have arrived. It is never taken for what surely did not: it is repeated once, and whoever may have heard of
//! something hears of its end.

use sqlx::SqliteConnection;

use super::{Desk, rows};
use crate::domain::incident::Incident;
use crate::domain::notice::{Notification, NotificationState};
use crate::ports::store::StoreError;

/// So often a notification is sent that may have arrived.
pub(super) const DOUBTS: u32 = 2;

/// Whether somebody is sending it.
pub(super) fn is_on_its_way(row: &Notification, desk: &Desk<'_>) -> bool {
    row.lease_until.is_some_and(|until| until > desk.now)
}

/// Whoever sent it left no answer.
pub(super) fn abandoned(row: Notification, desk: &Desk<'_>) -> Notification {
    let doubts = row.doubts + 1;
    Notification {
        lease_until: None,
        doubts,
        state: NotificationState::Unknown,
        outcome: Some("who sent it ended before the answer was written down".to_owned()),
        finished_at: (doubts >= DOUBTS).then_some(desk.now),
        ..row
    }
}

/// It leaves no more. What may have arrived counts as told from now on; anything else was not.
pub(super) fn withdraw(row: &mut Notification, desk: &Desk<'_>, why: &str) {
    row.state = match row.doubts {
        0 => NotificationState::Suppressed,
        _ => NotificationState::Unknown,
    };
    row.outcome = Some(match row.doubts {
        0 => why.to_owned(),
        _ => format!("it may have arrived, and is not repeated: {why}"),
    });
    row.finished_at = Some(desk.now);
    row.lease_until = None;
}

/// What may have arrived of an alert that is over: its end is told instead of telling it once more.
pub(super) async fn doubted(
    connection: &mut SqliteConnection,
    desk: &Desk<'_>,
    row: &mut Notification,
    incident: &Incident,
) -> Result<(), StoreError> {
    if row.lease_until.is_some() {
        *row = abandoned(row.clone(), desk);
        rows::save(connection, row).await?;
    }
    if row.doubts > 0 && row.kind.is_alert() && !incident.is_active() {
        withdraw(row, desk, "its end is told");
        rows::save(connection, row).await?;
    }
    Ok(())
}
