//! opswarden's own ledger: whole, backed up, restored for a proof, and no larger than it has to be.

#[cfg(test)]
mod chore_tests;
mod detect;
mod fault;
mod remedy;
mod settings;

pub(super) use self::detect::detect;
pub use self::fault::LedgerFault;
pub(super) use self::remedy::remedy;
pub use self::settings::LedgerSettings;
pub(super) use self::settings::lint;
