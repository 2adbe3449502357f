//! The ledger as its users see it: commits, questions, the view, rescue, import, verification, and the proofs.

#[path = "../support/ledger_clock.rs"]
mod clock;
#[path = "../support/ledger.rs"]
mod support;

mod commits;
mod imports;
mod opening;
mod publishing;
mod questions;
mod verifying;
