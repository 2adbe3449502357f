//! Probes of addresses: one bounded look, and what went wrong is the reading.

mod certificate;
mod failure;
mod http;
mod page;
mod prober;

pub use prober::HttpProber;
