//! The slots of schedules: who may have one, decided in the ledger, so that two triggers never have the same one.

use jiff::Timestamp;

use super::Pending;
use super::store::StoreError;
use crate::domain::incident::RunId;
use crate::domain::planner::{Job, Plan, Waiting};
use crate::domain::run::{Claim, Trigger};
use crate::domain::subject::AgentName;

/// Who asks for a slot, and what they know beside the ledger.
#[derive(Clone, Debug)]
pub struct Ask<'a> {
    /// The agent and its schedule.
    pub job: &'a Job,
    /// The run that would have the slot.
    pub run: &'a RunId,
    /// What starts it.
    pub trigger: Trigger,
    /// Host and pid.
    pub owner: &'a str,
    /// Whether the caller holds the agent's lock: then no other run of it can be alive. Who does not gets no slot, and only
    /// writes down what the run at work means for it.
    pub alone: bool,
    /// Another agent that runs and has a mutex in common.
    pub held_by: Option<AgentName>,
    /// What the last look left waiting.
    pub waiting: Option<Waiting>,
    /// Since when the caller has been looking without a break.
    pub looking_since: Option<Timestamp>,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimed {
    /// The slot that is the caller's.
    pub mine: Option<Claim>,
    /// What was decided: what was skipped and missed is written down already.
    pub plan: Plan,
}

/// The slots in the ledger.
pub trait Slots: Send + Sync {
    /// Decides about every slot that is due and writes down what became of each, in one transaction. Whoever comes second
    /// finds nothing due. `now` is read once the ledger is the caller's: who waits for it long must not take what others wrote
    /// meanwhile for the future.
    fn claim<'a>(
        &'a self,
        now: &'a (dyn Fn() -> Timestamp + Sync),
        ask: &'a Ask<'a>,
    ) -> Pending<'a, Result<Claimed, StoreError>>;
}
