//! The requests of the last hour by bucket, and what a bucket still has room for.
//!
//! A slot is a moment at which one request may be sent. Slots of a bucket never go back in time, so the room in a window
//! is told by one earlier slot: the one that leaves the window.

use sqlx::{Connection as _, QueryBuilder, Row as _, Sqlite, SqliteConnection};

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

/// What no window holds any more is let go together, once it is so old.
const TOGETHER_MS: i64 = 600_000;

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
        // The slot of the bucket of all has the next number: both are written in one statement.
        sqlx::query("DELETE FROM slot WHERE id IN ($1, $1 + 1) AND at = $2")
            .bind(id)
            .bind(at)
            .execute(&mut *db)
            .await?;
    }
    let windows: Vec<(&str, Window)> = windows
        .iter()
        .map(|window| (bucket, *window))
        .chain(all.iter().map(|window| (ALL, *window)))
        .collect();
    let mut held = held(db, bucket, &windows, wanted).await?;
    if held.newest.is_some_and(|at| at > now + SET_BACK_MS) {
        forget(db, bucket, now).await?;
        held = self::held(db, bucket, &windows, wanted).await?;
    } else if held.oldest.is_some_and(|at| at < now - KEPT_MS - TOGETHER_MS) {
        forget(db, bucket, now).await?;
    }
    // A block never lasts longer than an hour; a longer one was written before the clock was set back.
    if let Some(until_ms) = held.blocked.filter(|until| *until > now && *until <= now + KEPT_MS) {
        let why = "the pause that the platform asked for".to_owned();
        return Ok(Reserved::Full { until_ms, why });
    }
    let wanted = usize::try_from(wanted).unwrap_or(1);
    match plan(now, held.newest.unwrap_or(now), &held.rooms, wanted) {
        Err((until_ms, window)) => {
            let why = format!("the limit of {} per {}", window.limit, window.word);
            Ok(Reserved::Full { until_ms, why })
        }
        Ok(moments) => write(db, bucket, &moments).await,
    }
}

/// What is known of a bucket and of the bucket of all.
struct Held {
    blocked: Option<i64>,
    oldest: Option<i64>,
    newest: Option<i64>,
    rooms: Vec<Room>,
}

/// Reads all of it by one statement: every request asks for it, and each statement is a walk to the thread that holds the
/// file. The least and the greatest of one bucket are each one step into the index; of two at once they would be a walk
/// over all of both.
async fn held(
    db: &mut SqliteConnection,
    bucket: &str,
    windows: &[(&str, Window)],
    wanted: u32,
) -> Result<Held, sqlx::Error> {
    let mut ask = QueryBuilder::<Sqlite>::new("SELECT (SELECT until FROM block WHERE bucket = ");
    ask.push_bind(bucket).push(")");
    for (least_or_greatest, of) in [("min", bucket), ("min", ALL), ("max", bucket), ("max", ALL)] {
        ask.push(", (SELECT ").push(least_or_greatest).push("(at) FROM slot WHERE bucket = ");
        ask.push_bind(of).push(")");
    }
    for (of, window) in windows {
        // From the youngest back: slot number `limit` leaves the window for the first one wanted, the next younger one
        // for the second. `wanted` is never larger than a limit.
        ask.push(", (SELECT string_agg(at, ' ') FROM (SELECT at FROM slot WHERE bucket = ");
        ask.push_bind(*of).push(" ORDER BY at DESC LIMIT ").push_bind(i64::from(wanted));
        ask.push(" OFFSET ").push_bind(i64::from(window.limit - wanted)).push("))");
    }
    let row = ask.build().fetch_one(db).await?;
    let moment = |nth: usize| row.try_get::<Option<i64>, _>(nth);
    let (oldest, newest) = ([moment(1)?, moment(2)?], [moment(3)?, moment(4)?]);
    let rooms = windows.iter().enumerate().map(|(nth, (_, window))| {
        let leaving: Option<String> = row.try_get(5 + nth)?;
        Ok(room(*window, leaving.as_deref().unwrap_or_default(), wanted))
    });
    Ok(Held {
        blocked: moment(0)?,
        oldest: oldest.into_iter().flatten().min(),
        newest: newest.into_iter().flatten().max(),
        rooms: rooms.collect::<Result<_, sqlx::Error>>()?,
    })
}

/// `leaving` are the moments that were found: fewer than are wanted where the window has not been full yet.
fn room(window: Window, leaving: &str, wanted: u32) -> Room {
    let mut found: Vec<i64> = leaving.split_whitespace().filter_map(|at| at.parse().ok()).collect();
    found.sort_unstable_by_key(|at| std::cmp::Reverse(*at));
    let mut leaving: Vec<Option<i64>> = found.into_iter().map(Some).collect();
    leaving.resize(usize::try_from(wanted).unwrap_or(leaving.len()), None);
    leaving.reverse();
    Room { window, leaving }
}

/// Lets go of slots that no window holds any more, and of those that were written before the clock was set back.
async fn forget(db: &mut SqliteConnection, bucket: &str, now: i64) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM slot WHERE bucket IN ($1, $2) AND (at < $3 OR at > $4)")
        .bind(bucket)
        .bind(ALL)
        .bind(now - KEPT_MS)
        .bind(now + SET_BACK_MS)
        .execute(db)
        .await
        .map(drop)
}

async fn write(
    db: &mut SqliteConnection,
    bucket: &str,
    moments: &[i64],
) -> Result<Reserved, sqlx::Error> {
    let mut statement = QueryBuilder::<Sqlite>::new("INSERT INTO slot (bucket, at) ");
    let both = moments.iter().flat_map(|at| [(bucket, at), (ALL, at)]);
    statement.push_values(both, |mut columns, (bucket, at)| {
        columns.push_bind(bucket).push_bind(*at);
    });
    let last = statement.build().execute(db).await?.last_insert_rowid();
    // Numbers follow each other within one statement.
    let ids = (0..).map(|back| last - 1 - 2 * back);
    let mut slots: Vec<(i64, i64)> = ids.zip(moments.iter().rev().copied()).collect();
    slots.reverse();
    Ok(Reserved::Slots(slots))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::adapters::system_clock::SystemClock;

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

    fn cache(dir: &tempfile::TempDir) -> Cache {
        Cache::new(dir.path().join("platform.db"), Arc::new(SystemClock::new()))
    }

    async fn slots_of(cache: &Cache, bucket: &str) -> Vec<(i64, i64)> {
        let mut connection = cache.open().await.unwrap();
        sqlx::query_as("SELECT id, at FROM slot WHERE bucket = $1 ORDER BY at")
            .bind(bucket)
            .fetch_all(&mut *connection)
            .await
            .unwrap()
    }

    async fn put(cache: &Cache, bucket: &str, at: i64) {
        let mut connection = cache.open().await.unwrap();
        let insert = sqlx::query("INSERT INTO slot (bucket, at) VALUES ($1, $2)");
        insert.bind(bucket).bind(at).execute(&mut *connection).await.unwrap();
    }

    #[tokio::test]
    async fn slots_are_given_by_their_rows_and_given_back_by_them() {
        let dir = tempfile::tempdir().unwrap();
        let cache = cache(&dir);
        put(&cache, "b", cache.now() - 30).await;
        let all = [Window { limit: 5, ..SECOND }];
        let taken = cache.reserve("a", &[SECOND], &all, 3, &[]).await.unwrap();
        let Reserved::Slots(taken) = taken else { panic!("{taken:?}") };
        assert_eq!(taken.len(), 3);
        assert_eq!(slots_of(&cache, "a").await, taken);
        let of_all: Vec<_> = taken.iter().map(|(id, at)| (id + 1, *at)).collect();
        assert_eq!(slots_of(&cache, ALL).await, of_all);
        let full = cache.reserve("a", &[SECOND], &all, 1, &[]).await.unwrap();
        let why = "the limit of 3 per second".to_owned();
        let until_ms = taken[0].1 + SECOND.length_ms + USE_MS;
        assert_eq!(full, Reserved::Full { until_ms, why });
        let again = cache.reserve("a", &[SECOND], &all, 1, &taken[1..2]).await.unwrap();
        assert!(matches!(again, Reserved::Slots(ref one) if one.len() == 1), "{again:?}");
        assert_eq!(slots_of(&cache, ALL).await.len(), 3);
    }

    #[tokio::test]
    async fn what_no_window_holds_is_let_go_and_what_lies_far_ahead_blocks_nobody() {
        let dir = tempfile::tempdir().unwrap();
        let cache = cache(&dir);
        let now = cache.now();
        for at in [now - KEPT_MS - TOGETHER_MS - 1, now - KEPT_MS - 1, now - 1_800_000] {
            put(&cache, ALL, at).await;
        }
        for _ in 0..2 {
            let taken = cache.reserve("a", &[MINUTE], &[MINUTE], 1, &[]).await.unwrap();
            assert!(matches!(taken, Reserved::Slots(_)), "{taken:?}");
            assert_eq!(slots_of(&cache, ALL).await[0].1, now - 1_800_000);
            put(&cache, "a", now + 86_400_000).await;
        }
        cache.reserve("a", &[MINUTE], &[MINUTE], 1, &[]).await.unwrap();
        assert_eq!(slots_of(&cache, "a").await.len(), 3);
    }

    #[test]
    fn a_full_window_says_when_it_is_free() {
        let slots = [0, 10, 20];
        let full = plan(500, 20, &rooms(&slots, &[SECOND], 2), 2);
        assert_eq!(full, Err((1_050, SECOND)));
        assert_eq!(plan(1_055, 20, &rooms(&slots, &[SECOND], 2), 2), Ok(vec![1_055, 1_060]));
    }
}
