//! Redis by its own protocol: looked at through what it tells of itself, and walked over so that it lets expired keys go.
//!
//! Only commands that read are ever sent (`commands.rs`): AUTH, CLIENT SETNAME, PING, INFO, CONFIG GET, SELECT, SCAN. A password
//! goes from the environment into AUTH and nowhere else.

mod bookmark;
mod commands;
mod info;
mod look;
mod server;
mod session;
mod walk;

pub use self::server::RedisServer;
