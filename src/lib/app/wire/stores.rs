//! Wiring of data stores: from names in the settings and addresses in the environment to eyes and hands.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::buckets;
use crate::adapters::backup::{Apart, BackupPlace, BackupSet, Elsewhere, ServerPrograms, Unlike};
use crate::adapters::discreet::Discreet;
use crate::adapters::logs::LogFolder;
use crate::adapters::postgres::Postgres;
use crate::adapters::redact::Redactor;
use crate::adapters::s3::Client;
use crate::adapters::store::LedgerUpkeep;
use crate::agent::{BackupsNeed, Need, StoreNeed};
use crate::app::config::{Config, database_url_name};
use crate::domain::operation::{LEDGER, StoreKind};
use crate::domain::sight::{Blind, Sight};
use crate::domain::upkeep::{DeclaredBackup, DeclaredCopy, LogRules};
use crate::ports::clock::Clock;
use crate::ports::data_store::{
    BackupStore, DataStoreControl, Database, LedgerStore, LogStore, StoreHands, StoreSensors,
};

/// The eyes on data stores, and the hands that tend them.
pub(super) struct Stores {
    pub(super) eyes: StoreSensors,
    pub(super) hands: StoreHands,
}

/// What is made of one store: eyes, and hands.
pub(super) struct Wiring<'a> {
    pub(super) config: &'a Config,
    pub(super) clock: &'a Arc<dyn Clock>,
    pub(super) redactor: &'a Redactor,
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
            Need::Store(StoreNeed::Ledger { backups_kept, good_for }) => {
                wiring.add_ledger(*backups_kept, *good_for, &mut stores);
            }
            Need::Store(StoreNeed::Database { name }) => wiring.add_database(name, &mut stores),
            Need::Store(StoreNeed::Backups(need)) => wiring.add_backups(need, &mut stores),
            Need::Store(need @ StoreNeed::Bucket { name, .. }) => {
                let eyes = buckets::eyes(config, redactor, clock, need);
                stores.eyes.buckets.insert(name.clone(), eyes);
            }
            Need::Store(StoreNeed::Redis { name, reclaim_budget }) => {
                wiring.add_redis(name, *reclaim_budget, &mut stores);
            }
            Need::Store(StoreNeed::Logs { name, folder, rules }) => {
                wiring.add_logs(name, folder.as_deref(), rules, &mut stores);
            }
            Need::Prober { .. } | Need::Host | Need::Manager { .. } | Need::Platform => {}
        }
    }
    stores
}

impl Wiring<'_> {
    fn add_ledger(&self, keep: u32, good_for: Duration, stores: &mut Stores) {
        let (backups, clock) = (self.config.paths.backups(), Arc::clone(self.clock));
        let own = LedgerUpkeep::new(self.ledger, &backups, clock).keeping(keep, good_for);
        let own = Arc::new(own);
        stores.eyes.ledger = Ok(Arc::clone(&own) as Arc<dyn LedgerStore>);
        for kind in [StoreKind::Database, StoreKind::Backups] {
            let hands = Arc::clone(&own) as Arc<dyn DataStoreControl>;
            stores.hands.insert((kind, LEDGER.to_owned()), Ok(hands));
        }
    }

    fn add_logs(&self, name: &str, folder: Option<&str>, rules: &LogRules, stores: &mut Stores) {
        let make = |root| LogFolder::new(root, rules.clone(), Arc::clone(self.clock));
        let logs = Arc::new(match folder {
            Some(folder) => make(PathBuf::from(folder)),
            None => make(self.config.paths.logs.clone()).made_when_written(),
        });
        let eyes = Arc::clone(&logs) as Arc<dyn LogStore>;
        stores.eyes.logs.insert(name.to_owned(), Ok(eyes));
        let hands = logs as Arc<dyn DataStoreControl>;
        stores.hands.insert((StoreKind::Logs, name.to_owned()), Ok(hands));
    }

    fn add_database(&self, name: &str, stores: &mut Stores) {
        let found = self.database(name);
        let eyes = found.clone().map(|one| one as Arc<dyn Database>);
        stores.eyes.databases.insert(name.to_owned(), eyes);
        let hands = found.map(|one| one as Arc<dyn DataStoreControl>);
        stores.hands.insert((StoreKind::Database, name.to_owned()), hands);
    }

    fn add_backups(&self, need: &BackupsNeed, stores: &mut Stores) {
        let declared = &need.declared;
        let notes = self.config.paths.backups().join(&declared.name);
        let usual = self.config.paths.state.clone();
        let servers = need.scratch.as_ref().map(PathBuf::from);
        let scratch = servers.clone().unwrap_or(usual);
        let place = BackupPlace { notes, scratch, servers };
        let database = declared.database.as_ref().map(|name| self.reached(name).map(Arc::new));
        let programs = ServerPrograms::new(need.bin_dir.as_deref());
        let clock = Arc::clone(self.clock);
        let elsewhere =
            declared.copies.iter().map(|copy| self.elsewhere(declared, copy, &need.buckets));
        let elsewhere = elsewhere.collect();
        let set = BackupSet::new(declared.clone(), place, database, programs, clock);
        let set = set.copied_to(elsewhere);
        let set = match &declared.bucket {
            None => set,
            Some(name) => set.in_bucket(name, self.bucket(name, &need.buckets)),
        };
        let set = Discreet::new(set, self.redactor.clone());
        let set = Arc::new(Apart::new(set, Arc::clone(self.clock)));
        let eyes = Arc::clone(&set) as Arc<dyn BackupStore>;
        stores.eyes.backups.insert(declared.name.clone(), Ok(eyes));
        let hands = set as Arc<dyn DataStoreControl>;
        stores.hands.insert((StoreKind::Backups, declared.name.clone()), Ok(hands));
    }

    /// Another place that holds the newest backup.
    fn elsewhere(
        &self,
        declared: &DeclaredBackup,
        copy: &DeclaredCopy,
        buckets: &[StoreNeed],
    ) -> Elsewhere {
        match &copy.bucket {
            None => {
                let own = declared.folder.as_ref().map(PathBuf::from);
                let is_near = copy.medium == declared.medium();
                let unlike = own.map(if is_near { Unlike::Folder } else { Unlike::FileSystem });
                Elsewhere::Folder(copy.folder.clone().unwrap_or_default().into(), unlike)
            }
            Some(name) => Elsewhere::Bucket(name.clone(), Box::new(self.bucket(name, buckets))),
        }
    }

    /// What speaks to a bucket, of those that backups need.
    fn bucket(&self, called: &str, buckets: &[StoreNeed]) -> Sight<Client> {
        let named = |need: &&StoreNeed| match need {
            StoreNeed::Bucket { name, .. } => name == called,
            _ => false,
        };
        let need = buckets.iter().find(named);
        let need = need.ok_or_else(|| Blind::because("the settings have no such bucket"));
        need.and_then(|need| buckets::client(self.config, self.clock, need))
    }

    /// A database, whose words are cleared of secrets.
    fn database(&self, name: &str) -> Sight<Arc<Discreet<Postgres>>> {
        Ok(Arc::new(Discreet::new(self.reached(name)?, self.redactor.clone())))
    }

    fn reached(&self, name: &str) -> Sight<Postgres> {
        let variable = database_url_name(name);
        let url = self.config.given(&variable).ok_or_else(|| {
            Blind::because(format!(
                "the address of the database {name} is not given: set {variable} or {variable}_FILE"
            ))
        })?;
        let found = Postgres::new(name, url, Arc::clone(self.clock));
        found.map_err(|why| Blind::because(format!("{variable}: {why}")))
    }
}
