//! When an agent is due: the slots of a cron expression in a time zone, and what somebody should know about them.
//!
//! Pure: the zone's rules come with the binary, the time is an argument. What is late, lost or due is decided from
//! slots elsewhere, in the planner; nothing here knows of runs.

mod calendar;
mod cron;
mod remark;
mod slots;

pub use calendar::{Calendar, Days};
pub use cron::{Cadence, Fields, Schedule, ScheduleError};
pub use remark::Remark;
pub use slots::{Count, MOST_COUNTED, Slots};
