//! The gate: the one door to production, as ten doors in a fixed order.
//!
//! Pure. The plan asks all of doors 1 to 9; the intent's transaction asks the doors that the ledger can change
//! again; the last door belongs to the moment of acting. A door that has nothing to say answers
//! [`Answer::NotApplicable`] with the reason, so that nobody takes it for passed.

mod approval;
mod ask;
mod door;
mod input;
mod limits;

pub use approval::{asks, licence, unasked};
pub use ask::{gate, gate_again, gate_but_for_a_person, gate_undo};
pub use door::{Answer, Door, DoorAnswer, refusal};
pub use input::GateInput;
