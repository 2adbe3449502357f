//! Time, as an argument to everything that needs it.

use std::time::Duration;

use jiff::Timestamp;

use super::Pending;

/// The only source of time and the only way to wait.
pub trait Clock: Send + Sync {
    /// The wall clock, cut to milliseconds.
    fn now(&self) -> Timestamp;

    /// Time since some fixed moment, never going backwards: deadlines and durations are measured on it.
    fn elapsed(&self) -> Duration;

    /// Time since the machine was started, with what it slept. Where that is not known, [`Clock::elapsed`].
    fn since_boot(&self) -> Duration {
        self.elapsed()
    }

    /// Waits.
    fn sleep(&self, duration: Duration) -> Pending<'_, ()>;
}
