//! The programs as they run in production: real processes, real files, real signals.
#![expect(clippy::disallowed_methods, reason = "the programs themselves are what is tested")]

mod applying;
#[path = "../support/authority.rs"]
mod authority;
mod daemon;
mod demo;
mod desk;
mod dry_run;
mod due;
mod fake;
mod full_disk;

mod kills;
#[path = "../support/mail_server.rs"]
mod mail_server;
#[path = "../support/nobody.rs"]
mod nobody;
mod other_user;
mod owner;
#[path = "../support/peers.rs"]
mod peers;
mod reporter;
mod scheduler;
mod scheduler_clock;
mod scheduler_faults;
mod small_disk;
mod stops;
mod storm;
mod telling;
mod telling_channels;
mod tenant;
mod trials;
mod upkeep;
mod upkeep_ledger;
