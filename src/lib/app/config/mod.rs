//! Settings: code defaults, then one file, then the environment for secrets and addresses.
//!
//! Reading goes in two passes, so that a person sees every mistake at once and none hides another: `walk`
//! holds the spanned document against the generated schema, and only a document without a mistake is built
//! into structs, whose cross-field problems `lints` collects. Nothing outside this folder reads the
//! environment.

pub mod document;
pub mod environ;
mod lints;
pub mod load;
pub mod notify;
mod notify_lints;
pub mod origins;
pub mod platform;
mod position;
pub mod problem;
mod reader;
mod resolve;
pub mod schema;
pub mod secret;
mod setting_path;
mod standby;
mod stores;
mod timing;
mod walk;

pub use document::{Managers, Pm2Read, Pm2Settings, SystemdSettings};
pub use environ::Environ;
pub use load::{AgentSettings, Config, Loaded};
pub use origins::{Origin, OriginRow};
pub use problem::{ConfigErrors, Level, Problem};
pub use secret::Secret;
pub use standby::Standby;
pub use stores::{database_url_name, redis_url_name, s3_key_names, shared_s3_key_names};
