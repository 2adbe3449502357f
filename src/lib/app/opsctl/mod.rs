//! The operator's tool: what is the state, why, and stop.

mod approvals;
pub mod args;
pub mod completions;
pub mod config;
mod controls;
pub mod db;
pub mod db_usage;
mod desk;
mod doctor;
mod explain;
pub mod generate;
pub mod init;
mod ledger;
pub mod manual;
mod notify;
pub mod notify_failed;
mod people;
mod questions;
mod resolve;
mod room;
mod runbook;
pub mod schedule;
mod status;
mod undo;

pub(super) use desk::run;

pub(in crate::app) use desk::absent;
use desk::{Desk, Told, Trouble};
