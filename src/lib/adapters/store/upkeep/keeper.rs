//! The ledger as a database among others: where it lies, and what of it stays.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::ports::clock::Clock;

/// The ledger's upkeep.
pub struct LedgerUpkeep {
    /// The folder of the database.
    pub(super) state: PathBuf,
    /// The folder of its backups.
    pub(super) backups: PathBuf,
    /// So many backups stay.
    pub(super) keep: usize,
    pub(super) clock: Arc<dyn Clock>,
}

impl LedgerUpkeep {
    /// The upkeep of the ledger in `state`, whose backups lie in `backups`, of which the newest `keep` stay.
    #[must_use]
    pub fn new(state: &Path, backups: &Path, keep: u32, clock: Arc<dyn Clock>) -> Self {
        let keep = usize::try_from(keep).unwrap_or(usize::MAX).max(1);
        Self { state: state.to_owned(), backups: backups.to_owned(), keep, clock }
    }
}
