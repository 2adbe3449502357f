//! db-maintainer against real servers: what it finds, what it does, what it leaves, and that nobody waits because of it.
#![expect(clippy::disallowed_methods, reason = "the programs themselves are what is tested")]

mod house;
#[path = "../support/peers.rs"]
mod peers;
#[path = "../support/peers_postgres.rs"]
mod peers_postgres;
mod postgres;
mod yields;
