//! Wiring of data stores: from names in the settings and addresses in the environment to eyes and hands.

use std::path::Path;
use std::sync::Arc;

use crate::adapters::discreet::Discreet;
use crate::adapters::postgres::Postgres;
use crate::adapters::redact::Redactor;
use crate::adapters::store::LedgerUpkeep;
use crate::agent::{Need, StoreNeed};
use crate::app::config::{Config, database_url_name};
use crate::domain::operation::{LEDGER, StoreKind};
use crate::domain::sight::{Blind, Sight};
use crate::ports::clock::Clock;
use crate::ports::data_store::{DataStoreControl, Database, LedgerStore, StoreHands, StoreSensors};

/// The eyes on data stores, and the hands that tend them.
pub(super) struct Stores {
    pub(super) eyes: StoreSensors,
    pub(super) hands: StoreHands,
}

/// What is made of one store: eyes, and hands.
struct Wiring<'a> {
    config: &'a Config,
    clock: &'a Arc<dyn Clock>,
    redactor: &'a Redactor,
    /// Where the ledger is read: a dry run has a copy.
    ledger: &'a Path,
}

/// Everything that an agent tends.
pub(super) fn stores(
    config: &Config,
    needs: &[Need],
    clock: &Arc<dyn Clock>,
    redactor: &Redactor,
    ledger: &Path,
) -> Stores {
    let wiring = Wiring { config, clock, redactor, ledger };
    let mut stores = Stores { eyes: StoreSensors::none(), hands: StoreHands::new() };
    for need in needs {
        match need {
            Need::Store(StoreNeed::Ledger { backups_kept }) => {
                wiring.add_ledger(*backups_kept, &mut stores);
            }
            Need::Store(StoreNeed::Database { name }) => wiring.add_database(name, &mut stores),
            Need::Prober { .. } | Need::Host | Need::Manager { .. } | Need::Platform => {}
        }
    }
    stores
}

impl Wiring<'_> {
    fn add_ledger(&self, backups_kept: u32, stores: &mut Stores) {
        let (backups, clock) = (self.config.paths.backups(), Arc::clone(self.clock));
        let own = Arc::new(LedgerUpkeep::new(self.ledger, &backups, backups_kept, clock));
        stores.eyes.ledger = Ok(Arc::clone(&own) as Arc<dyn LedgerStore>);
        for kind in [StoreKind::Database, StoreKind::Backups] {
            let hands = Arc::clone(&own) as Arc<dyn DataStoreControl>;
            stores.hands.insert((kind, LEDGER.to_owned()), Ok(hands));
        }
    }

    fn add_database(&self, name: &str, stores: &mut Stores) {
        let found = self.database(name);
        let eyes = found.clone().map(|one| one as Arc<dyn Database>);
        stores.eyes.databases.insert(name.to_owned(), eyes);
        let hands = found.map(|one| one as Arc<dyn DataStoreControl>);
        stores.hands.insert((StoreKind::Database, name.to_owned()), hands);
    }

    /// A database, whose words are cleared of secrets.
    fn database(&self, name: &str) -> Sight<Arc<Discreet<Postgres>>> {
        let variable = database_url_name(name);
        let url = self.config.given(&variable).ok_or_else(|| {
            Blind::because(format!(
                "the address of the database {name} is not given: set {variable} or {variable}_FILE"
            ))
        })?;
        let found = Postgres::new(name, url, Arc::clone(self.clock));
        let found = found.map_err(|why| Blind::because(format!("{variable}: {why}")))?;
        Ok(Arc::new(Discreet::new(found, self.redactor.clone())))
    }
}
