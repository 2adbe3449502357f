//! What an agent proposes.

use crate::domain::operation::{Guard, Operation};

/// What an agent proposes for a fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// One step; a second one is the next run's.
    Act(Step),
    /// Nothing, and why.
    Leave {
        /// A sentence that says what is missing or why acting would be wrong.
        why: String,
    },
}

/// One operation with what must still hold when it is carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What to do.
    pub operation: Operation,
    /// What must still hold of the target.
    pub guard: Guard,
    /// Why this helps, in one sentence.
    pub why: String,
}
