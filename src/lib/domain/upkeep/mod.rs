//! What data stores look like to whoever tends them.

mod backup;
mod database;
mod ledger;

pub use backup::{Backup, RestoreProof};
pub use database::{BloatedIndex, Counter, DatabaseLook, Holder, InvalidIndex, TableLook};
pub use ledger::LedgerLook;
