//! The `scheduler` program: settings, signals, the service manager and the terminal around the scheduler itself.

pub mod args;
mod beat;
mod jobs;
mod ledger;
mod manager;
mod pulse;
mod reporter;
mod start;
mod terminal;
mod words;

pub use beat::{Beat, BeatDue, BeatWorking, Refused};
pub(super) use jobs::job;
pub(super) use start::run;
