//! `opsctl demo`: real processes break, and are repaired or left alone for a reason, before the reader's eyes.

mod databases;
mod inbox;
mod play;
pub(crate) mod service;
mod stage;
mod tend;

pub use play::run;
