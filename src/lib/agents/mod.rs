//! The agents: judgement only, one file or folder each. They see `agent`, `ports` and `domain`, never each other.

pub mod content_lifecycle;
pub mod db_maintainer;
pub mod fleet_manager;
pub mod health_guardian;
pub mod ops_reporter;
pub mod schedule_doctor;
