//! What is sent again, when, and for how long: a store that is busy says so, and a connection may break.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::HeaderMap;

use super::error::S3Error;
use crate::adapters::retry_after;

/// So often it is sent in all.
const TIMES: u32 = 5;
/// A question so often: whoever asks has more to ask, and a store that is not there would keep them waiting each time.
const QUESTIONS: u32 = 3;
/// The first pause; each further one is twice as long, so that a store has 7.5 s in all to recover, and 1.5 s for a question.
const FIRST: Duration = Duration::from_millis(500);
/// A store that asks for a longer pause is given up: somebody else may have more use of the time.
const LONGEST: Duration = Duration::from_secs(30);
/// Nothing is sent again once so much time is over: signatures are good for a quarter of an hour.
const WITHIN: Duration = Duration::from_mins(5);
/// Pauses are spread by a fifth either way, so that parts of many do not come in step.
const SPREAD_PERCENT: u32 = 20;

/// What a request is, and what it would do to carry it out twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deed {
    /// A question, or the removal of what may be gone already: twice is as good as once.
    Question,
    /// Something is put there: twice is as good as once, and it has taken long to come so far.
    Put,
    /// Twice is what nobody wants; so it is sent again only where the store says that it did nothing.
    Once,
}

impl Deed {
    const fn times(self) -> u32 {
        match self {
            Self::Question => QUESTIONS,
            Self::Put | Self::Once => TIMES,
        }
    }
}

/// How often it was sent, and since when.
#[derive(Debug)]
pub(super) struct Patience {
    deed: Deed,
    sent: u32,
    /// By the clock that nobody sets.
    since: Duration,
    /// Differs from request to request.
    scatter: u64,
}

impl Patience {
    pub(super) fn new(deed: Deed, address: &str, since: Duration) -> Self {
        let mut hash = DefaultHasher::new();
        address.hash(&mut hash);
        Self { deed, sent: 0, since, scatter: hash.finish() }
    }

    /// After which pause it is sent again; `None` where this is its answer.
    pub(super) fn pause(
        &mut self,
        answer: Result<(u16, &HeaderMap), &S3Error>,
        now: Timestamp,
        elapsed: Duration,
    ) -> Option<Duration> {
        let none = HeaderMap::new();
        let (again, headers) = match answer {
            Ok((status, headers)) => (self.is_passing(status), headers),
            Err(S3Error::Unreached(_)) => (true, &none),
            Err(S3Error::Lost(_)) => (self.deed != Deed::Once, &none),
            Err(_) => (false, &none),
        };
        self.sent += 1;
        if !again || self.sent >= self.deed.times() {
            return None;
        }
        let pause = retry_after::wait(headers, now).unwrap_or_default().max(self.usual());
        let over = elapsed.saturating_sub(self.since).saturating_add(pause);
        (pause <= LONGEST && over <= WITHIN).then_some(pause)
    }

    /// Whether a status says that the store may do it a little later.
    const fn is_passing(&self, status: u16) -> bool {
        match self.deed {
            Deed::Question | Deed::Put => matches!(status, 429 | 500 | 502..=504),
            Deed::Once => matches!(status, 429 | 503),
        }
    }

    fn usual(&self) -> Duration {
        let doubled = FIRST.saturating_mul(1 << (self.sent - 1).min(TIMES));
        let scattered = self.scatter.rotate_left(8 * self.sent) % u64::from(2 * SPREAD_PERCENT + 1);
        let spread = 100 - SPREAD_PERCENT + u32::try_from(scattered).unwrap_or_default();
        doubled.saturating_mul(spread) / 100
    }
}

#[cfg(test)]
mod tests {
    use reqwest::header::RETRY_AFTER;

    use super::*;

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    type Told = Result<(u16, HeaderMap), S3Error>;

    #[expect(clippy::unnecessary_wraps, reason = "it is told beside what failed")]
    fn answer(status: u16, after: Option<&str>) -> Told {
        let after = after.map(|after| (RETRY_AFTER, after.parse().unwrap()));
        Ok((status, after.into_iter().collect()))
    }

    fn lost() -> Told {
        Err(S3Error::Lost("the connection was broken off".to_owned()))
    }

    fn pause(patience: &mut Patience, told: &Told, elapsed: Duration) -> Option<Duration> {
        let told = told.as_ref().map(|(status, headers)| (*status, headers));
        patience.pause(told, Timestamp::UNIX_EPOCH, elapsed)
    }

    fn first(deed: Deed, told: &Told) -> Option<Duration> {
        pause(&mut Patience::new(deed, "a", seconds(0)), told, seconds(0))
    }

    #[test]
    fn pauses_double_are_spread_and_end() {
        let mut all = Vec::new();
        for address in ["one", "two", "three"] {
            let mut patience = Patience::new(Deed::Put, address, seconds(0));
            let again = || pause(&mut patience, &lost(), seconds(0));
            let pauses: Vec<Duration> = std::iter::from_fn(again).collect();
            assert_eq!(pauses.len(), 4, "five times in all");
            for (place, pause) in pauses.iter().enumerate() {
                let usual = FIRST * (1 << place);
                assert!(*pause >= usual * 8 / 10 && *pause <= usual * 12 / 10, "{pauses:?}");
            }
            all.push(pauses);
        }
        assert!(all[0] != all[1] || all[1] != all[2], "not in step: {all:?}");
        let mut question = Patience::new(Deed::Question, "a", seconds(0));
        let asked = std::iter::from_fn(|| pause(&mut question, &lost(), seconds(0)));
        assert_eq!(asked.count(), 2, "three times in all");
    }

    #[test]
    fn a_store_is_heard_when_it_says_how_long_and_given_up_when_that_is_long() {
        assert_eq!(first(Deed::Put, &answer(503, Some("7"))), Some(seconds(7)));
        assert_eq!(first(Deed::Put, &answer(503, Some("31"))), None);
        let soon = first(Deed::Put, &answer(503, Some("0"))).unwrap();
        assert!(soon >= FIRST * 8 / 10, "never at once: {soon:?}");
        let late = seconds(299);
        let mut patience = Patience::new(Deed::Put, "a", seconds(0));
        assert_eq!(pause(&mut patience, &answer(503, Some("2")), late), None);
    }

    #[test]
    fn only_what_passes_is_sent_again_and_what_harms_only_where_nothing_was_done() {
        for status in [200, 301, 400, 403, 404, 409, 501] {
            assert_eq!(first(Deed::Put, &answer(status, None)), None, "{status}");
        }
        for status in [429, 500, 502, 503, 504] {
            assert!(first(Deed::Put, &answer(status, None)).is_some(), "{status}");
        }
        assert!(first(Deed::Once, &answer(503, None)).is_some());
        assert!(first(Deed::Once, &answer(500, None)).is_none());
        assert!(first(Deed::Put, &lost()).is_some() && first(Deed::Once, &lost()).is_none());
        let unreached = Err(S3Error::Unreached("the connection was refused".to_owned()));
        assert!(first(Deed::Once, &unreached).is_some(), "nothing was sent");
        assert!(first(Deed::Put, &Err(S3Error::Shape("x"))).is_none());
    }
}
