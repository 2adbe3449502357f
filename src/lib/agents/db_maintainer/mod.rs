//! db-maintainer: keeps data stores healthy, and treats a backup as good only when it has been restored.
//!
//! It does only what helps, out of the way of the product, and says what it won and what it left. Routine work that falls due
//! is a chore: no incident while it is done and helps.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

pub mod checks;
#[cfg(test)]
mod chore_tests;
mod detect_database;
mod detect_ledger;
#[cfg(test)]
mod detect_tests;
pub mod fault;
pub mod fault_database;
mod holders;
mod remedy;
pub mod settings;
mod snapshot;

pub use fault::Fault;
use settings::DatabaseSettings;
pub use settings::DbMaintainer;
pub use snapshot::Snapshot;

use crate::agent::{Agent, Need, Problem, Remedy, Scope, StoreNeed};
use crate::domain::diagnosis::Diagnosis;
use crate::domain::run::Recall;
use crate::domain::sight::Blind;
use crate::domain::spec::Spec;
use crate::domain::subject::Subject;
use crate::ports::sensors::Sensors;

impl Agent for DbMaintainer {
    const SPEC: Spec = checks::SPEC;
    type Snapshot = Snapshot;
    type Fault = Fault;

    fn problems(&self) -> Vec<Problem> {
        self.lint()
    }

    fn needs(&self) -> Vec<Need> {
        let ledger = StoreNeed::Ledger { backups_kept: self.ledger.backups_kept };
        let database = |one: &DatabaseSettings| StoreNeed::Database { name: one.name.clone() };
        let databases = self.databases.iter().map(database);
        std::iter::once(ledger).chain(databases).map(Need::Store).collect()
    }

    async fn observe(&self, sensors: &Sensors, scope: &Scope, _recall: &Recall) -> Snapshot {
        let at = sensors.now();
        let mut databases = BTreeMap::new();
        for (name, sight) in &sensors.stores.databases {
            let least = self.limits.bloat_least_mib.saturating_mul(1024 * 1024);
            let look = match sight {
                Ok(database) => database.look(least).await,
                Err(blind) => Err(Blind::clone(blind)),
            };
            databases.insert(name.clone(), look);
        }
        let wanted = match scope {
            Scope::Everything => BTreeSet::new(),
            Scope::Proof(keys) => keys.clone(),
        };
        let ledger = match &sensors.stores.ledger {
            Ok(ledger) => ledger.look().await,
            Err(blind) => Err(Blind::clone(blind)),
        };
        Snapshot { host: sensors.host_name.clone(), at, ledger, databases, wanted }
    }

    fn detect(&self, snapshot: &Snapshot, recall: &Recall, _now: Timestamp) -> Diagnosis<Fault> {
        let mut diagnosis = Diagnosis::default();
        detect_ledger::detect(self, snapshot, &mut diagnosis);
        detect_database::detect(self, snapshot, recall, &mut diagnosis);
        diagnosis
    }

    fn remedy(
        &self,
        _subject: &Subject,
        fault: &Fault,
        snapshot: &Snapshot,
        _now: Timestamp,
    ) -> Remedy {
        remedy::remedy(fault, snapshot)
    }
}
