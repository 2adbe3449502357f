//! Data stores: eyes on what they hold, and the hands that tend it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::Pending;
use super::processes::ActFailure;
use crate::domain::operation::{DataRef, DataState, StoreKind, Upkeep};
use crate::domain::sight::{Blind, Sight};
use crate::domain::upkeep::{
    BackupSetLook, BucketLook, DatabaseLook, KeyspaceLook, LedgerLook, LogsLook,
};

/// The eyes on all data stores, by their names in the settings; one that no setting names is absent.
#[derive(Clone)]
pub struct StoreSensors {
    /// opswarden's own ledger, as a database.
    pub ledger: Sight<Arc<dyn LedgerStore>>,
    /// PostgreSQL databases.
    pub databases: BTreeMap<String, Sight<Arc<dyn Database>>>,
    /// Backups, by what they are of.
    pub backups: BTreeMap<String, Sight<Arc<dyn BackupStore>>>,
    /// Buckets of object storages.
    pub buckets: BTreeMap<String, Sight<Arc<dyn Bucket>>>,
    /// Redis servers.
    pub keyspaces: BTreeMap<String, Sight<Arc<dyn Keyspace>>>,
    /// Sets of log files.
    pub logs: BTreeMap<String, Sight<Arc<dyn LogStore>>>,
}

impl StoreSensors {
    /// For an agent that tends none.
    #[must_use]
    pub fn none() -> Self {
        Self {
            ledger: Err(Blind::because("the agent does not tend it")),
            databases: BTreeMap::new(),
            backups: BTreeMap::new(),
            buckets: BTreeMap::new(),
            keyspaces: BTreeMap::new(),
            logs: BTreeMap::new(),
        }
    }
}

/// Every data store that is tended, by what it is and its name in the settings.
pub type StoreHands = BTreeMap<(StoreKind, String), Sight<Arc<dyn DataStoreControl>>>;

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

/// The eyes on the backups of one thing.
pub trait BackupStore: Send + Sync {
    /// Everything that can be known of them without restoring one.
    fn look(&self) -> Pending<'_, Sight<BackupSetLook>>;
}

/// The eyes on a bucket of an object storage.
pub trait Bucket: Send + Sync {
    /// Everything that is judged of it; of uploads those that were begun before `unfinished_before`.
    fn look(&self, unfinished_before: Timestamp) -> Pending<'_, Sight<BucketLook>>;
}

/// The eyes on a Redis server.
pub trait Keyspace: Send + Sync {
    /// Everything that its upkeep depends on.
    fn look(&self) -> Pending<'_, Sight<KeyspaceLook>>;
}

/// The eyes on a set of log files.
pub trait LogStore: Send + Sync {
    /// What there is, by names and sizes: no log is read.
    fn look(&self) -> Pending<'_, Sight<LogsLook>>;
}

/// The hands on a data store.
pub trait DataStoreControl: Send + Sync {
    /// The object as it is now; `None` where the store has no such object.
    fn read<'a>(&'a self, data: &'a DataRef) -> Pending<'a, Sight<Option<DataState>>>;

    /// Tends one object, within `time`. Returns what was done in words; that is not yet a proof.
    fn carry_out<'a>(
        &'a self,
        verb: Upkeep,
        data: &'a DataRef,
        time: Duration,
    ) -> Pending<'a, Result<String, ActFailure>>;
}

/// What a store answers that is asked for what it does not do.
#[must_use]
pub fn no_such_verb(verb: Upkeep, store: &str) -> ActFailure {
    ActFailure::NotSent(format!("{store} knows no {}", verb.as_str()))
}
