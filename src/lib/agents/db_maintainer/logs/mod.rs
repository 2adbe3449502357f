//! Logs: kept for as long as they are of use, and never emptied.
//!
//! What is written stays where it is; what nobody has written for long is archived; what is past its retention goes, but the
//! last words of a service that died stay.

mod detect;
mod fault;
mod remedy;
mod settings;
#[cfg(test)]
mod tests;

pub(super) use detect::detect;
pub use fault::LogsFault;
pub(super) use remedy::remedy;
pub use settings::LogSettings;
pub(super) use settings::{lint, needs};
