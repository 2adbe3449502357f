//! The whole of opswarden's power over production: one closed list of verbs, each with its inverse, its mark on the
//! target, its horizon and its class.

mod data;
mod guard;
mod inverse;
mod mark;
mod target;
mod upkeep;
mod verb;
mod words;

pub use data::{DataKind, DataRef, DataState, LEDGER, Measure, OWN_LOGS, StoreKind};
pub use guard::Guard;
pub use inverse::Inverse;
pub use target::{Mark, Target, TargetState};
pub use upkeep::Upkeep;
pub use verb::{Operation, OperationClass};
