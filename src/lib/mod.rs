//! opswarden: autonomous operations agents.

pub mod adapters;
pub mod agent;
pub mod agents;
pub mod app;
pub mod domain;
pub mod engine;
pub mod ports;
pub mod render;
pub mod sandbox;
pub mod scheduler;
