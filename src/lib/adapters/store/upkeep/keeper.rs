//! The ledger as a database among others: where it lies, and what of it stays.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::ports::clock::Clock;

/// The ledger's upkeep.
pub struct LedgerUpkeep {
    /// The folder of the database.
    pub(super) state: PathBuf,
    /// The folder of its backups.
    pub(super) backups: PathBuf,
    /// So many backups stay.
    pub(super) keep: usize,
    /// So long counts a restore for a proof.
    pub(super) good_for: Duration,
    pub(super) clock: Arc<dyn Clock>,
}

impl LedgerUpkeep {
    /// The upkeep of the ledger in `state`, whose backups lie in `backups`. All of them stay until told otherwise.
    #[must_use]
    pub fn new(state: &Path, backups: &Path, clock: Arc<dyn Clock>) -> Self {
        let (state, backups) = (state.to_owned(), backups.to_owned());
        Self { state, backups, keep: usize::MAX, good_for: Duration::MAX, clock }
    }

    /// The same, of whose backups the newest `keep` stay, and where a restore for a proof counts for so long.
    #[must_use]
    pub fn keeping(self, keep: u32, good_for: Duration) -> Self {
        let keep = usize::try_from(keep).unwrap_or(usize::MAX).max(1);
        Self { keep, good_for, ..self }
    }
}
