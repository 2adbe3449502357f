//! Restoring a backup beside what is in use, and looking whether it is whole.

use std::path::Path;
use std::sync::Arc;

use super::LedgerUpkeep;
use crate::adapters::backup::folder::{self, Tried};
use crate::adapters::private_file;
use crate::adapters::store::connection::Access;
use crate::adapters::store::files::Paths;
use crate::adapters::store::open::{SqliteStore, StoreOptions};
use crate::adapters::store::verify::{VerifyReport, verify};
use crate::domain::severity::Environment;
use crate::domain::upkeep::{Backup, Flaw, Level};
use crate::ports::processes::ActFailure;

impl LedgerUpkeep {
    /// Restores the newest backup into a folder of its own, examines it as a ledger, and writes down what was found. The
    /// folder is gone afterwards, whatever was found.
    pub(super) async fn prove(&self) -> Result<String, ActFailure> {
        let all = folder::listed(&self.backups).map_err(ActFailure::NotSent)?;
        let Some(newest) = all.first() else {
            return Err(ActFailure::NotSent("there is no backup to restore".to_owned()));
        };
        let began = self.clock.elapsed();
        let found = self.restored(newest).await.map_err(ActFailure::NotSent)?;
        let tried = Tried {
            backup: newest.name.clone(),
            taken_at: newest.taken_at,
            proved_at: self.clock.now(),
            took: self.clock.elapsed().saturating_sub(began),
            good_for: self.good_for,
        };
        let found = found.map_err(|why| Flaw::new(Level::Restored, why));
        folder::conclude(&self.backups, tried, found)
    }

    /// What a backup holds, or why it is not whole; an error where that could not be found out.
    async fn restored(&self, backup: &Backup) -> Result<Result<String, String>, String> {
        if let Some(fault) = folder::fault(&self.backups, backup) {
            return Ok(Err(fault));
        }
        private_file::folder(&self.backups)
            .map_err(|error| format!("{} cannot be made: {error}", self.backups.display()))?;
        let scratch = tempfile::Builder::new().prefix(".restore-").tempdir_in(&self.backups);
        let scratch = scratch.map_err(|error| format!("no folder can be made: {error}"))?;
        let place = Paths::of(scratch.path()).ledger;
        std::fs::copy(self.backups.join(&backup.name), place)
            .map_err(|error| format!("it cannot be copied: {error}"))?;
        let found = self.examined(scratch.path()).await;
        scratch.close().map_err(|error| format!("its folder cannot be taken away: {error}"))?;
        Ok(found)
    }

    async fn examined(&self, folder: &Path) -> Result<String, String> {
        let store = SqliteStore::open(StoreOptions {
            state_dir: folder.to_owned(),
            environment: Environment::Production,
            host: String::new(),
            roster: Vec::new(),
            notices: None,
            access: Access::ReadOnly,
            clock: Arc::clone(&self.clock),
        });
        let store = store.await.map_err(|error| error.to_string())?;
        let ledger = store.ledger_id().to_owned();
        let found = verify(&store).await.map_err(|error| error.to_string());
        let _nothing_is_lost = store.close().await;
        let VerifyReport { events, entities, findings, .. } = found?;
        if let Some(first) = findings.first() {
            return Err(first.to_string());
        }
        let live = self.ledger_id().await?;
        if live != ledger {
            return Err(format!("it is a backup of the ledger {ledger}, and {live} is in use"));
        }
        Ok(format!("{events} events and {entities} entities of the ledger {ledger}"))
    }

    async fn ledger_id(&self) -> Result<String, String> {
        let mut connection = self.connection(Access::ReadOnly).await?;
        let found = crate::adapters::store::schema::meta(&mut connection, "ledger_id").await;
        let _nothing_is_lost = sqlx::Connection::close(connection).await;
        found.map_err(|error| error.to_string()).map(Option::unwrap_or_default)
    }
}
