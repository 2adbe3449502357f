//! opswarden: autonomous operations agents.

pub mod agent;
pub mod agents;
pub mod domain;
pub mod ports;
