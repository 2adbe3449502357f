//! The machine's clock. The only file that reads the time and the only one that waits.

#![expect(clippy::disallowed_methods, reason = "this is the adapter that may read the clock")]

use std::time::{Duration, Instant};

use jiff::{Timestamp, Unit};

use crate::ports::Pending;
use crate::ports::clock::Clock;

/// The real clock.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    started: Instant,
}

impl SystemClock {
    /// A clock whose [`Clock::elapsed`] starts now.
    #[must_use]
    pub fn new() -> Self {
        Self { started: Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let now = Timestamp::now();
        let cut =
            jiff::TimestampRound::new().smallest(Unit::Millisecond).mode(jiff::RoundMode::Trunc);
        now.round(cut).unwrap_or(now)
    }

    fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    fn since_boot(&self) -> Duration {
        let boot = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
        Duration::try_from(boot).unwrap_or_default()
    }

    fn sleep(&self, duration: Duration) -> Pending<'_, ()> {
        Box::pin(tokio::time::sleep(duration))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn now_has_no_part_of_a_millisecond() {
        let clock = SystemClock::new();
        assert_eq!(clock.now().subsec_nanosecond() % 1_000_000, 0);
    }

    #[test]
    fn elapsed_never_goes_backwards() {
        let clock = SystemClock::new();
        let first = clock.elapsed();
        assert!(clock.elapsed() >= first);
    }
}
