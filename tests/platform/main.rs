//! What the three agents that tend the platform promise, on whole tenants of which the truth is known.
#![expect(clippy::unwrap_used, reason = "what a test cannot do should end it")]

mod agents;
mod dice;
mod faults;
mod laws;
mod life;
mod looks;
mod people;
mod score;
mod time;
mod undo;
mod world;
mod zoo;
