//! What becomes of every slot: run, skipped or missed, each with its reason, and when to look again.
//!
//! Whatever wakes a trigger (a timer, a person, a pulse) only says "look now"; [`plan`] decides from the schedule, from
//! what the ledger has seen and from the time. It starts nothing and remembers nothing, so that two triggers that ask
//! at the same moment get the same answer, and the ledger lets one of them have it. It must never read a clock.

mod decide;
mod draw;
mod hold;
mod job;
mod jump;
mod retry;
mod rules;
mod seen;
mod verdict;

pub use decide::{ON_TIME, plan};
pub use hold::Hold;
pub use job::Job;
pub use jump::{Jump, Reading};
pub use rules::Rules;
pub use seen::{Attempt, Running, Seen, Suspension};
pub use verdict::{MissedWhy, Plan, RunWhy, SkipWhy, Start, Verdict, Waiting};

#[cfg(test)]
mod table_retry_tests;
#[cfg(test)]
mod table_tests;
