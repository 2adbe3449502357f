//! The law of every window, on a clock that only waiting moves.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use futures_util::future::join_all;
use jiff::Timestamp;

use super::*;
use crate::adapters::platform::cache::Cache;
use crate::adapters::platform::options::Limits;
use crate::ports::Pending;
use crate::ports::clock::Clock;

/// Time that moves when somebody waits.
struct Fake(AtomicU64);

impl Clock for Fake {
    fn now(&self) -> Timestamp {
        let ms = i64::try_from(self.0.load(Ordering::SeqCst)).unwrap();
        Timestamp::from_millisecond(1_800_000_000_000 + ms).unwrap()
    }

    fn elapsed(&self) -> Duration {
        Duration::from_millis(self.0.load(Ordering::SeqCst))
    }

    fn sleep(&self, duration: Duration) -> Pending<'_, ()> {
        let end = self.elapsed() + duration;
        Box::pin(async move {
            // The others come first, so that waits of several askers overlap.
            for _ in 0..20 {
                tokio::task::yield_now().await;
            }
            let end = u64::try_from(end.as_millis()).unwrap();
            self.0.fetch_max(end, Ordering::SeqCst);
        })
    }
}

const LIMITS: Limits = Limits {
    per_second: 4,
    per_minute: 20,
    per_hour: 50,
    logins_per_minute: 2,
    total_per_second: 6,
};

fn most_in(times: &[u64], length_ms: u64) -> usize {
    let inside =
        |start: &u64| times.iter().filter(|at| (*start..start + length_ms).contains(at)).count();
    times.iter().map(inside).max().unwrap_or(0)
}

async fn asked(
    limiter: &Limiter,
    bucket: &str,
    count: usize,
    times: &Mutex<Vec<u64>>,
    clock: &Fake,
) -> usize {
    let pace = limiter.bucket(bucket, count);
    let mut sent = 0;
    for _ in 0..count {
        if pace.next(Duration::from_mins(30)).await.is_err() {
            break;
        }
        times.lock().unwrap().push(clock.0.load(Ordering::SeqCst));
        sent += 1;
    }
    sent
}

fn limiter(path: &std::path::Path, clock: &Arc<Fake>, limits: Limits) -> Limiter {
    let clock: Arc<dyn Clock> = Arc::clone(clock) as Arc<dyn Clock>;
    let cache = Arc::new(Cache::new(path.to_owned(), Arc::clone(&clock)));
    Limiter::new(cache, clock, limits)
}

#[tokio::test]
async fn two_clients_on_one_database_together_keep_every_window() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("platform.db");
    let clock = Arc::new(Fake(AtomicU64::new(0)));
    let one = limiter(&path, &clock, LIMITS);
    let two = limiter(&path, &clock, LIMITS);
    let (ours, theirs) = (Mutex::new(Vec::new()), Mutex::new(Vec::new()));
    let sent = join_all([
        asked(&one, "a", 40, &ours, &clock),
        asked(&two, "a", 40, &ours, &clock),
        asked(&one, "b", 10, &theirs, &clock),
    ])
    .await;
    let (ours, theirs) = (ours.into_inner().unwrap(), theirs.into_inner().unwrap());
    assert_eq!((sent[0] + sent[1], sent[2]), (50, 10));
    assert_eq!((most_in(&ours, 1_000), most_in(&ours, 60_000)), (4, 20));
    assert!(most_in(&theirs, 1_000) <= 4);
    assert!(most_in(&[ours, theirs].concat(), 1_000) <= 6);
}

#[tokio::test]
async fn a_wait_beyond_the_deadline_is_not_begun() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(Fake(AtomicU64::new(0)));
    let limiter = limiter(&dir.path().join("platform.db"), &clock, LIMITS);
    let pace = limiter.bucket("a", 100);
    let deadline = Duration::from_secs(30);
    let mut sent = 0;
    let why = loop {
        match pace.next(deadline).await {
            Ok(()) => sent += 1,
            Err(why) => break why.to_string(),
        }
    };
    assert_eq!(sent, 20);
    assert_eq!(why, "the limit of 20 per minute allows no more requests");
    assert!(clock.elapsed() < deadline);
}

#[tokio::test]
async fn a_refusal_blocks_every_process_for_as_long_as_the_platform_says() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("platform.db");
    let clock = Arc::new(Fake(AtomicU64::new(0)));
    let one = limiter(&path, &clock, LIMITS);
    let two = limiter(&path, &clock, LIMITS);
    one.refused("a", Duration::ZERO, Some(Duration::from_secs(7))).await;
    two.bucket("a", 1).next(Duration::from_mins(1)).await.unwrap();
    assert!(clock.elapsed() >= Duration::from_secs(7));
    let why = {
        one.refused("a", clock.elapsed(), Some(Duration::from_mins(5))).await;
        two.bucket("a", 1).next(Duration::from_mins(1)).await.unwrap_err()
    };
    assert_eq!(why, Failure::Held("the pause that the platform asked for".to_owned()));
}

#[tokio::test]
async fn without_a_limit_no_database_is_touched() {
    let clock = Arc::new(Fake(AtomicU64::new(0)));
    let limiter = limiter(std::path::Path::new("/nowhere/platform.db"), &clock, Limits::NONE);
    let pace = limiter.bucket("a", 1);
    for _ in 0..1_000 {
        pace.next(Duration::from_secs(1)).await.unwrap();
    }
}
