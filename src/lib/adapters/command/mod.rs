//! Declared commands: one tells the status of a process, one restarts it.

mod kernel;
mod manager;

pub use manager::Commands;
