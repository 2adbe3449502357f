//! Our own scheduler: waits for slots, starts agents as processes, and ends those that go on for too long.
//!
//! It decides nothing that the planner does not decide, and gives no slot away that the ledger does not give: what it starts
//! claims its slot like any other trigger. So a second one, or one beside timers, does no harm.

mod at_work;
mod attended;
mod ends;
mod news;
mod report;
mod run;
mod watch;

pub use news::News;
pub use report::{Due, Pass, Reporter, Working};
pub use run::{Scheduler, Word};
