//! Nouns and laws. Nothing in here waits, reads a clock, a file or the environment.

mod attempts;
pub mod backoff;
pub mod cause;
pub mod diagnosis;
pub mod duration;
pub mod entities;
pub mod event;
pub mod gate;
pub mod incident;
pub mod ledger;
pub mod merge;
pub mod moment;
pub mod notice;
pub mod operation;
pub mod plan;
pub mod platform;
pub mod policy;
pub mod process;
pub mod proof;
pub mod report;
pub mod run;
pub mod schedule;
pub mod severity;
pub mod sight;
pub mod spec;
pub mod subject;
pub mod view;
