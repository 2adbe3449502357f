//! The slots of schedules: who may have one, decided in the ledger, so that two triggers never have the same one.

use jiff::Timestamp;

use super::Pending;
use super::store::StoreError;
use crate::domain::incident::RunId;
use crate::domain::planner::{Job, Plan, Seen, Waiting};
use crate::domain::run::{AgentRun, Claim, RunState, Trigger};
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

    /// Writes down which schedules are in effect from `now` on. Whoever waits for slots does this first: a schedule that the
    /// ledger hears of when its slot is due has no slots before that.
    fn enrol<'a>(&'a self, now: Timestamp, jobs: &'a [Job]) -> Pending<'a, Result<(), StoreError>>;

    /// What the planner needs to know of each job, as if no run were at work: that is for who asks to know.
    fn seen<'a>(
        &'a self,
        now: Timestamp,
        jobs: &'a [&'a Job],
    ) -> Pending<'a, Result<Vec<Seen>, StoreError>>;

    /// Every run of this host that has no end.
    fn running(&self) -> Pending<'_, Result<Vec<AgentRun>, StoreError>>;

    /// Gives an end to a run that could not write down its own. Whether it needed one.
    fn conclude<'a>(
        &'a self,
        run: &'a RunId,
        state: RunState,
        exit: Option<i32>,
        now: Timestamp,
    ) -> Pending<'a, Result<bool, StoreError>>;
}
