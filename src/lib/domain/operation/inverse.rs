//! What takes an operation back.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Operation;

/// What takes an operation back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Inverse {
    /// This operation restores exactly what was.
    Exact(Operation),
    /// This operation comes close.
    Approximate {
        /// The operation.
        operation: Operation,
        /// What it does not restore.
        why: String,
    },
    /// Nothing does.
    None {
        /// Why not.
        why: String,
    },
}
