//! Process managers: eyes and hands are two traits, so that an agent cannot be given the hands.

use super::Pending;
use crate::domain::process::{ProcessReading, ProcessRef};
use crate::domain::sight::{Scan, Sight};

/// The eyes on one process manager.
pub trait Processes: Send + Sync {
    /// Every process that the manager knows; for a manager of declared processes, every declared one.
    ///
    /// An unreadable manager, an answer that is not understood, a status word that is not known and a manager
    /// that lost all its processes are [`crate::domain::sight::Blind`], never an empty list.
    fn list(&self) -> Pending<'_, Sight<Scan<ProcessReading>>>;

    /// The latest output of a process, at most `limit_bytes` of it, newest last; unredacted.
    fn log_tail<'a>(
        &'a self,
        reading: &'a ProcessReading,
        limit_bytes: usize,
    ) -> Pending<'a, Sight<String>>;
}

/// The hands on one process manager.
pub trait ProcessControl: Send + Sync {
    /// Restarts exactly this process. Returns the manager's answer in words; an answer is not yet a proof.
    fn restart<'a>(&'a self, process: &'a ProcessRef) -> Pending<'a, Result<String, ActFailure>>;

    /// Replaces exactly this process without an outage.
    fn reload<'a>(&'a self, process: &'a ProcessRef) -> Pending<'a, Result<String, ActFailure>>;
}

/// An operation that did not get a plain yes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ActFailure {
    /// The manager said no, or could not be reached: nothing was done.
    #[error("{0}")]
    Refused(String),
    /// It did not come to it: nothing was sent, or it was turned away before anybody looked at what it asks. Nothing was
    /// done, and nothing was learned of the operation.
    #[error("{0}")]
    NotSent(String),
    /// It may have been done: the answer was lost. Settled by observing, never by doing again.
    #[error("{0}")]
    Unknown(String),
}
