//! opswarden: autonomous operations agents.

pub mod agent;
pub mod domain;
pub mod ports;
