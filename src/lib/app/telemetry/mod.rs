//! The log of a run: JSON lines in a file, human lines on a terminal, the run's id in every line.
//!
//! Written at once and in place, not by a thread: a run is short, and a line that was still queued when the
//! process died would be the one that mattered. Secrets are taken out in one place, just before writing.

mod lines;
mod start;

pub use lines::Lines;
pub use start::{DEFAULT_FILTER, FILTER_VARIABLE, Telemetry, TelemetryError};
