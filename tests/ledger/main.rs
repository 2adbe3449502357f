//! The ledger as its users see it: commits, questions, the view, rescue, import, verification, and the proofs.

#[path = "../support/ledger_clock.rs"]
mod clock;
#[path = "../support/ledger_processes.rs"]
mod processes;
#[path = "../support/ledger.rs"]
mod support;

#[cfg(test)]
mod approvals;
#[cfg(test)]
mod commits;
#[cfg(test)]
mod entities;
#[cfg(test)]
mod imports;
#[cfg(test)]
mod opening;
#[cfg(test)]
mod proof_fault;
#[cfg(test)]
mod proof_flip;
#[cfg(test)]
mod proof_kill;
#[cfg(test)]
mod proof_share;
#[cfg(test)]
mod proof_slots;
#[cfg(test)]
mod publishing;
mod questions;
mod slots;
#[cfg(test)]
mod upgrading;
#[cfg(test)]
mod verifying;
#[cfg(test)]
mod view;
