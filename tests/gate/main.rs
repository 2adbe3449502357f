//! The gate: what passes all doors, and what shuts one of them.

mod approvals;
mod processes;
mod request;
mod rows;
