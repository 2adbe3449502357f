//! opswarden's own ledger, as a database among others.

use serde::{Deserialize, Serialize};

use super::backup::{Backup, RestoreProof};

/// Everything that the ledger's upkeep depends on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerLook {
    /// The database file, in bytes.
    pub size_bytes: u64,
    /// Its write-ahead log, in bytes.
    pub wal_bytes: u64,
    /// Bytes of the file that hold nothing.
    pub loose_bytes: u64,
    /// What is broken in the file, if anything is.
    pub damage: Option<String>,
    /// The backups that we made, newest first.
    pub backups: Vec<Backup>,
    /// The last restore for a proof.
    pub proof: Option<RestoreProof>,
    /// The last that was good.
    #[serde(default)]
    pub proved: Option<RestoreProof>,
}
