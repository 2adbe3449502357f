//! The system's clock, for tests and examples that run several processes over one ledger.
#![expect(clippy::disallowed_methods, reason = "this is the clock")]

use std::time::{Duration, Instant};

use jiff::Timestamp;
use opswarden::ports::Pending;
use opswarden::ports::clock::Clock;

/// Real time.
pub(crate) struct WallClock(Instant);

impl WallClock {
    /// Starts counting.
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }
}

impl Clock for WallClock {
    fn now(&self) -> Timestamp {
        let now = Timestamp::now();
        Timestamp::from_millisecond(now.as_millisecond()).expect("a time cut to milliseconds")
    }

    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }

    fn sleep(&self, duration: Duration) -> Pending<'_, ()> {
        Box::pin(tokio::time::sleep(duration))
    }
}
