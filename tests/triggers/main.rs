//! What starts agents by themselves, as `opsctl generate` writes it, under the real programs that read it.
#![expect(clippy::disallowed_methods, reason = "the programs themselves are what is tested")]

mod calendars;
mod daemon;
mod daemon_ends;
mod daemon_faults;
mod daemon_told;
#[path = "../programs/fake.rs"]
mod fake;
mod machine;
#[path = "../support/peers.rs"]
mod peers;
#[path = "../support/peers_pm2.rs"]
mod peers_pm2;
#[path = "../support/peers_postgres.rs"]
#[expect(dead_code, reason = "here it only makes a dump")]
mod peers_postgres;
#[path = "../support/peers_systemd.rs"]
mod peers_systemd;
mod pm2;
mod pm2_daemon;
mod stores;
mod systemd;
