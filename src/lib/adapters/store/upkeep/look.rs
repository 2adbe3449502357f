//! Looking at the ledger's file and at its backups.

use sqlx::{Connection, SqliteConnection};

use super::LedgerUpkeep;
use crate::adapters::backup::folder;
use crate::adapters::store::connection::{Access, Trouble, connect, told, trouble};
use crate::adapters::store::files::Paths;
use crate::domain::operation::{DataKind, DataRef, DataState, Measure};
use crate::domain::sight::{Blind, Sight};
use crate::domain::upkeep::LedgerLook;
use crate::ports::Pending;
use crate::ports::data_store::LedgerStore;

impl LedgerStore for LedgerUpkeep {
    fn look(&self) -> Pending<'_, Sight<LedgerLook>> {
        Box::pin(async move {
            let file = self.sizes().await?;
            let damage = self.damage().await?;
            let mut backups = folder::listed(&self.backups).map_err(Blind::because)?;
            // Only the newest is read whole: it is the one that counts.
            if let Some(newest) = backups.first_mut() {
                newest.fault = folder::fault(&self.backups, newest);
            }
            let proof = folder::proof(&self.backups).map_err(Blind::because)?;
            Ok(LedgerLook {
                size_bytes: file.file,
                wal_bytes: file.log,
                loose_bytes: file.loose,
                damage,
                backups,
                proof,
                proved: folder::proved(&self.backups).map_err(Blind::because)?,
            })
        })
    }
}

/// The sizes of the file.
struct Sizes {
    file: u64,
    log: u64,
    loose: u64,
}

impl LedgerUpkeep {
    pub(super) async fn connection(&self, access: Access) -> Result<SqliteConnection, String> {
        let ledger = Paths::of(&self.state).ledger;
        let opened = connect(&ledger, access, self.clock.as_ref()).await;
        opened.map_err(|error| format!("{} cannot be opened: {}", ledger.display(), told(&error)))
    }

    async fn sizes(&self) -> Sight<Sizes> {
        let paths = Paths::of(&self.state);
        let size = |path: &std::path::Path| std::fs::metadata(path).map_or(0, |found| found.len());
        let mut connection = self.connection(Access::ReadOnly).await.map_err(Blind::because)?;
        let (page, free) = loose(&mut connection).await.map_err(|error| {
            Blind::because(format!("the ledger cannot be read: {}", told(&error)))
        })?;
        close(connection).await;
        Ok(Sizes {
            file: size(&paths.ledger),
            log: size(&paths.companions()[0]),
            loose: page.saturating_mul(free),
        })
    }

    /// What is broken in the file: the first three things.
    async fn damage(&self) -> Sight<Option<String>> {
        let mut connection = self.connection(Access::ReadOnly).await.map_err(Blind::because)?;
        let found: Result<Vec<(String,)>, sqlx::Error> =
            sqlx::query_as("PRAGMA quick_check(3)").fetch_all(&mut connection).await;
        close(connection).await;
        match found {
            Ok(lines) => {
                let broken = lines.into_iter().map(|(line,)| line).filter(|line| line != "ok");
                let broken: Vec<String> = broken.collect();
                Ok((!broken.is_empty()).then(|| broken.join("; ")))
            }
            Err(error) if trouble(&error) == Trouble::Damaged => Ok(Some(told(&error))),
            Err(error) => Err(Blind::because(format!("it cannot be examined: {}", told(&error)))),
        }
    }

    /// An object of the store as it is now.
    pub(super) async fn state_of(&self, data: &DataRef) -> Sight<Option<DataState>> {
        let mut state =
            DataState { data: data.clone(), measures: std::collections::BTreeMap::new() };
        let mut put = |measure: Measure, value: String| state.measures.insert(measure, value);
        match data.kind {
            DataKind::Database => {
                let file = self.sizes().await?;
                put(Measure::SizeBytes, file.file.to_string());
                put(Measure::WalBytes, file.log.to_string());
                put(Measure::LooseBytes, file.loose.to_string());
            }
            DataKind::Backups => {
                let all = folder::listed(&self.backups).map_err(Blind::because)?;
                put(Measure::Count, all.len().to_string());
                if let Some(newest) = all.first() {
                    put(Measure::TakenAt, newest.taken_at.to_string());
                    put(Measure::SizeBytes, newest.size_bytes.to_string());
                }
                let proved = folder::proved(&self.backups).map_err(Blind::because)?;
                if let Some(proof) = proved {
                    put(Measure::ProvedAt, proof.proved_at.to_string());
                    put(Measure::RestoreMs, proof.restore_ms.to_string());
                }
            }
            DataKind::Table
            | DataKind::Index
            | DataKind::Keyspace
            | DataKind::Logs
            | DataKind::Log => return Ok(None),
        }
        Ok(Some(state))
    }
}

/// The size of a page, and how many of them hold nothing.
async fn loose(connection: &mut SqliteConnection) -> Result<(u64, u64), sqlx::Error> {
    let (page, free): (i64, i64) = sqlx::query_as(
        "SELECT page_size, freelist_count FROM pragma_page_size(), pragma_freelist_count()",
    )
    .fetch_one(connection)
    .await?;
    Ok((page.unsigned_abs(), free.unsigned_abs()))
}

/// Closes a connection that nothing was written by.
async fn close(connection: SqliteConnection) {
    let _nothing_is_lost = connection.close().await;
}
