//! Everything that db-maintainer sees in one pass.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::domain::sight::Sight;
use crate::domain::subject::Key;
use crate::domain::upkeep::{DatabaseLook, LedgerLook};

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
    /// What is to be proved by this look.
    pub wanted: BTreeSet<Key>,
}
