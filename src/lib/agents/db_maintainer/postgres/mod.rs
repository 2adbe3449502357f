//! PostgreSQL databases: what keeps them from being tidied, what comes to its end, and what of their upkeep is due.

mod counters;
mod detect;
mod fault;
mod holders;
mod remedy;
mod settings;
#[cfg(test)]
mod tests;

pub(super) use self::detect::detect;
pub use self::fault::{DatabaseFault, FreezeCounter};
pub(super) use self::remedy::remedy;
pub(super) use self::settings::lint;
pub use self::settings::{DatabaseSettings, Limits, PostgresSettings};
