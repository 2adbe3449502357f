//! PostgreSQL databases: what keeps them from being tidied, what comes to its end, and what of their upkeep is due.

mod advice;
#[cfg(test)]
mod counter_tests;
mod counters;
mod detect;
mod fault;
mod holders;
#[cfg(test)]
mod index_tests;
mod indexes;
mod remedy;
mod settings;
#[cfg(test)]
mod table_tests;
mod tables;
#[cfg(test)]
mod tests;
mod unseen;

pub(super) use self::detect::detect;
pub use self::fault::{DatabaseFault, FreezeCounter, RebuildBar, VacuumCause};
pub(super) use self::remedy::remedy;
pub(super) use self::settings::lint;
pub use self::settings::{DatabaseSettings, Limits, PostgresSettings};
