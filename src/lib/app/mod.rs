//! The composition root: settings, registry, command line, log, exit codes. The only floor that knows both the
//! engine and its adapters.

pub mod agent_run;
pub mod cli;
pub mod commands;
pub mod config;
mod declared_folders;
pub mod demo;
pub mod documents;
mod dry_run;
mod due;
pub mod exit;
mod foreign;
mod installed;
pub mod opsctl;
mod ordered;
pub mod out;
pub mod paths;
mod person;
pub mod program;
mod pulse;
pub mod registry;
pub mod replay;
mod runbooks;
pub mod sandbox;
mod saved_plan;
pub mod scheduler;
pub mod shipped;
mod signals;
pub mod telemetry;
pub mod telling;
pub mod triggers;
pub mod wire;
