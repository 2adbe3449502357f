//! The system's clock, for tests and examples that run several processes over one ledger.
#![expect(clippy::disallowed_methods, reason = "this is the clock")]

use std::time::{Duration, Instant};

use jiff::Timestamp;
use opswarden::ports::Pending;
use opswarden::ports::clock::Clock;

/// Real time.
pub(crate) struct WallClock {
    start: Instant,
    /// What waiting is divided by.
    hurry: u32,
}

impl WallClock {
    /// Starts counting.
    pub(crate) fn start() -> Self {
        Self { start: Instant::now(), hurry: 1 }
    }

    /// The same for somebody who waits only a hundredth of what is asked.
    pub(crate) fn hurried(self) -> Self {
        Self { hurry: 100, ..self }
    }
}

impl Clock for WallClock {
    fn now(&self) -> Timestamp {
        let now = Timestamp::now();
        Timestamp::from_millisecond(now.as_millisecond()).expect("a time cut to milliseconds")
    }

    fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    fn sleep(&self, duration: Duration) -> Pending<'_, ()> {
        Box::pin(tokio::time::sleep(duration / self.hurry))
    }
}
