//! opswarden: autonomous operations agents.

pub mod adapters;
pub mod agent;
pub mod domain;
pub mod ports;
