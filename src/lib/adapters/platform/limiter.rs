//! How fast may be asked: the limits of the settings, and what the platform says when it is too much.
//!
//! The slots are shared by all processes; the halved pace after a refusal is this run's own.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::cache::{Cache, Window};
use super::dialect::Route;
use super::options::Limits;
use super::pace::Pace;
use crate::ports::clock::Clock;

/// Where no limit is set and the platform refuses all the same, it is asked half as often as this, in any second.
const UNLIMITED_PER_SECOND: u32 = 64;
/// The pause after a refusal that does not say how long.
const PAUSE: Duration = Duration::from_secs(1);
/// Halving more often than this leaves one request a second of any limit.
const HALVINGS: u32 = 16;

/// What a run has learned of a bucket.
#[derive(Clone, Copy, Debug, Default)]
struct Learned {
    halvings: u32,
    /// On [`Clock::elapsed`]: a refusal of what was sent before this taught nothing new.
    halved_at: Duration,
}

/// The limiter.
pub(super) struct Limiter {
    pub(super) cache: Arc<Cache>,
    pub(super) clock: Arc<dyn Clock>,
    limits: Limits,
    learned: Mutex<BTreeMap<String, Learned>>,
}

/// The windows of a bucket and of all together.
pub(super) struct Windows {
    pub(super) own: Vec<Window>,
    pub(super) all: Vec<Window>,
}

impl Windows {
    /// How many requests one second allows.
    pub(super) fn per_second(&self) -> Option<u32> {
        let windows = self.own.iter().chain(&self.all);
        windows.filter(|window| window.length_ms <= 1_000).map(|window| window.limit).min()
    }

    pub(super) fn are_none(&self) -> bool {
        self.own.is_empty() && self.all.is_empty()
    }
}

/// How much of a bucket a series of requests may use up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Share {
    /// All of it.
    Whole,
    /// A sweep over many rows leaves a quarter of every minute and hour, so that acts can still be guarded and proved.
    Sweep,
}

impl Share {
    /// A sweep leaves one in so many.
    const LEFT: u32 = 4;

    fn of(self, limit: u32) -> u32 {
        match self {
            Self::Whole => limit,
            Self::Sweep => (limit - limit.div_ceil(Self::LEFT)).max(limit.min(1)),
        }
    }

    const fn words(self) -> [&'static str; 2] {
        match self {
            Self::Whole => ["minute", "hour"],
            Self::Sweep => {
                ["minute (the rest is kept for acts)", "hour (the rest is kept for acts)"]
            }
        }
    }
}

/// A bucket that is not a route of the API.
pub(super) const THUMBNAIL: &str = "thumbnail";
/// The bucket of the realtime gateway.
pub(super) const GATEWAY: &str = "gateway";

impl Limiter {
    pub(super) fn new(cache: Arc<Cache>, clock: Arc<dyn Clock>, limits: Limits) -> Self {
        Self { cache, clock, limits, learned: Mutex::new(BTreeMap::new()) }
    }

    /// The pace of requests to a route, of which so many are foreseen.
    pub(super) fn route(&self, route: Route, foreseen: usize) -> Pace<'_> {
        Pace::new(self, route.key(), Share::Whole, foreseen)
    }

    /// The pace of a sweep over a route that acts need as well.
    pub(super) fn sweep(&self, route: Route, foreseen: usize) -> Pace<'_> {
        Pace::new(self, route.key(), Share::Sweep, foreseen)
    }

    /// The pace of requests to something else.
    pub(super) fn bucket(&self, name: &str, foreseen: usize) -> Pace<'_> {
        Pace::new(self, name.to_owned(), Share::Whole, foreseen)
    }

    fn learned(&self, bucket: &str) -> Learned {
        let learned = self.learned.lock().unwrap_or_else(PoisonError::into_inner);
        learned.get(bucket).copied().unwrap_or_default()
    }

    /// The windows of a bucket as they are now.
    pub(super) fn windows(&self, bucket: &str, share: Share) -> Windows {
        let Limits { per_second, per_minute, per_hour, total_per_second, .. } = self.limits;
        let halvings = self.learned(bucket).halvings;
        let per_second = match (per_second, halvings) {
            (0, 1..) => UNLIMITED_PER_SECOND,
            (given, _) => given,
        };
        let window =
            |length_ms, limit: u32, word| (limit > 0).then_some(Window { length_ms, limit, word });
        let slower = |limit: u32| if limit == 0 { 0 } else { (limit >> halvings).max(1) };
        let login = bucket == super::session::LOGIN.key();
        let logins = if login { self.limits.logins_per_minute } else { 0 };
        let [minute, hour] = share.words();
        let own = [
            window(1_000, slower(per_second), "second"),
            window(60_000, share.of(slower(per_minute)), minute),
            window(60_000, logins, "minute"),
            window(3_600_000, share.of(per_hour), hour),
        ];
        let all = window(1_000, total_per_second, "second");
        Windows { own: own.into_iter().flatten().collect(), all: all.into_iter().collect() }
    }

    /// How many requests to a bucket a run may send that comes again after `interval` and looks for `looking` of it;
    /// `None` for any number.
    pub(super) fn each_run(
        &self,
        interval: Duration,
        looking: Duration,
        share: Share,
    ) -> Option<u64> {
        let Limits { per_second, per_minute, per_hour, .. } = self.limits;
        let looking = looking.min(interval);
        let in_run = |limit: u32, window: u64| {
            let between = u64::from(limit).saturating_mul(interval.as_secs()) / window;
            let meanwhile = u64::from(limit).saturating_mul(looking.as_secs().div_ceil(window));
            (limit > 0).then(|| between.min(meanwhile))
        };
        let (minute, hour) = (share.of(per_minute), share.of(per_hour));
        let all = [in_run(per_second, 1), in_run(minute, 60), in_run(hour, 3_600)];
        all.into_iter().flatten().min().map(|each| each.max(1))
    }

    /// The platform refused a request that was sent at `sent_at`: nobody asks before it allows, and this run asks half as
    /// often from then on.
    pub(super) async fn refused(
        &self,
        bucket: &str,
        sent_at: Duration,
        retry_after: Option<Duration>,
    ) {
        {
            let mut learned = self.learned.lock().unwrap_or_else(PoisonError::into_inner);
            let learned = learned.entry(bucket.to_owned()).or_default();
            if learned.halvings == 0 || sent_at > learned.halved_at {
                learned.halvings = (learned.halvings + 1).min(HALVINGS);
                learned.halved_at = self.clock.elapsed();
            }
        }
        let pause = retry_after.unwrap_or(PAUSE).max(PAUSE);
        let pause_ms = i64::try_from(pause.as_millis()).unwrap_or(i64::MAX);
        let until_ms = self.clock.now().as_millisecond().saturating_add(pause_ms);
        if let Err(error) = self.cache.block(bucket, until_ms).await {
            tracing::warn!(%error, "a pause that the platform asked for could not be noted");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::system_clock::SystemClock;

    fn limiter(limits: Limits) -> (Limiter, tempfile::TempDir) {
        let dir = tempfile::tempdir().unwrap();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let cache = Arc::new(Cache::new(dir.path().join("platform.db"), Arc::clone(&clock)));
        (Limiter::new(cache, clock, limits), dir)
    }

    #[tokio::test]
    async fn a_refusal_halves_the_pace_once_for_all_that_were_on_their_way() {
        let (limiter, _dir) = limiter(Limits::default());
        let per_second = |limiter: &Limiter| limiter.windows("GET /x", Share::Whole).own[0].limit;
        assert_eq!(per_second(&limiter), 8);
        let sent_at = limiter.clock.elapsed();
        limiter.refused("GET /x", sent_at, None).await;
        limiter.refused("GET /x", sent_at, Some(Duration::from_secs(3))).await;
        assert_eq!(per_second(&limiter), 4);
        let later = limiter.clock.elapsed() + Duration::from_secs(1);
        limiter.refused("GET /x", later, None).await;
        assert_eq!(per_second(&limiter), 2);
        assert_eq!(limiter.windows("GET /y", Share::Whole).own[0].limit, 8);
    }

    #[tokio::test]
    async fn without_limits_there_are_windows_only_after_a_refusal() {
        let (limiter, _dir) = limiter(Limits::NONE);
        assert!(limiter.windows("GET /x", Share::Whole).are_none());
        limiter.refused("GET /x", Duration::ZERO, None).await;
        assert_eq!(limiter.windows("GET /x", Share::Whole).per_second(), Some(32));
    }

    #[test]
    fn a_run_may_send_what_its_interval_allows() {
        let (limiter, _dir) = limiter(Limits::default());
        let each = |minutes, looking, share| {
            limiter.each_run(Duration::from_mins(minutes), Duration::from_mins(looking), share)
        };
        assert_eq!(each(15, 7, Share::Whole), Some(200));
        assert_eq!(each(15, 7, Share::Sweep), Some(150));
        // Five minutes of looking are less than what an hour's limit leaves each of twelve runs.
        assert_eq!(each(60, 5, Share::Sweep), Some(300));
        assert_eq!(each(0, 0, Share::Whole), Some(1));
    }

    #[test]
    fn a_sweep_leaves_a_quarter_and_is_never_without_a_slot() {
        let left = |limit| limit - Share::Sweep.of(limit);
        assert_eq!([80, 800, 8, 4, 2, 1, 0].map(left), [20, 200, 2, 1, 1, 0, 0]);
        assert_eq!([80, 1, 0].map(|limit| Share::Whole.of(limit)), [80, 1, 0]);
    }

    #[test]
    fn logins_have_a_limit_of_their_own() {
        let (limiter, _dir) = limiter(Limits::default());
        let windows = limiter.windows("POST /auth/login", Share::Whole).own;
        assert!(windows.iter().any(|window| window.limit == 4 && window.length_ms == 60_000));
    }
}
