//! The real agent against real process managers: what was planted is the truth, and the managers' own words about
//! the identity of every process before and after tell what was touched.
#![expect(clippy::disallowed_methods, reason = "the programs themselves are what is tested")]

mod canaries;
mod lives;
#[path = "../support/peers.rs"]
mod peers;
#[path = "../support/peers_pm2.rs"]
mod peers_pm2;
#[path = "../support/peers_systemd.rs"]
mod peers_systemd;
mod pm2;
mod pm2_apps;
mod pm2_rounds;
mod proof;
mod systemd;
mod systemd_rounds;
mod systemd_units;
mod world;
