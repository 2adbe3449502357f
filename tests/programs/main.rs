//! The programs as they run in production: real processes, real files, real signals.
#![expect(clippy::disallowed_methods, reason = "the programs themselves are what is tested")]

mod applying;
mod demo;
mod desk;
mod dry_run;
mod fake;
mod full_disk;

mod kills;
mod other_user;
mod owner;
#[path = "../support/peers.rs"]
mod peers;
mod reporter;
mod small_disk;
mod stops;
mod telling;
mod tenant;
mod trials;
