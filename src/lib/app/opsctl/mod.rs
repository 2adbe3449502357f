//! The operator's tool: what is the state, why, and stop.

pub mod args;
pub mod completions;
pub mod config;
