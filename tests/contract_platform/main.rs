//! What the platform client promises, on a small model of the platform that misbehaves on demand.
#![expect(clippy::unwrap_used, reason = "what a test cannot do should end it")]
#![expect(clippy::disallowed_methods, reason = "the model dates its answers by the real clock")]

mod evidence;
mod limits;
mod model;
mod rows;
mod sandbox;
mod secrets;
mod server;
mod sessions;
mod sweeps;
mod walks;
mod writes;
