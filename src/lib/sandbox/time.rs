//! The sandbox's time: moments in whole milliseconds, and a clock that a control call can move on.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use super::options::Start;
use crate::ports::clock::Clock;

/// A second, in the unit of [`Stamp`].
pub(crate) const SECOND: i64 = 1000;
/// A minute.
pub(crate) const MINUTE: i64 = 60 * SECOND;
/// An hour.
pub(crate) const HOUR: i64 = 60 * MINUTE;
/// A day of 24 hours.
pub(crate) const DAY: i64 = 24 * HOUR;

/// A moment, in milliseconds since 1970; written as the platform writes it, always with three digits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Stamp(pub(crate) i64);

impl Stamp {
    /// Reads a date or a moment; what has no zone is UTC.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let moment = text.parse::<Timestamp>().ok().or_else(|| {
            let civil = text.parse::<jiff::civil::DateTime>().ok();
            let civil = civil.or_else(|| text.parse::<jiff::civil::Date>().ok().map(Into::into))?;
            civil.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
        })?;
        Some(Self(moment.as_millisecond()))
    }

    /// The same moment for the calendar.
    pub(crate) fn timestamp(self) -> Timestamp {
        Timestamp::from_millisecond(self.0).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    pub(crate) const fn plus(self, milliseconds: i64) -> Self {
        Self(self.0 + milliseconds)
    }

    pub(crate) const fn minus(self, milliseconds: i64) -> Self {
        Self(self.0 - milliseconds)
    }

    /// Milliseconds from `earlier` to this moment.
    pub(crate) const fn since(self, earlier: Self) -> i64 {
        self.0 - earlier.0
    }
}

impl From<Timestamp> for Stamp {
    fn from(moment: Timestamp) -> Self {
        Self(moment.as_millisecond())
    }
}

impl fmt::Display for Stamp {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:.3}", self.timestamp())
    }
}

impl Serialize for Stamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The clock of one sandbox: the real one or one with a start of its own, moved on by control calls.
pub(crate) struct WorldClock {
    base: Arc<dyn Clock>,
    start: Start,
    began: Duration,
    moved: AtomicI64,
}

impl WorldClock {
    pub(crate) fn new(base: Arc<dyn Clock>, start: Start) -> Self {
        let began = base.elapsed();
        Self { base, start, began, moved: AtomicI64::new(0) }
    }

    pub(crate) fn now(&self) -> Stamp {
        let standing: Stamp = match self.start {
            Start::Real => self.base.now().into(),
            Start::From(start) => Stamp::from(start).plus(whole(self.ran())),
            Start::Fixed(start) => start.into(),
        };
        standing.plus(self.moved.load(Ordering::Relaxed))
    }

    /// Time on which windows of throttles are measured: the caller's pace, and every move.
    pub(crate) fn pace(&self) -> i64 {
        whole(self.ran()) + self.moved.load(Ordering::Relaxed)
    }

    /// Moves the sandbox's time on.
    pub(crate) fn advance(&self, by: Duration) {
        self.moved.fetch_add(whole(by), Ordering::Relaxed);
    }

    /// Waits in the caller's time.
    pub(crate) async fn sleep(&self, duration: Duration) {
        self.base.sleep(duration).await;
    }

    fn ran(&self) -> Duration {
        self.base.elapsed().saturating_sub(self.began)
    }
}

fn whole(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_with_three_digits_and_read_in_every_form() {
        let moment = Stamp::parse("2026-11-20T15:40:52Z").unwrap();
        assert_eq!(moment.to_string(), "2026-11-20T15:40:52.000Z");
        assert_eq!(Stamp::parse("2026-11-20"), Stamp::parse("2026-11-20T00:00:00.000Z"));
        assert_eq!(Stamp::parse("tomorrow"), None);
    }
}
