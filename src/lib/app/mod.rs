//! The composition root: settings, registry, command line, log, exit codes. The only floor that knows both the
//! engine and its adapters.

pub mod config;
pub mod exit;
pub mod paths;
pub mod registry;
