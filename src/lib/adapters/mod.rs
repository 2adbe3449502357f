//! The crates behind the ports.

pub mod store;
