//! The platform's HTTP API: a session for each tenant, walks over pages that know whether they are whole, details that are
//! kept between runs, and the few writes.
//!
//! Only named fields of an answer are ever read: rows of the platform hold tokens. No verb of HTTP that deletes can be
//! written down here.

mod answer;
mod ask;
mod cache;
mod client;
mod dialect;
mod evidence;
mod failure;
mod limiter;
mod listed;
mod options;
mod origins;
mod pace;
mod ping;
mod report;
mod retry;
mod rows;
mod send;
mod session;
mod single;
mod state;
mod sweep;
mod tenant;
mod thumbnail;
mod transport;
mod walk;
mod wire;

pub use client::PlatformClient;
pub use options::{Limits, PlatformOptions, TenantOptions};
pub use origins::{is_in_clear, is_origin};
