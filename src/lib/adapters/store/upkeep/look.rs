//! Looking at the ledger's file and at its backups.

use futures_util::TryStreamExt as _;
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
pub(super) struct Sizes {
    file: u64,
    log: u64,
    loose: u64,
    /// What its pages hold that are in use, those of the log among them.
    pub(super) held: u64,
}

impl LedgerUpkeep {
    pub(super) async fn connection(&self, access: Access) -> Result<SqliteConnection, String> {
        let ledger = Paths::of(&self.state).ledger;
        let opened = connect(&ledger, access, self.clock.as_ref()).await;
        opened.map_err(|error| format!("{} cannot be opened: {}", ledger.display(), told(&error)))
    }

    pub(super) async fn sizes(&self) -> Sight<Sizes> {
        let paths = Paths::of(&self.state);
        let size = |path: &std::path::Path| std::fs::metadata(path).map_or(0, |found| found.len());
        let mut connection = self.connection(Access::ReadOnly).await.map_err(Blind::because)?;
        let Pages { size: page, all, free } = pages(&mut connection).await.map_err(|error| {
            Blind::because(format!("the ledger cannot be read: {}", told(&error)))
        })?;
        close(connection).await;
        Ok(Sizes {
            file: size(&paths.ledger),
            log: size(&paths.companions()[0]),
            loose: page.saturating_mul(free),
            held: page.saturating_mul(all.saturating_sub(free)),
        })
    }

    /// What is broken in the file: the first three things.
    async fn damage(&self) -> Sight<Option<String>> {
        let mut connection = self.connection(Access::ReadOnly).await.map_err(Blind::because)?;
        let mut broken = Vec::new();
        let end = examine(&mut connection, &mut broken).await;
        close(connection).await;
        match end {
            // It names the pages, and may then give up at one of them: what it named says more than that.
            Err(error) if trouble(&error) == Trouble::Damaged && broken.is_empty() => {
                Ok(Some(told(&error)))
            }
            Err(error) if trouble(&error) != Trouble::Damaged => {
                Err(Blind::because(format!("it cannot be examined: {}", told(&error))))
            }
            Ok(()) | Err(_) => Ok((!broken.is_empty()).then(|| broken.join("; "))),
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

/// The pages of the file.
struct Pages {
    size: u64,
    all: u64,
    /// So many of them hold nothing.
    free: u64,
}

async fn pages(connection: &mut SqliteConnection) -> Result<Pages, sqlx::Error> {
    let (size, all, free): (i64, i64, i64) = sqlx::query_as(
        "SELECT page_size, page_count, freelist_count
         FROM pragma_page_size(), pragma_page_count(), pragma_freelist_count()",
    )
    .fetch_one(connection)
    .await?;
    Ok(Pages { size: size.unsigned_abs(), all: all.unsigned_abs(), free: free.unsigned_abs() })
}

/// Collects what `SQLite` finds broken, until its end or its first error.
async fn examine(
    connection: &mut SqliteConnection,
    broken: &mut Vec<String>,
) -> Result<(), sqlx::Error> {
    let mut lines = sqlx::query_as("PRAGMA integrity_check(3)").fetch(connection);
    while let Some((line,)) = lines.try_next().await? {
        if line != "ok" {
            broken.push(line);
        }
    }
    Ok(())
}

/// Closes a connection that nothing was written by.
async fn close(connection: SqliteConnection) {
    let _nothing_is_lost = connection.close().await;
}

#[cfg(test)]
mod tests {
    use sqlx::ConnectOptions as _;

    use super::*;

    #[tokio::test]
    async fn an_index_that_says_something_else_is_damage_though_every_page_is_sound() {
        let folder = tempfile::tempdir().unwrap();
        let file = sqlx::sqlite::SqliteConnectOptions::new().filename(folder.path().join("a.db"));
        let file = file.create_if_missing(true);
        let ask = async |script: &'static str| {
            let mut connection = file.connect().await.unwrap();
            let mut broken = Vec::new();
            sqlx::raw_sql(script).execute(&mut connection).await.unwrap();
            examine(&mut connection, &mut broken).await.unwrap();
            connection.close().await.unwrap();
            broken
        };
        let sound =
            "CREATE TABLE one (a); CREATE INDEX by_a ON one (a); INSERT INTO one VALUES (1)";
        assert_eq!(ask(sound).await, Vec::<String>::new());
        ask("PRAGMA writable_schema = ON;
             CREATE TABLE kept AS SELECT * FROM sqlite_schema WHERE name = 'by_a';
             DELETE FROM sqlite_schema WHERE name = 'by_a'")
        .await;
        // Nothing writes it meanwhile.
        ask("UPDATE one SET a = 2; PRAGMA writable_schema = ON;
             INSERT INTO sqlite_schema SELECT * FROM kept")
        .await;
        let broken = ask("SELECT 1").await;
        assert!(broken.iter().any(|line| line.contains("by_a")), "{broken:?}");
    }
}
