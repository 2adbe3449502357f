//! The whole of opswarden's power over production: one closed list of verbs, each with its inverse, its mark on the
//! target, its horizon and its class.

mod guard;
mod inverse;
mod target;
mod verb;

pub use guard::Guard;
pub use inverse::Inverse;
pub use target::{Mark, Target, TargetState};
pub use verb::{Operation, OperationClass};
