//! Incidents, remediations, requests and controls as a set, and the one place that changes them.
//!
//! Pure and typed. The store loads what an event touches, applies, and writes back what changed, in the
//! transaction that appends the event; `opsctl ledger verify` folds every event into an empty set and compares.
//! An illegal transition is refused before anything is written.

mod apply;
mod approvals;
mod set;

pub use apply::IllegalTransition;
pub use set::{Entities, EntityRef, Parts};
