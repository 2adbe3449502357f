//! The programs as they run in production: real processes, real files, real signals.
#![expect(clippy::disallowed_methods, reason = "the programs themselves are what is tested")]

mod demo;
mod dry_run;
mod fake;
mod kills;
mod owner;
#[path = "../support/peers.rs"]
mod peers;
mod stops;
