//! What is done to the ledger: written back, compacted, backed up, its old backups taken away.

use std::fs::{File, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use sqlx::{Connection, SqliteConnection};

use super::LedgerUpkeep;
use crate::adapters::backup::folder;
use crate::adapters::private_file;
use crate::adapters::store::connection::{Access, Trouble, told, trouble};
use crate::adapters::store::files::{stamp, sync_folder};
use crate::domain::operation::{DataRef, DataState, Upkeep};
use crate::domain::sight::Sight;
use crate::domain::upkeep::Backup;
use crate::ports::Pending;
use crate::ports::data_store::{DataStoreControl, no_such_verb};
use crate::ports::processes::ActFailure;

/// A file that is being written; one that a crash left behind is taken away by the next backup.
const UNFINISHED: &str = ".unfinished.db";

impl DataStoreControl for LedgerUpkeep {
    fn read<'a>(&'a self, data: &'a DataRef) -> Pending<'a, Sight<Option<DataState>>> {
        Box::pin(self.state_of(data))
    }

    fn carry_out<'a>(
        &'a self,
        verb: Upkeep,
        _data: &'a DataRef,
        _time: Duration,
    ) -> Pending<'a, Result<String, ActFailure>> {
        Box::pin(async move {
            match verb {
                Upkeep::Checkpoint => self.checkpoint().await,
                Upkeep::Compact => self.compact().await,
                Upkeep::TakeBackup => self.back_up().await,
                Upkeep::PruneBackups => self.prune(),
                Upkeep::ProveRestore => self.prove().await,
                other => Err(no_such_verb(other, "the ledger")),
            }
        })
    }
}

/// An error of the database while it was asked to do something: nothing was done, or it was taken back.
fn refused(error: &sqlx::Error) -> ActFailure {
    match trouble(error) {
        Trouble::Busy => ActFailure::NotSent("others are at work in it".to_owned()),
        Trouble::Damaged | Trouble::Other => ActFailure::Refused(told(error)),
    }
}

impl LedgerUpkeep {
    async fn opened(&self) -> Result<SqliteConnection, ActFailure> {
        self.connection(Access::ReadWrite).await.map_err(ActFailure::NotSent)
    }

    async fn checkpoint(&self) -> Result<String, ActFailure> {
        let mut connection = self.opened().await?;
        let (busy, _, _): (i64, i64, i64) = sqlx::query_as("PRAGMA wal_checkpoint(TRUNCATE)")
            .fetch_one(&mut connection)
            .await
            .map_err(|error| refused(&error))?;
        let _nothing_is_lost = connection.close().await;
        if busy != 0 {
            return Err(ActFailure::NotSent("others are at work in it".to_owned()));
        }
        Ok("written back, and the log is empty".to_owned())
    }

    async fn compact(&self) -> Result<String, ActFailure> {
        let mut connection = self.opened().await?;
        sqlx::query("VACUUM").execute(&mut connection).await.map_err(|error| refused(&error))?;
        let _nothing_is_lost = connection.close().await;
        Ok("written anew without what held nothing".to_owned())
    }

    async fn back_up(&self) -> Result<String, ActFailure> {
        private_file::folder(&self.backups).map_err(|error| folder::unwritten(&error))?;
        let began = self.clock.elapsed();
        let taken_at = self.clock.now();
        let unfinished = self.backups.join(UNFINISHED);
        let _absent = std::fs::remove_file(&unfinished);
        let mut connection = self.opened().await?;
        let written = sqlx::query("VACUUM INTO $1")
            .bind(unfinished.display().to_string())
            .execute(&mut connection)
            .await;
        let _nothing_is_lost = connection.close().await;
        written.map_err(|error| refused(&error))?;
        let name = format!("ops-{}.db", stamp(taken_at));
        let kept = || -> std::io::Result<Backup> {
            std::fs::set_permissions(&unfinished, Permissions::from_mode(0o600))?;
            let file = File::open(&unfinished)?;
            file.sync_all()?;
            let size_bytes = file.metadata()?.len();
            let sha256 = folder::sha256(&unfinished)?;
            std::fs::rename(&unfinished, self.backups.join(&name))?;
            sync_folder(&self.backups)?;
            let took = self.clock.elapsed().saturating_sub(began).as_millis();
            let took_ms = u64::try_from(took).unwrap_or(u64::MAX);
            let name = name.clone();
            let backup = Backup {
                name,
                taken_at,
                size_bytes,
                sha256,
                took_ms,
                source: None,
                key_id: None,
                fault: None,
            };
            folder::keep_record(&self.backups, &backup)?;
            Ok(backup)
        };
        let backup = kept().map_err(|error| folder::unwritten(&error))?;
        Ok(format!("{} of {} bytes in {} ms", backup.name, backup.size_bytes, backup.took_ms))
    }

    /// Takes away what is past its retention.
    fn prune(&self) -> Result<String, ActFailure> {
        let all = folder::listed(&self.backups).map_err(ActFailure::Refused)?;
        let proved = folder::proved(&self.backups).map_err(ActFailure::Refused)?;
        let gone = folder::past_retention(&self.backups, &all, self.keep, proved.as_ref())?;
        for backup in &gone {
            folder::remove(&self.backups, backup).map_err(|error| folder::unwritten(&error))?;
        }
        Ok(format!("{} taken away, {} stay", gone.len(), all.len() - gone.len()))
    }
}
