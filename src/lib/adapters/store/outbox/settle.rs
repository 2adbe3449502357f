//! Writing down what became of a message.

use std::time::Duration;

use jiff::Timestamp;
use sqlx::SqliteConnection;

use super::doubt::DOUBTS;
use super::{Desk, rows};
use crate::domain::notice::{About, Kind, Notification, NotificationState};
use crate::ports::channel::Delivery;
use crate::ports::outbox::Parcel;
use crate::ports::store::StoreError;

/// What surely did not arrive is given up after so many attempts, or once it is so old.
const ATTEMPTS: u32 = 12;
const TOO_OLD: Duration = Duration::from_hours(6);
/// What may have arrived once is not given up while it holds: it is tried anew after so long.
const ANEW: Duration = Duration::from_hours(1);
/// The pause after the first failure; it doubles.
const FIRST_PAUSE: Duration = Duration::from_secs(30);
const LONGEST_PAUSE: Duration = Duration::from_mins(30);

/// Writes it down.
pub(super) async fn settle(
    connection: &mut SqliteConnection,
    desk: &Desk<'_>,
    parcel: &Parcel,
    delivery: &Delivery,
) -> Result<(), StoreError> {
    let open = rows::open(connection).await?;
    let mut given_up = 0;
    // What somebody else took over meanwhile is theirs.
    let ours = open.into_iter().filter(|row| {
        parcel.rows.contains(&row.id)
            && row.message.as_ref() == Some(&parcel.message.id)
            && row.lease_until.is_none_or(|until| until == parcel.until)
    });
    for row in ours {
        given_up += u32::from(is_given_up(&row, desk.now, delivery));
        let row = settled(row, desk.now, delivery);
        if row.state == NotificationState::Sent && row.kind == Kind::Digest {
            digested(connection, desk, &row).await?;
        }
        rows::save(connection, &row).await?;
    }
    let mut channel = rows::channel(connection, &parcel.channel).await?;
    match delivery {
        Delivery::Sent { .. } => channel.worked(desk.now),
        Delivery::Later { why, retry_after } => {
            channel.failed(desk.now, why, given_up);
            if let Some(wait) = retry_after {
                let until = later(desk.now, *wait);
                channel.not_before = Some(channel.not_before.map_or(until, |at| at.max(until)));
            }
        }
        Delivery::Refused { why } | Delivery::Unknown { why } => {
            channel.failed(desk.now, why, given_up);
        }
    }
    rows::save_channel(connection, &channel).await
}

fn later(now: Timestamp, wait: Duration) -> Timestamp {
    now.checked_add(wait).unwrap_or(Timestamp::MAX)
}

/// How long is waited after so many attempts.
fn pause(attempts: u32) -> Duration {
    let doublings = attempts.saturating_sub(1).min(10);
    (FIRST_PAUSE * 2_u32.pow(doublings)).min(LONGEST_PAUSE)
}

/// Whether nobody gets it, as far as this attempt can tell.
fn is_given_up(row: &Notification, now: Timestamp, delivery: &Delivery) -> bool {
    let old = Duration::try_from(now.duration_since(row.created_at)).unwrap_or_default();
    match delivery {
        Delivery::Refused { .. } => true,
        // Who tries a channel is there to see the answer, and needs none later.
        Delivery::Later { .. } if row.kind == Kind::Test => true,
        Delivery::Later { .. } => row.attempts >= ATTEMPTS || old >= TOO_OLD,
        Delivery::Sent { .. } | Delivery::Unknown { .. } => false,
    }
}

/// Somebody may have heard of it, so that it has to stay known until it is over.
fn given_up(row: Notification, now: Timestamp, why: String) -> Notification {
    let stays = row.doubts > 0 && matches!(row.about, About::Incident(_) | About::Status);
    if stays {
        let (state, not_before) = (NotificationState::Failed, later(now, ANEW));
        return Notification { state, outcome: Some(why), not_before, ..row };
    }
    let (state, finished_at) = (NotificationState::Dead, Some(now));
    Notification { state, outcome: Some(why), finished_at, ..row }
}

fn settled(row: Notification, now: Timestamp, delivery: &Delivery) -> Notification {
    let row = Notification { lease_until: None, ..row };
    match delivery {
        Delivery::Sent { reference, answer } => Notification {
            state: NotificationState::Sent,
            reference: reference.clone(),
            outcome: Some(answer.clone()),
            finished_at: Some(now),
            ..row
        },
        Delivery::Refused { why } => given_up(row, now, why.clone()),
        Delivery::Later { why, retry_after } => {
            if is_given_up(&row, now, delivery) {
                let why = format!("given up after {} attempts: {why}", row.attempts);
                return given_up(row, now, why);
            }
            let wait = pause(row.attempts).max(retry_after.unwrap_or_default());
            Notification {
                state: NotificationState::Failed,
                outcome: Some(why.clone()),
                not_before: later(now, wait),
                ..row
            }
        }
        Delivery::Unknown { why } => {
            let doubts = row.doubts + 1;
            Notification {
                state: NotificationState::Unknown,
                outcome: Some(why.clone()),
                doubts,
                not_before: later(now, pause(row.attempts)),
                finished_at: (doubts >= DOUBTS || row.kind == Kind::Test).then_some(now),
                ..row
            }
        }
    }
}

/// What waited for the digest left with it.
async fn digested(
    connection: &mut SqliteConnection,
    desk: &Desk<'_>,
    digest: &Notification,
) -> Result<(), StoreError> {
    for row in rows::open(connection).await? {
        let waited =
            row.for_digest && row.route == digest.route && row.created_at <= digest.created_at;
        if waited && matches!(row.about, About::Incident(_)) {
            let row = Notification {
                state: NotificationState::Digested,
                message: digest.message.clone(),
                outcome: Some("a line of the digest".to_owned()),
                finished_at: Some(desk.now),
                ..row
            };
            rows::save(connection, &row).await?;
        }
    }
    Ok(())
}

/// How a way out has fared that no notification leaves by.
pub(super) async fn fared(
    connection: &mut SqliteConnection,
    desk: &Desk<'_>,
    name: &str,
    outcome: Result<(), &str>,
) -> Result<(), StoreError> {
    let mut channel = rows::channel(connection, name).await?;
    match outcome {
        Ok(()) => channel.worked(desk.now),
        Err(why) => channel.failed(desk.now, why, 0),
    }
    rows::save_channel(connection, &channel).await
}
