//! A run at work, and what its end means for the ledger.

use std::time::Duration;

use jiff::Timestamp;

use crate::domain::planner::Running;
use crate::domain::run::RunState;
use crate::domain::subject::AgentName;
use crate::ports::runner::{Ended, How};

/// A run that is attended to.
pub(super) struct Attended {
    pub(super) agent: AgentName,
    pub(super) pid: u32,
    pub(super) slot: Option<Timestamp>,
    pub(super) since: Timestamp,
    /// On the clock that is never set.
    pub(super) began: Duration,
    /// When it is looked whether its deadline has passed, on that clock.
    pub(super) look_at: Duration,
    /// Why it was asked to stop.
    pub(super) stopped: Option<Stopped>,
    pub(super) stop: Option<Box<dyn FnOnce() + Send>>,
}

/// Why a run was asked to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stopped {
    /// Its deadline has passed.
    Overdue,
    /// The scheduler ends.
    Draining,
}

/// What a code means where the scheduler assigns it, as shells do: the deadline, and 128 with the signal's number.
const TIMED_OUT: i32 = 124;
const SIGNALLED: i32 = 128;
/// Signals that a program raises against itself by a fault of its own: ILL, TRAP, ABRT, BUS, FPE, SEGV, SYS.
const FAULTS: [i32; 7] = [4, 5, 6, 7, 8, 11, 31];

impl Attended {
    pub(super) const fn running(&self) -> Running {
        Running { slot: self.slot, started_at: self.since }
    }

    pub(super) fn stop(&mut self, why: Stopped) {
        if let Some(stop) = self.stop.take() {
            self.stopped = Some(why);
            stop();
        }
    }

    /// The end to be written down for a run that did not write its own.
    pub(super) fn end(&self, ended: &Ended) -> (RunState, Option<i32>) {
        match (self.stopped, ended.how) {
            (Some(Stopped::Overdue), _) => (RunState::TimedOut, Some(TIMED_OUT)),
            (Some(Stopped::Draining), How::Signalled(signal)) => {
                (RunState::Interrupted, Some(SIGNALLED + signal))
            }
            (Some(Stopped::Draining), How::Exited(code)) => (RunState::Interrupted, Some(code)),
            (None, How::Exited(code)) => (RunState::Failed, Some(code)),
            (None, How::Signalled(signal)) if FAULTS.contains(&signal) => {
                (RunState::Crashed, Some(SIGNALLED + signal))
            }
            (None, How::Signalled(signal)) => (RunState::Killed, Some(SIGNALLED + signal)),
            (Some(Stopped::Draining) | None, How::Unseen) => (RunState::Lost, None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_that_was_not_written_down_is_named_by_its_cause() {
        let end = |stopped, how| {
            let attended = Attended {
                agent: AgentName::of("a"),
                pid: 1,
                slot: None,
                since: Timestamp::UNIX_EPOCH,
                began: Duration::ZERO,
                look_at: Duration::ZERO,
                stopped,
                stop: None,
            };
            attended.end(&Ended { how, stopped: false, printed: String::new(), left: Vec::new() })
        };
        for (stopped, how, state, exit) in [
            (None, How::Signalled(9), RunState::Killed, Some(137)),
            (None, How::Signalled(15), RunState::Killed, Some(143)),
            (None, How::Signalled(11), RunState::Crashed, Some(139)),
            (None, How::Exited(101), RunState::Failed, Some(101)),
            (None, How::Unseen, RunState::Lost, None),
            (Some(Stopped::Overdue), How::Signalled(9), RunState::TimedOut, Some(124)),
            (Some(Stopped::Draining), How::Signalled(9), RunState::Interrupted, Some(137)),
        ] {
            assert_eq!(end(stopped, how), (state, exit), "{stopped:?} {how:?}");
        }
    }
}
