//! Data stores: eyes on what they hold, and the hands that tend it.

use std::time::Duration;

use super::Pending;
use super::processes::ActFailure;
use crate::domain::operation::{DataRef, DataState, Operation};
use crate::domain::sight::Sight;
use crate::domain::upkeep::{DatabaseLook, LedgerLook};

/// The eyes on opswarden's own ledger as a database among others.
pub trait LedgerStore: Send + Sync {
    /// Everything that its upkeep depends on.
    fn look(&self) -> Pending<'_, Sight<LedgerLook>>;
}

/// The eyes on a PostgreSQL database.
pub trait Database: Send + Sync {
    /// Everything that its upkeep depends on; indexes are estimated from so many bytes on.
    fn look(&self, least_index_bytes: u64) -> Pending<'_, Sight<DatabaseLook>>;
}

/// The hands on a data store.
pub trait DataStoreControl: Send + Sync {
    /// The object as it is now; `None` where the store has no such object.
    fn read<'a>(&'a self, data: &'a DataRef) -> Pending<'a, Sight<Option<DataState>>>;

    /// Carries one operation out, within `time`. Returns what was done in words; that is not yet a proof.
    fn carry_out<'a>(
        &'a self,
        operation: &'a Operation,
        time: Duration,
    ) -> Pending<'a, Result<String, ActFailure>>;
}
