//! Everything that db-maintainer sees in one pass.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::domain::sight::Sight;
use crate::domain::subject::Key;
use crate::domain::upkeep::{
    BackupSetLook, BucketLook, DatabaseLook, KeyspaceLook, LedgerLook, LogsLook,
};

/// Everything seen in one pass.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Snapshot {
    /// This host's name.
    pub host: String,
    /// When the look began.
    pub at: Timestamp,
    /// opswarden's own ledger.
    pub ledger: Sight<LedgerLook>,
    /// The databases of the settings.
    pub databases: BTreeMap<String, Sight<DatabaseLook>>,
    /// The backups of the settings.
    #[serde(default)]
    pub backups: BTreeMap<String, Sight<BackupSetLook>>,
    /// The buckets of the settings.
    #[serde(default)]
    pub buckets: BTreeMap<String, Sight<BucketLook>>,
    /// The Redis servers of the settings.
    #[serde(default)]
    pub keyspaces: BTreeMap<String, Sight<KeyspaceLook>>,
    /// The sets of logs: those of the settings, and opswarden's own.
    #[serde(default)]
    pub logs: BTreeMap<String, Sight<LogsLook>>,
    /// What is to be proved by this look.
    pub wanted: BTreeSet<Key>,
}

#[cfg(test)]
impl Snapshot {
    /// Nothing is declared, and the ledger was not looked at.
    pub(super) fn blank(at: Timestamp) -> Self {
        Self {
            host: "host-a".to_owned(),
            at,
            ledger: Err(crate::domain::sight::Blind::because("not looked at here")),
            databases: BTreeMap::new(),
            backups: BTreeMap::new(),
            buckets: BTreeMap::new(),
            keyspaces: BTreeMap::new(),
            logs: BTreeMap::new(),
            wanted: BTreeSet::new(),
        }
    }
}
