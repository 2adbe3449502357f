//! Redis servers: what they will do at their limits, whether they are saved, and the keys that have expired and take room still.

mod detect;
mod fault;
mod remedy;
mod settings;
#[cfg(test)]
mod tests;

pub(super) use detect::detect;
pub use fault::{MemoryLimit, RedisFault, SaveTrouble};
pub(super) use remedy::remedy;
pub use settings::RedisSettings;
pub(super) use settings::lint;
