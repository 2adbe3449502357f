//! What is done to the ledger: written back, compacted, backed up, its old backups taken away.

use std::fs::{File, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use sqlx::{Connection, SqliteConnection};

use super::LedgerUpkeep;
use crate::adapters::backup::folder;
use crate::adapters::disk_room;
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

/// Writes the log back, and tells whether all of it was: not while others read or write.
async fn written_back(connection: &mut SqliteConnection) -> Result<bool, ActFailure> {
    let (busy, _, _): (i64, i64, i64) = sqlx::query_as("PRAGMA wal_checkpoint(TRUNCATE)")
        .fetch_one(connection)
        .await
        .map_err(|error| refused(&error))?;
    Ok(busy == 0)
}

impl LedgerUpkeep {
    async fn opened(&self) -> Result<SqliteConnection, ActFailure> {
        self.connection(Access::ReadWrite).await.map_err(ActFailure::NotSent)
    }

    async fn checkpoint(&self) -> Result<String, ActFailure> {
        let mut connection = self.opened().await?;
        let emptied = written_back(&mut connection).await?;
        let _nothing_is_lost = connection.close().await;
        if !emptied {
            return Err(ActFailure::NotSent("others are at work in it".to_owned()));
        }
        Ok("written back, and the log is empty".to_owned())
    }

    async fn compact(&self) -> Result<String, ActFailure> {
        self.has_room().await.map_err(ActFailure::NotSent)?;
        let mut connection = self.opened().await?;
        sqlx::query("VACUUM").execute(&mut connection).await.map_err(|error| refused(&error))?;
        // The new pages are in the log: the file itself is as large as before until they are written back.
        let emptied = written_back(&mut connection).await?;
        let _nothing_is_lost = connection.close().await;
        let said = "written anew without what held nothing";
        if !emptied {
            return Ok(format!("{said}; it becomes smaller once nobody reads the old one"));
        }
        Ok(said.to_owned())
    }

    /// What is in use must be free twice more: `SQLite` writes it to a copy among its temporary files, which may lie on the same
    /// disk, and once more into the log.
    async fn has_room(&self) -> Result<(), String> {
        let held = self.sizes().await.map_err(|blind| blind.why)?.held;
        disk_room::has_room(&self.state, held.saturating_mul(2), "compacting may take")
    }

    async fn back_up(&self) -> Result<String, ActFailure> {
        private_file::folder(&self.backups).map_err(|error| folder::unwritten(&error))?;
        // Beside it, where the ledger is written to meanwhile: a backup must not be what stops that.
        let held = self.sizes().await.map_err(|blind| ActFailure::NotSent(blind.why))?.held;
        disk_room::has_room_beside(&self.backups, held, "a backup may take")
            .map_err(ActFailure::Refused)?;
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
                etag: None,
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
        let good = folder::newest_good(&self.backups, &all);
        let gone = folder::past_retention(&all, good, self.keep, &self.backups)?;
        for backup in &gone {
            folder::remove(&self.backups, backup).map_err(|error| folder::unwritten(&error))?;
        }
        Ok(format!("{} taken away, {} stay", gone.len(), all.len() - gone.len()))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use sqlx::ConnectOptions as _;

    use super::*;
    use crate::adapters::store::files::Paths;
    use crate::adapters::system_clock::SystemClock;

    /// Where a file says how many pages it has.
    const PAGES_AT: usize = 28;
    /// More than any disk of those who test has free.
    const PAGES: u32 = 1 << 30;

    #[tokio::test]
    async fn a_file_that_the_disk_has_no_room_for_twice_is_not_written_anew() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Paths::of(folder.path()).ledger;
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&ledger);
        let mut connection = options.create_if_missing(true).connect().await.unwrap();
        sqlx::query("CREATE TABLE one (id)").execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        let upkeep =
            LedgerUpkeep::new(folder.path(), folder.path(), Arc::new(SystemClock::default()));
        assert!(upkeep.compact().await.is_ok());
        // A file with a hole is as long as it says, and takes no room.
        let mut bytes = std::fs::read(&ledger).unwrap();
        bytes[PAGES_AT..PAGES_AT + 4].copy_from_slice(&PAGES.to_be_bytes());
        std::fs::write(&ledger, &bytes).unwrap();
        File::options().write(true).open(&ledger).unwrap().set_len(u64::from(PAGES) << 12).unwrap();
        let refused = upkeep.compact().await;
        let told = format!("compacting may take {}", u64::from(PAGES) << 13);
        match refused {
            Err(ActFailure::NotSent(why)) => assert!(why.contains(&told), "{why}"),
            other => panic!("{other:?}"),
        }
        match upkeep.back_up().await {
            Err(ActFailure::Refused(why)) => assert!(why.contains("a backup may take"), "{why}"),
            other => panic!("{other:?}"),
        }
        assert!(!upkeep.backups.join(UNFINISHED).exists());
    }
}
