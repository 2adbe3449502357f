//! db-maintainer: keeps data stores healthy, and treats a backup as good only when it has been restored.
//!
//! It does only what helps, out of the way of the product, and says what it won and what it left. Routine work that falls due
//! is a chore: no incident while it is done and helps.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

pub mod backups;
pub mod buckets;
pub mod checks;
mod due;
pub mod fault;
pub mod ledger;
pub mod logs;
pub mod postgres;
pub mod redis;
mod remedy;
pub mod settings;
mod snapshot;

pub use fault::Fault;
use postgres::DatabaseSettings;
pub use settings::DbMaintainer;
pub use snapshot::Snapshot;

use crate::agent::{Agent, BackupsNeed, Need, Problem, Remedy, Scope, StoreNeed};
use crate::domain::diagnosis::Diagnosis;
use crate::domain::run::Recall;
use crate::domain::sight::{Blind, Sight};
use crate::domain::spec::Spec;
use crate::domain::subject::Subject;
use crate::ports::Pending;
use crate::ports::sensors::Sensors;

impl Agent for DbMaintainer {
    const SPEC: Spec = checks::SPEC;
    type Snapshot = Snapshot;
    type Fault = Fault;

    fn problems(&self) -> Vec<Problem> {
        self.lint()
    }

    fn needs(&self) -> Vec<Need> {
        let own = &self.ledger;
        let ledger = StoreNeed::Ledger {
            backups_kept: own.backups_kept,
            good_for: own.prove_every.get() + own.grace.get(),
        };
        let database = |one: &DatabaseSettings| StoreNeed::Database { name: one.name.clone() };
        let databases = self.databases.iter().map(database);
        let backups = self.backups.iter().map(|declared| {
            StoreNeed::Backups(Box::new(BackupsNeed {
                declared: declared.clone(),
                bin_dir: self.postgres.bin_dir.clone(),
                scratch: self.postgres.scratch.clone(),
                buckets: buckets::of_backups(&self.buckets, declared),
            }))
        });
        let redis = self.redis.iter().map(|one| StoreNeed::Redis {
            name: one.name.clone(),
            reclaim_budget: one.reclaim_budget.get(),
        });
        let stores = std::iter::once(ledger).chain(databases).chain(backups).chain(redis);
        let stores = stores.chain(logs::needs(&self.logs)).map(Need::Store);
        stores.chain(buckets::needs(&self.buckets)).collect()
    }

    async fn observe(&self, sensors: &Sensors, scope: &Scope, _recall: &Recall) -> Snapshot {
        let (at, stores) = (sensors.now(), &sensors.stores);
        let least = self.limits.bloat_least_mib.saturating_mul(1024 * 1024);
        Snapshot {
            host: sensors.host_name.clone(),
            at,
            ledger: match &stores.ledger {
                Ok(ledger) => ledger.look().await,
                Err(blind) => Err(Blind::clone(blind)),
            },
            databases: each(&stores.databases, |one| one.look(least)).await,
            backups: each(&stores.backups, |one| one.look()).await,
            keyspaces: each(&stores.keyspaces, |one| one.look()).await,
            logs: each(&stores.logs, |one| one.look()).await,
            buckets: buckets::observe(&self.buckets, sensors, at).await,
            wanted: match scope {
                Scope::Everything => BTreeSet::new(),
                Scope::Proof(keys) => keys.clone(),
            },
        }
    }

    fn detect(&self, snapshot: &Snapshot, recall: &Recall, _now: Timestamp) -> Diagnosis<Fault> {
        let mut diagnosis = Diagnosis::default();
        ledger::detect(self, snapshot, &mut diagnosis);
        postgres::detect(self, snapshot, recall, &mut diagnosis);
        backups::detect(self, snapshot, recall, &mut diagnosis);
        buckets::detect(self, snapshot, recall, &mut diagnosis);
        redis::detect(&self.redis, snapshot, recall, &mut diagnosis);
        logs::detect(&self.logs, snapshot, recall, &mut diagnosis);
        diagnosis
    }

    fn remedy(
        &self,
        subject: &Subject,
        fault: &Fault,
        snapshot: &Snapshot,
        _now: Timestamp,
    ) -> Remedy {
        remedy::remedy(subject, fault, snapshot)
    }
}

/// What each store of a kind shows, one after the other.
async fn each<S: ?Sized, T>(
    eyes: &BTreeMap<String, Sight<Arc<S>>>,
    look: impl for<'a> Fn(&'a S) -> Pending<'a, Sight<T>>,
) -> BTreeMap<String, Sight<T>> {
    let mut seen = BTreeMap::new();
    for (name, eye) in eyes {
        let sight = match eye {
            Ok(store) => look(store.as_ref()).await,
            Err(blind) => Err(Blind::clone(blind)),
        };
        seen.insert(name.clone(), sight);
    }
    seen
}
