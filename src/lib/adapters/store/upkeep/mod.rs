//! The ledger as a database that is tended: looked at, made smaller, backed up, and restored for a proof.
//!
//! What is done here goes by a connection of its own, beside those who write events: SQLite lets them take turns.

mod keeper;
mod look;
mod restore;
mod tend;

pub use self::keeper::LedgerUpkeep;
