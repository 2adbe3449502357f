//! The requests of the last hour by bucket, and what a bucket still has room for.
//!
//! A slot is a moment at which one request may be sent. Slots of a bucket never go back in time, so the room in a window
//! is told by one earlier slot: the one that leaves the window.

use sqlx::{Connection as _, SqliteConnection};

use super::database::{Cache, cannot};

/// At most `limit` requests in any `length_ms`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::adapters::platform) struct Window {
    pub(in crate::adapters::platform) length_ms: i64,
    pub(in crate::adapters::platform) limit: u32,
    /// What it is called in messages.
    pub(in crate::adapters::platform) word: &'static str,
}

/// A slot may be used until so long after its moment; windows are longer by that.
pub(in crate::adapters::platform) const USE_MS: i64 = 50;
/// Only slots as near as this are taken: nobody keeps others waiting for what it does not yet use.
const NEAR_MS: i64 = 20;
/// A slot further ahead than this was written before the clock was set back.
const SET_BACK_MS: i64 = 10_000;
/// The longest window, and some more.
const KEPT_MS: i64 = 3_700_000;

/// What a bucket answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::adapters::platform) enum Reserved {
    /// These slots: a row and a moment each, at least one.
    Slots(Vec<(i64, i64)>),
    /// None before this moment.
    Full {
        /// When.
        until_ms: i64,
        /// What is full.
        why: String,
    },
}

/// A window, and for each slot that is wanted the moment of the earlier slot that must have left the window by then.
struct Room {
    window: Window,
    leaving: Vec<Option<i64>>,
}

/// The moments of the next slots.
fn plan(now: i64, floor: i64, rooms: &[Room], wanted: usize) -> Result<Vec<i64>, (i64, Window)> {
    let mut slots = Vec::new();
    let mut least = now.max(floor);
    for nth in 0..wanted {
        let mut binding = None;
        for room in rooms {
            let Some(leaves) = room.leaving.get(nth).copied().flatten() else { continue };
            let free = leaves + room.window.length_ms + USE_MS;
            if free > least {
                least = free;
                binding = Some(room.window);
            }
        }
        if least > now + NEAR_MS {
            return match binding {
                Some(window) if slots.is_empty() => Err((least, window)),
                _ => Ok(slots),
            };
        }
        slots.push(least);
    }
    Ok(slots)
}

impl Cache {
    /// Takes up to `wanted` slots of a bucket and of the bucket of all, giving back some that were not used.
    pub(in crate::adapters::platform) async fn reserve(
        &self,
        bucket: &str,
        windows: &[Window],
        all: &[Window],
        wanted: u32,
        unused: &[(i64, i64)],
    ) -> Result<Reserved, String> {
        let mut connection = self.open().await?;
        let mut writing = connection.begin_with("BEGIN IMMEDIATE").await.map_err(cannot)?;
        // Only now: waiting for other writers takes time.
        let now = self.now();
        let smallest = windows.iter().chain(all).map(|window| window.limit).min();
        let wanted = wanted.min(smallest.unwrap_or(wanted)).max(1);
        let reserved = reserve(&mut writing, bucket, (windows, all), (now, wanted), unused).await;
        let reserved = reserved.map_err(cannot)?;
        writing.commit().await.map_err(cannot)?;
        Ok(reserved)
    }

    /// Nobody sends to this bucket before `until_ms`.
    pub(in crate::adapters::platform) async fn block(
        &self,
        bucket: &str,
        until_ms: i64,
    ) -> Result<(), String> {
        let mut connection = self.open().await?;
        sqlx::query(
            "INSERT INTO block (bucket, until) VALUES ($1, $2)
             ON CONFLICT (bucket) DO UPDATE SET until = max(until, excluded.until)",
        )
        .bind(bucket)
        .bind(until_ms)
        .execute(&mut *connection)
        .await
        .map_err(cannot)?;
        Ok(())
    }
}

/// The bucket that all routes share. No route is called so.
const ALL: &str = "all";

async fn reserve(
    db: &mut SqliteConnection,
    bucket: &str,
    (windows, all): (&[Window], &[Window]),
    (now, wanted): (i64, u32),
    unused: &[(i64, i64)],
) -> Result<Reserved, sqlx::Error> {
    for (id, at) in unused {
        // The slot of the bucket of all has the next number: both are written in one transaction.
        sqlx::query("DELETE FROM slot WHERE id IN ($1, $1 + 1) AND at = $2")
            .bind(id)
            .bind(at)
            .execute(&mut *db)
            .await?;
    }
    sqlx::query("DELETE FROM slot WHERE bucket IN ($1, $2) AND (at < $3 OR at > $4)")
        .bind(bucket)
        .bind(ALL)
        .bind(now - KEPT_MS)
        .bind(now + SET_BACK_MS)
        .execute(&mut *db)
        .await?;
    let blocked: Option<i64> = sqlx::query_scalar("SELECT until FROM block WHERE bucket = $1")
        .bind(bucket)
        .fetch_optional(&mut *db)
        .await?;
    // A block never lasts longer than an hour; a longer one was written before the clock was set back.
    if let Some(until_ms) = blocked.filter(|until| *until > now && *until <= now + KEPT_MS) {
        let why = "the pause that the platform asked for".to_owned();
        return Ok(Reserved::Full { until_ms, why });
    }
    let mut rooms = Vec::new();
    for (bucket, windows) in [(bucket, windows), (ALL, all)] {
        for window in windows {
            rooms.push(room(db, bucket, *window, wanted).await?);
        }
    }
    let last: Option<i64> = sqlx::query_scalar("SELECT max(at) FROM slot WHERE bucket IN ($1, $2)")
        .bind(bucket)
        .bind(ALL)
        .fetch_one(&mut *db)
        .await?;
    let wanted = usize::try_from(wanted).unwrap_or(1);
    match plan(now, last.unwrap_or(now), &rooms, wanted) {
        Err((until_ms, window)) => {
            let why = format!("the limit of {} per {}", window.limit, window.word);
            Ok(Reserved::Full { until_ms, why })
        }
        Ok(moments) => write(db, bucket, moments).await,
    }
}

async fn room(
    db: &mut SqliteConnection,
    bucket: &str,
    window: Window,
    wanted: u32,
) -> Result<Room, sqlx::Error> {
    // From the youngest back: slot number `limit` leaves the window for the first one wanted, the next younger one for
    // the second. `wanted` is never larger than a limit.
    let skipped = window.limit - wanted;
    let mut leaving: Vec<Option<i64>> = sqlx::query_scalar(
        "SELECT at FROM slot WHERE bucket = $1 ORDER BY at DESC LIMIT $2 OFFSET $3",
    )
    .bind(bucket)
    .bind(i64::from(wanted))
    .bind(i64::from(skipped))
    .fetch_all(&mut *db)
    .await?;
    let wanted = usize::try_from(wanted).unwrap_or(leaving.len());
    leaving.resize(wanted, None);
    leaving.reverse();
    Ok(Room { window, leaving })
}

async fn write(
    db: &mut SqliteConnection,
    bucket: &str,
    moments: Vec<i64>,
) -> Result<Reserved, sqlx::Error> {
    let mut slots = Vec::new();
    for at in moments {
        let mut ids = Vec::new();
        for bucket in [bucket, ALL] {
            let written = sqlx::query("INSERT INTO slot (bucket, at) VALUES ($1, $2)")
                .bind(bucket)
                .bind(at)
                .execute(&mut *db)
                .await?;
            ids.push(written.last_insert_rowid());
        }
        slots.push((ids[0], at));
    }
    Ok(Reserved::Slots(slots))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: Window = Window { length_ms: 1_000, limit: 3, word: "second" };
    const MINUTE: Window = Window { length_ms: 60_000, limit: 7, word: "minute" };

    /// What the database would say of these slots.
    fn rooms(slots: &[i64], windows: &[Window], wanted: usize) -> Vec<Room> {
        let of = |window: &Window| {
            let limit = usize::try_from(window.limit).unwrap();
            let leaving = |nth: usize| {
                let back = limit - nth;
                slots.len().checked_sub(back).map(|at| slots[at])
            };
            Room { window: *window, leaving: (0..wanted).map(leaving).collect() }
        };
        windows.iter().map(of).collect()
    }

    proptest! {
        #[test]
        fn no_window_ever_holds_more_than_its_limit(
            steps in proptest::collection::vec((0..1_500_i64, 1..4_usize, 0..=USE_MS), 1..80),
        ) {
            let windows = [SECOND, MINUTE];
            let (mut now, mut slots, mut uses) = (0, Vec::<i64>::new(), Vec::<i64>::new());
            for (step, wanted, late) in steps {
                now += step;
                let floor = slots.last().copied().unwrap_or(now);
                match plan(now, floor, &rooms(&slots, &windows, wanted), wanted) {
                    Ok(moments) => {
                        prop_assert!(!moments.is_empty());
                        uses.extend(moments.iter().map(|at| at + late));
                        slots.extend(moments);
                    }
                    Err((until, _)) => prop_assert!(until > now),
                }
            }
            uses.sort_unstable();
            for window in windows {
                for (first, start) in uses.iter().enumerate() {
                    let inside = uses[first..].iter().take_while(|at| **at < start + window.length_ms);
                    prop_assert!(inside.count() <= usize::try_from(window.limit).unwrap());
                }
            }
        }
    }

    #[test]
    fn a_full_window_says_when_it_is_free() {
        let slots = [0, 10, 20];
        let full = plan(500, 20, &rooms(&slots, &[SECOND], 2), 2);
        assert_eq!(full, Err((1_050, SECOND)));
        assert_eq!(plan(1_055, 20, &rooms(&slots, &[SECOND], 2), 2), Ok(vec![1_055, 1_060]));
    }
}
